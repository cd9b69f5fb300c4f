//! What the fuzz targets share: an image to begin with, and a reader that gives little at a time.

use std::io;

use netswap::image::{Layout, ReadAt};

/// The layout of an image; `None` for all other bytes.
pub fn layout(bytes: &[u8]) -> Option<Layout> {
    Layout::read(bytes).ok().flatten()
}

/// The bytes, in reads that are short and end at odd places, as a share may answer.
#[derive(Clone, Copy, Debug)]
pub struct Short<'a>(pub &'a [u8]);

/// A prime, so that no field is met at the same place of a read twice in a row.
const AT_MOST: usize = 251;

impl ReadAt for Short<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = buffer.len().min(AT_MOST);
        self.0.read_at(&mut buffer[..length], offset)
    }
}
