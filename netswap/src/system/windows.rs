//! Windows.
//!
//! Files are opened by their full path, because the libraries for Windows have no safe way to open
//! a file relative to a folder.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions, ReadDir};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{EntryKind, Offline, Recall, is_elsewhere};

/// `FILE_FLAG_RANDOM_ACCESS`: the cache manager does not read ahead
/// ([CreateFile](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew)).
const FILE_FLAG_RANDOM_ACCESS: u32 = 0x1000_0000;

/// `FILE_FLAG_OPEN_NO_RECALL`: the content stays on tape or in the cloud. A file can go there after
/// its attributes were read.
const FILE_FLAG_OPEN_NO_RECALL: u32 = 0x0010_0000;

/// A folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The entries that `open` has requested, until `entries` takes them.
    list: Mutex<Option<ReadDir>>,
}

/// The identity of a file or folder, whatever its name: the volume's serial number and the file's
/// index.
pub type Identity = (u64, u64);

/// The names in a folder.
#[derive(Debug, Default)]
pub struct Names {
    names: Vec<OsString>,
}

/// The position of a name in its [`Names`].
pub type Name = u32;

impl Names {
    fn add(&mut self, name: OsString) -> io::Result<Name> {
        let at = u32::try_from(self.names.len())
            .map_err(|_| io::Error::other("the folder has more than 4,294,967,295 names"))?;
        self.names.push(name);
        Ok(at)
    }

    /// Compares two names.
    pub fn compare(&self, a: Name, b: Name) -> Ordering {
        self.get(a).cmp(self.get(b))
    }

    pub fn get(&self, name: Name) -> &OsStr {
        self.names.get(name as usize).map(OsString::as_os_str).unwrap_or_default()
    }
}

impl Folder {
    /// Opens the folder at `path` and requests its first names. The time that this takes shows
    /// whether the folder has high latency.
    pub fn open(path: &Path) -> io::Result<Self> {
        let list = Mutex::new(Some(fs::read_dir(path)?));
        Ok(Folder { path: path.to_owned(), list })
    }

    /// Opens a folder in this one.
    pub fn folder(&self, names: &Names, name: Name, _follow: bool) -> io::Result<Self> {
        Folder::open(&self.path.join(names.get(name)))
    }

    /// Opens a file in this folder to read only its header.
    ///
    /// Does not set `FILE_FLAG_OPEN_REPARSE_POINT`. The flag would avoid following a link that has
    /// replaced the file. But it would also prevent reading the many files that are reparse points
    /// but not links: deduplicated files and files in the cloud.
    pub fn file(
        &self,
        names: &Names,
        name: Name,
        _follow: bool,
        recall: Recall,
    ) -> io::Result<File> {
        open_unchecked(&self.path.join(names.get(name)), recall)
    }

    /// Lists the entries of the folder in no particular order.
    pub fn entries(&self) -> io::Result<(Names, Vec<(Name, EntryKind)>)> {
        let (mut names, mut entries) = (Names::default(), Vec::new());
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner).take();
        for entry in list.map_or_else(|| fs::read_dir(&self.path), Ok)? {
            let entry = entry?;
            // The list has the attributes, so this needs no request.
            let kind = entry_kind(&entry.metadata()?);
            entries.push((names.add(entry.file_name())?, kind));
        }
        Ok((names, entries))
    }

    /// Returns the kind of the target of the link with this name.
    pub fn behind_link(&self, names: &Names, name: Name) -> io::Result<EntryKind> {
        Ok(entry_kind(&fs::metadata(self.path.join(names.get(name)))?))
    }

    /// Returns the folder's identity, if the file system provides one.
    pub fn identity(&self) -> io::Result<Option<Identity>> {
        let handle = winapi_util::Handle::from_path_any(&self.path)?;
        let information = winapi_util::file::information(&handle)?;
        Ok(known((information.volume_serial_number(), information.file_index())))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn entry_kind(metadata: &fs::Metadata) -> EntryKind {
    let kind = metadata.file_type();
    if kind.is_symlink() {
        EntryKind::Link
    } else if kind.is_dir() {
        EntryKind::Folder
    } else if kind.is_file() && is_offline(metadata) {
        EntryKind::Offline
    } else if kind.is_file() {
        EntryKind::File
    } else {
        EntryKind::Other
    }
}

/// Returns the identity, or `None` if the file system or its server does not number files.
fn known(identity: Identity) -> Option<Identity> {
    (identity.1 != 0).then_some(identity)
}

/// Returns the volume that a folder is on, so that a walk can stay on it.
pub fn volume(identity: Identity) -> u64 {
    identity.0
}

/// Whether the content of a file is elsewhere, and reading it would fetch it.
pub fn is_offline(metadata: &fs::Metadata) -> bool {
    is_elsewhere(metadata.file_attributes())
}

/// Opens the file at `path` to read only its header. Fails with [`Offline`] if its content is
/// elsewhere.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, Recall::Never)
}

/// Opens the file at `path` to read only its header. Fails with [`Offline`] if its content is
/// elsewhere and may not be fetched.
pub fn open_with(path: &Path, recall: Recall) -> io::Result<File> {
    // Reading the attributes fetches nothing.
    if recall == Recall::Never && fs::metadata(path).is_ok_and(|metadata| is_offline(&metadata)) {
        return Err(Offline::default().into());
    }
    open_unchecked(path, recall)
}

/// Opens the file at `path` to read only its header, although its content may be elsewhere.
fn open_unchecked(path: &Path, recall: Recall) -> io::Result<File> {
    let flags = match recall {
        Recall::Never => FILE_FLAG_RANDOM_ACCESS | FILE_FLAG_OPEN_NO_RECALL,
        Recall::Allowed => FILE_FLAG_RANDOM_ACCESS,
    };
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    // For a folder, Windows reports only that access is denied.
    opened.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied if path.is_dir() => io::ErrorKind::IsADirectory.into(),
        _ => error,
    })
}

/// The properties that show whether a file is still the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub identity: Option<Identity>,
    /// The length in bytes.
    pub length: u64,
    modified: Option<u64>,
}

/// The seconds from 1601, when Windows' file times begin, to 1970
/// ([FILETIME](https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-filetime)).
const FROM_1601_TO_1970: u64 = 11_644_473_600;

impl Stamp {
    /// Returns when the content of the file was last changed, if that is after 1970.
    pub fn modified(&self) -> Option<SystemTime> {
        // In units of 100 nanoseconds.
        let since_1601 = self.modified?;
        let seconds = (since_1601 / 10_000_000).checked_sub(FROM_1601_TO_1970)?;
        let nanoseconds = u32::try_from(since_1601 % 10_000_000 * 100).ok()?;
        UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
    }
}

/// Returns the stamp of an open file and the number of its names (hard links).
pub fn stamp(file: &File) -> io::Result<(Stamp, u64)> {
    let information = winapi_util::file::information(file)?;
    let stamp = Stamp {
        identity: known((information.volume_serial_number(), information.file_index())),
        length: information.file_size(),
        modified: information.last_write_time(),
    };
    Ok((stamp, information.number_of_links()))
}

/// `FILE_SHARE_READ`: no other program may write the file while netswap changes it.
const FILE_SHARE_READ: u32 = 1;

/// Opens the file at `path` to change it in place.
pub fn open_to_change(path: &Path, _follow: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).share_mode(FILE_SHARE_READ).open(path)
}

/// Writes once at this offset. Returns the number of bytes written, which may be too few.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}

/// Returns `None`, because the folder decides the permissions of a new file.
pub fn new_file_permissions() -> Option<Permissions> {
    None
}

/// Sets the permissions of a file by its path, because a handle for reading does not allow it.
/// Resolves a link first, because otherwise the link itself would get the permissions.
pub fn set_permissions(_file: &File, path: &Path, to: Permissions) -> io::Result<()> {
    if path.symlink_metadata()?.is_symlink() {
        return fs::set_permissions(fs::canonicalize(path)?, to);
    }
    fs::set_permissions(path, to)
}

/// Does nothing, because Windows has no limit that matters here.
pub fn raise_open_files() {}

/// Removes the read-only attribute.
pub fn make_writable(permissions: &mut Permissions) {
    permissions.set_readonly(false);
}

/// The codes `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION` and `ERROR_USER_MAPPED_FILE`
/// ([System error codes](https://learn.microsoft.com/windows/win32/debug/system-error-codes)).
const IN_USE: [i32; 3] = [32, 33, 1224];

/// Whether a file can't be opened because it is a running program or a program has it open.
pub fn is_in_use(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| IN_USE.contains(&code))
}

/// Returns these UTF-8 bytes as text.
pub fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Returns the program at this path, which may lack the `.exe`.
pub fn program(path: PathBuf) -> Option<PathBuf> {
    let mut with_extension = path.clone().into_os_string();
    with_extension.push(".exe");
    [path, with_extension.into()].into_iter().find(|path| path.is_file())
}

/// Returns the exact UTF-16 code units of a path in little-endian order, for paths that are not
/// valid Unicode.
pub fn path_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().encode_wide().flat_map(u16::to_le_bytes).collect()
}

/// Returns the path with these bytes, see [`path_bytes`].
pub fn path_from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    let units = bytes.chunks(2).map(|unit| Some(u16::from_le_bytes(*unit.first_chunk()?)));
    let units: Vec<u16> = units.collect::<Option<_>>()?;
    Some(PathBuf::from(OsString::from_wide(&units)))
}

/// Reads once at this offset. Returns the number of bytes read, which may be too few.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}
