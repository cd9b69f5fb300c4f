//! Builds programs with std for the MinGW targets and runs them as Windows programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::links::{DLL, link};
use super::seen::{Seen, SetBy, characteristics};
use super::toolchain::{GNU, GNULLVM, in_cargo, with_std};
use super::wine::{SHARE, windows};
use super::zig::Zig;
use super::{Setup, Told, ran, target_dir};
use crate::examples::HELLO_TOOL;
use crate::process::everything;

const IMAGE: &str = "hello-tool.exe";

pub(super) fn gnullvm(setup: &Setup<'_>) -> Result<Told, String> {
    let cargo = |netswap: &str| {
        let mut cargo = setup.toolchain.cargo(GNULLVM, &HELLO_TOOL.folder());
        cargo.arg("build").env("NETSWAP", netswap);
        cargo
    };
    let seen = built_and_run(setup, GNULLVM, "LLD behind clang", &cargo)?;
    told(seen, |set_by| matches!(set_by, SetBy::Argument(_)))
}

pub(super) fn gnu(setup: &Setup<'_>) -> Result<Told, String> {
    let gcc = setup.debian().script("x86_64-w64-mingw32-gcc");
    let cargo = |netswap: &str| {
        let mut cargo = setup.toolchain.cargo(GNU, &HELLO_TOOL.folder());
        cargo.env(in_cargo(GNU, "LINKER"), &setup.linker).env("NETSWAP_LINKER", &gcc);
        cargo.arg("build").env("NETSWAP", netswap);
        cargo
    };
    let seen = built_and_run(setup, GNU, "GNU ld behind gcc", &cargo)?;
    told(seen, |set_by| *set_by == SetBy::Linker)
}

/// Builds with cargo-zigbuild, as its users do.
///
/// cargo-zigbuild uses the linker that the environment names. The linker that it would otherwise
/// run is available as a separate command.
pub(super) fn zig(setup: &Setup<'_>) -> Result<Told, String> {
    let zig = Zig::find()?;
    let linker = zig.linker(&target_dir(), setup.debian())?;
    let cargo = |netswap: &str| {
        let mut cargo = setup.toolchain.cargo(GNU, &HELLO_TOOL.folder());
        cargo.env(in_cargo(GNU, "LINKER"), &setup.linker).env("NETSWAP_LINKER", &linker);
        cargo.env("NETSWAP", netswap);
        zig.build_in_place_of(&cargo)
    };
    let seen = built_and_run(setup, GNU, "zig cc, by cargo-zigbuild", &cargo)?;
    told(seen, |set_by| *set_by == SetBy::Linker)
}

/// Builds without netswap-linker, with cargo-zigbuild's own linker.
pub(super) fn zig_alone(setup: &Setup<'_>) -> Result<Told, String> {
    let zig = Zig::find()?;
    let linker = zig.linker(&target_dir(), setup.debian())?;
    let set = |cargo: &mut Command| {
        cargo.env(in_cargo(GNU, "LINKER"), &linker);
        cargo.env(in_cargo(GNU, "RUSTFLAGS"), "-Cpanic=abort -Clink-arg=-nostartfiles");
        zig.provide(cargo);
    };
    let seen = link(&DLL, GNU, "zig cc", &set)?;
    told(seen, |set_by| *set_by == SetBy::Nothing)
}

fn told(seen: Seen, is_expected: fn(&SetBy) -> bool) -> Result<Told, String> {
    if !is_expected(&seen.set_by) {
        return Err(format!("{:?} sets the bit", seen.set_by));
    }
    let text = format!("NETSWAP=off leaves {:#06x}, else {:#06x}", seen.off, seen.on);
    Ok(Told::new(text, vec![seen]))
}

/// Builds the tool with and without the bit, using this Cargo command, and runs it from the share.
fn built_and_run(
    setup: &Setup<'_>,
    target: &str,
    linked_by: &str,
    cargo: &dyn Fn(&str) -> Command,
) -> Result<Seen, String> {
    // Cleans the package first, because an existing build does not show which linker made it.
    let mut clean = setup.toolchain.cargo(target, &HELLO_TOOL.folder());
    clean.args(["clean", "--quiet", "--package", HELLO_TOOL.name, "--target", target]);
    everything(clean.env("CARGO_TARGET_DIR", target_dir()))?;
    let build = |netswap: &str| {
        let mut cargo = cargo(netswap);
        cargo.args(["--quiet", "--locked"]).args(with_std(target));
        everything(cargo.env("CARGO_TARGET_DIR", target_dir()))?;
        let program = target_dir().join(target).join("debug").join(IMAGE);
        let place = setup.wine.share().join("targets").join(IMAGE);
        fs::create_dir_all(place.parent().unwrap_or(&place)).map_err(|error| error.to_string())?;
        fs::copy(&program, &place).map_err(|error| format!("{}: {error}", program.display()))?;
        let started = windows(SHARE, &Path::new("targets").join(IMAGE));
        ran(setup.wine.command(&started).arg("Ada"))?.expect(0, &["Hello, Ada!\n"])?;
        characteristics(&program)
    };
    let off = build("off")?;
    let on = build("net")?;
    let set_by = SetBy::find(HELLO_TOOL.name, &target_dir(), target)?;
    let (target, linked_by, image) = (target.to_owned(), linked_by.to_owned(), IMAGE.to_owned());
    let seen = Seen { target, linked_by, set_by, image, off, on, is_run: true };
    seen.check()?;
    Ok(seen)
}
