//! What is written once the rest is: kept in memory while it is little, in a file when it is not.

use std::io::{self, BufWriter, Seek, Write};

use tempfile::SpooledTempFile;

/// As much is kept in memory.
const IN_MEMORY: usize = 1 << 20;

pub(super) struct Later {
    store: BufWriter<SpooledTempFile>,
    is_empty: bool,
}

impl Later {
    pub(super) fn new() -> Self {
        Later { store: BufWriter::new(SpooledTempFile::new(IN_MEMORY)), is_empty: true }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Writes all that was kept.
    pub(super) fn write_to(self, out: &mut dyn Write) -> io::Result<()> {
        let mut store = self.store.into_inner()?;
        store.rewind()?;
        io::copy(&mut store, out)?;
        Ok(())
    }
}

impl Write for Later {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_empty = false;
        self.store.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.store.flush()
    }
}
