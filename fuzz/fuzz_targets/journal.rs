//! Reads a journal from any source: only entries that netswap could have written are accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| netswap_cli::fuzzing::journal(bytes));
