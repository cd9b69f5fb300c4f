//! The crates as they are published: packed, unpacked, and built from their packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::NotPassed;
use crate::env::variable;
use crate::files::{at, create_folder, remove_folder, scratch};
use crate::process::{self, cargo};

/// Packs netswap-build, unpacks it below `folder` and returns the unpacked package's folder.
/// Includes uncommitted changes, so that the current code is tested.
pub(crate) fn netswap_build(folder: &Path) -> Result<PathBuf, String> {
    let package = ["package", "--quiet", "--no-verify", "--allow-dirty", "-p", "netswap-build"];
    let target = scratch("published");
    process::check(cargo(&package).arg("--target-dir").arg(&target))?;
    let name = concat!("netswap-build-", env!("CARGO_PKG_VERSION"));
    let archive = target.join("package").join(format!("{name}.crate"));
    let folder = create_folder(folder.to_owned())?;
    // A .crate is a compressed tar.
    process::check(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&folder))?;
    Ok(folder.join(name))
}

/// Packs the published crates with uncommitted changes, and builds each from its package.
pub fn check() -> Result<(), NotPassed> {
    let target = scratch("packed");
    // Cargo does not compile a package from a registry again, even if the package has changed.
    remove_folder(&target)?;
    remove_unpacked_packages()?;
    let mut package = cargo(&["package", "--quiet", "--locked", "--allow-dirty"]);
    package.args(["-p", "netswap-build", "-p", "netswap", "-p", "netswap-cli"]);
    Ok(process::check(package.env("CARGO_TARGET_DIR", target))?)
}

/// Removes netswap's packages that an earlier `cargo package` unpacked into Cargo's home.
///
/// Cargo identifies an unpacked package by its registry, name and version, and does not notice that
/// its content has changed. The registry of `cargo package` is a folder, so Cargo's name for it
/// begins with a hyphen. The names of other registries begin with a host.
fn remove_unpacked_packages() -> Result<(), String> {
    let home = variable("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let Some(registries) = home.and_then(|home| home.join("registry/src").read_dir().ok()) else {
        return Ok(());
    };
    let starts_with = |path: &Path, start: &str| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
    };
    let registries = registries.flatten().map(|entry| entry.path());
    for registry in registries.filter(|path| starts_with(path, "-")) {
        let packages = registry.read_dir().map_err(at(&registry))?.flatten();
        for package in packages.map(|entry| entry.path()) {
            if starts_with(&package, "netswap") {
                remove_folder(&package)?;
            }
        }
    }
    Ok(())
}
