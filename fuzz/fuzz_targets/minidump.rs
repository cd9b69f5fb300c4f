//! Reads a minidump from any source: reading ends, and no part of the result exceeds its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap_fuzz::Short;

fuzz_target!(|bytes: &[u8]| netswap_cli::fuzzing::minidump(bytes, &Short(bytes)));
