//! A folder as a share has it, an account with a home of its own, and the program run on them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process;
use std::time::SystemTime;

use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use tempfile::TempDir;

use super::independently_read;

/// A share, and beside it the home of the account that works on it.
pub(crate) struct Share {
    dir: TempDir,
    /// The share itself, in which the program runs.
    pub(crate) root: PathBuf,
    pub(crate) home: PathBuf,
}

/// All that is to stay the same of a file that is not touched.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FileState {
    pub(crate) bytes: Vec<u8>,
    pub(crate) modified: SystemTime,
    pub(crate) permissions: fs::Permissions,
}

impl fmt::Debug for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileState { bytes, modified, permissions } = self;
        write!(f, "{} bytes, {modified:?}, {permissions:?}", bytes.len())
    }
}

impl Share {
    /// A share with these files.
    pub(crate) fn of<const COUNT: usize>(files: [(&str, Vec<u8>); COUNT]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // A name that is the same however it is reached.
        let base = dir.path().canonicalize().unwrap();
        let share = Share { root: base.join("share"), home: base.join("home"), dir };
        fs::create_dir(&share.root).unwrap();
        fs::create_dir(&share.home).unwrap();
        for (name, bytes) in files {
            share.write(name, bytes);
        }
        share
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// What lies beside the share.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Whether a file holds these bytes: to print both tells nobody where they differ.
    pub(crate) fn holds(&self, name: &str, bytes: &[u8]) -> bool {
        self.read(name) == bytes
    }

    /// The Characteristics of an image, as the independent reader has them.
    pub(crate) fn characteristics(&self, name: &str) -> u16 {
        independently_read(&self.path(name))
    }

    /// The program, run in the share by the account.
    pub(crate) fn netswap<const COUNT: usize>(&self, arguments: [&str; COUNT]) -> Command {
        self.account(Command::new(cargo_bin!("netswap"))).args(arguments)
    }

    /// Runs a command to its end, as the account.
    pub(crate) fn run<const COUNT: usize>(&self, arguments: [&str; COUNT]) -> OutputAssert {
        self.netswap(arguments).assert()
    }

    /// A command that knows of the account alone.
    pub(crate) fn account(&self, command: Command) -> Command {
        let home = ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"];
        let command = home.iter().fold(command, |command, name| command.env(name, &self.home));
        command.env_remove("XDG_STATE_HOME").current_dir(&self.root)
    }

    /// The journals in the account's home, in the order of their names.
    pub(crate) fn journals(&self) -> Vec<PathBuf> {
        files(&self.home).into_iter().filter(|path| path.extension().is_some()).collect()
    }

    /// The one journal.
    pub(crate) fn journal(&self) -> PathBuf {
        let [journal] = &self.journals()[..] else { panic!("{:?}", self.journals()) };
        journal.clone()
    }

    /// The lines of the one journal, its head not among them.
    pub(crate) fn entries(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.journal()).unwrap();
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Puts back what the one journal has.
    pub(crate) fn undo(&self) -> OutputAssert {
        self.run(["undo", self.journal().to_str().unwrap()])
    }

    /// Every file of the share, and whatever the account keeps.
    pub(crate) fn state(&self) -> BTreeMap<PathBuf, FileState> {
        let state = |path: PathBuf| {
            let metadata = fs::symlink_metadata(&path).unwrap();
            let bytes = fs::read(&path).unwrap_or_default();
            let (modified, permissions) = (metadata.modified().unwrap(), metadata.permissions());
            (path, FileState { bytes, modified, permissions })
        };
        files(self.dir.path()).into_iter().map(state).collect()
    }

    /// The program, run by an account that is not root: root may do what the tests are about. Files and
    /// folders are given to it.
    #[cfg(unix)]
    pub(crate) fn unprivileged<const COUNT: usize>(&self, arguments: [&str; COUNT]) -> Command {
        use std::os::unix::fs::{PermissionsExt, chown, lchown};

        if !is_root() {
            return self.netswap(arguments);
        }
        // It may not reach the folder that the program was built in. Were it copied by this process, a
        // program that another test starts meanwhile would have it open for writing.
        let program = self.beside("netswap");
        let mut copy = process::Command::new("cp");
        let copied = copy.args([Path::new(cargo_bin!("netswap")), &program]).status().unwrap();
        assert!(copied.success());
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
        let command = command.arg(format!("--regid={NOBODY}")).arg("--clear-groups").arg(program);
        self.account(command).args(arguments)
    }
}

/// An account without a name or a home in the system's list of accounts.
#[cfg(unix)]
const NOBODY: u32 = 54_321;

/// Whether the tests are run by root, whom no permission stops.
#[cfg(unix)]
pub(crate) fn is_root() -> bool {
    let id = process::Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// All that is below a folder but the folders, in the order of the paths.
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
