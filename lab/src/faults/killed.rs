//! Kills `netswap patch` and `netswap undo` at random moments, many times. Every file is then
//! either old or new, the journal shows which, and undo restores all files.
//!
//! Linux does not guarantee one thing: it may cut off a write that crosses the end of a page.
//! Linkers put the headers far before the end of the first page. Some files here have their headers
//! across it, and undo must restore those too.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Options;
use super::program::Netswap;
use super::tree::{Journal, Tree, test_folder};
use crate::NotPassed;
use crate::files::remove_file;
use crate::outcome::Outcome;
use fastrand::Rng;

const FILES: usize = 300;

/// Rounds between two measurements of the usual duration. The speed of a disk changes over time.
const ROUNDS_PER_MEASUREMENT: u32 = 20;

struct Test<'a> {
    netswap: &'a Netswap,
    tree: Tree,
    journal: PathBuf,
    random: Rng,
    /// How long patch and undo take if nothing kills them.
    usual_patch: Duration,
    usual_undo: Duration,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    /// Kills of patch while it was still running.
    patch: u32,
    /// Kills of a running patch that left some files old and some new.
    patch_partial: u32,
    /// Kills that left a journal without a complete first line.
    without_header: u32,
    /// Kills that left a journal whose last line is cut off.
    cut_line: u32,
    /// Files that a kill left split between two pages.
    split: usize,
    /// Kills of undo while it was still running.
    undo: u32,
    /// Kills of a running undo that left some files old and some new.
    undo_partial: u32,
}

pub(super) fn run(netswap: &Netswap, options: &Options) -> Result<String, NotPassed> {
    let folder = test_folder("killed")?;
    let mut tree = Tree::create(&folder.join("tree"), FILES)?;
    if netswap.obeys_permissions {
        tree.make_some_read_only()?;
    }
    let journal = folder.join("patch.journal");
    let random = Rng::with_seed(options.seed);
    let (usual_patch, usual_undo, counts) = Default::default();
    let mut test = Test { netswap, tree, journal, random, usual_patch, usual_undo, counts };
    for round in 0..options.rounds {
        if round % ROUNDS_PER_MEASUREMENT == 0 {
            test.measure()?;
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
    fn measure(&mut self) -> Result<(), String> {
        remove_file(&self.journal)?;
        let patch = Outcome::run(&mut self.patch())?.expect_code(0)?;
        self.tree.check_patched()?;
        let undo = Outcome::run(&mut self.undo())?.expect_code(0)?;
        self.tree.check_restored()?;
        self.usual_patch = Duration::from_secs_f64(patch.seconds);
        self.usual_undo = Duration::from_secs_f64(undo.seconds);
        Ok(())
    }

    fn round(&mut self) -> Result<(), String> {
        remove_file(&self.journal)?;
        let delay = self.random_delay(self.usual_patch);
        let is_killed = run_and_kill(&mut self.patch(), delay)?;
        let states = self.tree.states()?;
        let journal = Journal::read(&self.journal)?;
        journal.check_covers(&states)?;
        let counts = &mut self.counts;
        counts.patch += u32::from(is_killed);
        counts.patch_partial += u32::from(is_killed && states.is_partial());
        counts.cut_line += u32::from(journal.is_cut);
        counts.split += states.split.len();
        if !journal.has_header {
            // Patch changed no file yet. For an incomplete journal, undo may report that it is no
            // journal (2) or that it is empty (3).
            if self.journal.exists() {
                self.counts.without_header += 1;
                Outcome::run(&mut self.undo())?.expect_codes(&[2, 3])?;
            }
            return self.tree.check_restored();
        }
        if self.random.bool() {
            let delay = self.random_delay(self.usual_undo);
            let is_killed = run_and_kill(&mut self.undo(), delay)?;
            let states = self.tree.states()?;
            let counts = &mut self.counts;
            counts.undo += u32::from(is_killed);
            counts.undo_partial += u32::from(is_killed && states.is_partial());
            counts.split += states.split.len();
        }
        Outcome::run(&mut self.undo())?.expect_code(journal.undo_code())?;
        self.tree.check_restored()
    }

    /// Returns a random time up to 10 % more than the usual duration.
    fn random_delay(&mut self, usual: Duration) -> Duration {
        let most = u64::try_from(usual.as_micros()).unwrap_or_default() * 11 / 10;
        Duration::from_micros(self.random.u64(..most.max(1)))
    }

    fn summary(&self, rounds: u32) -> Result<String, String> {
        let Counts { patch, patch_partial, without_header, cut_line, split, undo, undo_partial } =
            self.counts;
        let duration = self.usual_patch.as_millis();
        let modes = if self.netswap.obeys_permissions { " and modes" } else { "" };
        let summary = format!(
            "{FILES} files; patch (usually {duration} ms) killed in {patch} of {rounds} rounds, {patch_partial} times after it changed some of the files; {without_header} journals without a complete first line, {cut_line} with a cut line; undo killed {undo} times, {undo_partial} times after it restored some of the files; {split} files were split between two pages, all others old or new; all bytes{modes} restored"
        );
        if patch_partial < rounds.div_ceil(3) {
            return Err(format!("too few kills while patch was changing files: {summary}"));
        }
        Ok(summary)
    }
}

/// Starts a program and kills it after this time. Returns whether it was still running.
fn run_and_kill(command: &mut Command, delay: Duration) -> Result<bool, String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    thread::sleep(delay.saturating_sub(start.elapsed()));
    let killed = child.kill();
    let status = child.wait().map_err(|error| error.to_string())?;
    killed.map_err(|error| error.to_string())?;
    Ok(status.signal().is_some())
}
