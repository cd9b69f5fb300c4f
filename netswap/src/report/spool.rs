//! Report lines that are printed after all others.

use std::io::{self, BufWriter, Seek, Write};

use tempfile::SpooledTempFile;

/// Maximum size in memory, in bytes. A longer text goes to a temporary file.
const IN_MEMORY: usize = 1 << 20;

/// Text to print later: in memory if it is short, else in a temporary file.
pub struct SpoolFile {
    store: BufWriter<SpooledTempFile>,
    is_empty: bool,
}

impl Default for SpoolFile {
    fn default() -> Self {
        SpoolFile { store: BufWriter::new(SpooledTempFile::new(IN_MEMORY)), is_empty: true }
    }
}

impl SpoolFile {
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    pub fn write_to(self, out: &mut dyn Write) -> io::Result<()> {
        let mut store = self.store.into_inner()?;
        store.rewind()?;
        io::copy(&mut store, out)?;
        Ok(())
    }
}

impl Write for SpoolFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_empty = false;
        self.store.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.store.flush()
    }
}
