//! Runs the release build of netswap so that file permissions apply to it, even if root runs the
//! test.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files::{create_folder, scratch};
use crate::programs;

/// The program, and the command that runs it without root's privileges.
pub(super) struct Netswap {
    path: PathBuf,
    /// The command that makes permissions apply to root, too.
    account: &'static [&'static str],
    /// Whether permissions can make files inaccessible to the program.
    pub(super) obeys_permissions: bool,
}

/// Commands that make permissions apply to root, too. An ordinary account needs none.
const ACCOUNTS: [&[&str]; 2] =
    [&[], &["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]];

/// A command that runs for more seconds than this counts as hanging.
const TIMEOUT_SECONDS: &str = "300";

impl Netswap {
    pub(super) fn build() -> Result<Self, String> {
        let path = programs::release("netswap")?;
        let folder = create_folder(scratch("faults"))?;
        let obeys = |account: &&[&str]| obeys_permissions(account, &folder).unwrap_or(false);
        let account = ACCOUNTS.into_iter().find(obeys);
        let obeys_permissions = account.is_some();
        Ok(Netswap { path, account: account.unwrap_or_default(), obeys_permissions })
    }

    /// Returns a command that runs the program directly, so that a test can kill it.
    pub(super) fn command(&self, subcommand: &str) -> Command {
        let mut words = self.words();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).arg(subcommand);
        command
    }

    /// Returns a command that runs the program, and kills it when it hangs.
    pub(super) fn with_timeout(&self, subcommand: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", TIMEOUT_SECONDS]).args(self.words()).arg(subcommand);
        command
    }

    /// Returns a command that runs the program in its own mount namespace.
    ///
    /// `script` makes the mounts. It gets the arguments `script_arguments`, followed by the command.
    /// It must shift its own arguments and then run `"$@"`.
    pub(super) fn with_mounts(
        &self,
        script: &str,
        script_arguments: &[&OsStr],
        subcommand: &str,
    ) -> Command {
        let mut command = unshare();
        command.args(["sh", "-c", script, "sh"]).args(script_arguments);
        command.args(["timeout", "--signal=KILL", TIMEOUT_SECONDS]).args(self.words());
        command.arg(subcommand);
        command
    }

    /// Returns the command `netswap patch --journal JOURNAL`, with the timeout.
    pub(super) fn patch(&self, journal: &Path) -> Command {
        let mut command = self.with_timeout("patch");
        command.arg("--journal").arg(journal);
        command
    }

    /// Returns the command `netswap undo JOURNAL`, with the timeout.
    pub(super) fn undo(&self, journal: &Path) -> Command {
        let mut command = self.with_timeout("undo");
        command.arg(journal);
        command
    }

    fn words(&self) -> impl Iterator<Item = OsString> {
        self.account.iter().map(OsString::from).chain([self.path.clone().into_os_string()])
    }
}

pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Whether a process can mount file systems in its own mount namespace.
pub(super) fn can_mount() -> bool {
    let output = unshare().args(["mount", "-t", "tmpfs", "test", "/mnt"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Returns the start of a command that runs in its own mount namespace.
fn unshare() -> Command {
    let mut unshare = Command::new("unshare");
    if !is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.arg("--mount");
    unshare
}

/// Whether this account can read a file with permissions, and can't read one without.
fn obeys_permissions(account: &[&str], folder: &Path) -> Result<bool, std::io::Error> {
    let [readable, unreadable] = ["readable.txt", "unreadable.txt"].map(|name| folder.join(name));
    for (file, mode) in [(&readable, 0o644), (&unreadable, 0o000)] {
        fs::write(file, "").or_else(|_| {
            fs::remove_file(file)?;
            fs::write(file, "")
        })?;
        fs::set_permissions(file, Permissions::from_mode(mode))?;
    }
    let can_read = |file: &Path| {
        let mut words = account.iter().chain(&["cat"]);
        let mut command = Command::new(words.next().unwrap_or(&"cat"));
        command.args(words).arg(file).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    Ok(can_read(&readable) && !can_read(&unreadable))
}
