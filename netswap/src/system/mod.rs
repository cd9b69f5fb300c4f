//! What differs by system: folders and what stands in them, files and how they are read and written.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, or on Windows a junction or a mounted volume.
    Link,
    /// A pipe, socket or device: nothing to read, and reading it might never end.
    Other,
}
