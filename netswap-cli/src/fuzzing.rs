//! Access to private functions, for the fuzz targets.

use std::path::Path;

pub use crate::diagnose::crash::fuzzing::{minidump, report as wer};
pub use crate::linker::fuzzing::linker;
use crate::patch::journal::{Entries, Entry};

/// Reads a journal. Checks that each entry is sound, and that it is the same after it is written
/// and read again.
pub fn journal(bytes: &[u8]) {
    let Ok(entries) = Entries::read(Path::new("fuzzed.journal"), bytes) else {
        return;
    };
    for entry in entries {
        match entry {
            Ok(entry) => {
                assert!(entry.edit.is_sound() && entry.path.is_absolute());
                let mut line = entry.line().unwrap_or_default();
                assert_eq!(line.pop(), Some(b'\n'));
                assert!(!line.contains(&b'\n'));
                assert_eq!(Entry::parse(&line), Ok(entry));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
