//! netswap as it is released, run on files that an account without privileges could not touch either.

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

/// The program, and what is put before it.
pub(super) struct Netswap {
    path: PathBuf,
    /// Takes from root the power to pass over permissions.
    account: &'static [&'static str],
    /// Whether files can be closed to it.
    pub(super) obeys_permissions: bool,
}

/// What takes from root the power to pass over permissions; an ordinary account needs nothing.
const ACCOUNTS: [&[&str]; 2] =
    [&[], &["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]];

/// A command that takes longer hangs.
const MOST_SECONDS: &str = "300";

impl Netswap {
    /// Builds it.
    pub(super) fn build() -> Result<Self, String> {
        let path = released("netswap")?;
        let obeys = |account: &&[&str]| obeys_permissions(account).unwrap_or(false);
        let account = ACCOUNTS.into_iter().find(obeys);
        let obeys_permissions = account.is_some();
        Ok(Netswap { path, account: account.unwrap_or_default(), obeys_permissions })
    }

    /// The program itself, to be killed.
    pub(super) fn command(&self, subcommand: &str) -> Command {
        let mut words = self.words();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).arg(subcommand);
        command
    }

    /// The program behind one that ends it when it hangs.
    pub(super) fn bounded(&self, subcommand: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", MOST_SECONDS]).args(self.words()).arg(subcommand);
        command
    }

    /// The program in a world of mounts of its own, once the script has made them; the script finds
    /// its own words in `$1` and so on, and has to `exec` or run `"$@"` when it has shifted them.
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

    /// `netswap patch --journal JOURNAL`, bounded.
    pub(super) fn patch(&self, journal: &Path) -> Command {
        let mut command = self.bounded("patch");
        command.arg("--journal").arg(journal);
        command
    }

    /// `netswap undo JOURNAL`, bounded.
    pub(super) fn undo(&self, journal: &Path) -> Command {
        let mut command = self.bounded("undo");
        command.arg(journal);
        command
    }

    fn words(&self) -> impl Iterator<Item = OsString> {
        self.account.iter().map(OsString::from).chain([self.path.clone().into_os_string()])
    }
}

/// Whether this process may do what root may.
pub(super) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Whether a file can be closed to such an account, and another one is open to it.
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

/// What a run came to.
pub(super) struct Ran {
    what: String,
    /// `None`: it was ended by a signal.
    pub(super) code: Option<i32>,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    pub(super) seconds: f64,
}

/// Runs to the end. `Err`: it can't be run, or it panicked.
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
    /// Whether it ended with this exit code.
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

    /// Whether it was killed.
    pub(super) fn was_killed(self) -> Result<Self, String> {
        if self.code.is_none() { Ok(self) } else { Err(self.wrong("it was not killed")) }
    }

    /// Whether its standard error has this text.
    pub(super) fn says(self, text: &str) -> Result<Self, String> {
        let err = String::from_utf8_lossy(&self.err);
        let has = err.contains(text);
        if has { Ok(self) } else { Err(self.wrong(&format!("it does not say {text:?}"))) }
    }

    /// What is wrong with this run: in a line, and the end of what it printed.
    pub(super) fn wrong(&self, why: &str) -> String {
        let tail = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let skipped = text.lines().count().saturating_sub(3);
            text.lines().skip(skipped).flat_map(|line| ["\n    ", line]).collect::<String>()
        };
        format!("{why}: {}{}{}", self.what, tail(&self.out), tail(&self.err))
    }

    /// The paths of its `ndjson` report with this status.
    pub(super) fn paths(&self, status: &str) -> Result<BTreeSet<PathBuf>, String> {
        let objects = self.objects()?;
        let with_status =
            objects.iter().filter(|object| object.get("status").is_some_and(|it| it == status));
        let paths: Vec<PathBuf> = with_status.filter_map(path_of).collect();
        let count = paths.len();
        let paths: BTreeSet<PathBuf> = paths.into_iter().collect();
        if paths.len() < count { Err(self.wrong("it tells of a file twice")) } else { Ok(paths) }
    }

    /// A number of its `ndjson` report's summary.
    pub(super) fn count(&self, field: &str) -> Result<u64, String> {
        let objects = self.objects()?;
        let count = objects.last().and_then(|last| last.get("summary")?.get(field)?.as_u64());
        count.ok_or_else(|| self.wrong(&format!("its report has no summary with {field}")))
    }

    /// Whether the findings of each of these files in its `ndjson` report have this word.
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

/// The path that an object of a report or a journal has.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_that_is_no_text_is_read_from_its_bytes() {
        assert_eq!(path_of(&json!({ "path": "/ü" })), Some("/ü".into()));
        let odd = json!({ "path": "/\u{fffd}", "path_bytes": "2fff" });
        assert_eq!(path_of(&odd), Some(OsString::from_vec(b"/\xff".to_vec()).into()));
        assert_eq!(path_of(&json!({ "path": "/", "path_bytes": "2ff" })), None);
        assert_eq!(path_of(&json!({ "summary": 1 })), None);
    }
}
