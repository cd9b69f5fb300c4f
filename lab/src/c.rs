//! This repository's small C programs, compiled when they are needed.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{check, root, scratch};

/// Compiles `lab/bench/NAME.c` and returns the program's path. `Err` contains the reason for a
/// failure.
pub(crate) fn compiled<A: AsRef<OsStr>>(name: &str, arguments: &[A]) -> Result<PathBuf, String> {
    let folder = scratch("c");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let (source, program) = (root().join("lab/bench").join(format!("{name}.c")), folder.join(name));
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-pthread", "-o"]).arg(&program).arg(source);
    // The arguments follow the source, because the linker takes from a library only what earlier
    // files need.
    check(cc.args(arguments))?;
    Ok(program)
}
