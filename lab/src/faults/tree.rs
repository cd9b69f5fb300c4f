//! A tree of generated files and its journal. Each file's bytes before and after `netswap patch`
//! are known.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::program::path_of;
use crate::process::scratch;
use testkit::image::{Image, NET, Sum, patched};

/// A file of the tree.
pub(super) struct Made {
    pub(super) path: PathBuf,
    pub(super) old: Vec<u8>,
    /// The bytes after `netswap patch`. Equal to `old` if the file is no image or already has the
    /// bit.
    pub(super) new: Vec<u8>,
    is_read_only: bool,
}

pub(super) struct Tree {
    pub(super) root: PathBuf,
    pub(super) files: Vec<Made>,
}

/// The current states of a tree's files.
#[derive(Default)]
pub(super) struct States {
    /// How many files that patch would change are still as before.
    pub(super) old: usize,
    /// The files that are changed.
    pub(super) new: BTreeSet<PathBuf>,
    /// The files whose write was cut off between two pages. Linux may stop a killed program there.
    pub(super) torn: BTreeSet<PathBuf>,
}

/// Offsets of the NT headers. The bytes that patch writes are in the first page or across its end.
/// That end is before, in or behind Characteristics, or in `CheckSum`.
const E_LFANEW: [usize; 6] = [0x80, 0xf8, 4006, 4040, 4073, 4072];

const PAGE: usize = 4096;

const IN_A_FOLDER: usize = 25;

impl Tree {
    /// Makes a tree of `count` files in this folder, which must be empty. Every tenth file is no
    /// image. The images are of all kinds, and some already have the bit.
    pub(super) fn make(root: &Path, count: usize) -> Result<Self, String> {
        let files: Vec<Made> = (0..count).map(|number| made(root, number)).collect();
        let tree = Tree { root: root.to_owned(), files };
        tree.write()?;
        Ok(tree)
    }

    pub(super) fn write(&self) -> Result<(), String> {
        for file in &self.files {
            let folder = file.path.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(told(folder))?;
            fs::write(&file.path, &file.old).map_err(told(&file.path))?;
        }
        Ok(())
    }

    /// Makes one image in seven read-only.
    pub(super) fn make_some_read_only(&mut self) -> Result<(), String> {
        for file in self.files.iter_mut().filter(|file| file.old != file.new).step_by(7) {
            file.is_read_only = true;
            fs::set_permissions(&file.path, Permissions::from_mode(0o444))
                .map_err(told(&file.path))?;
        }
        Ok(())
    }

    /// Returns the files that `netswap patch` changes.
    pub(super) fn to_change(&self) -> impl Iterator<Item = &Made> {
        self.files.iter().filter(|file| file.old != file.new)
    }

    /// Reads the current states of the files. `Err`: a file is neither as before nor as after, nor
    /// cut between two pages.
    pub(super) fn states(&self) -> Result<States, String> {
        let mut states = States::default();
        for file in &self.files {
            let now = fs::read(&file.path).map_err(told(&file.path))?;
            match (now == file.old, now == file.new) {
                (true, true) => {}
                (true, false) => states.old += 1,
                (false, true) => {
                    states.new.insert(file.path.clone());
                }
                (false, false) if file.is_torn(&now) => {
                    states.torn.insert(file.path.clone());
                }
                (false, false) => {
                    let what = difference(&file.old, &now);
                    return Err(format!("{}: {what}", file.path.display()));
                }
            }
        }
        Ok(states)
    }

    /// Checks that all files have their original bytes, and that read-only files are still
    /// read-only.
    pub(super) fn is_restored(&self) -> Result<(), String> {
        let states = self.states()?;
        if let Some(path) = states.new.union(&states.torn).next() {
            return Err(format!("{} was not put back", path.display()));
        }
        for file in self.files.iter().filter(|file| file.is_read_only) {
            let metadata = fs::metadata(&file.path).map_err(told(&file.path))?;
            if !metadata.permissions().readonly() {
                return Err(format!("{} is not read-only any more", file.path.display()));
            }
        }
        Ok(())
    }

    /// Checks that patch has changed all files that it should change.
    pub(super) fn is_patched(&self) -> Result<(), String> {
        let states = self.states()?;
        let not_changed = states.old + states.torn.len();
        if not_changed > 0 { Err(format!("{not_changed} files were not changed")) } else { Ok(()) }
    }
}

impl Made {
    /// Whether the file is new up to the end of a page and old behind it, or the other way round.
    fn is_torn(&self, now: &[u8]) -> bool {
        let cut = |first: &[u8], second: &[u8]| {
            let mut pages = (PAGE..now.len()).step_by(PAGE);
            let is_cut =
                |at: usize| now.get(..at) == first.get(..at) && now.get(at..) == second.get(at..);
            pages.any(is_cut)
        };
        cut(&self.new, &self.old) || cut(&self.old, &self.new)
    }
}

impl States {
    /// Whether some files are as before and some are not.
    pub(super) fn is_in_the_midst(&self) -> bool {
        self.old > 0 && !(self.new.is_empty() && self.torn.is_empty())
    }
}

fn made(root: &Path, number: usize) -> Made {
    let folder = root.join(format!("folder-{:03}", number / IN_A_FOLDER));
    if number % 10 == 9 {
        let others: [&[u8]; 4] =
            [b"MZ is how this text begins.\n", b"", b"\x7fELF\x02\x01", b"text\n"];
        let old = others.get(number / 10 % 4).copied().unwrap_or_default().to_vec();
        let path = folder.join(format!("other-{number:04}.txt"));
        return Made { path, new: old.clone(), old, is_read_only: false };
    }
    let image = Image::exe()
        .number(u32::try_from(number).unwrap_or_default() + 1)
        .e_lfanew(E_LFANEW.get(number % E_LFANEW.len()).copied().unwrap_or(0x80))
        .with(if number % 20 == 7 { NET } else { 0 })
        .overlay(if number % 8 == 5 { number % 50 } else { 0 })
        .sum(if number.is_multiple_of(4) { Sum::None } else { Sum::Right });
    let image = if (number / 6).is_multiple_of(2) { image } else { image.x86() };
    let old = image.bytes();
    let new = patched(&old).unwrap_or_default();
    Made { path: folder.join(format!("image-{number:04}.exe")), old, new, is_read_only: false }
}

/// Returns a message with the first and the last offset where two files differ.
pub(super) fn difference(before: &[u8], now: &[u8]) -> String {
    let differ = |at: &usize| before.get(*at) != now.get(*at);
    let mut places = (0..before.len().max(now.len())).filter(differ);
    let first = places.next().unwrap_or_default();
    let last = places.next_back().unwrap_or(first);
    format!(
        "it is neither as before nor as after: {} bytes, and not {}; they differ from {first} to {last}",
        now.len(),
        before.len()
    )
}

/// Makes an empty folder below `target/xtask/faults`. Removes an existing one first.
pub(super) fn fresh(name: &str) -> Result<PathBuf, String> {
    let folder = scratch("faults").join(name);
    if folder.exists() {
        open_all(&folder);
        fs::remove_dir_all(&folder).map_err(told(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(told(&folder))?;
    Ok(folder)
}

/// Makes folders accessible that an earlier run closed. Root does not need this. Errors are
/// ignored, because removing the folders then fails too.
fn open_all(folder: &Path) {
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o755));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_all(&entry.path());
        }
    }
}

/// Returns a function that turns an error into a message with this path.
pub(super) fn told(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// The contents of a journal file.
#[derive(Default)]
pub(super) struct Journal {
    /// Whether its first line is complete.
    pub(super) has_head: bool,
    /// The files that have an entry.
    pub(super) entries: BTreeSet<PathBuf>,
    /// Whether its last line is cut off.
    pub(super) is_cut: bool,
}

impl Journal {
    /// Reads a journal. A missing file gives an empty journal.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Journal::default()),
            bytes => bytes.map_err(told(path))?,
        };
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let last = lines.pop().unwrap_or_default();
        let mut journal = Journal { is_cut: !last.is_empty(), ..Journal::default() };
        for line in lines {
            let parsed: Value = serde_json::from_slice(line)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            if !journal.has_head {
                journal.has_head = parsed.get("schema").is_some();
                continue;
            }
            let entry = path_of(&parsed);
            journal.entries.insert(entry.ok_or("an entry of the journal has no path")?);
        }
        Ok(journal)
    }

    /// Checks that the journal has an entry for each changed file.
    pub(super) fn has_all_of(&self, states: &States) -> Result<(), String> {
        let mut changed = states.new.union(&states.torn);
        match changed.find(|path| !self.entries.contains(*path)) {
            Some(path) => Err(format!("{} is changed and not in the journal", path.display())),
            None => Ok(()),
        }
    }

    /// Returns the expected exit code of undo.
    pub(super) fn code(&self) -> i32 {
        if self.entries.is_empty() { 3 } else { 0 }
    }
}
