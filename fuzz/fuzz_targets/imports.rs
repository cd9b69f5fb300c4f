//! Reads the names of an image's imports. Reading ends, wherever the tables are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap_fuzz::{ShortReader, layout};

fuzz_target!(|bytes: &[u8]| {
    let Some(layout) = layout(bytes) else { return };
    let imports = netswap::image::imports(bytes, &layout).expect("bytes can be read");
    let short = netswap::image::imports(&ShortReader(bytes), &layout);
    assert_eq!(short.expect("bytes can be read"), imports);
    for import in &imports.dlls {
        assert!(!import.name.is_empty() && !import.name.contains('\0'));
    }
    assert!(imports.dlls.is_sorted_by_key(|import| import.is_delayed));
});
