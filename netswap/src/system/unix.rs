//! Linux, macOS and the other Unixes: files are opened relative to the folder that they were listed
//! in, which spares the system the walk along the whole path, and closes a race: a folder that is
//! swapped for a link meanwhile leads nowhere else.

use std::cmp::Ordering;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::path::Arg;
use rustix::process::{Resource, Rlimit};

use super::EntryKind;

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    fd: OwnedFd,
}

/// Which file or folder it is, whatever its name.
pub type Identity = (u64, u64);

/// The names in a folder, one behind the other: a million of them are to fit into a few megabytes.
#[derive(Debug, Default)]
pub struct Names {
    bytes: Vec<u8>,
}

/// The place of a name in its [`Names`].
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

    /// The order of two names. Each ends with a zero byte, which comes before all others, so what
    /// stands behind it is never reached.
    pub fn compare(&self, a: Name, b: Name) -> Ordering {
        let from = |name: Name| self.bytes.get(name as usize..).unwrap_or_default();
        from(a).cmp(from(b))
    }

    pub fn get(&self, name: Name) -> &OsStr {
        OsStr::from_bytes(self.c_str(name).to_bytes())
    }
}

const OF_FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A pipe that has taken the place of a file is not waited for, and a terminal not taken over.
const OF_FILE: OFlags = OFlags::CLOEXEC.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Folder {
    /// Opens the folder at `path`; a link to one is followed.
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

    /// Opens a file in this folder, to read its header alone.
    pub fn file(&self, names: &Names, name: Name, follow: bool) -> io::Result<File> {
        open_at(&self.fd, names.c_str(name), follow)
    }

    /// All that is in the folder, in no order.
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
                // Some file systems don't tell.
                FileType::Unknown => {
                    match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                        // It has just gone.
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

    /// What the link of this name leads to.
    pub fn behind_link(&self, names: &Names, name: Name) -> io::Result<EntryKind> {
        let stat = rustix::fs::statat(&self.fd, names.c_str(name), AtFlags::empty())?;
        Ok(entry_kind(FileType::from_raw_mode(stat.st_mode)))
    }

    /// Which folder it is, if the file system tells.
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

/// Some file systems number nothing.
fn known(identity: Identity) -> Option<Identity> {
    (identity.1 != 0).then_some(identity)
}

/// Which volume a folder lies on, to stay on it.
pub fn volume(identity: Identity) -> u64 {
    identity.0
}

/// Lets this process have as many files open as the system allows: a deep tree needs a few for each
/// level. Where that is refused, what can't be opened is told.
pub fn raise_open_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(MOST_OPEN, |most| most.min(MOST_OPEN));
    let raised = Rlimit { current: Some(most), maximum: limit.maximum };
    if limit.current.is_some_and(|current| current < most) {
        let _ = rustix::process::setrlimit(Resource::Nofile, raised);
    }
}

/// As many as macOS takes.
const MOST_OPEN: u64 = 10_240;

/// Opens the file at `path`, to read its header alone.
pub fn open(path: &Path) -> io::Result<File> {
    open_at(CWD, path, true)
}

fn open_at(folder: impl AsFd, name: impl Arg + Copy, follow: bool) -> io::Result<File> {
    let flags = OFlags::RDONLY | OF_FILE | not_followed(follow);
    let opened = rustix::fs::openat(&folder, name, flags, Mode::empty());
    let fd = match opened {
        // A file server has leased it to a client: whoever waits gets it back. A pipe says no such thing.
        Err(Errno::AGAIN) => {
            rustix::fs::openat(&folder, name, flags - OFlags::NONBLOCK, Mode::empty())?
        }
        opened => opened?,
    };
    let file = File::from(fd);
    switch_read_ahead_off(&file);
    Ok(file)
}

/// The system would read 128 KiB and more where 4 are wanted. That it can't be told so is no error.
#[cfg(not(target_vendor = "apple"))]
fn switch_read_ahead_off(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Random);
}

#[cfg(target_vendor = "apple")]
fn switch_read_ahead_off(file: &File) {
    let _ = rustix::fs::fcntl_nocache(file, true);
}

/// What tells whether a file is still the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub identity: Option<Identity>,
    /// In bytes.
    pub length: u64,
    modified: (i64, i64),
}

/// The stamp of an open file, and how many names it has.
pub fn stamp(file: &File) -> io::Result<(Stamp, u64)> {
    let metadata = file.metadata()?;
    let stamp = Stamp {
        identity: known((metadata.dev(), metadata.ino())),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    };
    Ok((stamp, metadata.nlink()))
}

/// Opens the file at `path` to change it in place; a link is followed only if asked.
pub fn open_to_change(path: &Path, follow: bool) -> io::Result<File> {
    let flags = OFlags::RDWR | OF_FILE | not_followed(follow);
    Ok(File::from(rustix::fs::openat(CWD, path, flags, Mode::empty())?))
}

/// One write at this offset, which may be short.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// The permissions of a file that is made without further ado; the umask takes from them.
pub fn of_a_new_file() -> Option<Permissions> {
    Some(Permissions::from_mode(0o666))
}

/// Gives an open file these permissions: a link that takes its place meanwhile does not matter.
pub fn set_permissions(file: &File, _path: &Path, to: Permissions) -> io::Result<()> {
    file.set_permissions(to)
}

/// Lets the owner write; what others may do stays.
pub fn make_writable(permissions: &mut Permissions) {
    permissions.set_mode(permissions.mode() | 0o200);
}

/// Whether a program that runs, or one that has it open, keeps the file from being opened.
pub fn is_in_use(error: &io::Error) -> bool {
    // A lease, as a file server takes it for its clients, answers that it would have to be waited for.
    matches!(error.kind(), io::ErrorKind::ExecutableFileBusy | io::ErrorKind::WouldBlock)
}

/// The text, or the path, that these bytes are.
pub fn os_string(bytes: &[u8]) -> OsString {
    OsStr::from_bytes(bytes).to_owned()
}

/// The program at this path, if it is one that may be run.
pub fn program(path: PathBuf) -> Option<PathBuf> {
    let is_program = |metadata: Metadata| metadata.is_file() && metadata.mode() & 0o111 != 0;
    path.metadata().is_ok_and(is_program).then_some(path)
}

/// A path as it is, for those that are no text.
pub fn path_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

/// The path that these bytes are.
pub fn path_from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    Some(PathBuf::from(OsStr::from_bytes(bytes)))
}

/// One read at this offset, which may be short.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}
