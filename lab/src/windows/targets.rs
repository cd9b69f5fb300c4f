//! Builds programs with std for the MinGW targets and runs them as Windows programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::link_result::{LinkResult, SetBy, characteristics};
use super::links::{DLL, link};
use super::std_targets::{GNU, GNULLVM, cargo_variable, with_std};
use super::wine::{SHARE, windows_path};
use super::zig::Zig;
use super::{Evidence, Setup, run_program, target_dir};
use crate::examples::HELLO_TOOL;
use crate::files::{at, create_folder};
use crate::process::all_output;

const IMAGE: &str = "hello-tool.exe";

pub(super) fn gnullvm(setup: &Setup<'_>) -> Result<Evidence, String> {
    let cargo = |netswap: &str| {
        let mut cargo = setup.debian.cargo(GNULLVM, &HELLO_TOOL.folder());
        cargo.arg("build").env("NETSWAP", netswap);
        cargo
    };
    let result = build_and_run(setup, GNULLVM, "LLD behind clang", &cargo)?;
    check(result, |set_by| matches!(set_by, SetBy::Argument(_)))
}

pub(super) fn gnu(setup: &Setup<'_>) -> Result<Evidence, String> {
    let gcc = setup.debian.script("x86_64-w64-mingw32-gcc");
    let cargo = |netswap: &str| {
        let mut cargo = setup.debian.cargo(GNU, &HELLO_TOOL.folder());
        cargo.env(cargo_variable(GNU, "LINKER"), &setup.linker).env("NETSWAP_LINKER", &gcc);
        cargo.arg("build").env("NETSWAP", netswap);
        cargo
    };
    let result = build_and_run(setup, GNU, "GNU ld behind gcc", &cargo)?;
    check(result, |set_by| *set_by == SetBy::Linker)
}

/// Builds with cargo-zigbuild, as its users do.
///
/// cargo-zigbuild uses the linker that the environment names. The linker that it would otherwise
/// run is available as a separate command.
pub(super) fn zig(setup: &Setup<'_>) -> Result<Evidence, String> {
    let zig = Zig::find()?;
    let linker = zig.linker(&target_dir(), setup.debian)?;
    let cargo = |netswap: &str| {
        let mut cargo = setup.debian.cargo(GNU, &HELLO_TOOL.folder());
        cargo.env(cargo_variable(GNU, "LINKER"), &setup.linker).env("NETSWAP_LINKER", &linker);
        cargo.env("NETSWAP", netswap);
        zig.zigbuild(&cargo)
    };
    let result = build_and_run(setup, GNU, "zig cc, by cargo-zigbuild", &cargo)?;
    check(result, |set_by| *set_by == SetBy::Linker)
}

/// Builds without netswap-linker, with cargo-zigbuild's own linker.
pub(super) fn zig_alone(setup: &Setup<'_>) -> Result<Evidence, String> {
    let zig = Zig::find()?;
    let linker = zig.linker(&target_dir(), setup.debian)?;
    let configure = |cargo: &mut Command| {
        cargo.env(cargo_variable(GNU, "LINKER"), &linker);
        cargo.env(cargo_variable(GNU, "RUSTFLAGS"), "-Cpanic=abort -Clink-arg=-nostartfiles");
        zig.set_paths(cargo);
    };
    let result = link(&DLL, GNU, "zig cc", &configure)?;
    check(result, |set_by| *set_by == SetBy::Nothing)
}

/// Checks that the right argument or program sets the bit.
fn check(result: LinkResult, is_expected: fn(&SetBy) -> bool) -> Result<Evidence, String> {
    let LinkResult { off, on, set_by, .. } = &result;
    ensure!(is_expected(set_by), "the bit is set by {set_by:?}");
    let summary = format!("Characteristics {on:#06x}, with NETSWAP=off {off:#06x}");
    Ok(Evidence::new(summary, vec![result]))
}

/// Builds the tool with and without the bit, using this Cargo command, and runs it from the share.
fn build_and_run(
    setup: &Setup<'_>,
    target: &str,
    linked_by: &'static str,
    cargo: &dyn Fn(&str) -> Command,
) -> Result<LinkResult, String> {
    // Cleans the package first, because Cargo would reuse an image of another linker.
    let mut clean = setup.debian.cargo(target, &HELLO_TOOL.folder());
    all_output(clean.args(["clean", "--quiet", "--package", HELLO_TOOL.name, "--target", target]))?;
    let build = |netswap: &str| {
        let mut cargo = cargo(netswap);
        all_output(cargo.args(["--quiet", "--locked"]).args(with_std(target)))?;
        let program = target_dir().join(target).join("debug").join(IMAGE);
        let folder = create_folder(setup.wine.share().join("targets"))?;
        fs::copy(&program, folder.join(IMAGE)).map_err(at(&program))?;
        let path = windows_path(SHARE, &Path::new("targets").join(IMAGE));
        run_program(setup.wine.command(&path).arg("Ada"))?.expect(0, &["Hello, Ada!\n"])?;
        characteristics(&program)
    };
    let (off, on) = (build("off")?, build("net")?);
    let set_by = SetBy::find(HELLO_TOOL.name, &target_dir(), target)?;
    let (target, image) = (target.to_owned(), IMAGE.to_owned());
    LinkResult { target, linked_by, set_by, image, off, on, is_run: true }.checked()
}
