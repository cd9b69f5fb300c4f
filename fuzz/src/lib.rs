//! Checks of the fuzz targets, and a reader that returns few bytes at a time.

pub mod crash;
pub mod linker;

use std::io;

use netswap::image::{Layout, ReadAt};

/// Returns the layout of an image, or `None` for any other input.
pub fn layout(bytes: &[u8]) -> Option<Layout> {
    Layout::read(bytes).ok().flatten()
}

/// A reader that returns the bytes in short reads that end at odd offsets, as a share may do.
#[derive(Clone, Copy, Debug)]
pub struct ShortReader<'a>(pub &'a [u8]);

/// The maximum length of a read. It is prime, so each read has fields at other offsets.
const MAX_READ: usize = 251;

impl ReadAt for ShortReader<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = buffer.len().min(MAX_READ);
        self.0.read_at(&mut buffer[..length], offset)
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }
}
