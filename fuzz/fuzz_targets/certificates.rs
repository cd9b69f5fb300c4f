//! Reads the certificate table. A well-formed table is inside the file and has the size in the
//! directory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap::image::{CertificateTable, DirectoryEntry};
use netswap_fuzz::{ShortReader, layout};

fuzz_target!(|bytes: &[u8]| {
    let Some(layout) = layout(bytes) else { return };
    let length = bytes.len() as u64;
    let read = |length| CertificateTable::read(bytes, &layout, length).expect("bytes can be read");
    let table = read(length);
    let short = CertificateTable::read(&ShortReader(bytes), &layout, length);
    assert_eq!(short.expect("bytes can be read"), table);
    // A file may become shorter after its length was read and before its content is.
    let _ = read(u64::MAX);
    let directory = layout.directory(DirectoryEntry::Certificate);
    match table {
        CertificateTable::Absent => {
            assert!(directory.is_none_or(|directory| directory.size == 0));
            assert!(!layout.header.signed);
        }
        CertificateTable::WellFormed { offset, size, entries } => {
            let directory = directory.expect("the directory has the table's address");
            assert_eq!((offset, size), (directory.address, directory.size));
            assert!(layout.header.signed);
            assert!(u64::from(offset) + u64::from(size) <= length);
            assert!(entries >= 1 && entries <= size / 8);
        }
        CertificateTable::Malformed { why, .. } => assert!(!why.is_empty()),
    }
});
