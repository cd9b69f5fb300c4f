//! Makes system calls fail: loads `lab/faults/shim.c` into a program.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::NotPassed;
use crate::process::{check, is_there, root, scratch};

/// The shared library that is loaded before the program's own libraries.
pub(super) struct Shim(PathBuf);

/// The calls that fail, and how they fail.
#[derive(Clone, Copy)]
pub(super) struct Failing<'a> {
    /// `pread64`, `pwrite64` or `fdatasync`.
    pub(super) call: &'a str,
    /// A glob for the name of the file.
    pub(super) name: &'a str,
    /// How many calls succeed before the first that fails.
    pub(super) after: usize,
    /// How many bytes the failing write still writes.
    pub(super) bytes: usize,
    /// How many calls fail. `None`: all.
    pub(super) times: Option<u32>,
    /// Whether the program is killed at the failing call.
    pub(super) kill: bool,
}

impl<'a> Failing<'a> {
    /// Makes all calls of this kind fail, on files whose name matches.
    pub(super) fn all(call: &'a str, name: &'a str) -> Self {
        Failing { call, name, after: 0, bytes: 0, times: None, kill: false }
    }
}

impl Shim {
    /// Builds the library. `NotRun` gives the reason if it can't be built.
    pub(super) fn build() -> Result<Self, NotPassed> {
        if !is_there("cc") {
            return Err(NotPassed::NotRun("there is no C compiler: cc".to_owned()));
        }
        let folder = scratch("c");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let library = folder.join("shim.so");
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o"]).arg(&library);
        check(cc.arg(root().join("lab/faults/shim.c")).arg("-ldl"))?;
        Ok(Shim(library))
    }

    /// Returns the command with these calls of its program failing.
    pub(super) fn before(&self, mut command: Command, failing: Failing<'_>) -> Command {
        let Failing { call, name, after, bytes, times, kill } = failing;
        command.env("LD_PRELOAD", &self.0).env("FAULT_CALL", call).env("FAULT_NAME", name);
        command.env("FAULT_AFTER", after.to_string()).env("FAULT_BYTES", bytes.to_string());
        command.envs(times.map(|times| ("FAULT_TIMES", times.to_string())));
        command.envs(kill.then_some(("FAULT_KILL", "1")));
        command
    }
}
