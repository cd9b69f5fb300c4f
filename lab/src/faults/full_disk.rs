//! Tests patch without room for the journal: on a file system that is full or becomes full, and
//! under a limit of the file length.
//!
//! A file without a journal entry is not changed, and undo restores every file that has one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;
use super::program::{Netswap, can_mount};
use super::tree::{Journal, Tree, test_folder};
use crate::NotPassed;
use crate::files::{create_folder, remove_file};
use crate::outcome::Outcome;

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
    let folder = test_folder("full-disk")?;
    let test = Test { tree: Tree::create(&folder.join("tree"), FILES)?, netswap, folder };
    let mut results = Vec::new();
    for (limit, full_at_start) in [("0", true), ("40", false)] {
        let changed = test.limited_length(limit, full_at_start)?;
        results.push(format!("{changed} changed under a limit of {limit} half KiB"));
    }
    if !can_mount() {
        let why = "no file system can be mounted here; the tests with limited length passed";
        return Err(NotPassed::NotRun(why.to_owned()));
    }
    for (size, filled, full_at_start) in
        [("16k", "1000000", true), ("32k", "0", false), ("64k", "0", false)]
    {
        let changed = test.full_file_system(size, filled, full_at_start)?;
        let state = if full_at_start { "full " } else { "" };
        results.push(format!("{changed} changed on a {state}file system of {size}"));
    }
    Ok(format!("{FILES} files: {}; exit code 2, and undo restored all files", results.join(", ")))
}

struct Test<'a> {
    netswap: &'a Netswap,
    tree: Tree,
    folder: PathBuf,
}

impl Test<'_> {
    fn limited_length(&self, limit: &str, full_at_start: bool) -> Result<usize, String> {
        let journal = self.folder.join("limited.journal");
        remove_file(&journal)?;
        let patch = self.netswap.patch(&journal);
        let mut limited = Command::new("sh");
        limited.args(["-c", LIMITED, "sh", limit]).arg(patch.get_program()).args(patch.get_args());
        self.patch_and_undo(&mut limited, &journal, &journal, full_at_start)
    }

    fn full_file_system(
        &self,
        size: &str,
        filled: &str,
        full_at_start: bool,
    ) -> Result<usize, String> {
        let copy = self.folder.join("copy.journal");
        remove_file(&copy)?;
        let mount = create_folder(self.folder.join("full"))?;
        let journal = mount.join("full.journal");
        let arguments = [mount.as_os_str(), OsStr::new(size), OsStr::new(filled), copy.as_os_str()];
        let mut patch = self.netswap.with_mounts(FULL, &arguments, "patch");
        self.patch_and_undo(patch.arg("--journal").arg(&journal), &journal, &copy, full_at_start)
    }

    /// Checks that patch ends with 2, and that undo restores all files. Returns how many files
    /// patch changed. `copy` is the path of the journal after the command.
    fn patch_and_undo(
        &self,
        patch: &mut Command,
        journal: &Path,
        copy: &Path,
        full_at_start: bool,
    ) -> Result<usize, String> {
        let name = journal.display().to_string();
        let patch = Outcome::run(patch.arg(&self.tree.root))?.expect_code(2)?;
        patch.expect_stderr("journal")?.expect_stderr(&name)?;
        let states = self.tree.states()?;
        let journal = Journal::read(copy)?;
        journal.check_covers(&states)?;
        let changed = states.new.len();
        if full_at_start != (changed == 0) {
            let expected = if full_at_start { "none" } else { "some" };
            return Err(format!("{changed} files were changed, but {expected} should have been"));
        }
        if journal.has_header {
            Outcome::run(&mut self.netswap.undo(copy))?.expect_code(journal.undo_code())?;
        }
        self.tree.check_restored()?;
        Ok(changed)
    }
}
