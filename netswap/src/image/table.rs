//! Reads the tables behind the headers in small pieces, and never as much as a table claims.

use std::cell::RefCell;
use std::fmt;
use std::io;

use object::pod::{self, Pod};

use super::layout::Mapped;
use super::source::read_full;
use super::{Layout, ReadAt};

/// The reason why a table of an image can't be read.
#[derive(Debug)]
pub enum TableError {
    /// The system refused to read the file.
    Io(io::Error),
    /// The table violates the PE format. The value describes the violation.
    Malformed(&'static str),
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableError::Io(error) => error.fmt(f),
            TableError::Malformed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for TableError {}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> Self {
        TableError::Io(error)
    }
}

/// Bytes per read. One read often covers several pieces, because tables and the names that they
/// point to are close together.
const WINDOW: usize = 4096;

/// A reader of small pieces of a file. It takes most of them from the bytes that it read for the
/// piece before.
pub struct WindowedReader<'a, R: ?Sized> {
    file: &'a R,
    window: RefCell<(u64, Vec<u8>)>,
}

impl<'a, R: ReadAt + ?Sized> WindowedReader<'a, R> {
    pub fn new(file: &'a R) -> Self {
        WindowedReader { file, window: RefCell::new((0, Vec::new())) }
    }

    /// Returns up to `most` bytes from this offset, limited to a window. Fewer bytes mean the end
    /// of the file.
    pub fn bytes(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let most = most.min(WINDOW);
        let mut window = self.window.borrow_mut();
        let cached = |window: &(u64, Vec<u8>)| {
            let start = usize::try_from(offset.checked_sub(window.0)?).ok()?;
            window.1.get(start..start + most).map(<[u8]>::to_vec)
        };
        if let Some(bytes) = cached(&window) {
            return Ok(bytes);
        }
        let mut bytes = vec![0; WINDOW];
        let length = read_full(self.file, &mut bytes, offset)?;
        bytes.truncate(length);
        let piece = bytes.get(..most.min(length)).unwrap_or_default().to_vec();
        *window = (offset, bytes);
        Ok(piece)
    }

    /// Returns up to `most` bytes that are mapped at a relative virtual address.
    fn mapped(&self, layout: &Layout, address: u32, most: usize) -> io::Result<Vec<u8>> {
        let Some(Mapped { offset, in_file, length }) = layout.mapped(address) else {
            return Ok(Vec::new());
        };
        let most = most.min(WINDOW).min(length as usize);
        let wanted = most.min(in_file as usize);
        let mut bytes = self.bytes(offset, wanted)?;
        // Zeros follow the bytes that a section has in the file. They must not replace bytes that
        // are missing from a truncated file.
        if bytes.len() == wanted {
            bytes.resize(most, 0);
        }
        Ok(bytes)
    }

    /// Reads the record at a relative virtual address. Returns `None` if nothing is mapped there.
    pub(super) fn record<T: Pod>(&self, layout: &Layout, address: u32) -> io::Result<Option<T>> {
        let bytes = self.mapped(layout, address, size_of::<T>())?;
        Ok(pod::from_bytes::<T>(&bytes).ok().map(|(record, _)| *record))
    }

    /// Reads the text at a relative virtual address, up to its zero byte. Returns `None` if there
    /// is no text or if it is longer than `most` bytes.
    pub(super) fn text(
        &self,
        layout: &Layout,
        address: u32,
        most: usize,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = self.mapped(layout, address, most)?;
        let end = bytes.iter().position(|byte| *byte == 0);
        Ok(end.map(|end| {
            bytes.truncate(end);
            bytes
        }))
    }
}
