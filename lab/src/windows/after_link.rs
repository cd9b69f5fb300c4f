//! Checks the bit after tools that run after the link: GNU strip and objcopy, a profile that
//! strips, UPX and osslsigncode.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::seen::{NETWORK_BIT, characteristics};
use super::toolchain::{GNU, MSVC, with_std};
use super::upx::Upx;
use super::wine::{SHARE, windows};
use super::{Ran, Setup, Told, ran, target_dir};
use crate::examples::HELLO_TOOL;
use crate::process::{check, everything};
use crate::signature::Tools;

/// Builds the first example and verifies it with its own xtask. Passes additional arguments to
/// Cargo.
fn verify(setup: &Setup<'_>, arguments: &[&str]) -> Result<Ran, String> {
    let mut cargo = setup.toolchain.cargo(MSVC, &HELLO_TOOL.folder());
    cargo.args(["xtask", "verify", "--locked", "--quiet", "--format", "json"]).args(arguments);
    ran(cargo.args(with_std(MSVC)).env("CARGO_TARGET_DIR", target_dir()))
}

/// Returns the path of the built program.
fn program() -> PathBuf {
    target_dir().join(MSVC).join("debug").join("hello-tool.exe")
}

/// Returns the code of the first finding in a report.
fn code(ran: &Ran) -> Result<Option<String>, String> {
    let report: Value =
        serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}: {ran:#?}"))?;
    let code = report.pointer("/images/0/findings/0/code").and_then(Value::as_str);
    Ok(code.map(str::to_owned))
}

/// Runs each tool on the program in Cargo's target folder. verify must find from the receipt that
/// the bit was lost.
pub(super) fn lost(setup: &Setup<'_>) -> Result<Told, String> {
    let program = program();
    let failed = |error: std::io::Error| format!("{}: {error}", program.display());
    verify(setup, &[])?.expect(0, &[])?;
    let built = fs::read(&program).map_err(failed)?;
    let mut told = Vec::new();
    for (tool, arguments) in [("strip", &[][..]), ("objcopy", &["--strip-debug"])] {
        let mut command = setup.debian().binutils(tool);
        check(command.args(arguments).arg(&program))?;
        let after = characteristics(&program)?;
        let judged = verify(setup, &[])?;
        replace(&program, &built)?;
        if after & NETWORK_BIT != 0 {
            return Err(format!("{tool} keeps the bit: {after:#06x}"));
        }
        if judged.code != Some(1) || code(&judged)?.as_deref() != Some("lost-after-link") {
            return Err(format!("verify told otherwise of {tool}: {judged:#?}"));
        }
        told.push(format!("{tool} leaves {after:#06x}"));
    }
    verify(setup, &[])?.expect(0, &[])?;
    Ok(told.join(", ").into())
}

/// Restores the bytes under both names of the file. Cargo takes an existing file for fresh.
fn replace(program: &Path, bytes: &[u8]) -> Result<(), String> {
    let deps = program.with_file_name("deps").join("hello_tool.exe");
    for path in [deps.as_path(), program] {
        fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Checks that the bit survives a profile that strips. For these targets LLD itself strips.
pub(super) fn kept(setup: &Setup<'_>) -> Result<Told, String> {
    // Strips only this package: for another profile, Cargo would build std again.
    let strip = format!("profile.dev.package.{}.strip=true", HELLO_TOOL.name);
    verify(setup, &["--config", &strip])?.expect(0, &["\"passed\""])?;
    let after = characteristics(&program())?;
    if after & NETWORK_BIT == 0 {
        return Err(format!("it clears the bit: {after:#06x}"));
    }
    Ok(format!("strip = true leaves {after:#06x}").into())
}

/// Checks that UPX keeps the bit, and that the packed and the unpacked tool run from the share.
pub(super) fn packed(setup: &Setup<'_>) -> Result<Told, String> {
    const IMAGE: &str = "packed.exe";
    verify(setup, &[])?.expect(0, &[])?;
    let packed = setup.wine.share().join(IMAGE);
    fs::copy(program(), &packed).map_err(|error| error.to_string())?;
    let upx = Upx::find()?;
    let mut told = Vec::new();
    for (what, arguments) in [("packed", &[][..]), ("unpacked", &["-d"])] {
        everything(upx.command().arg("-qqq").args(arguments).arg(&packed))?;
        let after = characteristics(&packed)?;
        if after & NETWORK_BIT == 0 {
            return Err(format!("{what} it has lost the bit: {after:#06x}"));
        }
        let started = windows(SHARE, Path::new(IMAGE));
        ran(setup.wine.command(&started).arg("Ada"))?.expect(0, &["Hello, Ada!\n"])?;
        let size = fs::metadata(&packed).map_err(|error| error.to_string())?.len();
        told.push(format!("{what} {} KiB, {after:#06x}", size / 1024));
    }
    Ok(told.join(", ").into())
}

/// Checks that osslsigncode keeps the bit, whether lld-link or netswap-linker set it.
pub(super) fn signed(_: &Setup<'_>) -> Result<Told, String> {
    let signer = Tools::find()?;
    let mut told = Vec::new();
    for target in [MSVC, GNU] {
        let image = target_dir().join(target).join("debug").join("hello-tool.exe");
        let before = characteristics(&image)?;
        let copy = signer.signed(&image)?;
        signer.signature_is_valid(true)?;
        let after = characteristics(&copy)?;
        if before != after || after & NETWORK_BIT == 0 {
            return Err(format!("{target}: {before:#06x} before, {after:#06x} signed"));
        }
        told.push(format!("{target} {after:#06x}"));
    }
    Ok(told.join(", ").into())
}
