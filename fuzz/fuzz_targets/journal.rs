//! A journal from anywhere: only what netswap could have written is believed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| netswap_cli::fuzzing::journal(bytes));
