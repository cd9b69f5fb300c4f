//! Tests files whose reads fail with EIO and a folder that can't be listed. They are reported and
//! counted. The other files are verified or patched as if the unreadable ones did not exist.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;
use super::program::Netswap;
use super::report::Report;
use super::shim::{InjectedFault, Shim};
use super::tree::{Journal, Tree, test_folder};
use crate::NotPassed;
use crate::files::at;
use crate::outcome::Outcome;

const FILES: usize = 200;

/// A glob for the files that can't be read: a tenth of all.
const UNREADABLE: &str = "image-???0.exe";

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let shim = Shim::build()?;
    if !netswap.obeys_permissions {
        let why = "permissions can't make a folder inaccessible to this account";
        return Err(NotPassed::NotRun(why.to_owned()));
    }
    let tree = Tree::create(&test_folder("unreadable")?.join("tree"), FILES)?;
    let test = Test { netswap, shim, tree };
    let closed = test.tree.root.join("folder-003");
    let result = set_mode(&closed, 0o000).and_then(|()| test.run(&closed));
    set_mode(&closed, 0o755)?;
    let (unreadable, others) = result?;
    // The contents of the inaccessible folder must be unchanged, too.
    test.tree.check_restored()?;
    Ok(format!(
        "{unreadable} of {FILES} files fail with EIO, and a folder can't be listed: verify reads the other {others} and ends with 2, with --ignore-unreadable with 1 or 0; patch changes them and ends with 2; undo restores all"
    ))
}

struct Test<'a> {
    netswap: &'a Netswap,
    shim: Shim,
    tree: Tree,
}

impl Test<'_> {
    /// Runs verify, patch and undo. Returns how many files failed, and how many were read.
    fn run(&self, closed: &Path) -> Result<(usize, usize), String> {
        let files = || self.tree.files.iter().filter(|file| !file.path.starts_with(closed));
        let failing = || files().filter(|file| fails(&file.path));
        let is_image = |path: &&PathBuf| path.extension().is_some_and(|it| it == "exe");
        let images: BTreeSet<PathBuf> =
            files().map(|file| &file.path).filter(is_image).cloned().collect();
        let unreadable: BTreeSet<PathBuf> =
            failing().map(|file| file.path.clone()).chain([closed.to_owned()]).collect();
        let readable: BTreeSet<PathBuf> = images.difference(&unreadable).cloned().collect();
        let changed: BTreeSet<PathBuf> = files()
            .filter(|file| file.old != file.new && !fails(&file.path))
            .map(|file| file.path.clone())
            .collect();

        let verify = |arguments: &[&str], code| {
            let report = self.report(self.netswap.with_timeout("verify"), arguments, code)?;
            let read = &report.paths("passed")? | &report.paths("failed")?;
            if report.paths("unreadable")? != unreadable || read != readable {
                return Err(report.error("other files are reported as unreadable, or as read"));
            }
            let counts = (report.count("unreadable")?, report.count("images")?);
            if counts != (unreadable.len(), readable.len()) {
                return Err(report.error("the counts in the summary are wrong"));
            }
            Ok(())
        };
        verify(&[], 2)?;
        verify(&["--ignore-unreadable"], 1)?;

        let journal = self.tree.root.with_file_name("patch.journal");
        let patch = self.report(self.netswap.patch(&journal), &[], 2)?;
        if patch.paths("unreadable")? != unreadable || patch.paths("patched")? != changed {
            return Err(patch.error("other files are reported as unreadable, or as patched"));
        }
        // Permissions apply to this account, so it must open the folder to read all files.
        let states = set_mode(closed, 0o755).and_then(|()| self.tree.states());
        set_mode(closed, 0o000)?;
        let entries = Journal::read(&journal)?.entries;
        if states?.new != changed || entries != changed {
            return Err("the changed files or the journal differ from the report".to_owned());
        }
        // All readable images have the bit now.
        verify(&[], 2)?;
        verify(&["--ignore-unreadable"], 0)?;
        Outcome::run(&mut self.netswap.undo(&journal))?.expect_code(0)?;
        Ok((failing().count(), readable.len()))
    }

    /// Runs a command on the tree while reads fail, and returns its report.
    fn report(&self, command: Command, arguments: &[&str], code: i32) -> Result<Report, String> {
        let mut command = self.shim.inject(command, InjectedFault::all("pread64", UNREADABLE));
        command.args(["--format", "ndjson"]).args(arguments).arg(&self.tree.root);
        Report::run(&mut command, &[code])
    }
}

/// Whether the name matches [`UNREADABLE`].
fn fails(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("image-") && name.ends_with("0.exe")
}

fn set_mode(path: &Path, mode: u32) -> Result<(), String> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(at(path))
}
