//! Tests writes that fail with EIO, writes that are cut off after each of their bytes, and a
//! journal that does not reach the disk. patch or undo restores a partly written file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;
use super::program::Netswap;
use super::report::Report;
use super::shim::{InjectedFault, Shim};
use super::tree::{Journal, Tree, difference, test_folder};
use crate::NotPassed;
use crate::files::{at, remove_file};
use crate::outcome::Outcome;
use testkit::image::{Image, NET, Sum, patched_range};

const FILES: usize = 100;

/// A glob for the files that can't be written: a tenth of all.
const UNWRITABLE: &str = "image-???1.exe";

/// The offset of the NT headers, chosen so that the write crosses the end of a page.
const E_LFANEW: usize = 4040;

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let shim = Shim::build()?;
    let folder = test_folder("unwritable")?;
    let journal = folder.join("patch.journal");
    let test = Test { netswap, shim, journal };
    let length = test.cut_writes(&folder.join("cut.exe"))?;
    let tree = Tree::create(&folder.join("tree"), FILES)?;
    let refused = test.failing_writes(&tree)?;
    test.failing_syncs(&tree)?;
    let moments = test.failing_journal_syncs(&tree)?;
    Ok(format!(
        "a write of {length} bytes cut off after each byte: restored by patch, or by undo if that fails or patch is killed; writes or syncs of {refused} of {FILES} files fail: refused, all others patched and restored; syncs of the journal fail at {moments} moments: patch ends with 2, files without an entry are unchanged, undo restores all"
    ))
}

struct Test<'a> {
    netswap: &'a Netswap,
    shim: Shim,
    journal: PathBuf,
}

impl Test<'_> {
    /// Returns the command that patches a tree. Removes the journal of an earlier run.
    fn patch(&self, tree: &Path) -> Result<Command, String> {
        remove_file(&self.journal)?;
        let mut patch = self.netswap.patch(&self.journal);
        patch.args(["--format", "ndjson"]).arg(tree);
        Ok(patch)
    }

    fn undo(&self) -> Command {
        let mut undo = self.netswap.undo(&self.journal);
        undo.args(["--format", "ndjson"]);
        undo
    }

    fn run_undo(&self, code: i32) -> Result<(), String> {
        Outcome::run(&mut self.undo())?.expect_code(code).map(drop)
    }

    /// Runs a command while calls fail.
    fn run_with_fault(&self, command: Command, fault: InjectedFault) -> Result<Outcome, String> {
        Outcome::run(&mut self.shim.inject(command, fault))
    }

    /// Cuts off the write of one file after each of its bytes. Returns the number of bytes.
    fn cut_writes(&self, file: &Path) -> Result<usize, String> {
        let image = Image::exe().e_lfanew(E_LFANEW).overlay(3).sum(Sum::Right);
        let (old, range) = (image.bytes(), patched_range(E_LFANEW));
        let new = image.with(NET).bytes();
        std::fs::write(file, &old).map_err(at(file))?;
        let write = InjectedFault::all("pwrite64", "cut.exe");
        for bytes in 0..range.len() {
            let expect = |expected: &[u8], step: &str| {
                let now = std::fs::read(file).map_err(at(file))?;
                let difference = difference(&old, &now);
                ensure!(now == expected, "write cut after {bytes} bytes, {step}: {difference}");
                Ok::<_, String>(())
            };
            let end = range.start + bytes;
            let cut = [new.get(..end), old.get(end..)].map(Option::unwrap_or_default).concat();

            let fault = InjectedFault { bytes, times: Some(1), ..write };
            self.run_with_fault(self.patch(file)?, fault)?.expect_code(1)?;
            expect(&old, "after patch restored the file")?;
            self.run_undo(0)?;
            expect(&old, "after patch restored the file, and undo")?;

            let fault = InjectedFault { bytes, ..write };
            let patch = self.run_with_fault(self.patch(file)?, fault)?.expect_code(1)?;
            expect(&cut, "after patch failed to restore the file")?;
            if cut != old {
                let paths = BTreeSet::from([file.to_owned()]);
                Report::parse(patch)?.expect_finding("changed", &paths)?;
            }
            self.run_undo(0)?;
            expect(&old, "after patch failed to restore the file, and undo")?;

            let fault = InjectedFault { bytes, kill: true, ..write };
            let patch = self.run_with_fault(self.patch(file)?, fault)?;
            if patch.code.is_some() {
                return Err(patch.error("patch was not killed"));
            }
            expect(&cut, "after patch was killed")?;
            self.run_undo(0)?;
            expect(&old, "after patch was killed, and undo")?;
        }
        Ok(range.len())
    }

    /// Makes writes fail in patch and then in undo. Returns how many files were refused.
    fn failing_writes(&self, tree: &Tree) -> Result<usize, String> {
        let fails = |path: &&PathBuf| path.to_string_lossy().ends_with("1.exe");
        let write = InjectedFault::all("pwrite64", UNWRITABLE);
        let patch = self.run_with_fault(self.patch(&tree.root)?, write)?.expect_code(1)?;
        let patch = Report::parse(patch)?;
        let states = tree.states()?;
        let entries = Journal::read(&self.journal)?.entries;
        let refused = patch.paths("refused")?;
        let unwritable = entries.iter().filter(fails).cloned().collect();
        if refused != unwritable
            || &states.new | &unwritable != entries
            || entries.len() != tree.files.iter().filter(|file| file.old != file.new).count()
        {
            return Err(patch.error("the refused files or the entries are not the expected ones"));
        }
        self.run_undo(0)?;
        tree.check_restored()?;

        Outcome::run(&mut self.patch(&tree.root)?)?.expect_code(0)?;
        tree.check_patched()?;
        let undo = Report::parse(self.run_with_fault(self.undo(), write)?.expect_code(1)?)?;
        if undo.paths("refused")? != refused || tree.states()?.new != refused {
            return Err(undo.error("undo refused other files than those whose writes fail"));
        }
        self.run_undo(0)?;
        tree.check_restored()?;
        patch.count("refused")
    }

    /// Makes the syncs of some files fail. Undo restores the files, whatever they contain then.
    fn failing_syncs(&self, tree: &Tree) -> Result<(), String> {
        let sync = InjectedFault::all("fdatasync", UNWRITABLE);
        let patch = self.run_with_fault(self.patch(&tree.root)?, sync)?.expect_code(1)?;
        let patch = Report::parse(patch)?;
        if patch.count("refused")? == 0 {
            return Err(patch.error("patch refused no file"));
        }
        let states = tree.states()?;
        Journal::read(&self.journal)?.check_covers(&states)?;
        // A reader takes a refused file for unchanged, so the report must mention the change.
        patch.expect_finding("changed", &(&states.new & &patch.paths("refused")?))?;
        self.run_undo(0)?;
        tree.check_restored()
    }

    /// Makes the journal's syncs fail, at once and later. Returns the number of moments.
    fn failing_journal_syncs(&self, tree: &Tree) -> Result<usize, String> {
        let moments = [0, 1, 7, 30];
        for after in moments {
            let sync = InjectedFault { after, ..InjectedFault::all("fdatasync", "*.journal") };
            let mut patch = self.patch(&tree.root)?;
            // One job, so that each entry is synced by itself.
            patch.args(["--jobs", "1"]);
            let name = self.journal.display().to_string();
            let patch = self.run_with_fault(patch, sync)?.expect_code(2)?;
            patch.expect_stderr("journal")?.expect_stderr(&name)?;
            let states = tree.states()?;
            let journal = Journal::read(&self.journal)?;
            journal.check_covers(&states)?;
            if states.new.len() != after {
                let count = states.new.len();
                return Err(format!("{count} files were changed after {after} syncs"));
            }
            self.run_undo(journal.undo_code())?;
            tree.check_restored()?;
        }
        Ok(moments.len())
    }
}
