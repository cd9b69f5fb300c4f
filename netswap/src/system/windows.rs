//! Windows: paths are opened in full, since its libraries have no safe way to open a file relative to
//! a folder.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions, ReadDir};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::EntryKind;

/// `FILE_FLAG_RANDOM_ACCESS`: the cache manager does not read ahead
/// ([CreateFile](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew)).
const FILE_FLAG_RANDOM_ACCESS: u32 = 0x1000_0000;

/// A folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The list of what stands in it, until it is read.
    list: Mutex<Option<ReadDir>>,
}

/// Which file or folder it is, whatever its name: the volume's serial number and the file's index.
pub type Identity = (u64, u64);

/// The names in a folder.
#[derive(Debug, Default)]
pub struct Names {
    names: Vec<OsString>,
}

/// The place of a name in its [`Names`].
pub type Name = u32;

impl Names {
    fn add(&mut self, name: OsString) -> io::Result<Name> {
        let at = u32::try_from(self.names.len())
            .map_err(|_| io::Error::other("the folder has more than 4,294,967,295 names"))?;
        self.names.push(name);
        Ok(at)
    }

    /// The order of two names.
    pub fn compare(&self, a: Name, b: Name) -> Ordering {
        self.get(a).cmp(self.get(b))
    }

    pub fn get(&self, name: Name) -> &OsStr {
        self.names.get(name as usize).map(OsString::as_os_str).unwrap_or_default()
    }
}

impl Folder {
    /// The folder at `path`. It is asked for its first names here: how long that takes tells whether it
    /// is far.
    pub fn open(path: &Path) -> io::Result<Self> {
        let list = Mutex::new(Some(fs::read_dir(path)?));
        Ok(Folder { path: path.to_owned(), list })
    }

    /// A folder in this one.
    pub fn folder(&self, names: &Names, name: Name, _follow: bool) -> io::Result<Self> {
        Folder::open(&self.path.join(names.get(name)))
    }

    /// Opens a file in this folder, to read its header alone.
    ///
    /// `FILE_FLAG_OPEN_REPARSE_POINT` would keep it from following a link that has taken the file's
    /// place, and from reading the many files that are reparse points and no links: deduplicated
    /// ones, and those in the cloud.
    pub fn file(&self, names: &Names, name: Name, _follow: bool) -> io::Result<File> {
        open(&self.path.join(names.get(name)))
    }

    /// All that is in the folder, in no order.
    pub fn entries(&self) -> io::Result<(Names, Vec<(Name, EntryKind)>)> {
        let (mut names, mut entries) = (Names::default(), Vec::new());
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner).take();
        for entry in list.map_or_else(|| fs::read_dir(&self.path), Ok)? {
            let entry = entry?;
            let kind = entry_kind(entry.file_type()?);
            entries.push((names.add(entry.file_name())?, kind));
        }
        Ok((names, entries))
    }

    /// What the link of this name leads to.
    pub fn behind_link(&self, names: &Names, name: Name) -> io::Result<EntryKind> {
        Ok(entry_kind(fs::metadata(self.path.join(names.get(name)))?.file_type()))
    }

    /// Which folder it is, if the file system tells.
    pub fn identity(&self) -> io::Result<Option<Identity>> {
        let handle = winapi_util::Handle::from_path_any(&self.path)?;
        let information = winapi_util::file::information(&handle)?;
        Ok(known((information.volume_serial_number(), information.file_index())))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn entry_kind(kind: fs::FileType) -> EntryKind {
    if kind.is_symlink() {
        EntryKind::Link
    } else if kind.is_dir() {
        EntryKind::Folder
    } else if kind.is_file() {
        EntryKind::File
    } else {
        EntryKind::Other
    }
}

/// Some file systems, and servers of them, number nothing.
fn known(identity: Identity) -> Option<Identity> {
    (identity.1 != 0).then_some(identity)
}

/// Which volume a folder lies on, to stay on it.
pub fn volume(identity: Identity) -> u64 {
    identity.0
}

/// Opens the file at `path`, to read its header alone.
pub fn open(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().read(true).custom_flags(FILE_FLAG_RANDOM_ACCESS).open(path);
    // Of a folder Windows says no more than that access is denied.
    opened.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied if path.is_dir() => io::ErrorKind::IsADirectory.into(),
        _ => error,
    })
}

/// What tells whether a file is still the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub identity: Option<Identity>,
    /// In bytes.
    pub length: u64,
    modified: Option<u64>,
}

/// The stamp of an open file, and how many names it has.
pub fn stamp(file: &File) -> io::Result<(Stamp, u64)> {
    let information = winapi_util::file::information(file)?;
    let stamp = Stamp {
        identity: known((information.volume_serial_number(), information.file_index())),
        length: information.file_size(),
        modified: information.last_write_time(),
    };
    Ok((stamp, information.number_of_links()))
}

/// `FILE_SHARE_READ`: nobody else may write it while it is changed.
const FILE_SHARE_READ: u32 = 1;

/// Opens the file at `path` to change it in place.
pub fn open_to_change(path: &Path, _follow: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).share_mode(FILE_SHARE_READ).open(path)
}

/// One write at this offset, which may be short.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}

/// The folder's own decide.
pub fn of_a_new_file() -> Option<Permissions> {
    None
}

/// Gives a file these permissions, by its path: a handle for reading does not allow it. At a link they
/// would become the link's own.
pub fn set_permissions(_file: &File, path: &Path, to: Permissions) -> io::Result<()> {
    if path.symlink_metadata()?.is_symlink() {
        return fs::set_permissions(fs::canonicalize(path)?, to);
    }
    fs::set_permissions(path, to)
}

/// Windows has no limit that matters here.
pub fn raise_open_files() {}

/// Takes the read-only attribute away.
pub fn make_writable(permissions: &mut Permissions) {
    permissions.set_readonly(false);
}

/// `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`, `ERROR_USER_MAPPED_FILE`
/// ([System error codes](https://learn.microsoft.com/windows/win32/debug/system-error-codes)).
const IN_USE: [i32; 3] = [32, 33, 1224];

/// Whether a program that runs, or one that has it open, keeps the file from being opened.
pub fn is_in_use(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| IN_USE.contains(&code))
}

/// The text that these bytes are, in UTF-8.
pub fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The program at this path, whose name may lack its `.exe`.
pub fn program(path: PathBuf) -> Option<PathBuf> {
    let mut with_extension = path.clone().into_os_string();
    with_extension.push(".exe");
    [path, with_extension.into()].into_iter().find(|path| path.is_file())
}

/// A path as it is, for those that are no text: its UTF-16 code units, little end first.
pub fn path_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().encode_wide().flat_map(u16::to_le_bytes).collect()
}

/// The path that these bytes are.
pub fn path_from_bytes(bytes: &[u8]) -> Option<PathBuf> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().copied().map(u16::from_le_bytes).collect();
    rest.is_empty().then(|| PathBuf::from(OsString::from_wide(&units)))
}

/// One read at this offset, which may be short.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}
