//! Reads a linker's arguments and response files. Every word that is read is in the input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap_fuzz::linker;

fuzz_target!(|bytes: &[u8]| linker::check(bytes));
