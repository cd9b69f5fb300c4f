//! A clang for the MinGW targets, wherever it can be had: the driver of the linker in the tests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::debian::Unpacked;
use crate::process::check;

/// Debian 12's.
const PACKAGE: &str = "clang-14";

/// A script that runs clang for Windows. `Err` says why there is none.
pub(crate) fn mingw_clang() -> Result<PathBuf, String> {
    let debian = Unpacked::tree("clang");
    let clang = "usr/lib/llvm-14/bin/clang";
    let runs =
        || debian.command(clang).arg("--version").output().is_ok_and(|out| out.status.success());
    if !runs() {
        debian.fetch(&[PACKAGE])?;
    }
    if !runs() {
        return Err(format!("Debian's {PACKAGE} does not start"));
    }
    let script = debian.path("x86_64-w64-mingw32-clang");
    let text = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' --target=x86_64-w64-windows-gnu \"$@\"\n",
        debian.library_path().to_string_lossy(),
        debian.path(clang).display()
    );
    fs::write(&script, text).map_err(|error| error.to_string())?;
    check(Command::new("chmod").arg("+x").arg(&script))?;
    Ok(script)
}
