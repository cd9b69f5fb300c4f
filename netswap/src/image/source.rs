//! Sources of bytes: files, and bytes in memory.

use std::fs::File;
use std::io;

use crate::system;

/// A source of bytes that can be read at any offset: a file, or the bytes themselves.
pub trait ReadAt {
    /// Reads once from `offset` and returns the number of bytes. There can be fewer than the buffer
    /// takes, and there are none at the end.
    ///
    /// # Errors
    ///
    /// Fails if the system can't read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Returns the number of bytes.
    ///
    /// # Errors
    ///
    /// Fails if the system can't tell.
    fn length(&self) -> io::Result<u64>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        system::read_at(self, buffer, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.get(start..).unwrap_or_default();
        let bytes = rest.iter().zip(buffer).map(|(byte, place)| *place = *byte);
        Ok(bytes.count())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// Reads until the buffer is full or the file ends. Returns the number of bytes read.
pub fn read_full(
    file: &(impl ReadAt + ?Sized),
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match read_once(file, rest, offset.saturating_add(length as u64))? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

/// Reads once. Repeats the read if it was interrupted.
pub(super) fn read_once(
    file: &(impl ReadAt + ?Sized),
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            count => return count,
        }
    }
}
