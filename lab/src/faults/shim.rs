//! Makes system calls fail: loads `lab/faults/shim.c` into a program.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::NotPassed;
use crate::c;

/// The shared library that is loaded before the program's own libraries.
pub(super) struct Shim(PathBuf);

/// System calls that fail, and how they fail.
#[derive(Clone, Copy)]
pub(super) struct InjectedFault<'a> {
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

impl<'a> InjectedFault<'a> {
    /// Makes all calls of this kind fail, on files whose name matches.
    pub(super) fn all(call: &'a str, name: &'a str) -> Self {
        InjectedFault { call, name, after: 0, bytes: 0, times: None, kill: false }
    }
}

impl Shim {
    /// Builds the library. Returns `NotRun` if there is no C compiler.
    pub(super) fn build() -> Result<Self, NotPassed> {
        c::require_compiler()?;
        let arguments = ["-shared", "-fPIC", "-ldl"].map(OsString::from);
        Ok(Shim(c::compile("lab/faults/shim.c", "shim.so", &arguments)?))
    }

    /// Makes these calls of the command's program fail.
    pub(super) fn inject(&self, mut command: Command, fault: InjectedFault<'_>) -> Command {
        let InjectedFault { call, name, after, bytes, times, kill } = fault;
        command.env("LD_PRELOAD", &self.0).env("FAULT_CALL", call).env("FAULT_NAME", name);
        command.env("FAULT_AFTER", after.to_string()).env("FAULT_BYTES", bytes.to_string());
        command.envs(times.map(|times| ("FAULT_TIMES", times.to_string())));
        command.envs(kill.then_some(("FAULT_KILL", "1")));
        command
    }
}
