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
    let mut rustc = Command::new("rustc");
    let libdir = output(rustc.args(["--print", "target-libdir", "--target", target]));
    let folder = libdir.ok().and_then(|libdir| Path::new(libdir.trim_end()).read_dir().ok());
    let mut files = folder.into_iter().flatten().flatten();
    files.any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}
