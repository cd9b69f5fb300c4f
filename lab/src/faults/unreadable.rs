//! Tests files whose reads fail with EIO and a folder that can't be listed. They are reported and
//! counted. The other files are verified or patched as if the unreadable ones did not exist.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;
use super::program::{Netswap, Ran, ran};
use super::shim::{Failing, Shim};
use super::tree::{Journal, Tree, fresh, told};
use crate::NotPassed;

const FILES: usize = 200;

/// A glob for the files that can't be read: a tenth of all.
const BAD: &str = "image-???0.exe";

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let shim = Shim::build()?;
    if !netswap.obeys_permissions {
        return Err(NotPassed::NotRun("no folder can be closed to this account".to_owned()));
    }
    let test = Test { netswap, shim, tree: Tree::make(&fresh("unreadable")?.join("tree"), FILES)? };
    let closed = test.tree.root.join("folder-003");
    let result = set_mode(&closed, 0o000).and_then(|()| test.all(&closed));
    set_mode(&closed, 0o755)?;
    let (bad, others) = result?;
    // The contents of the closed folder must be unchanged, too.
    let restored = test.tree.is_restored();
    restored?;
    Ok(format!(
        "{bad} of {FILES} files fail with EIO and a folder can't be listed: verify reads the other {others} and ends with 2, with --ignore-unreadable with 1 or 0; patch changes them and ends with 2; undo puts all back"
    ))
}

struct Test<'a> {
    netswap: &'a Netswap,
    shim: Shim,
    tree: Tree,
}

impl Test<'_> {
    /// Returns how many files failed, and how many images were still read.
    fn all(&self, closed: &Path) -> Result<(usize, usize), String> {
        let files = || self.tree.files.iter().filter(|file| !file.path.starts_with(closed));
        let bad = || files().filter(|file| is_bad(&file.path));
        let is_image = |path: &&PathBuf| path.extension().is_some_and(|it| it == "exe");
        let images: BTreeSet<PathBuf> =
            files().map(|file| &file.path).filter(is_image).cloned().collect();
        let unreadable: BTreeSet<PathBuf> =
            bad().map(|file| file.path.clone()).chain([closed.to_owned()]).collect();
        let good: BTreeSet<PathBuf> = images.difference(&unreadable).cloned().collect();
        let changed: BTreeSet<PathBuf> = files()
            .filter(|file| file.old != file.new && !is_bad(&file.path))
            .map(|file| file.path.clone())
            .collect();

        let verify = |arguments: &[&str], code| {
            let ran = self.failing(self.netswap.bounded("verify"), arguments)?.ended_with(code)?;
            let read = &ran.paths("passed")? | &ran.paths("failed")?;
            if ran.paths("unreadable")? != unreadable || read != good {
                return Err(ran.wrong("it tells of other files as unreadable, or as read"));
            }
            let (told, read) = (ran.count("unreadable")?, ran.count("images")?);
            let counted = (usize::try_from(told), usize::try_from(read));
            if counted != (Ok(unreadable.len()), Ok(good.len())) {
                return Err(ran.wrong("its summary counts others"));
            }
            Ok(ran)
        };
        verify(&[], 2)?;
        verify(&["--ignore-unreadable"], 1)?;

        let journal = self.tree.root.with_file_name("patch.journal");
        let patch = self.failing(self.netswap.patch(&journal), &[])?.ended_with(2)?;
        if patch.paths("unreadable")? != unreadable || patch.paths("patched")? != changed {
            return Err(patch.wrong("it tells of other files as unreadable, or as patched"));
        }
        // Permissions apply to this account, so it must open the folder to read all files.
        let opened = set_mode(closed, 0o755).and_then(|()| self.tree.states());
        set_mode(closed, 0o000)?;
        let states = opened?;
        let entries = Journal::read(&journal)?.entries;
        if states.new != changed || entries != changed {
            return Err("patch changed, or entered, other files than it told".to_owned());
        }
        // All readable images have the bit now.
        verify(&[], 2)?;
        verify(&["--ignore-unreadable"], 0)?;
        ran(&mut self.netswap.undo(&journal))?.ended_with(0)?;
        Ok((bad().count(), good.len()))
    }

    /// Runs a command on the tree while reads fail.
    fn failing(&self, command: Command, arguments: &[&str]) -> Result<Ran, String> {
        let mut command = self.shim.before(command, Failing::all("pread64", BAD));
        ran(command.args(["--format", "ndjson"]).args(arguments).arg(&self.tree.root))
    }
}

fn is_bad(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("image-") && name.ends_with("0.exe")
}

fn set_mode(path: &Path, mode: u32) -> Result<(), String> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(told(path))
}
