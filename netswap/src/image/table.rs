//! Reading what lies behind the headers: a little at a time, and never as much as a table claims.

use std::cell::RefCell;
use std::io;

use object::pod::{self, Pod};

use super::layout::Mapped;
use super::read::read_full;
use super::{Layout, ReadAt};

/// Why a table of an image can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The system refused to read it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not as the PE format has it; what is wrong.
    #[error("{0}")]
    Malformed(&'static str),
}

/// What is read at once: tables and the names that they point to lie close together.
const WINDOW: usize = 4096;

/// Reads small pieces of a file, most of them from what was read for the piece before.
pub struct WindowedReader<'a, R: ?Sized> {
    file: &'a R,
    window: RefCell<(u64, Vec<u8>)>,
}

impl<'a, R: ReadAt + ?Sized> WindowedReader<'a, R> {
    pub fn of(file: &'a R) -> Self {
        WindowedReader { file, window: RefCell::new((0, Vec::new())) }
    }

    /// At most `most` bytes from this offset on, fewer only at the end of the file.
    pub fn bytes(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let most = most.min(WINDOW);
        let mut window = self.window.borrow_mut();
        let held = |window: &(u64, Vec<u8>)| {
            let start = usize::try_from(offset.checked_sub(window.0)?).ok()?;
            window.1.get(start..start + most).map(<[u8]>::to_vec)
        };
        if let Some(bytes) = held(&window) {
            return Ok(bytes);
        }
        let mut bytes = vec![0; WINDOW];
        let length = read_full(self.file, &mut bytes, offset)?;
        bytes.truncate(length);
        let piece = bytes.get(..most.min(length)).unwrap_or_default().to_vec();
        *window = (offset, bytes);
        Ok(piece)
    }

    /// At most `most` bytes that are mapped at a relative virtual address.
    fn mapped(&self, layout: &Layout, address: u32, most: usize) -> io::Result<Vec<u8>> {
        let Some(Mapped { offset, in_file, length }) = layout.mapped(address) else {
            return Ok(Vec::new());
        };
        let most = most.min(WINDOW).min(length as usize);
        let wanted = most.min(in_file as usize);
        let mut bytes = self.bytes(offset, wanted)?;
        // Behind what a section has in the file are zeros, but not in the place of what was cut off.
        if bytes.len() == wanted {
            bytes.resize(most, 0);
        }
        Ok(bytes)
    }

    /// The record at a relative virtual address. `None`: nothing is mapped there.
    pub(super) fn record<T: Pod>(&self, layout: &Layout, address: u32) -> io::Result<Option<T>> {
        let bytes = self.mapped(layout, address, size_of::<T>())?;
        Ok(pod::from_bytes::<T>(&bytes).ok().map(|(record, _)| *record))
    }

    /// The text at a relative virtual address, up to its zero byte. `None`: there is none, or it is
    /// longer than `most` bytes.
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
