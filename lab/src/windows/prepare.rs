//! Compiles in advance the parts that the tests build first.

use std::thread;

use super::std_targets::{GNU, GNULLVM, MSVC, XTASK, cargo_variable, with_std};
use super::{Debian, Zig, netswap, target_dir};
use crate::examples::EXAMPLES;
use crate::files::root;
use crate::process::{all_output, check};
use crate::programs;

/// A library of an example. No test reads it, so building it cannot disturb a test that is running.
const LIBRARY: (&str, &str) = ("workspace-tools", "greetings");

/// Compiles the slow parts in the folders where the tests build them, so that Cargo and zig need
/// not build them again.
pub(crate) fn prepare() -> Result<(), String> {
    let debian = Debian::find()?;
    thread::scope(|scope| {
        // zig uses one processor for two minutes.
        let zig = scope.spawn(|| Zig::find()?.prepare(&target_dir(), &debian));
        let cargo = prepare_with_cargo(&debian);
        let zig = zig.join().unwrap_or_else(|_| Err("a thread has panicked".to_owned()));
        cargo.and(zig)
    })
}

/// Compiles std for each target, the xtasks of the examples, and netswap.exe.
fn prepare_with_cargo(debian: &Debian) -> Result<(), String> {
    let linker = programs::release("netswap-linker")?;
    let (example, library) = LIBRARY;
    for target in [MSVC, GNULLVM, GNU] {
        let mut cargo = debian.cargo(target, &root().join("examples").join(example));
        if target == GNU {
            cargo.env(cargo_variable(GNU, "LINKER"), &linker);
        }
        cargo.args(["build", "--locked", "--quiet", "--package", library]);
        check(cargo.args(with_std(target)))?;
    }
    for example in &EXAMPLES {
        let mut cargo = debian.cargo(MSVC, &example.folder());
        // `cargo build --package xtask` would select other features than `cargo xtask`.
        all_output(cargo.args(XTASK).args(["verify", "--locked", "--help"]))?;
    }
    check(&mut netswap::build(debian))
}
