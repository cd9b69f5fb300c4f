//! Small C programs of this repository, compiled where they are needed.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{check, root, scratch};

/// Compiles `xtask/bench/NAME.c` and returns the program. `Err` says why it can't be.
pub(crate) fn compiled<A: AsRef<OsStr>>(name: &str, arguments: &[A]) -> Result<PathBuf, String> {
    let folder = scratch("c");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let (source, program) =
        (root().join("xtask/bench").join(format!("{name}.c")), folder.join(name));
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-pthread", "-o"]).arg(&program).arg(source);
    // After the source, which needs what a library in them has.
    check(cc.args(arguments))?;
    Ok(program)
}
