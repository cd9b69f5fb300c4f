//! A minidump from anywhere: it is read to an end, and no more is said than it can hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap_fuzz::Short;

fuzz_target!(|bytes: &[u8]| netswap_cli::fuzzing::minidump(bytes, &Short(bytes)));
