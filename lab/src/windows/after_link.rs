//! Checks the bit after tools that run after the link: GNU strip and objcopy, a profile that
//! strips, UPX and osslsigncode.

use std::fs;
use std::path::{Path, PathBuf};

use super::link_result::{NETWORK_BIT, characteristics};
use super::std_targets::{GNU, MSVC, with_std};
use super::wine::{SHARE, windows_path};
use super::{Evidence, Setup, UPX_PROGRAM, first_code, parse_report, run_program, target_dir};
use crate::examples::HELLO_TOOL;
use crate::files::{at, write};
use crate::outcome::Outcome;
use crate::process::{all_output, check};
use crate::signer::Signer;
use crate::tools::{Tree, UPX};

/// Builds the first example and verifies it with its own xtask.
fn verify(setup: &Setup<'_>, arguments: &[&str]) -> Result<Outcome, String> {
    let mut cargo = setup.debian.cargo(MSVC, &HELLO_TOOL.folder());
    cargo.args(["xtask", "verify", "--locked", "--quiet", "--format", "json"]).args(arguments);
    run_program(cargo.args(with_std(MSVC)))
}

fn program() -> PathBuf {
    target_dir().join(MSVC).join("debug").join("hello-tool.exe")
}

/// Runs each tool on the built program. The receipt must tell verify that the bit was lost.
pub(super) fn strip_and_objcopy(setup: &Setup<'_>) -> Result<Evidence, String> {
    let program = program();
    verify(setup, &[])?.expect_code(0)?;
    let original = fs::read(&program).map_err(at(&program))?;
    let mut results = Vec::new();
    for (tool, arguments) in [("strip", &[][..]), ("objcopy", &["--strip-debug"])] {
        let mut command = setup.debian.binutils(tool);
        check(command.args(arguments).arg(&program))?;
        let after = characteristics(&program)?;
        let outcome = verify(setup, &[])?;
        restore(&program, &original)?;
        ensure!(after & NETWORK_BIT == 0, "{tool} keeps the bit: {after:#06x}");
        let outcome = outcome.expect_code(1)?;
        if first_code(&parse_report(&outcome)?) != Some("lost-after-link") {
            let reason = format!("verify does not report lost-after-link after {tool}");
            return Err(outcome.error(&reason));
        }
        results.push(format!("{tool} leaves {after:#06x}"));
    }
    verify(setup, &[])?.expect_code(0)?;
    Ok(results.join(", ").into())
}

/// Restores the program under both of its names. Cargo does not link it again, because it takes an
/// existing file for up to date.
fn restore(program: &Path, original: &[u8]) -> Result<(), String> {
    let deps = program.with_file_name("deps").join("hello_tool.exe");
    write(&deps, original)?;
    write(program, original)
}

/// Checks that the bit survives a profile that strips. For these targets LLD itself strips.
pub(super) fn strip_profile(setup: &Setup<'_>) -> Result<Evidence, String> {
    // Strips only this package: for another profile, Cargo would build std again.
    let strip = format!("profile.dev.package.{}.strip=true", HELLO_TOOL.name);
    verify(setup, &["--config", &strip])?.expect(0, &["\"passed\""])?;
    let after = characteristics(&program())?;
    ensure!(after & NETWORK_BIT != 0, "a profile with strip = true clears the bit: {after:#06x}");
    Ok(format!("strip = true leaves {after:#06x}").into())
}

/// Checks that UPX keeps the bit, and that the packed and the unpacked tool run from the share.
pub(super) fn upx(setup: &Setup<'_>) -> Result<Evidence, String> {
    const IMAGE: &str = "packed.exe";
    verify(setup, &[])?.expect_code(0)?;
    let packed = setup.wine.share().join(IMAGE);
    fs::copy(program(), &packed).map_err(at(&packed))?;
    let upx = Tree::find(UPX)?;
    let mut results = Vec::new();
    for (state, arguments) in [("packed", &[][..]), ("unpacked", &["-d"])] {
        all_output(upx.command(UPX_PROGRAM).arg("-qqq").args(arguments).arg(&packed))?;
        let after = characteristics(&packed)?;
        if after & NETWORK_BIT == 0 {
            return Err(format!("UPX clears the bit of the {state} program: {after:#06x}"));
        }
        let path = windows_path(SHARE, Path::new(IMAGE));
        run_program(setup.wine.command(&path).arg("Ada"))?.expect(0, &["Hello, Ada!\n"])?;
        let size = fs::metadata(&packed).map_err(at(&packed))?.len();
        results.push(format!("{state} {} KiB, {after:#06x}", size / 1024));
    }
    Ok(results.join(", ").into())
}

/// Checks that osslsigncode keeps the bit, whether lld-link or netswap-linker set it.
pub(super) fn signing(_: &Setup<'_>) -> Result<Evidence, String> {
    let signer = Signer::find()?;
    let mut results = Vec::new();
    for target in [MSVC, GNU] {
        let image = target_dir().join(target).join("debug").join("hello-tool.exe");
        let before = characteristics(&image)?;
        let copy = signer.sign_with_new_key(&image)?;
        signer.check_signature(true)?;
        let after = characteristics(&copy)?;
        ensure!(
            before == after && after & NETWORK_BIT != 0,
            "{target}: signing changes Characteristics from {before:#06x} to {after:#06x}"
        );
        results.push(format!("{target} {after:#06x}"));
    }
    Ok(results.join(", ").into())
}
