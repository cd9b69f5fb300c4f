//! The exit code of a program that verifies.

/// The exit codes of `netswap` and of a project's `cargo xtask verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// 0: every image was read and passed, or is allowed to differ.
    Passed = 0,
    /// 1: at least one image is at fault.
    Findings = 1,
    /// 2: wrong usage or configuration, a failed build, or something that could not be read.
    Error = 2,
    /// 3: there was no image to verify. A check that examined nothing has not passed.
    NothingToVerify = 3,
    /// 130: interrupted before the end, for example by Ctrl-C. It is the code that Unix shells
    /// report for a program that Ctrl-C has ended. `netswap` uses it on every system.
    Interrupted = 130,
}

impl ExitCode {
    /// Returns the more severe of the two. `NothingToVerify` is the least severe.
    #[doc(hidden)]
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let badness = |code| match code {
            ExitCode::NothingToVerify => 0,
            ExitCode::Passed => 1,
            ExitCode::Findings => 2,
            ExitCode::Error => 3,
            ExitCode::Interrupted => 4,
        };
        if badness(other) > badness(self) { other } else { self }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code as u8)
    }
}
