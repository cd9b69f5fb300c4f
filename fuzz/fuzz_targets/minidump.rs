//! Reads a minidump from any source: reading ends, and no part of the result exceeds its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap_fuzz::{Short, crash};

fuzz_target!(|bytes: &[u8]| crash::minidump(bytes, &Short(bytes)));
