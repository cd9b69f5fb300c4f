//! Tests patch without room for the journal: on a file system that is full at the start or later,
//! and under a limit of file length.
//!
//! A file without a journal entry is not changed, and undo restores every file that has one.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;
use super::killed::remove;
use super::program::{Netswap, ran};
use super::tree::{Journal, Tree, fresh, told};
use crate::NotPassed;

const FILES: usize = 300;

/// Mounts a file system of size `$2` at `$1`, fills it with `$3` bytes, and runs the remaining
/// arguments. Copies the journals from it to `$4`, since no other process can see the mount.
const FULL: &str = r#"
at=$1 filled=$3 to=$4
mount -t tmpfs -o size="$2" full-disk "$at" || exit 125
head -c "$filled" /dev/zero > "$at/filler" 2>/dev/null
shift 4
"$@"
code=$?
cp "$at"/*.journal "$to" || exit 125
exit $code
"#;

/// Runs the remaining arguments under a limit of `$1` half kilobytes. Ignores `XFSZ`, so that the
/// system reports an error and sends no signal.
const LIMITED: &str = r#"trap "" XFSZ; ulimit -f "$1" && shift && exec "$@""#;

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let folder = fresh("full-disk")?;
    let test = Test { tree: Tree::make(&folder.join("tree"), FILES)?, netswap, folder };
    let limits = [("0", true), ("40", false)];
    let mut told = Vec::new();
    for (limit, from_the_start) in limits {
        let changed = test.limited(limit, from_the_start)?;
        told.push(format!("{changed} changed under a limit of {limit} half KiB"));
    }
    if !can_mount() {
        let why = "a file system can't be mounted here; with limits of the length all was well";
        return Err(NotPassed::NotRun(why.to_owned()));
    }
    for (size, filled, from_the_start) in
        [("16k", "1000000", true), ("32k", "0", false), ("64k", "0", false)]
    {
        let changed = test.full(size, filled, from_the_start)?;
        let start = if from_the_start { "full " } else { "" };
        told.push(format!("{changed} on a {start}file system of {size}"));
    }
    Ok(format!("{FILES} files: {}; exit code 2, and undo put all back", told.join(", ")))
}

struct Test<'a> {
    netswap: &'a Netswap,
    tree: Tree,
    folder: PathBuf,
}

impl Test<'_> {
    fn limited(&self, limit: &str, from_the_start: bool) -> Result<usize, String> {
        let journal = self.folder.join("limited.journal");
        remove(&journal)?;
        let patch = self.netswap.patch(&journal);
        let mut limited = Command::new("sh");
        limited.args(["-c", LIMITED, "sh", limit]).arg(patch.get_program()).args(patch.get_args());
        self.refused(&mut limited, &journal, &journal, from_the_start)
    }

    fn full(&self, size: &str, filled: &str, from_the_start: bool) -> Result<usize, String> {
        let (at, copy) = (self.folder.join("full"), self.folder.join("copy.journal"));
        remove(&copy)?;
        fs::create_dir_all(&at).map_err(told(&at))?;
        let journal = at.join("full.journal");
        let own = [at.as_os_str(), OsStr::new(size), OsStr::new(filled), copy.as_os_str()];
        let mut patch = self.netswap.with_mounts(FULL, &own, "patch");
        self.refused(patch.arg("--journal").arg(&journal), &journal, &copy, from_the_start)
    }

    /// Checks that patch ends with 2, and that undo restores all files. Returns how many files
    /// patch changed.
    fn refused(
        &self,
        patch: &mut Command,
        journal: &Path,
        copy: &Path,
        from_the_start: bool,
    ) -> Result<usize, String> {
        let name = journal.display().to_string();
        ran(patch.arg(&self.tree.root))?.ended_with(2)?.says("journal")?.says(&name)?;
        let states = self.tree.states()?;
        let entered = Journal::read(copy)?;
        entered.has_all_of(&states)?;
        let changed = states.new.len();
        if from_the_start != (changed == 0) {
            return Err(format!("{changed} files were changed before there was no room"));
        }
        if entered.has_head {
            ran(&mut self.netswap.undo(copy))?.ended_with(entered.code())?;
        }
        self.tree.is_restored()?;
        Ok(changed)
    }
}

/// Whether a process can mount file systems in its own mount namespace.
pub(super) fn can_mount() -> bool {
    let mut unshare = Command::new("unshare");
    if !super::program::is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.args(["--mount", "mount", "-t", "tmpfs", "test", "/mnt"]);
    unshare.output().is_ok_and(|output| output.status.success())
}
