//! Reads a minidump. Reading ends, and no part of the result exceeds its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap_fuzz::{ShortReader, crash};

fuzz_target!(|bytes: &[u8]| crash::minidump(bytes, &ShortReader(bytes)));
