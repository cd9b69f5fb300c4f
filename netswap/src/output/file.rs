//! A report in a file, which is written completely or not at all.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempPath;

use super::BUFFER;
use crate::system;
use crate::text::Printable;

/// The temporary file of an incomplete report.
static INCOMPLETE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Removes the temporary file of an incomplete report, for a program that ends without dropping it.
pub fn remove_incomplete() {
    if let Some(path) = incomplete().take() {
        // The program ends, so an error has no consequence.
        let _ = std::fs::remove_file(path);
    }
}

fn incomplete() -> MutexGuard<'static, Option<PathBuf>> {
    INCOMPLETE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that gets its name and replaces an existing one when it is complete. If it is dropped
/// before, nothing remains of it. Its errors name it.
pub(super) struct ReportFile {
    /// The path as given, for messages.
    path: PathBuf,
    /// The path that the file gets: that behind a link, so that the link stays.
    target: PathBuf,
    /// The permissions of the file that it replaces.
    permissions: Option<Permissions>,
    temporary: TempPath,
    file: BufWriter<File>,
}

impl ReportFile {
    /// Creates a temporary file in the folder of `path`.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let failed = |error: io::Error| named(path, &error);
        let refused = |why: &str| Err(failed(io::Error::other(why)));
        let end = path.as_os_str().as_encoded_bytes().last();
        if end.is_none_or(|byte| std::path::is_separator(char::from(*byte))) || path.is_dir() {
            return refused("it is a folder; name a file");
        }
        let (target, permissions) = match path.metadata() {
            // Renaming would replace the device.
            Ok(metadata) if !metadata.is_file() => return refused("it is not a regular file"),
            Ok(metadata) => (path.canonicalize(), Some(metadata.permissions())),
            Err(error) if error.kind() == ErrorKind::NotFound => (std::path::absolute(path), None),
            Err(error) => (Err(error), None),
        };
        let target = target.map_err(failed)?;
        let folder = target.parent().unwrap_or(Path::new(""));
        let temporary = system::temporary_file(folder, ".netswap-report").map_err(failed)?;
        let (file, temporary) = temporary.into_parts();
        *incomplete() = Some(temporary.to_path_buf());
        let file = BufWriter::with_capacity(BUFFER, file);
        let permissions = permissions.filter(|permissions| !permissions.readonly());
        Ok(ReportFile { path: path.to_owned(), target, permissions, temporary, file })
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> io::Result<()> {
        let ReportFile { path, target, permissions, temporary, file } = self;
        let failed = |error: io::Error| named(&path, &error);
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions).map_err(failed)?;
        }
        drop(file);
        let persisted = temporary.persist(&target).map_err(|error| failed(error.error));
        *incomplete() = None;
        persisted
    }
}

/// Returns the error with the file's name. A closed pipe is not an error elsewhere, but here it is.
fn named(path: &Path, error: &io::Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::BrokenPipe => ErrorKind::Other,
        kind => kind,
    };
    io::Error::new(kind, format!("{}: {error}", Printable(path)))
}

impl Write for ReportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| named(&self.path, &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| named(&self.path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(folder: &Path) -> Vec<String> {
        let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn file_appears_only_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report");
        fs::write(&path, "old").unwrap();
        let mut file = ReportFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["report"]);
    }

    #[test]
    fn unfinished_file_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report");
        ReportFile::create(&path).unwrap().write_all(b"new").unwrap();
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[test]
    fn error_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        for (name, why) in [
            ("", "it is a folder; name a file"),
            ("new/", "it is a folder; name a file"),
            (".", "it is a folder; name a file"),
            ("no/such/report", "No such file or directory (os error 2)"),
        ] {
            let path = if name.is_empty() { PathBuf::new() } else { dir.path().join(name) };
            let error = ReportFile::create(&path).err().unwrap().to_string();
            let expected = format!("{}: {why}", path.display());
            let is_expected = if cfg!(unix) { error == expected } else { error.contains(name) };
            assert!(is_expected, "{error}");
        }
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn link_and_permissions_of_the_old_file_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o600)).unwrap();
        symlink("real", &link).unwrap();
        ReportFile::create(&link).unwrap().finish().unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"");
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn device_is_not_replaced() {
        let error = ReportFile::create(Path::new("/dev/null")).err().unwrap().to_string();
        assert_eq!(error, "/dev/null: it is not a regular file");
    }
}
