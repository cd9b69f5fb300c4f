//! A linker's arguments and response files from anywhere: what is in them is read, and no more.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| netswap_cli::fuzzing::linker(bytes));
