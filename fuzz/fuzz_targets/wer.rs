//! A report of Windows Error Reporting from anywhere: its text tells the same in each encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| netswap_cli::fuzzing::wer(bytes));
