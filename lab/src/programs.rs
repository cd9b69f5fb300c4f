//! Builds of netswap's own programs.

use std::path::PathBuf;

use crate::files::root;
use crate::process::{cargo, check};

/// Builds netswap's programs for release and returns the path of the one with this name.
pub(crate) fn release(name: &str) -> Result<PathBuf, String> {
    build(&["--release"], "release", name)
}

/// Builds netswap's programs for debugging and returns the path of the one with this name.
pub(crate) fn debug(name: &str) -> Result<PathBuf, String> {
    build(&[], "debug", name)
}

fn build(options: &[&str], folder: &str, name: &str) -> Result<PathBuf, String> {
    let target = root().join("target");
    let mut build = cargo(&["build", "--quiet", "--locked", "-p", "netswap-cli"]);
    check(build.args(options).arg("--target-dir").arg(&target))?;
    Ok(target.join(folder).join(name).with_extension(std::env::consts::EXE_EXTENSION))
}
