//! The project's folders, and functions for files and folders.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::env::variable;

/// Returns the repository's folder.
pub fn root() -> &'static Path {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    lab.parent().unwrap_or(lab)
}

/// Returns a folder for created files, in the target folder that `cargo clean` removes.
pub fn scratch(name: &str) -> PathBuf {
    root().join("target").join("xtask").join(name)
}

/// Returns the folder for fetched files: `NETSWAP_CACHE`, or else one in the user's cache.
pub(crate) fn cache() -> Result<PathBuf, String> {
    let folder = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("NETSWAP_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("netswap")))
        .or_else(|| Some(folder("HOME")?.join(".cache").join("netswap")))
        .ok_or_else(|| "there is no HOME for a cache: set NETSWAP_CACHE to a folder".to_owned())
}

/// Locks this part of the cache against other processes until the file is dropped.
pub(crate) fn lock_cache(part: &str) -> Result<File, String> {
    let path = create_folder(cache()?)?.join(part).with_extension("lock");
    let file = File::create(&path).map_err(at(&path))?;
    file.lock().map_err(at(&path))?;
    Ok(file)
}

/// Returns a function that adds the path to an error's text.
pub fn at(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// Creates a folder and its parents, and returns its path.
pub(crate) fn create_folder(folder: PathBuf) -> Result<PathBuf, String> {
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    Ok(folder)
}

/// Creates an empty folder and returns its path. Removes an existing folder first.
pub(crate) fn empty_folder(folder: PathBuf) -> Result<PathBuf, String> {
    remove_folder(&folder)?;
    create_folder(folder)
}

/// Removes a folder with its contents, if it exists.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), String> {
    if folder.exists() { fs::remove_dir_all(folder).map_err(at(folder)) } else { Ok(()) }
}

/// Removes a file, if it exists.
pub(crate) fn remove_file(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Writes a file and its parent folders.
pub(crate) fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), String> {
    create_folder(path.parent().unwrap_or(path).to_owned())?;
    fs::write(path, contents).map_err(at(path))
}

pub(crate) fn write_script(path: &Path, commands: &str) -> Result<(), String> {
    write(path, format!("#!/bin/sh\n{commands}"))?;
    let status = Command::new("chmod").arg("+x").arg(path).status().map_err(at(path))?;
    if status.success() { Ok(()) } else { Err(format!("{}: chmod failed", path.display())) }
}

pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
