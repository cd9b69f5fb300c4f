//! The code that differs by system: listing folders, and opening, reading and writing files.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

/// The kind of an entry in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, or on Windows a junction or a mounted volume.
    Link,
    /// A regular file whose content is elsewhere: in the cloud or on tape. Reading it would fetch
    /// it.
    Offline,
    /// A pipe, socket or device. It has nothing to read, and reading it might never end.
    Other,
}

/// Whether opening a file may fetch its content from the cloud or from tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recall {
    /// It may not.
    #[default]
    Never,
    /// It may.
    Allowed,
}

/// The error for a file that was not opened, because reading it would fetch its content. The text
/// says which file if it is not the one that was to be read.
#[derive(Debug)]
pub struct Offline(pub Cow<'static, str>);

impl Default for Offline {
    fn default() -> Self {
        Offline(Cow::Borrowed("its content is in the cloud or on tape"))
    }
}

impl fmt::Display for Offline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Offline {}

/// Creates a temporary file in this folder, which gets its final name when it is complete. It has
/// the permissions of any new file.
pub(crate) fn temporary_file(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    // This error is the system's. That of `tempfile` names the temporary file, which nobody knows.
    folder.metadata()?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    if let Some(permissions) = new_file_permissions() {
        builder.permissions(permissions);
    }
    builder.tempfile_in(folder).map_err(|error| without_path(&error))
}

/// Returns an error of `tempfile` without the path of the temporary file.
pub(crate) fn without_path(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}

impl From<Offline> for io::Error {
    fn from(error: Offline) -> Self {
        io::Error::other(error)
    }
}

/// Whether a file was not opened, because reading it would fetch its content.
pub fn is_offline_error(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(error) if error.is::<Offline>())
}

/// Whether the content of a file with these attributes is elsewhere: OneDrive's Files On-Demand,
/// Azure File Sync and hierarchical storage set them
/// ([File Attribute Constants](https://learn.microsoft.com/windows/win32/fileio/file-attribute-constants)).
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "only Windows has attributes"))]
fn is_elsewhere(attributes: u32) -> bool {
    const OFFLINE: u32 = 0x1000;
    const RECALL_ON_OPEN: u32 = 0x0004_0000;
    const RECALL_ON_DATA_ACCESS: u32 = 0x0040_0000;
    attributes & (OFFLINE | RECALL_ON_OPEN | RECALL_ON_DATA_ACCESS) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_is_no_other_error() {
        assert!(is_offline_error(&Offline::default().into()));
        assert!(!is_offline_error(&io::Error::other(Offline::default().to_string())));
        assert!(!is_offline_error(&io::ErrorKind::NotFound.into()));
    }

    #[test]
    fn attributes_reveal_content_elsewhere() {
        let table = [
            (0x20, false),        // archive
            (0x80, false),        // normal
            (0x400, false),       // reparse point: deduplicated, for example
            (0x1000, true),       // offline: on tape
            (0x1620, true), // the same, sparse and a reparse point: Azure File Sync before 2018
            (0x0040_1620, true), // Azure File Sync: recall on data access
            (0x0014_0020, true), // OneDrive: recall on open, unpinned
            (0x0008_0020, false), // OneDrive: pinned, so its content is here
        ];
        for (attributes, expected) in table {
            assert_eq!(is_elsewhere(attributes), expected, "{attributes:#x}");
        }
    }
}
