//! The code that differs by system: listing folders, and opening, reading and writing files.

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
    /// A pipe, socket or device. It has nothing to read, and reading it might never end.
    Other,
}
