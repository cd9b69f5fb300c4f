//! Measures the time and memory that a program uses.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::c;
use crate::outcome::Outcome;

/// The resources that a program used.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Wall-clock time, from before the start to after the end.
    pub(crate) seconds: f64,
    /// Processor time in seconds. Other work on a busy machine does not lengthen it.
    pub(crate) cpu: f64,
    /// The largest resident memory, in bytes.
    pub(crate) peak: f64,
    /// The bytes read from disk.
    pub(crate) read: f64,
}

/// Runs programs under `lab/bench/run.c`, which measures time close to them.
pub(crate) struct Meter(PathBuf);

impl Meter {
    pub(crate) fn build() -> Result<Self, String> {
        c::compile("lab/bench/run.c", "run", &[]).map(Meter)
    }

    /// Runs a program to its end. Another exit code than `code` is an error.
    pub(crate) fn run(&self, words: &[OsString], code: i32) -> Result<Usage, String> {
        let outcome = Outcome::run(Command::new(&self.0).args(words))?.expect_code(code)?;
        parse(&outcome.text()).ok_or_else(|| outcome.error("no measurement was printed"))
    }
}

/// Reads `seconds 0.5 cpu 0.25 peak 4096 read 0`.
fn parse(line: &str) -> Option<Usage> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["seconds", seconds, "cpu", cpu, "peak", peak, "read", read] => Some(Usage {
            seconds: seconds.parse().ok()?,
            cpu: cpu.parse().ok()?,
            peak: peak.parse().ok()?,
            read: read.parse().ok()?,
        }),
        _ => None,
    }
}
