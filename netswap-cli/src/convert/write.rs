//! The writing of several files, all or none.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::files::FileChange;
use crate::{Error, system};

/// Files that were written, with what they said before at hand.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// With the copy of what stood there; none if there was no file.
    files: Vec<(PathBuf, Option<TempPath>)>,
    /// Those that were made, the outer ones first.
    folders: Vec<PathBuf>,
}

impl Written {
    /// Puts back what stood there.
    ///
    /// # Errors
    ///
    /// When a file can't be put back; all others are. What it said is in the copy that is named.
    pub(crate) fn take_back(self) -> Result<(), Error> {
        let mut failed = None;
        for (path, copy) in self.files.into_iter().rev() {
            let result = match copy {
                Some(copy) => copy.persist(&path).map_err(|error| {
                    let source = error.error;
                    let copy = error.path.keep().ok();
                    Error::NotPutBack { path: path.clone(), copy, source }
                }),
                None => fs::remove_file(&path).map_err(|source| Error::NotPutBack {
                    path: path.clone(),
                    copy: None,
                    source,
                }),
            };
            failed = failed.or(result.err());
        }
        // One that something else has come into stays.
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
        failed.map_or(Ok(()), Err)
    }
}

/// A file that waits beside the one that it is going to be.
struct Staged<'a> {
    change: &'a FileChange,
    new: NamedTempFile,
    copy: Option<TempPath>,
}

/// Writes all files or none: each stands beside its place, with a copy of what it replaces, before the
/// first is moved there.
///
/// # Errors
///
/// When one can't be written, is read-only, or was changed meanwhile; then all are as they were.
pub(crate) fn write(changes: &[FileChange]) -> Result<Written, Error> {
    let mut written = Written::default();
    match write_into(changes, &mut written) {
        Ok(()) => Ok(written),
        Err(error) => written.take_back().and(Err(error)),
    }
}

fn write_into(changes: &[FileChange], written: &mut Written) -> Result<(), Error> {
    let mut staged = Vec::new();
    for change in changes {
        let failed = |source| Error::WriteFile { path: change.path.clone(), source };
        staged.push(stage(change, &mut written.folders).map_err(failed)?);
    }
    for Staged { change, new, copy } in staged {
        let moved = match copy {
            Some(_) => new.persist(&change.path),
            None => new.persist_noclobber(&change.path),
        };
        let failed = |source| Error::WriteFile { path: change.path.clone(), source };
        moved.map_err(|error| failed(error.error))?;
        written.files.push((change.path.clone(), copy));
    }
    Ok(())
}

/// Makes the files that the change needs, and its folder.
fn stage<'a>(change: &'a FileChange, folders: &mut Vec<PathBuf>) -> io::Result<Staged<'a>> {
    let folder = change.path.parent().unwrap_or(Path::new("."));
    make(folder, folders)?;
    let Some(before) = &change.before else {
        let new = temporary(folder, &change.after)?;
        return Ok(Staged { change, new, copy: None });
    };
    if fs::read_to_string(&change.path)? != *before {
        return Err(io::Error::other("it was changed meanwhile"));
    }
    let permissions = fs::metadata(&change.path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    let new = temporary(folder, &change.after)?;
    let copy = temporary(folder, before)?;
    for file in [&new, &copy] {
        system::set_permissions(file.as_file(), file.path(), permissions.clone())?;
    }
    Ok(Staged { change, new, copy: Some(copy.into_temp_path()) })
}

/// A file with this text and the permissions of any new one, which goes when it is dropped.
fn temporary(folder: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".netswap-init-");
    if let Some(permissions) = system::of_a_new_file() {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Makes a folder and those above it that are not there, and remembers which.
fn make(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make(above, made)?;
    }
    fs::create_dir(folder)?;
    made.push(folder.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: PathBuf, before: Option<&str>) -> FileChange {
        FileChange { path, before: before.map(str::to_owned), after: "after".to_owned() }
    }

    /// The names of a folder's files and folders, with what is in the files.
    fn files(folder: &Path) -> Vec<(String, Option<String>)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).ok())
            })
            .collect();
        files.sort();
        files
    }

    #[test]
    fn all_files_are_written_and_can_be_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("old"), "before").unwrap();
        let before = files(dir.path());
        let changes = [change(at("a/b/new"), None), change(at("old"), Some("before"))];
        let written = write(&changes).unwrap();
        for path in ["a/b/new", "old"] {
            assert_eq!(fs::read_to_string(at(path)).unwrap(), "after");
        }
        written.take_back().unwrap();
        assert_eq!(files(dir.path()), before);
        drop(write(&changes).unwrap());
        assert_eq!(files(dir.path()).len(), 2, "a copy was left");
    }

    #[test]
    fn nothing_is_written_when_one_file_can_not_be() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("old"), "before").unwrap();
        fs::write(at("taken"), "other").unwrap();
        fs::write(at("read-only"), "before").unwrap();
        let mut permissions = fs::metadata(at("read-only")).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(at("read-only"), permissions).unwrap();
        let before = files(dir.path());
        for (bad, why) in [
            (change(at("taken"), None), "exists"),
            (change(at("taken"), Some("before")), "changed meanwhile"),
            (change(at("read-only"), Some("before")), "read-only"),
            (change(at("old/below"), None), "old/below"),
        ] {
            let changes = [change(at("new/file"), None), change(at("old"), Some("before")), bad];
            let error = write(&changes).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
            assert_eq!(files(dir.path()), before, "{why}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_permissions() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old");
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let written = write(&[change(path.clone(), Some("before"))]).unwrap();
        assert_eq!(mode(), 0o777);
        written.take_back().unwrap();
        assert_eq!(mode(), 0o777);
    }
}
