//! netswap's programs, optimized.

use std::path::PathBuf;

use crate::process::{cargo, check, root};

/// Dependencies that run once per command or less. Optimizing them would take a third of the compile time.
const RARELY_RUN: [&str; 8] = [
    "cargo-config2",
    "cargo_metadata",
    "indicatif",
    "jiff",
    "minidump-common",
    "minijinja",
    "similar",
    "toml_edit",
];

/// Builds the programs and returns the path of one.
pub(crate) fn released(name: &str) -> Result<PathBuf, String> {
    let target = root().join("target");
    let build = ["build", "--quiet", "--release", "--locked", "-p", "netswap", "--target-dir"];
    let mut build = cargo(&build);
    build.arg(&target);
    for package in RARELY_RUN {
        build.arg("--config").arg(format!("profile.release.package.{package}.opt-level=0"));
    }
    check(&mut build)?;
    Ok(target.join("release").join(name).with_extension(std::env::consts::EXE_EXTENSION))
}
