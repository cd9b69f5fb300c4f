//! Decoys: programs that have the names of tools that may be installed, and always fail.
//!
//! All checks run with the decoys first in PATH. A check that runs an installed tool instead of the
//! fetched one therefore fails on every machine.

use std::ffi::OsString;

use crate::env::variable;
use crate::files::{empty_folder, scratch, write_script};

/// The names of installed programs of the tools, and pkg-config, which finds libraries.
const NAMES: [&str; 36] = [
    "cargo-fuzz",
    "cargo-generate",
    "cargo-zigbuild",
    "chromium",
    "clang",
    "clang-cl",
    "duckdb",
    "elvish",
    "fish",
    "genpeimg",
    "i686-w64-mingw32-gcc",
    "i686-w64-mingw32-ld",
    "ld.lld",
    "lld-link",
    "llvm-lib",
    "llvm-readobj",
    "mandoc",
    "mdbook",
    "openssl",
    "osslsigncode",
    "pdftotext",
    "pip",
    "pkg-config",
    "python3",
    "taplo",
    "tidy",
    "upx",
    "wine",
    "wine64",
    "x86_64-w64-mingw32-ar",
    "x86_64-w64-mingw32-clang",
    "x86_64-w64-mingw32-gcc",
    "x86_64-w64-mingw32-ld",
    "x86_64-w64-mingw32-strip",
    "zig",
    "zsh",
];

/// Writes the decoys and returns a PATH that starts with them. Systems other than Unix have no
/// shell scripts, so they get the PATH unchanged.
pub fn path() -> Result<OsString, String> {
    let path = variable("PATH").unwrap_or_default();
    if !cfg!(unix) {
        return Ok(path);
    }
    // An earlier version of this file may have written other names.
    let folder = empty_folder(scratch("decoys"))?;
    for name in NAMES {
        let error = format!("decoy: a check must run the fetched {name}, not one in PATH");
        write_script(&folder.join(name), &format!("echo '{error}' >&2\nexit 70\n"))?;
    }
    let folders = std::iter::once(folder).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|error| error.to_string())
}
