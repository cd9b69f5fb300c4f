//! Reads the certificate table. A well-formed table is inside the file and has the size in the
//! directory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap::image::CertificateTable;
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
    let place = layout.header.certificate_table.map(|table| (table.address, table.size));
    let is_inside = |offset, size| u64::from(offset) + u64::from(size) <= length;
    let is_signed = match table {
        CertificateTable::Absent => {
            assert_eq!(place, None);
            false
        }
        CertificateTable::Outside { offset, size } => {
            assert_eq!(place, Some((offset, size)));
            assert!(!is_inside(offset, size));
            false
        }
        CertificateTable::WellFormed { offset, size, entries } => {
            assert_eq!(place, Some((offset, size)));
            assert!(is_inside(offset, size));
            assert!(entries >= 1 && entries <= size / 8);
            true
        }
        CertificateTable::Malformed { offset, size, why } => {
            assert_eq!(place, Some((offset, size)));
            assert!(is_inside(offset, size) && !why.is_empty());
            true
        }
    };
    // Everything that asks whether the file is signed gets the same answer.
    assert_eq!(layout.header.signed, is_signed);
});
