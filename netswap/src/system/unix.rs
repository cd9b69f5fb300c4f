//! Linux, macOS and the other Unixes.
//!
//! Files are opened relative to the folder that they were listed in, so the system does not have to
//! resolve the whole path again. This also prevents a race: if the folder is replaced by a link
//! meanwhile, files still come from the original folder.

use std::cmp::Ordering;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::path::Arg;
use rustix::process::{Resource, Rlimit};

use super::{EntryKind, Recall};

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    fd: OwnedFd,
}

/// The identity of a file or folder, whatever its name: its device and inode numbers.
pub type Identity = (u64, u64);

/// The names in a folder, stored one after the other, so that a million of them fit into a few
/// megabytes.
#[derive(Debug, Default)]
pub struct Names {
    bytes: Vec<u8>,
}

/// The position of a name in its [`Names`].
pub type Name = u32;

impl Names {
    fn add(&mut self, name: &CStr) -> io::Result<Name> {
        let at = u32::try_from(self.bytes.len())
            .map_err(|_| io::Error::other("the folder's names take more than 4 GiB"))?;
        self.bytes.extend_from_slice(name.to_bytes_with_nul());
        Ok(at)
    }

    fn c_str(&self, name: Name) -> &CStr {
        let rest = self.bytes.get(name as usize..).unwrap_or_default();
        CStr::from_bytes_until_nul(rest).unwrap_or_default()
    }

    /// Compares two names of one folder. Each ends with a zero byte, which sorts before all other
    /// bytes. So the comparison of different names never reads past the end of one.
    pub fn compare(&self, a: Name, b: Name) -> Ordering {
        let from = |name: Name| self.bytes.get(name as usize..).unwrap_or_default();
        from(a).cmp(from(b))
    }

    pub fn get(&self, name: Name) -> &OsStr {
        OsStr::from_bytes(self.c_str(name).to_bytes())
    }
}

const OF_FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The flags for opening a file. `NONBLOCK` avoids waiting for a pipe that has replaced the file.
/// `NOCTTY` avoids taking over a terminal.
const OF_FILE: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Folder {
    /// Opens the folder at `path`. Follows a link to a folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = rustix::fs::openat(CWD, path, OF_FOLDER, Mode::empty())?;
        Ok(Folder { path: path.to_owned(), fd })
    }

    /// Opens a folder in this one.
    pub fn folder(&self, names: &Names, name: Name, follow: bool) -> io::Result<Self> {
        let flags = OF_FOLDER | not_followed(follow);
        let fd = rustix::fs::openat(&self.fd, names.c_str(name), flags, Mode::empty())?;
        Ok(Folder { path: self.path.join(names.get(name)), fd })
    }

    /// Opens a file in this folder to read only its header.
    pub fn file(
        &self,
        names: &Names,
        name: Name,
        follow: bool,
        _recall: Recall,
    ) -> io::Result<File> {
        open_at(&self.fd, names.c_str(name), follow)
    }

    /// Lists the entries of the folder in no particular order.
    pub fn entries(&self) -> io::Result<(Names, Vec<(Name, EntryKind)>)> {
        let mut dir = Dir::new(self.fd.try_clone()?)?;
        let (mut names, mut entries) = (Names::default(), Vec::new());
        while let Some(entry) = dir.read() {
            let entry = entry?;
            let name = entry.file_name();
            if [c".", c".."].contains(&name) {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems don't provide the kind.
                FileType::Unknown => {
                    match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                        // The entry has just been deleted.
                        Err(Errno::NOENT) => continue,
                        Err(error) => return Err(error.into()),
                    }
                }
                kind => kind,
            };
            entries.push((names.add(name)?, entry_kind(kind)));
        }
        names.bytes.shrink_to_fit();
        Ok((names, entries))
    }

    /// Returns the kind of the target of the link with this name.
    pub fn behind_link(&self, names: &Names, name: Name) -> io::Result<EntryKind> {
        let stat = rustix::fs::statat(&self.fd, names.c_str(name), AtFlags::empty())?;
        Ok(entry_kind(FileType::from_raw_mode(stat.st_mode)))
    }

    /// Returns the folder's identity, if the file system provides one.
    pub fn identity(&self) -> io::Result<Option<Identity>> {
        let stat = rustix::fs::fstat(&self.fd)?;
        #[allow(
            clippy::useless_conversion,
            clippy::cast_sign_loss,
            reason = "not so on every Unix"
        )]
        Ok(known((stat.st_dev as u64, u64::from(stat.st_ino))))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn not_followed(follow: bool) -> OFlags {
    if follow { OFlags::empty() } else { OFlags::NOFOLLOW }
}

fn entry_kind(kind: FileType) -> EntryKind {
    match kind {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Other,
    }
}

/// Returns the identity, or `None` if the file system does not number its files.
fn known(identity: Identity) -> Option<Identity> {
    (identity.1 != 0).then_some(identity)
}

/// Returns the volume that a folder is on, so that a walk can stay on it.
pub fn volume(identity: Identity) -> u64 {
    identity.0
}

/// Raises this process's limit on open files to the maximum that the system allows, up to
/// `MAX_OPEN_FILES`. A deep tree needs a few for each level. If the system refuses, files that can't
/// be opened are reported.
pub fn raise_open_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(MAX_OPEN_FILES, |most| most.min(MAX_OPEN_FILES));
    let raised = Rlimit { current: Some(most), maximum: limit.maximum };
    if limit.current.is_some_and(|current| current < most) {
        let _ = rustix::process::setrlimit(Resource::Nofile, raised);
    }
}

/// The highest limit that macOS accepts.
const MAX_OPEN_FILES: u64 = 10_240;

/// Whether the content of a file is elsewhere, and reading it would fetch it. No file system here
/// tells.
pub fn is_offline(_: &std::fs::Metadata) -> bool {
    false
}

/// Opens the file at `path` to read only its header.
pub fn open(path: &Path) -> io::Result<File> {
    open_at(CWD, path, true)
}

/// Opens the file at `path` to read only its header.
pub fn open_with(path: &Path, _: Recall) -> io::Result<File> {
    open(path)
}

fn open_at(folder: impl AsFd, name: impl Arg + Copy, follow: bool) -> io::Result<File> {
    let flags = OFlags::RDONLY | OF_FILE | not_followed(follow);
    let opened = rustix::fs::openat(&folder, name, flags, Mode::empty());
    let fd = match opened {
        // A file server has leased the file to a client. A blocking open waits until the server
        // gives it back. Opening a pipe does not fail with `EAGAIN`.
        Err(Errno::AGAIN) => {
            rustix::fs::openat(&folder, name, flags - OFlags::NONBLOCK, Mode::empty())?
        }
        opened => opened?,
    };
    let file = File::from(fd);
    switch_read_ahead_off(&file);
    Ok(file)
}

/// Switches off read-ahead, because the system would read 128 KiB or more when only 4 KiB are
/// needed. Ignores a refusal.
#[cfg(not(target_vendor = "apple"))]
fn switch_read_ahead_off(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Random);
}

#[cfg(target_vendor = "apple")]
fn switch_read_ahead_off(file: &File) {
    let _ = rustix::fs::fcntl_nocache(file, true);
}

/// The properties that show whether a file is still the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub identity: Option<Identity>,
    /// The length in bytes.
    pub length: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// Returns when the content of the file was last changed, if that is after 1970.
    pub fn modified(&self) -> Option<SystemTime> {
        let (seconds, nanoseconds) = self.modified;
        let since = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
        UNIX_EPOCH.checked_add(since)
    }
}

/// Returns the stamp of an open file and the number of its names (hard links).
pub fn stamp(file: &File) -> io::Result<(Stamp, u64)> {
    let metadata = file.metadata()?;
    let stamp = Stamp {
        identity: known((metadata.dev(), metadata.ino())),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    };
    Ok((stamp, metadata.nlink()))
}

/// Opens the file at `path` to change it in place. Follows a link only if `follow` is true.
pub fn open_to_change(path: &Path, follow: bool) -> io::Result<File> {
    let flags = OFlags::RDWR | OF_FILE | not_followed(follow);
    Ok(File::from(rustix::fs::openat(CWD, path, flags, Mode::empty())?))
}

/// Writes once at this offset. Returns the number of bytes written, which may be too few.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// Returns the default permissions for a new file. The umask removes some of them.
pub fn new_file_permissions() -> Option<Permissions> {
    Some(Permissions::from_mode(0o666))
}

/// Sets the permissions of an open file. A link that replaces the file meanwhile has no effect.
pub fn set_permissions(file: &File, _path: &Path, to: Permissions) -> io::Result<()> {
    file.set_permissions(to)
}

/// Lets the owner write. The permissions of others do not change.
pub fn make_writable(permissions: &mut Permissions) {
    permissions.set_mode(permissions.mode() | 0o200);
}

/// Whether a file can't be opened because it is a running program or a program has it open.
pub fn is_in_use(error: &io::Error) -> bool {
    // A file server takes leases for its clients. `WouldBlock` means that opening a leased file
    // would have to wait.
    matches!(error.kind(), io::ErrorKind::ExecutableFileBusy | io::ErrorKind::WouldBlock)
}

/// Returns these bytes as text or as a path.
pub fn os_string(bytes: &[u8]) -> OsString {
    OsStr::from_bytes(bytes).to_owned()
}

/// Returns the program at this path, if it is an executable file.
pub fn program(path: PathBuf) -> Option<PathBuf> {
    let is_program = |metadata: Metadata| metadata.is_file() && metadata.mode() & 0o111 != 0;
    path.metadata().is_ok_and(is_program).then_some(path)
}

/// Returns the exact bytes of a path, for paths that are not valid UTF-8.
pub fn path_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

/// Returns the path with these bytes, see [`path_bytes`].
pub fn path_from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    Some(PathBuf::from(OsStr::from_bytes(bytes)))
}

/// Reads once at this offset. Returns the number of bytes read, which may be too few.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}
