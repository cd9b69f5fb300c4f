//! Runs the release build of netswap under an account that permissions apply to, even if root runs
//! the test.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::process::scratch;
use crate::released::released;

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

/// The limit in seconds after which a command counts as hanging.
const MOST_SECONDS: &str = "300";

impl Netswap {
    /// Builds the program.
    pub(super) fn build() -> Result<Self, String> {
        let path = released("netswap")?;
        let obeys = |account: &&[&str]| obeys_permissions(account).unwrap_or(false);
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
    pub(super) fn bounded(&self, subcommand: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", MOST_SECONDS]).args(self.words()).arg(subcommand);
        command
    }

    /// Returns a command that runs the program in its own mount namespace.
    ///
    /// The script makes the mounts. Its own arguments are `$1` and so on. It has to shift them and
    /// then `exec` or run `"$@"`.
    pub(super) fn with_mounts(&self, script: &str, own: &[&OsStr], subcommand: &str) -> Command {
        let mut command = Command::new("unshare");
        if !is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "sh", "-c", script, "sh"]).args(own);
        command.args(["timeout", "--signal=KILL", MOST_SECONDS]).args(self.words());
        command.arg(subcommand);
        command
    }

    /// Returns the bounded command `netswap patch --journal JOURNAL`.
    pub(super) fn patch(&self, journal: &Path) -> Command {
        let mut command = self.bounded("patch");
        command.arg("--journal").arg(journal);
        command
    }

    /// Returns the bounded command `netswap undo JOURNAL`.
    pub(super) fn undo(&self, journal: &Path) -> Command {
        let mut command = self.bounded("undo");
        command.arg(journal);
        command
    }

    fn words(&self) -> impl Iterator<Item = OsString> {
        self.account.iter().map(OsString::from).chain([self.path.clone().into_os_string()])
    }
}

/// Whether this process has root's privileges.
pub(super) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Whether such an account can read an open file, and can't read a file without permissions.
fn obeys_permissions(account: &[&str]) -> Result<bool, std::io::Error> {
    let folder = scratch("faults");
    fs::create_dir_all(&folder)?;
    let [open, closed] = ["open", "closed"].map(|name| folder.join(name));
    for (file, mode) in [(&open, 0o644), (&closed, 0o000)] {
        fs::write(file, "").or_else(|_| {
            fs::remove_file(file)?;
            fs::write(file, "")
        })?;
        fs::set_permissions(file, Permissions::from_mode(mode))?;
    }
    let reads = |file: &Path| {
        let mut words = account.iter().chain(&["cat"]);
        let mut command = Command::new(words.next().unwrap_or(&"cat"));
        command.args(words).arg(file).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    Ok(reads(&open) && !reads(&closed))
}

/// The outcome of a run.
pub(super) struct Ran {
    what: String,
    /// The exit code. `None`: a signal ended the run.
    pub(super) code: Option<i32>,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    pub(super) seconds: f64,
}

/// Runs a command to its end. `Err`: it can't be run, or it panicked.
pub(super) fn ran(command: &mut Command) -> Result<Ran, String> {
    let start = Instant::now();
    let what = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{what}: {error}"))?;
    let seconds = start.elapsed().as_secs_f64();
    let (code, out, err) = (output.status.code(), output.stdout, output.stderr);
    let ran = Ran { what, code, out, err, seconds };
    let err = String::from_utf8_lossy(&ran.err);
    if err.contains("panicked") { Err(ran.wrong("it panicked")) } else { Ok(ran) }
}

impl Ran {
    /// Checks that the run ended with this exit code.
    pub(super) fn ended_with(self, code: i32) -> Result<Self, String> {
        self.ended_with_one_of(&[code])
    }

    pub(super) fn ended_with_one_of(self, codes: &[i32]) -> Result<Self, String> {
        match self.code {
            Some(code) if codes.contains(&code) => Ok(self),
            Some(code) => Err(self.wrong(&format!("it ended with {code}, and not with {codes:?}"))),
            None => Err(self.wrong("it was ended by a signal")),
        }
    }

    /// Checks that the run was killed.
    pub(super) fn was_killed(self) -> Result<Self, String> {
        if self.code.is_none() { Ok(self) } else { Err(self.wrong("it was not killed")) }
    }

    /// Checks that standard error contains this text.
    pub(super) fn says(self, text: &str) -> Result<Self, String> {
        let err = String::from_utf8_lossy(&self.err);
        let has = err.contains(text);
        if has { Ok(self) } else { Err(self.wrong(&format!("it does not say {text:?}"))) }
    }

    /// Returns an error message: the reason, the command, and the last three lines of each output.
    pub(super) fn wrong(&self, why: &str) -> String {
        let tail = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let skipped = text.lines().count().saturating_sub(3);
            text.lines().skip(skipped).flat_map(|line| ["\n    ", line]).collect::<String>()
        };
        format!("{why}: {}{}{}", self.what, tail(&self.out), tail(&self.err))
    }

    /// Returns the paths with this status in the `ndjson` report.
    pub(super) fn paths(&self, status: &str) -> Result<BTreeSet<PathBuf>, String> {
        let objects = self.objects()?;
        let with_status =
            objects.iter().filter(|object| object.get("status").is_some_and(|it| it == status));
        let paths: Vec<PathBuf> = with_status.filter_map(path_of).collect();
        let count = paths.len();
        let paths: BTreeSet<PathBuf> = paths.into_iter().collect();
        if paths.len() < count { Err(self.wrong("it tells of a file twice")) } else { Ok(paths) }
    }

    /// Returns a number from the summary of the `ndjson` report.
    pub(super) fn count(&self, field: &str) -> Result<u64, String> {
        let objects = self.objects()?;
        let count = objects.last().and_then(|last| last.get("summary")?.get(field)?.as_u64());
        count.ok_or_else(|| self.wrong(&format!("its report has no summary with {field}")))
    }

    /// Checks that the findings of each of these files in the `ndjson` report contain this word.
    pub(super) fn tells(&self, word: &str, paths: &BTreeSet<PathBuf>) -> Result<(), String> {
        let objects = self.objects()?;
        for path in paths {
            let is_of_it = |object: &&Value| path_of(object).as_ref() == Some(path);
            let object = objects.iter().find(is_of_it);
            let findings = object.and_then(|object| object.get("findings")).map(Value::to_string);
            if !findings.is_some_and(|findings| findings.contains(word)) {
                let path = path.display();
                return Err(self.wrong(&format!("it does not say {word:?} of {path}")));
            }
        }
        Ok(())
    }

    fn objects(&self) -> Result<Vec<Value>, String> {
        let lines = self.out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let objects = lines.map(serde_json::from_slice).collect::<Result<_, _>>();
        objects.map_err(|error| self.wrong(&error.to_string()))
    }
}

/// Returns the path in an object of a report or a journal.
pub(super) fn path_of(object: &Value) -> Option<PathBuf> {
    let text = object.get("path")?.as_str()?;
    let Some(bytes) = object.get("path_bytes").and_then(Value::as_str) else {
        return Some(text.into());
    };
    let (pairs, rest) = bytes.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    rest.is_empty().then_some(OsString::from_vec(bytes?).into())
}
