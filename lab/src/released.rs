//! The release builds of netswap's programs.

use std::path::PathBuf;

use crate::process::{cargo, check, root};

/// Builds the programs and returns the path of the named one.
pub(crate) fn released(name: &str) -> Result<PathBuf, String> {
    let target = root().join("target");
    let build = ["build", "--quiet", "--release", "--locked", "-p", "netswap-cli", "--target-dir"];
    check(cargo(&build).arg(&target))?;
    Ok(target.join("release").join(name).with_extension(std::env::consts::EXE_EXTENSION))
}
