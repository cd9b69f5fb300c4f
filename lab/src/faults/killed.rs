//! Kills `netswap patch` and `netswap undo` at random moments, many times. Every file is then
//! either old or new, the journal shows which, and undo restores all files.
//!
//! Linux does not guarantee one thing: it may cut off a write that crosses the end of a page.
//! Linkers put the headers far before the end of the first page. Some files here have their headers
//! across it, and undo must restore those too.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Options;
use super::program::{Netswap, ran};
use super::tree::{Journal, Tree, fresh, told};
use crate::NotPassed;
use fastrand::Rng;

const FILES: usize = 300;

/// Rounds between two measurements of the usual duration. The speed of a disk changes over time.
const ROUNDS_BETWEEN: u32 = 20;

struct Test<'a> {
    netswap: &'a Netswap,
    tree: Tree,
    journal: PathBuf,
    random: Rng,
    usual: Usual,
    counts: Counts,
}

/// How long the commands take if nothing kills them.
struct Usual {
    patch: Duration,
    undo: Duration,
}

#[derive(Default)]
struct Counts {
    /// Kills of patch while it was still running.
    alive: u32,
    /// Kills of a running patch that left some files old and some new.
    in_the_midst: u32,
    /// Kills of a running patch that left a journal without a complete first line.
    without_head: u32,
    /// Kills that left a journal whose last line is cut off.
    cut: u32,
    /// Files that a kill left cut between two pages.
    torn: usize,
    /// Kills of undo while it was still running, and those of them that left some files old and
    /// some new.
    undo_alive: u32,
    undo_in_the_midst: u32,
}

pub(super) fn run(netswap: &Netswap, options: &Options) -> Result<String, NotPassed> {
    let folder = fresh("killed")?;
    let mut tree = Tree::make(&folder.join("tree"), FILES)?;
    if netswap.obeys_permissions {
        tree.make_some_read_only()?;
    }
    let journal = folder.join("patch.journal");
    let random = Rng::with_seed(options.seed);
    let usual = Usual { patch: Duration::ZERO, undo: Duration::ZERO };
    let counts = Counts::default();
    let mut test = Test { netswap, tree, journal, random, usual, counts };
    for round in 0..options.rounds {
        if round % ROUNDS_BETWEEN == 0 {
            test.undisturbed()?;
        }
        test.round().map_err(|why| format!("round {round}: {why}"))?;
    }
    Ok(test.summary(options.rounds)?)
}

impl Test<'_> {
    fn patch(&self) -> Command {
        let mut patch = self.netswap.command("patch");
        patch.arg(&self.tree.root).arg("--journal").arg(&self.journal);
        patch.args(["--jobs", "4", "--include-read-only"]);
        patch
    }

    fn undo(&self) -> Command {
        let mut undo = self.netswap.command("undo");
        undo.arg(&self.journal).args(["--jobs", "4"]);
        undo
    }

    /// Patches and undoes all files, and measures how long each takes.
    fn undisturbed(&mut self) -> Result<(), String> {
        self.remove_journal()?;
        let patch = ran(&mut self.patch())?.ended_with(0)?;
        self.tree.is_patched()?;
        let undo = ran(&mut self.undo())?.ended_with(0)?;
        self.tree.is_restored()?;
        let [patch, undo] = [patch, undo].map(|ran| Duration::from_secs_f64(ran.seconds));
        self.usual = Usual { patch, undo };
        Ok(())
    }

    fn round(&mut self) -> Result<(), String> {
        self.remove_journal()?;
        let after = self.moment(self.usual.patch);
        let is_killed = killed_after(&mut self.patch(), after)?;
        let states = self.tree.states()?;
        let journal = Journal::read(&self.journal)?;
        journal.has_all_of(&states)?;
        let counts = &mut self.counts;
        counts.alive += u32::from(is_killed);
        counts.in_the_midst += u32::from(is_killed && states.is_in_the_midst());
        counts.cut += u32::from(journal.is_cut);
        counts.torn += states.torn.len();
        if !journal.has_head {
            // Patch changed no file yet. For an incomplete journal, undo may report that it is no
            // journal (2) or that it is empty (3).
            if self.journal.exists() {
                self.counts.without_head += 1;
                ran(&mut self.undo())?.ended_with_one_of(&[2, 3])?;
            }
            return self.tree.is_restored();
        }
        if self.random.bool() {
            let after = self.moment(self.usual.undo);
            let is_killed = killed_after(&mut self.undo(), after)?;
            let states = self.tree.states()?;
            let counts = &mut self.counts;
            counts.undo_alive += u32::from(is_killed);
            counts.torn += states.torn.len();
            counts.undo_in_the_midst += u32::from(is_killed && states.is_in_the_midst());
        }
        ran(&mut self.undo())?.ended_with(journal.code())?;
        self.tree.is_restored()
    }

    /// Returns a random moment between the start and 10 % after the usual end.
    fn moment(&mut self, usual: Duration) -> Duration {
        let most = u64::try_from(usual.as_micros()).unwrap_or_default() * 11 / 10;
        Duration::from_micros(self.random.u64(..most.max(1)))
    }

    fn remove_journal(&self) -> Result<(), String> {
        remove(&self.journal)
    }

    fn summary(&self, rounds: u32) -> Result<String, String> {
        let Counts { alive, in_the_midst, without_head, cut, torn, .. } = self.counts;
        let Counts { undo_alive, undo_in_the_midst, .. } = self.counts;
        let patch = self.usual.patch.as_millis();
        let modes = if self.netswap.obeys_permissions { " and mode" } else { "" };
        let what = format!(
            "{FILES} files; patch, which takes {patch} ms, killed in {alive} of {rounds} rounds, {in_the_midst} times in the midst ({without_head} before the journal's first line was whole, {cut} within a line); undo killed {undo_alive} times, {undo_in_the_midst} in the midst; {torn} files were cut between two pages, all others old or new; every byte{modes} put back"
        );
        if in_the_midst < rounds.div_ceil(3) {
            return Err(format!("too few kills met patch in the midst: {what}"));
        }
        Ok(what)
    }
}

/// Starts a program and kills it after this time. Returns whether it was still running.
fn killed_after(command: &mut Command, after: Duration) -> Result<bool, String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    thread::sleep(after.saturating_sub(start.elapsed()));
    let killed = child.kill();
    let status = child.wait().map_err(|error| error.to_string())?;
    killed.map_err(|error| error.to_string())?;
    Ok(status.signal().is_some())
}

/// Removes a file if it exists.
pub(super) fn remove(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(told(path)(error)),
        _ => Ok(()),
    }
}
