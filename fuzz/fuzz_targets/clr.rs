//! Reads the strong-name state. Every .NET assembly has one, or an error. No other file has one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap::image::strong_name;
use netswap_fuzz::{ShortReader, layout};

fuzz_target!(|bytes: &[u8]| {
    let Some(layout) = layout(bytes) else { return };
    let read = strong_name(bytes, &layout).map_err(|error| error.to_string());
    assert_eq!(strong_name(&ShortReader(bytes), &layout).map_err(|error| error.to_string()), read);
    match read {
        Ok(name) => assert_eq!(name.is_some(), layout.is_managed()),
        Err(_) => assert!(layout.is_managed()),
    }
});
