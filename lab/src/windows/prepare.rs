//! Compiles in advance the parts that the tests build first.

use std::thread;

use super::toolchain::{GNU, GNULLVM, MSVC, Toolchain, XTASK, in_cargo, with_std};
use super::{Debian, Zig, netswap, target_dir};
use crate::examples::EXAMPLES;
use crate::process::{check, everything, root};
use crate::released::released;

/// A library of an example. No test reads it, so building it cannot disturb a test that is running.
const LIBRARY: (&str, &str) = ("workspace-tools", "greetings");

/// Compiles the slow parts in the folders where the tests build them, so that Cargo and zig need
/// not build them again.
pub(crate) fn prepare() -> Result<(), String> {
    let toolchain = Toolchain { debian: Debian::find()? };
    let by_zig = || Zig::find()?.prepare(&target_dir(), &toolchain.debian);
    thread::scope(|scope| {
        // zig uses one processor for two minutes.
        let zig = scope.spawn(by_zig);
        let cargo = by_cargo(&toolchain);
        let zig = zig.join().unwrap_or_else(|_| Err("a thread has panicked".to_owned()));
        cargo.and(zig)
    })
}

/// Compiles std for each target, the xtasks of the examples, and netswap.exe.
fn by_cargo(toolchain: &Toolchain) -> Result<(), String> {
    let linker = released("netswap-linker")?;
    let (example, library) = LIBRARY;
    for target in [MSVC, GNULLVM, GNU] {
        let mut cargo = toolchain.cargo(target, &root().join("examples").join(example));
        if target == GNU {
            cargo.env(in_cargo(GNU, "LINKER"), &linker);
        }
        cargo.args(["build", "--locked", "--quiet", "--package", library]).args(with_std(target));
        check(cargo.env("CARGO_TARGET_DIR", target_dir()))?;
    }
    for example in &EXAMPLES {
        let mut cargo = toolchain.cargo(MSVC, &example.folder());
        // `cargo build --package xtask` would select other features of its dependencies than `cargo
        // xtask` does.
        cargo.args(XTASK).args(["verify", "--locked", "--help"]);
        everything(cargo.env("CARGO_TARGET_DIR", target_dir()))?;
    }
    check(&mut netswap::build(toolchain))
}
