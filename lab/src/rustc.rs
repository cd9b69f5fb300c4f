//! The targets that the machine's rustc can build for.

use std::path::Path;
use std::process::Command;

use crate::process::output;

/// Returns every msvc target that rustc knows and that links without a C runtime. ARM64EC does not:
/// its entry thunks need symbols from Microsoft's libraries.
pub fn hermetic_targets() -> Result<Vec<String>, String> {
    let list = output(Command::new("rustc").args(["--print", "target-list"]))?;
    let is_hermetic =
        |triple: &&str| triple.ends_with("-windows-msvc") && !triple.starts_with("arm64ec-");
    Ok(list.lines().filter(is_hermetic).map(str::to_owned).collect())
}

/// Whether rustc has a standard library for the target.
pub fn has_std(target: &str) -> bool {
    let libdir =
        output(Command::new("rustc").args(["--print", "target-libdir", "--target", target]));
    let Ok(libdir) = libdir else {
        return false;
    };
    let Ok(mut files) = Path::new(libdir.trim_end()).read_dir() else {
        return false;
    };
    files.any(|file| {
        file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
    })
}
