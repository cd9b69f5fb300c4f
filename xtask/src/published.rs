//! netswap-build as it is published: packed, and unpacked into a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{cargo, check, scratch};

/// Packs netswap-build, unpacks it below `folder` and returns the package's own folder. Includes
/// uncommitted changes, so that the current code is tested.
pub(crate) fn netswap_build(folder: &Path) -> Result<PathBuf, String> {
    let package = ["package", "--quiet", "--no-verify", "--allow-dirty", "-p", "netswap-build"];
    let target = scratch("published");
    check(cargo(&package).arg("--target-dir").arg(&target))?;
    let name = concat!("netswap-build-", env!("CARGO_PKG_VERSION"));
    let archive = target.join("package").join(format!("{name}.crate"));
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    // A .crate is a compressed tar.
    check(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder))?;
    Ok(folder.join(name))
}
