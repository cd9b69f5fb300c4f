//! Reads a journal. Only entries that netswap could have written are valid.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use netswap_cli::patch::journal::{Entries, Entry};

fuzz_target!(|bytes: &[u8]| {
    let Ok(entries) = Entries::read(Path::new("fuzzed.journal"), bytes) else { return };
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
});
