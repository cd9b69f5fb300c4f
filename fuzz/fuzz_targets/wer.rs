//! Reads a Windows Error Reporting report from any source: its text gives the same result in each
//! encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| netswap_cli::fuzzing::wer(bytes));
