//! The decisions for a build script, compared whole. No test uses the environment or stdout.

#![allow(clippy::unwrap_used)] // A test may.

#[cfg(feature = "cc")]
mod companion;
mod plan;

use netswap_build::{BuildEnv, Error};

const RERUN: &str = "cargo:rerun-if-env-changed=NETSWAP\n";
const MSVC: [&str; 3] = ["x86_64-pc-windows-msvc", "windows", "msvc"];
const GNU: [&str; 3] = ["x86_64-pc-windows-gnu", "windows", "gnu"];
const LINUX: [&str; 3] = ["x86_64-unknown-linux-gnu", "linux", "gnu"];

/// Returns the environment of a build script for this target, with more variables.
fn build_env([target, os, env]: [&str; 3], more: &[(&str, &str)]) -> Result<BuildEnv, Error> {
    let vars = [
        ("CARGO_PKG_NAME", "tool"),
        ("TARGET", target),
        ("OUT_DIR", "out"),
        ("CARGO_CFG_TARGET_OS", os),
        ("CARGO_CFG_TARGET_ENV", env),
        ("CARGO_CFG_TARGET_ABI", ""),
    ];
    BuildEnv::from_vars(|name| {
        let mut all = more.iter().chain(&vars);
        all.find(|var| var.0 == name).map(|var| var.1.into())
    })
}
