//! Tests writes that fail with EIO, writes that are cut off after each of their bytes, and a
//! journal that does not reach the disk. patch restores a partly written file, or undo does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;
use super::killed::remove;
use super::program::{Netswap, Ran, ran};
use super::shim::{Failing, Shim};
use super::tree::{Journal, Tree, difference, fresh, told};
use crate::NotPassed;
use testkit::image::{Image, NET, Sum, patched_range};

const FILES: usize = 100;

/// A glob for the files that can't be written: a tenth of all.
const BAD: &str = "image-???1.exe";

/// The offset of the NT headers, chosen so that the write crosses the end of a page.
const E_LFANEW: usize = 4040;

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let shim = Shim::build()?;
    let folder = fresh("unwritable")?;
    let journal = folder.join("patch.journal");
    let test = Test { netswap, shim, journal };
    let cuts = test.cuts(&folder.join("cut.exe"))?;
    let tree = Tree::make(&folder.join("tree"), FILES)?;
    let refused = test.some_files(&tree)?;
    test.not_synced(&tree)?;
    let syncs = test.journal_not_synced(&tree)?;
    Ok(format!(
        "a write of {cuts} bytes cut off after each of them: put back, or if that fails or patch is killed there, mended by undo; {refused} of {FILES} files unwritable: refused, the others patched and undone, and the same in undo, and where their sync fails; the journal's sync failed at {syncs} moments: patch ends with 2, what has no entry is as before, undo puts all back"
    ))
}

struct Test<'a> {
    netswap: &'a Netswap,
    shim: Shim,
    journal: PathBuf,
}

impl Test<'_> {
    fn patch(&self, tree: &Path) -> Command {
        let mut patch = self.netswap.patch(&self.journal);
        patch.args(["--format", "ndjson"]).arg(tree);
        patch
    }

    fn undo(&self) -> Command {
        let mut undo = self.netswap.undo(&self.journal);
        undo.args(["--format", "ndjson"]);
        undo
    }

    fn failing(&self, command: Command, failing: Failing<'_>) -> Result<Ran, String> {
        ran(&mut self.shim.before(command, failing))
    }

    /// Cuts off the write of one file after each of its bytes. Returns the number of bytes.
    fn cuts(&self, path: &Path) -> Result<usize, String> {
        let image = Image::exe().e_lfanew(E_LFANEW).overlay(3).sum(Sum::Right);
        let (old, reach) = (image.bytes(), patched_range(E_LFANEW));
        let new = image.with(NET).bytes();
        std::fs::write(path, &old).map_err(told(path))?;
        let is = |expected: &[u8], what: &str| {
            let now = std::fs::read(path).map_err(told(path))?;
            if now == expected {
                Ok(())
            } else {
                Err(format!("{what}: {}", difference(&old, &now)))
            }
        };
        let write = Failing::all("pwrite64", "cut.exe");
        for bytes in 0..reach.len() {
            let what = |how: &str| format!("cut after {bytes} bytes, {how}");
            let at = reach.start + bytes;
            let cut = [new.get(..at), old.get(at..)].map(Option::unwrap_or_default).concat();
            let undo = || ran(&mut self.undo())?.ended_with(0);

            remove(&self.journal)?;
            let once = Failing { bytes, times: Some(1), ..write };
            self.failing(self.patch(path), once)?.ended_with(1)?;
            is(&old, &what("put back"))?;
            undo()?;
            is(&old, &what("put back and undone"))?;

            remove(&self.journal)?;
            let refused =
                self.failing(self.patch(path), Failing { bytes, ..write })?.ended_with(1)?;
            is(&cut, &what("not put back"))?;
            if cut != old {
                refused.tells("changed", &BTreeSet::from([path.to_owned()]))?;
            }
            undo()?;
            is(&old, &what("not put back and undone"))?;

            remove(&self.journal)?;
            let killed = self.failing(self.patch(path), Failing { bytes, kill: true, ..write })?;
            killed.was_killed()?;
            is(&cut, &what("killed"))?;
            undo()?;
            is(&old, &what("killed and undone"))?;
        }
        Ok(reach.len())
    }

    /// Lets the writes of some files fail, in patch and then in undo. Returns how many files were
    /// refused.
    fn some_files(&self, tree: &Tree) -> Result<u64, String> {
        let is_bad = |path: &&PathBuf| path.to_string_lossy().ends_with("1.exe");
        let write = Failing::all("pwrite64", BAD);
        remove(&self.journal)?;
        let patch = self.failing(self.patch(&tree.root), write)?.ended_with(1)?;
        let states = tree.states()?;
        let entries = Journal::read(&self.journal)?.entries;
        let refused = patch.paths("refused")?;
        let bad = entries.iter().filter(is_bad).cloned().collect();
        if refused != bad
            || &states.new | &bad != entries
            || entries.len() != tree.to_change().count()
        {
            return Err(patch.wrong("it refused or entered other files than those that fail"));
        }
        ran(&mut self.undo())?.ended_with(0)?;
        tree.is_restored()?;

        remove(&self.journal)?;
        ran(&mut self.patch(&tree.root))?.ended_with(0)?;
        tree.is_patched()?;
        let undo = self.failing(self.undo(), write)?.ended_with(1)?;
        if undo.paths("refused")? != refused || tree.states()?.new != refused {
            return Err(undo.wrong("it refused other files than those that fail"));
        }
        ran(&mut self.undo())?.ended_with(0)?;
        tree.is_restored()?;
        patch.count("refused")
    }

    /// Lets the sync of some files fail. Undo restores them, whatever they contain then.
    fn not_synced(&self, tree: &Tree) -> Result<(), String> {
        remove(&self.journal)?;
        let sync = Failing::all("fdatasync", BAD);
        let patch = self.failing(self.patch(&tree.root), sync)?.ended_with(1)?;
        if patch.count("refused")? == 0 {
            return Err(patch.wrong("it refused no file"));
        }
        let states = tree.states()?;
        Journal::read(&self.journal)?.has_all_of(&states)?;
        // A reader takes a refused file for unchanged, so the report must mention the change.
        patch.tells("changed", &(&states.new & &patch.paths("refused")?))?;
        ran(&mut self.undo())?.ended_with(0)?;
        tree.is_restored()
    }

    /// Lets the sync of the journal fail, at once and later. Returns the number of moments that
    /// were tested.
    fn journal_not_synced(&self, tree: &Tree) -> Result<usize, String> {
        let moments = [0, 1, 7, 30];
        for after in moments {
            remove(&self.journal)?;
            let sync = Failing { after, ..Failing::all("fdatasync", "*.journal") };
            let mut patch = self.patch(&tree.root);
            // One job, so that each entry is synced by itself.
            patch.args(["--jobs", "1"]);
            let name = self.journal.display().to_string();
            self.failing(patch, sync)?.ended_with(2)?.says("journal")?.says(&name)?;
            let states = tree.states()?;
            let journal = Journal::read(&self.journal)?;
            journal.has_all_of(&states)?;
            if states.new.len() != after {
                let count = states.new.len();
                return Err(format!("{count} files were changed after {after} syncs"));
            }
            ran(&mut self.undo())?.ended_with(journal.code())?;
            tree.is_restored()?;
        }
        Ok(moments.len())
    }
}
