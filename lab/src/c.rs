//! This repository's small C programs, compiled when they are needed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::NotPassed;
use crate::files::{create_folder, root, scratch};
use crate::process::{check, is_installed};

pub(crate) fn require_compiler() -> Result<(), NotPassed> {
    if is_installed("cc") {
        Ok(())
    } else {
        Err(NotPassed::NotRun("there is no C compiler: cc".to_owned()))
    }
}

/// Compiles a C file of this repository to a file of this name and returns its path.
pub(crate) fn compile(source: &str, name: &str, arguments: &[OsString]) -> Result<PathBuf, String> {
    let output = create_folder(scratch("c"))?.join(name);
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-pthread", "-o"]).arg(&output).arg(root().join(source));
    // The linker takes from a library only what earlier files need, so the source is first.
    check(cc.args(arguments))?;
    Ok(output)
}
