//! Writes several files: all or none.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use netswap::system;
use tempfile::NamedTempFile;

use super::files::FileChange;
use crate::Error;

/// The files that were written.
#[derive(Debug, Default)]
pub(crate) struct Written<'a> {
    changes: Vec<&'a FileChange>,
    /// The folders that were created, outer ones first.
    folders: Vec<PathBuf>,
}

impl Written<'_> {
    /// Restores the old state of each file, unless something else changed the file meanwhile.
    ///
    /// # Errors
    ///
    /// When a file can't be restored. All others are restored.
    pub(crate) fn roll_back(self) -> Result<(), Error> {
        let mut failed = None;
        for change in self.changes.into_iter().rev() {
            if let Err(source) = restore(change) {
                failed = Some(Error::RestoreFile { path: change.path.clone(), source });
            }
        }
        // A folder that has other files by now stays.
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
        failed.map_or(Ok(()), Err)
    }
}

fn restore(change: &FileChange) -> io::Result<()> {
    check_unchanged(&change.path, &change.after)?;
    match &change.before {
        None => fs::remove_file(&change.path),
        Some(before) => {
            replacement(&change.path, before)?.persist(&change.path)?;
            Ok(())
        }
    }
}

/// Writes all files or none. Each new file is ready next to its target before the first is moved.
///
/// # Errors
///
/// When a file can't be written, is read-only, or was changed meanwhile. Then all files are as they
/// were.
pub(crate) fn write(changes: &[FileChange]) -> Result<Written<'_>, Error> {
    let mut written = Written::default();
    match write_into(changes, &mut written) {
        Ok(()) => Ok(written),
        Err(error) => written.roll_back().and(Err(error)),
    }
}

fn write_into<'a>(changes: &'a [FileChange], written: &mut Written<'a>) -> Result<(), Error> {
    let failed =
        |change: &FileChange, source| Error::WriteFile { path: change.path.clone(), source };
    let mut staged = Vec::new();
    for change in changes {
        staged.push(stage(change, &mut written.folders).map_err(|error| failed(change, error))?);
    }
    for (change, file) in changes.iter().zip(staged) {
        let moved = match change.before {
            Some(_) => file.persist(&change.path),
            None => file.persist_noclobber(&change.path),
        };
        moved.map_err(|error| failed(change, error.error))?;
        written.changes.push(change);
    }
    Ok(())
}

/// Writes the new file next to its target. Creates the folder if it is missing.
fn stage(change: &FileChange, folders: &mut Vec<PathBuf>) -> io::Result<NamedTempFile> {
    let folder = folder_of(&change.path);
    create_folder(folder, folders)?;
    match &change.before {
        None => temporary(folder, &change.after),
        Some(before) => {
            check_unchanged(&change.path, before)?;
            replacement(&change.path, &change.after)
        }
    }
}

/// Creates a file with this text that can replace another.
fn replacement(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let permissions = fs::metadata(path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    let file = temporary(folder_of(path), text)?;
    system::set_permissions(file.as_file(), file.path(), permissions)?;
    Ok(file)
}

fn check_unchanged(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path)? == text {
        Ok(())
    } else {
        Err(io::Error::other("it was changed meanwhile"))
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Creates a file with this text and the usual permissions of a new file. It is deleted on drop.
fn temporary(folder: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".netswap-init-");
    if let Some(permissions) = system::new_file_permissions() {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Creates a folder and its missing parents, and adds them to `created`.
fn create_folder(folder: &Path, created: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        create_folder(above, created)?;
    }
    fs::create_dir(folder)?;
    created.push(folder.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn change(path: PathBuf, before: Option<&str>) -> FileChange {
        FileChange { path, before: before.map(str::to_owned), after: "after".to_owned() }
    }

    /// Returns the paths in a folder, with the contents of the files.
    fn files(folder: &Path) -> BTreeMap<PathBuf, Option<String>> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.map(|path| (path.clone(), fs::read_to_string(path).ok())).collect()
    }

    #[test]
    fn written_files_can_be_rolled_back() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("old"), "before").unwrap();
        let before = files(dir.path());
        let changes = [change(at("a/b/new"), None), change(at("old"), Some("before"))];
        let written = write(&changes).unwrap();
        for path in ["a/b/new", "old"] {
            assert_eq!(fs::read_to_string(at(path)).unwrap(), "after");
        }
        written.roll_back().unwrap();
        assert_eq!(files(dir.path()), before);
        let written = write(&changes).unwrap();
        assert_eq!(files(dir.path()).len(), 2, "another file was left");
        fs::write(at("old"), "an editor's").unwrap();
        let error = written.roll_back().unwrap_err().to_string();
        assert!(error.contains("old: it was changed meanwhile"), "{error}");
        assert_eq!(fs::read_to_string(at("old")).unwrap(), "an editor's");
        assert!(!at("a").exists());
    }

    #[test]
    fn one_failure_leaves_all_files_unchanged() {
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
    fn files_keep_their_permissions() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old");
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let changes = [change(path.clone(), Some("before"))];
        let written = write(&changes).unwrap();
        assert_eq!(mode(), 0o777);
        written.roll_back().unwrap();
        assert_eq!(mode(), 0o777);
    }
}
