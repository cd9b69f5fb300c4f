//! A clang for Windows, wherever it can be had: the driver of the linker in the tests.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::debian::Unpacked;
use crate::process::check;

/// Debian 12's.
const PACKAGE: &str = "clang-14";

/// The names under which clang is run, and what each adds to the arguments.
const SCRIPTS: [(&str, &str); 3] = [
    ("clang", ""),
    ("clang-cl", "--driver-mode=cl"),
    ("x86_64-w64-mingw32-clang", "--target=x86_64-w64-windows-gnu"),
];

/// The folder of the scripts that run clang. `Err` says why there is none.
pub(crate) fn clang() -> Result<PathBuf, String> {
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
    let scripts = debian.path("scripts");
    fs::create_dir_all(&scripts).map_err(|error| error.to_string())?;
    for (name, first) in SCRIPTS {
        let script = scripts.join(name);
        let text = format!(
            "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' {first} \"$@\"\n",
            debian.library_path().to_string_lossy(),
            debian.path(clang).display()
        );
        fs::write(&script, text).map_err(|error| error.to_string())?;
        check(Command::new("chmod").arg("+x").arg(&script))?;
    }
    Ok(scripts)
}

/// The script that runs clang for the MinGW targets. `Err` says why there is none.
pub(crate) fn mingw_clang() -> Result<PathBuf, String> {
    Ok(clang()?.join("x86_64-w64-mingw32-clang"))
}
