//! Decoys: programs that have the names of tools that may be installed, and fail.
//!
//! All checks run with them in front of PATH. So a check that runs what is installed, and not what was
//! fetched, fails on every machine, whatever is installed there.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{at, check, scratch, variable};

/// The names under which the tools of the table and their parts are installed; and pkg-config, which finds
/// installed libraries.
const NAMES: [&str; 27] = [
    "cargo-fuzz",
    "cargo-generate",
    "cargo-zigbuild",
    "clang",
    "clang-cl",
    "genpeimg",
    "i686-w64-mingw32-gcc",
    "i686-w64-mingw32-ld",
    "ld.lld",
    "lld-link",
    "llvm-lib",
    "llvm-readobj",
    "mdbook",
    "openssl",
    "osslsigncode",
    "pip",
    "pkg-config",
    "python3",
    "upx",
    "wine",
    "wine64",
    "x86_64-w64-mingw32-ar",
    "x86_64-w64-mingw32-clang",
    "x86_64-w64-mingw32-gcc",
    "x86_64-w64-mingw32-ld",
    "x86_64-w64-mingw32-strip",
    "zig",
];

/// Writes them, and returns a PATH that has them in front. Systems other than Unix have no shell scripts:
/// there the PATH is as it was.
pub(crate) fn path() -> Result<OsString, String> {
    let path = variable("PATH").unwrap_or_default();
    if !cfg!(unix) {
        return Ok(path);
    }
    let folder = scratch("decoys");
    // An earlier version of this file had other names.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let files: Vec<_> = NAMES.iter().map(|name| folder.join(name)).collect();
    for file in &files {
        write(file)?;
    }
    check(Command::new("chmod").arg("+x").args(&files))?;
    let folders = std::iter::once(folder).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|error| error.to_string())
}

fn write(file: &Path) -> Result<(), String> {
    let script = "#!/bin/sh\necho \"decoy: a check must run the $(basename \"$0\") that was fetched, not one in PATH\" >&2\nexit 70\n";
    fs::write(file, script).map_err(at(file))
}
