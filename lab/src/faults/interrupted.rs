//! Interrupts `netswap patch`, `netswap undo` and `netswap verify` with SIGINT or SIGTERM at random
//! moments, many times. Each finishes its files and its report, and undo restores every byte.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;
use testkit::image::{Image, Sum, patched};

use super::Options;
use super::program::Netswap;
use super::report::path_in;
use super::tree::{Journal, test_folder};
use crate::NotPassed;
use crate::files::{at, empty_folder, write};
use crate::outcome::Outcome;

const FILES: usize = 20_000;

const FILES_PER_FOLDER: usize = 200;

/// The exit code of an interrupted command.
const INTERRUPTED: i32 = 130;

/// Signals count as two interrupts if more time than this is between them.
const BETWEEN_INTERRUPTS: Duration = Duration::from_millis(250);

/// Rounds between two measurements of the usual duration. The speed of a disk changes over time.
const ROUNDS_PER_MEASUREMENT: u32 = 20;

struct Test<'a> {
    netswap: &'a Netswap,
    folder: PathBuf,
    paths: Vec<PathBuf>,
    /// The bytes of each file before and after a patch.
    old: Vec<u8>,
    new: Vec<u8>,
    random: Rng,
    usual: Durations,
    counts: Counts,
}

/// How long the commands take if nothing interrupts them.
#[derive(Default)]
struct Durations {
    patch: Duration,
    undo: Duration,
    verify: Duration,
}

/// How often each command was interrupted, and how often the interrupted command had changed some
/// of the files.
#[derive(Default)]
struct Counts {
    patch: u32,
    patch_partial: u32,
    undo: u32,
    undo_partial: u32,
    verify: u32,
    /// Two interrupts of patch while nobody read its report.
    twice: u32,
}

/// The result of a command that got a signal.
struct Ended {
    /// The exit code. `None` if the signal ended the program before it could handle signals.
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

pub(super) fn run(netswap: &Netswap, options: &Options) -> Result<String, NotPassed> {
    let folder = test_folder("interrupted")?;
    let old = Image::exe().sum(Sum::Right).bytes();
    let new = patched(&old).unwrap_or_default();
    let path = |number: usize| {
        let below = format!("tree/{:03}/{number:05}.exe", number / FILES_PER_FOLDER);
        folder.join(below)
    };
    let paths: Vec<_> = (0..FILES).map(path).collect();
    paths.iter().try_for_each(|path| write(path, &old))?;
    let random = Rng::with_seed(options.seed);
    let (usual, counts) = (Durations::default(), Counts::default());
    let mut test = Test { netswap, folder, paths, old, new, random, usual, counts };
    for round in 0..options.interrupts {
        if round % ROUNDS_PER_MEASUREMENT == 0 {
            test.measure()?;
        }
        test.round(round).map_err(|why| format!("round {round}: {why}"))?;
    }
    Ok(test.summary(options.interrupts)?)
}

impl Test<'_> {
    fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Returns a command that keeps its journals in the test's folder. It handles signals even if
    /// `nohup` or a shell in the background ignores them.
    fn command(&self, subcommand: &str) -> Command {
        let netswap = self.netswap.command(subcommand);
        let mut command = Command::new("env");
        command.arg("--default-signal=INT,TERM,HUP").arg(netswap.get_program());
        command.args(netswap.get_args()).args(["--jobs", "4"]);
        command.env("XDG_STATE_HOME", self.state()).current_dir(&self.folder);
        command.stdin(Stdio::null());
        command
    }

    fn patch(&self) -> Command {
        let mut patch = self.command("patch");
        patch.arg(self.tree());
        patch
    }

    fn undo(&self, journal: &Path) -> Command {
        let mut undo = self.command("undo");
        undo.arg(journal);
        undo
    }

    fn verify(&self) -> Command {
        let mut verify = self.command("verify");
        verify.arg(self.tree()).args(["--format", "json"]);
        verify
    }

    /// Runs all commands to their ends, and measures how long each takes.
    fn measure(&mut self) -> Result<(), String> {
        empty_folder(self.state())?;
        let verify = Outcome::run(&mut self.verify())?.expect_code(1)?;
        let patch = Outcome::run(&mut self.patch())?.expect_code(0)?;
        let mut undo = self.command("undo");
        let undo = Outcome::run(undo.arg("--last"))?.expect_code(0)?;
        self.check_restored()?;
        let [verify, patch, undo] =
            [verify, patch, undo].map(|outcome| Duration::from_secs_f64(outcome.seconds));
        self.usual = Durations { patch, undo, verify };
        Ok(())
    }

    fn round(&mut self, round: u32) -> Result<(), String> {
        empty_folder(self.state())?;
        if round % 4 == 3 {
            self.interrupt_patch_twice()?;
        } else {
            self.interrupt_patch()?;
        }
        self.interrupt_verify()?;
        let journal = self.journal()?;
        let Some(journal) = journal else {
            return self.check_restored();
        };
        if self.random.bool() {
            self.interrupt_undo(&journal)?;
        }
        let has_entries = !Journal::read(&journal)?.entries.is_empty();
        Outcome::run(&mut self.undo(&journal))?.expect_code(if has_entries { 0 } else { 3 })?;
        self.check_restored()
    }

    fn interrupt_patch(&mut self) -> Result<(), String> {
        let is_json = self.random.bool();
        let mut patch = self.patch();
        patch.args(["--format", if is_json { "json" } else { "human" }]);
        let ended = self.interrupt(&mut patch, self.usual.patch)?;
        let changed = self.changed()?;
        let Some(journal) = self.journal()? else {
            return if changed.is_empty() { Ok(()) } else { Err("there is no journal".to_owned()) };
        };
        let entries = Journal::read(&journal)?.entries;
        if entries != changed {
            return Err(format!("{} entries for {} files", entries.len(), changed.len()));
        }
        let is_interrupted = ended.check(changed.len() == FILES, 0)?;
        self.counts.patch += u32::from(is_interrupted);
        self.counts.patch_partial += u32::from(is_interrupted && changed.len() < FILES);
        let journal_line = format!("journal: {}", journal.display());
        let people = if is_json { &ended.stderr } else { &ended.stdout };
        if people.lines().next() != Some(&journal_line) {
            return Err(format!("the first line is not {journal_line:?}: {people:.200}"));
        }
        let reported: BTreeSet<PathBuf> = if is_json {
            ended.files("files", "patched", is_interrupted)?
        } else {
            // The report shortens paths below the current folder.
            patched_in(&ended.stdout).iter().map(|path| self.folder.join(path)).collect()
        };
        if reported != changed {
            let (reported, changed) = (reported.len(), changed.len());
            return Err(format!("{changed} files were changed, but {reported} were reported"));
        }
        if is_interrupted && self.random.u8(..4) == 0 {
            self.run_printed_command(people)?;
        }
        Ok(())
    }

    /// Runs the last line of a report, which is the command that undoes the patch.
    fn run_printed_command(&self, report: &str) -> Result<(), String> {
        let line = report.lines().last().unwrap_or_default();
        if !line.starts_with("    netswap undo ") {
            return Err(format!("the last line is no command: {line:?}"));
        }
        let netswap = self.netswap.command("undo");
        let mut shell = Command::new("sh");
        // The account's command has no quotes.
        let words: Vec<_> = [netswap.get_program()]
            .into_iter()
            .chain(netswap.get_args())
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        let words = words.join(" ");
        let script = format!("netswap() {{ shift; {words} \"$@\"; }}\n{line}");
        Outcome::run(shell.args(["-c", &script]))?.expect_code(0)?;
        self.check_restored()
    }

    /// Interrupts patch twice. Because nobody reads the report, the first signal can't end it.
    fn interrupt_patch_twice(&mut self) -> Result<(), String> {
        let mut patch = self.patch();
        patch.args(["--format", "ndjson"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let delay = self.random_delay(self.usual.patch);
        let signals = [self.random_signal(), self.random_signal()];
        let mut child = patch.spawn().map_err(|error| format!("{patch:?}: {error}"))?;
        thread::sleep(delay);
        let [first, second] = signals;
        send(first, child.id())?;
        thread::sleep(BETWEEN_INTERRUPTS);
        let is_running = child.try_wait().map_err(|error| error.to_string())?.is_none();
        let start = Instant::now();
        if is_running {
            send(second, child.id())?;
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        if start.elapsed() > Duration::from_secs(10) {
            return Err("it did not end at once".to_owned());
        }
        // A signal at the very start ends the program before it handles signals.
        let is_early = status.code().is_none();
        if !is_early && status.code() != Some(INTERRUPTED) {
            return Err(format!("it ended with {status}"));
        }
        self.counts.twice += u32::from(is_running);
        let changed = self.changed()?;
        let journal = self.journal()?;
        let entries = journal.map_or(Ok(BTreeSet::new()), |path| {
            Journal::read(&path).map(|journal| journal.entries)
        })?;
        match changed.difference(&entries).next() {
            Some(file) => Err(format!("{} is changed but not in the journal", file.display())),
            None => Ok(()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the numbers of files are small")]
    fn interrupt_undo(&mut self, journal: &Path) -> Result<(), String> {
        let before = self.changed()?;
        let mut undo = self.undo(journal);
        undo.args(["--format", "json"]);
        let usual = self.usual.undo.mul_f64(before.len() as f64 / FILES as f64);
        let ended = self.interrupt(&mut undo, usual)?;
        let after = self.changed()?;
        if ended.code.is_none() {
            return Ok(());
        }
        let has_entries = !Journal::read(journal)?.entries.is_empty();
        let is_interrupted = ended.check(after.is_empty(), if has_entries { 0 } else { 3 })?;
        self.counts.undo += u32::from(is_interrupted);
        self.counts.undo_partial +=
            u32::from(is_interrupted && !after.is_empty() && after.len() < before.len());
        let restored: BTreeSet<_> = before.difference(&after).cloned().collect();
        let reported = ended.files("files", "restored", is_interrupted)?;
        if reported != restored {
            let (reported, restored) = (reported.len(), restored.len());
            return Err(format!("{restored} files were restored, but {reported} were reported"));
        }
        let command = format!("    netswap undo {}", journal.display());
        if is_interrupted && ended.stderr.lines().last() != Some(&command) {
            return Err(format!("the last line is not {command:?}: {}", ended.stderr));
        }
        Ok(())
    }

    fn interrupt_verify(&mut self) -> Result<(), String> {
        let mut verify = self.verify();
        let ended = self.interrupt(&mut verify, self.usual.verify)?;
        let code = match ended.code {
            None => return Ok(()),
            Some(code) if [0, 1, INTERRUPTED].contains(&code) => code,
            Some(code) => return Err(format!("verify ended with {code}: {}", ended.stderr)),
        };
        let is_interrupted = code == INTERRUPTED;
        self.counts.verify += u32::from(is_interrupted);
        let (passed, failed) = (
            ended.files("images", "passed", is_interrupted)?.len(),
            ended.files("images", "failed", is_interrupted)?.len(),
        );
        if !is_interrupted && passed + failed != FILES {
            return Err(format!("verify reported {passed} and {failed} files"));
        }
        Ok(())
    }

    /// Starts a command and sends it a signal after a random time, up to 10 % more than the usual
    /// duration. Its outputs go to files, so that it never waits for a reader.
    fn interrupt(&mut self, command: &mut Command, usual: Duration) -> Result<Ended, String> {
        let outputs = ["stdout", "stderr"].map(|name| self.folder.join(name));
        let [stdout, stderr] = &outputs;
        let create = |path: &Path| File::create(path).map_err(at(path));
        command.stdout(create(stdout)?).stderr(create(stderr)?);
        let (delay, signal) = (self.random_delay(usual), self.random_signal());
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        thread::sleep(delay);
        send(signal, child.id())?;
        let status = child.wait().map_err(|error| error.to_string())?;
        let read = |path: &Path| fs::read_to_string(path).map_err(at(path));
        let (stdout, stderr) = (read(stdout)?, read(stderr)?);
        if stderr.contains("panicked") {
            return Err(format!("{command:?} panicked: {stderr}"));
        }
        Ok(Ended { code: status.code(), stdout, stderr })
    }

    fn random_delay(&mut self, usual: Duration) -> Duration {
        let most = u64::try_from(usual.as_micros()).unwrap_or_default() * 11 / 10;
        Duration::from_micros(self.random.u64(..most.max(1)))
    }

    fn random_signal(&mut self) -> &'static str {
        if self.random.bool() { "INT" } else { "TERM" }
    }

    /// Returns the path of the only journal, if there is one.
    fn journal(&self) -> Result<Option<PathBuf>, String> {
        let folder = self.state().join("netswap");
        if !folder.exists() {
            return Ok(None);
        }
        let mut entries = fs::read_dir(&folder).map_err(at(&folder))?;
        let journal = entries.next().transpose().map_err(at(&folder))?;
        if entries.next().is_some() {
            return Err("there are two journals".to_owned());
        }
        Ok(journal.map(|entry| entry.path()))
    }

    /// Returns the files that are patched. A file that is neither old nor new is an error.
    fn changed(&self) -> Result<BTreeSet<PathBuf>, String> {
        let mut changed = BTreeSet::new();
        for path in &self.paths {
            let bytes = fs::read(path).map_err(at(path))?;
            if bytes == self.new {
                changed.insert(path.clone());
            } else if bytes != self.old {
                return Err(format!("{} is neither old nor new", path.display()));
            }
        }
        Ok(changed)
    }

    fn check_restored(&self) -> Result<(), String> {
        match self.changed()?.first() {
            Some(path) => Err(format!("{} was not restored", path.display())),
            None => Ok(()),
        }
    }

    fn summary(&self, rounds: u32) -> Result<String, String> {
        let Counts { patch, patch_partial, undo, undo_partial, verify, twice } = self.counts;
        let milliseconds = self.usual.patch.as_millis();
        let summary = format!(
            "{FILES} files; in {rounds} rounds, patch (usually {milliseconds} ms) interrupted {patch} times, {patch_partial} times with files left, and {twice} times by two signals; undo {undo} times, {undo_partial} times after it restored some of the files; verify {verify} times; each journal had exactly the changed files, and all bytes were restored"
        );
        if patch_partial < rounds / 4 {
            return Err(format!("too few interrupts while patch was changing files: {summary}"));
        }
        Ok(summary)
    }
}

impl Ended {
    /// Checks the exit code: 130 if the command was interrupted, or this code if it was complete.
    /// Returns whether it was interrupted.
    fn check(&self, is_complete: bool, code: i32) -> Result<bool, String> {
        match self.code {
            Some(INTERRUPTED) => Ok(true),
            Some(own) if own == code && is_complete => Ok(false),
            own => Err(format!("it ended with {own:?}: {}", self.stderr)),
        }
    }

    /// Returns the files with this status in a JSON document, which must have the field
    /// `interrupted` only if the command was interrupted.
    fn files(
        &self,
        list: &str,
        status: &str,
        is_interrupted: bool,
    ) -> Result<BTreeSet<PathBuf>, String> {
        let document: Value =
            serde_json::from_str(&self.stdout).map_err(|error| format!("no JSON: {error}"))?;
        let field = document.get("interrupted");
        if field != is_interrupted.then_some(&Value::Bool(true)) {
            return Err(format!("`interrupted` is {field:?}"));
        }
        let rows = document.get(list).and_then(Value::as_array).into_iter().flatten();
        let with_status = rows.filter(|row| row.get("status").is_some_and(|it| it == status));
        Ok(with_status.filter_map(path_in).collect())
    }
}

/// Sends a signal to a process. It may have ended already, so an error does not matter.
fn send(signal: &str, process: u32) -> Result<(), String> {
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -s \"$0\" \"$1\"", signal, &process.to_string()]);
    kill.stderr(Stdio::null()).status().map(drop).map_err(|error| format!("{kill:?}: {error}"))
}

/// Returns the patched files that a report for people names. Files of one folder can be a group.
fn patched_in(report: &str) -> Vec<PathBuf> {
    let (mut paths, mut folder) = (Vec::new(), None);
    for line in report.lines() {
        if let Some((path, _)) =
            line.strip_prefix("patched    ").and_then(|rest| rest.split_once("  "))
        {
            folder = path.strip_suffix(" files").and_then(|path| path.split_once(": "));
            if folder.is_none() {
                paths.push(path.into());
            }
        } else if let (Some((folder, _)), Some(names)) = (folder, line.strip_prefix("           "))
        {
            let names = names.trim_end_matches(',').split(", ");
            paths.extend(names.map(|name| Path::new(folder).join(name)));
        } else {
            folder = None;
        }
    }
    paths
}
