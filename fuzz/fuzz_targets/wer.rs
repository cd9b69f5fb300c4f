//! Reads a report of Windows Error Reporting. Its text has the same result in each encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap_fuzz::crash;

fuzz_target!(|bytes: &[u8]| crash::report(bytes));
