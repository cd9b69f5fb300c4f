//! Reads the strong name of a .NET assembly: every assembly has an answer or an error, and no other
//! file has.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap::image::strong_name;
use netswap_fuzz::{Short, layout};

fuzz_target!(|bytes: &[u8]| {
    let Some(layout) = layout(bytes) else {
        return;
    };
    let read = strong_name(bytes, &layout).map_err(|error| error.to_string());
    assert_eq!(strong_name(&Short(bytes), &layout).map_err(|error| error.to_string()), read);
    match read {
        Ok(name) => assert_eq!(name.is_some(), layout.is_managed()),
        Err(_) => assert!(layout.is_managed()),
    }
});
