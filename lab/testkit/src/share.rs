//! A folder that serves as a share, the home of an account, and functions that run netswap with
//! both.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process;
use std::time::SystemTime;

use snapbox::cmd::{Command, OutputAssert};
use tempfile::TempDir;

use crate::{independently_read, program};

/// A share, and next to it the home of the account that uses it.
pub struct Share {
    dir: TempDir,
    /// The share's folder, in which netswap runs.
    pub root: PathBuf,
    pub home: PathBuf,
}

/// The properties of a file that a command must not change in a file that it leaves alone.
#[derive(Clone, PartialEq, Eq)]
pub struct FileState {
    pub bytes: Vec<u8>,
    pub modified: SystemTime,
    pub permissions: fs::Permissions,
}

impl fmt::Debug for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileState { bytes, modified, permissions } = self;
        write!(f, "{} bytes, {modified:?}, {permissions:?}", bytes.len())
    }
}

impl Share {
    pub fn new<const COUNT: usize>(files: [(&str, Vec<u8>); COUNT]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The temporary folder may be a symbolic link. Reports print the canonical path.
        let base = dir.path().canonicalize().unwrap();
        let share = Share { root: base.join("share"), home: base.join("home"), dir };
        fs::create_dir(&share.root).unwrap();
        fs::create_dir(&share.home).unwrap();
        for (name, bytes) in files {
            share.write(name, bytes);
        }
        share
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Whether a file has exactly these bytes. `assert_eq!` would print both contents in full.
    pub fn holds(&self, name: &str, bytes: &[u8]) -> bool {
        self.read(name) == bytes
    }

    /// Reads the Characteristics of an image with the independent reader.
    pub fn characteristics(&self, name: &str) -> u16 {
        independently_read(&self.path(name))
    }

    /// Returns a command that runs netswap in the share as the account.
    pub fn netswap<const COUNT: usize>(&self, arguments: [&str; COUNT]) -> Command {
        self.account(Command::new(program("netswap"))).args(arguments)
    }

    /// Runs netswap to its end as the account.
    pub fn run<const COUNT: usize>(&self, arguments: [&str; COUNT]) -> OutputAssert {
        self.netswap(arguments).assert()
    }

    /// Makes a command use only the account's folders, and run in the share.
    pub fn account(&self, command: Command) -> Command {
        let home = ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"];
        let command = home.iter().fold(command, |command, name| command.env(name, &self.home));
        command.env_remove("XDG_STATE_HOME").current_dir(&self.root)
    }

    /// Returns the journals in the account's home, sorted by name.
    pub fn journals(&self) -> Vec<PathBuf> {
        files(&self.home).into_iter().filter(|path| path.extension().is_some()).collect()
    }

    pub fn journal(&self) -> PathBuf {
        let [journal] = &self.journals()[..] else { panic!("{:?}", self.journals()) };
        journal.clone()
    }

    /// Returns the lines of the only journal without its head.
    pub fn entries(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.journal()).unwrap();
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn undo(&self) -> OutputAssert {
        self.run(["undo", self.journal().to_str().unwrap()])
    }

    /// Returns the state of every file of the share and of the account's home.
    pub fn state(&self) -> BTreeMap<PathBuf, FileState> {
        let state = |path: PathBuf| {
            let metadata = fs::symlink_metadata(&path).unwrap();
            let bytes = fs::read(&path).unwrap_or_default();
            let (modified, permissions) = (metadata.modified().unwrap(), metadata.permissions());
            (path, FileState { bytes, modified, permissions })
        };
        files(self.dir.path()).into_iter().map(state).collect()
    }

    /// Returns a command that runs netswap as an account other than root, and gives files and
    /// folders to that account. Permissions do not restrict root, so the tests would prove nothing.
    #[cfg(unix)]
    pub fn unprivileged<const COUNT: usize>(&self, arguments: [&str; COUNT]) -> Command {
        use std::os::unix::fs::{PermissionsExt, chown, lchown};

        if !is_root() {
            return self.netswap(arguments);
        }
        // The account may have no access to the folder where netswap was built, so it runs a copy.
        // `cp` writes the copy. If this process did, a program that another test starts meanwhile
        // would inherit the open file. Linux does not run a file that is open for writing.
        let copy = self.beside("netswap");
        let mut cp = process::Command::new("cp");
        let status = cp.args([&program("netswap"), &copy]).status().unwrap();
        assert!(status.success());
        let folders = [self.dir.path(), &self.root, &self.home].map(Path::to_owned);
        for path in folders.into_iter().chain(files(&self.root)) {
            if path.is_dir() && !path.is_symlink() {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            } else {
                lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let command = Command::new("setpriv").arg(format!("--reuid={NOBODY}"));
        let command = command.arg(format!("--regid={NOBODY}")).arg("--clear-groups").arg(copy);
        self.account(command).args(arguments)
    }
}

/// The ID of an account that is not in the system's list of accounts.
#[cfg(unix)]
const NOBODY: u32 = 54_321;

/// Whether root runs the tests. Permissions do not restrict root.
#[cfg(unix)]
pub fn is_root() -> bool {
    let id = process::Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// Returns everything below a folder except folders, sorted by path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
