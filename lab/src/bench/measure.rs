//! The measured programs, and the resources that each run uses.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::c::compiled;
use crate::process::{cargo, check, output, root};
use testkit::image::{Image, NET, Sum};

/// A program and its arguments.
pub(crate) type Words = Vec<OsString>;

/// Builds a program and its arguments from text or paths.
macro_rules! words {
    ($($word:expr),+ $(,)?) => { vec![$(::std::ffi::OsString::from($word)),+] };
}
pub(crate) use words;

/// Returns a command's program and arguments. `env` sets its variables.
pub(crate) fn words_of(command: &Command) -> Words {
    let mut words = words!["env"];
    for (name, value) in command.get_envs() {
        let mut word = name.to_owned();
        word.push("=");
        word.push(value.unwrap_or_default());
        words.push(word);
    }
    words.push(command.get_program().to_owned());
    words.extend(command.get_args().map(ToOwned::to_owned));
    words
}

/// The resources that a run used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Used {
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
    /// Builds it.
    pub(crate) fn build() -> Result<Self, String> {
        compiled("run", &[] as &[&str]).map(Meter)
    }

    /// Runs a program to its end. A run that fails is an error.
    pub(crate) fn run(&self, words: &Words) -> Result<Used, String> {
        let line = output(Command::new(&self.0).args(words))?;
        parsed(&line).ok_or_else(|| format!("run printed {line:?}"))
    }
}

/// Reads `seconds 0.5 cpu 0.25 peak 4096 read 0`.
fn parsed(line: &str) -> Option<Used> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["seconds", seconds, "cpu", cpu, "peak", peak, "read", read] => Some(Used {
            seconds: seconds.parse().ok()?,
            cpu: cpu.parse().ok()?,
            peak: peak.parse().ok()?,
            read: read.parse().ok()?,
        }),
        _ => None,
    }
}

/// Builds the program that only opens, reads and closes files.
pub(crate) fn floor() -> Result<PathBuf, String> {
    compiled("floor", &[] as &[&str])
}

/// Writes a DLL of this length with the bit set and a valid `CheckSum`.
pub(crate) fn write_dll(path: &Path, length: usize) -> Result<(), String> {
    let bytes = Image::dll().with(NET).sum(Sum::Right).length(length).bytes();
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// The release build of netswap.
pub(crate) struct Netswap {
    pub(crate) path: PathBuf,
}

impl Netswap {
    /// Builds it.
    pub(crate) fn build() -> Result<Self, String> {
        let target = root().join("target");
        let build =
            ["build", "--quiet", "--release", "--locked", "-p", "netswap-cli", "--target-dir"];
        check(cargo(&build).arg(&target))?;
        Ok(Netswap { path: target.join("release").join("netswap") })
    }

    /// Returns the command that verifies a tree or a file.
    pub(crate) fn verify(&self, options: &[&str], path: &Path) -> Words {
        let mut words = words![&self.path, "verify"];
        words.extend(options.iter().map(OsString::from));
        words.push(path.into());
        words
    }
}
