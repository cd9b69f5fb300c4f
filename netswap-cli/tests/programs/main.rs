//! The programs `netswap` and `netswap-linker`, run as users run them, and the files that they read
//! and write.
//!
//! One test program holds all tests, because Cargo links and lints each further one separately.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

use serde_json::Value;
use snapbox::cmd::OutputAssert;

mod arguments;
mod cli;
mod diagnose;
mod docs;
mod generate;
mod init;
mod inspect;
// `env --default-signal` is in GNU coreutils.
#[cfg(target_os = "linux")]
mod interrupt;
#[cfg(unix)]
mod linker;
mod new;
mod patch;
mod schema;
mod share;

fn stdout(run: &OutputAssert) -> String {
    String::from_utf8(run.get_output().stdout.clone()).unwrap()
}

/// Returns the report of a program with `--format json`, which must match its schema.
fn json(run: &OutputAssert) -> Value {
    schema::parse_document(&stdout(run))
}

/// Returns the objects of a program with `--format ndjson`, which must match their schema.
fn ndjson(run: &OutputAssert) -> Vec<Value> {
    schema::parse_lines(&stdout(run))
}

/// Returns the paths and statuses in this list of a JSON report.
fn statuses(run: &OutputAssert, list: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let report = json(run);
    let items = report[list].as_array().unwrap().iter();
    items.map(|item| (text(&item["path"]), text(&item["status"]))).collect()
}

/// Encodes a text in UTF-16 with a byte order mark.
fn utf_16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[cfg(unix)]
fn make_pipe(path: &std::path::Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}
