//! Reads the names of an image's imports. Reading ends, wherever the tables are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap::image::imports;
use netswap_fuzz::{ShortReader, layout};

fuzz_target!(|bytes: &[u8]| {
    let Some(layout) = layout(bytes) else { return };
    let read = imports(bytes, &layout).map_err(|error| error.to_string());
    assert_eq!(imports(&ShortReader(bytes), &layout).map_err(|error| error.to_string()), read);
    let Ok(imports) = read else { return };
    for import in &imports {
        assert!(!import.name.is_empty() && !import.name.contains('\0'));
    }
    assert!(imports.is_sorted_by_key(|import| import.is_delayed));
});
