//! A tree of generated files and its journal. Each file's bytes before and after `netswap patch`
//! are known.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::report::path_in;
use crate::files::{at, empty_folder, scratch, write};
use testkit::image::{Image, NET, Sum, patched};

pub(super) struct TestFile {
    pub(super) path: PathBuf,
    pub(super) old: Vec<u8>,
    /// The bytes after `netswap patch`. Equal to `old` if patch does not change the file.
    pub(super) new: Vec<u8>,
    is_read_only: bool,
}

pub(super) struct Tree {
    pub(super) root: PathBuf,
    pub(super) files: Vec<TestFile>,
}

/// The current states of a tree's files.
#[derive(Default)]
pub(super) struct States {
    /// The number of unchanged files that patch would change.
    pub(super) old: usize,
    /// The changed files.
    pub(super) new: BTreeSet<PathBuf>,
    /// The files that were written only up to the end of a page, where Linux may stop the write of
    /// a killed program.
    pub(super) split: BTreeSet<PathBuf>,
}

/// Offsets of the NT headers. The bytes that patch writes are in the first page or cross its end.
/// The page ends before, in or after Characteristics, or in `CheckSum`.
const E_LFANEW: [usize; 6] = [0x80, 0xf8, 4006, 4040, 4073, 4072];

const PAGE: usize = 4096;

const FILES_PER_FOLDER: usize = 25;

impl Tree {
    /// Creates a tree of `count` files in an empty folder. Every tenth file is no image. The images
    /// are of all kinds, and some already have the bit.
    pub(super) fn create(root: &Path, count: usize) -> Result<Self, String> {
        let files: Vec<TestFile> = (0..count).map(|number| test_file(root, number)).collect();
        files.iter().try_for_each(|file| write(&file.path, &file.old))?;
        Ok(Tree { root: root.to_owned(), files })
    }

    /// Makes one image in seven read-only.
    pub(super) fn make_some_read_only(&mut self) -> Result<(), String> {
        for file in self.files.iter_mut().filter(|file| file.old != file.new).step_by(7) {
            file.is_read_only = true;
            fs::set_permissions(&file.path, Permissions::from_mode(0o444))
                .map_err(at(&file.path))?;
        }
        Ok(())
    }

    /// Reads the current states of the files. A file in none of these states is an error.
    pub(super) fn states(&self) -> Result<States, String> {
        let mut states = States::default();
        for file in &self.files {
            let now = fs::read(&file.path).map_err(at(&file.path))?;
            match (now == file.old, now == file.new) {
                (true, true) => {}
                (true, false) => states.old += 1,
                (false, true) => {
                    states.new.insert(file.path.clone());
                }
                (false, false) if file.is_split(&now) => {
                    states.split.insert(file.path.clone());
                }
                (false, false) => {
                    let difference = difference(&file.old, &now);
                    return Err(format!("{}: {difference}", file.path.display()));
                }
            }
        }
        Ok(states)
    }

    /// Checks that all files have their original bytes, and that none lost its read-only mode.
    pub(super) fn check_restored(&self) -> Result<(), String> {
        let states = self.states()?;
        if let Some(path) = states.new.union(&states.split).next() {
            return Err(format!("{} was not restored", path.display()));
        }
        for file in self.files.iter().filter(|file| file.is_read_only) {
            let metadata = fs::metadata(&file.path).map_err(at(&file.path))?;
            if !metadata.permissions().readonly() {
                return Err(format!("{} is no longer read-only", file.path.display()));
            }
        }
        Ok(())
    }

    /// Checks that patch has changed all files that it should change.
    pub(super) fn check_patched(&self) -> Result<(), String> {
        let states = self.states()?;
        let not_changed = states.old + states.split.len();
        if not_changed > 0 { Err(format!("{not_changed} files were not changed")) } else { Ok(()) }
    }
}

impl TestFile {
    /// Whether the file is new up to the end of a page and old after it, or the other way round.
    fn is_split(&self, now: &[u8]) -> bool {
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
    /// Whether some files are changed and some are not.
    pub(super) fn is_partial(&self) -> bool {
        self.old > 0 && !(self.new.is_empty() && self.split.is_empty())
    }
}

fn test_file(root: &Path, number: usize) -> TestFile {
    let folder = root.join(format!("folder-{:03}", number / FILES_PER_FOLDER));
    if number % 10 == 9 {
        let others: [&[u8]; 4] =
            [b"MZ is how this text begins.\n", b"", b"\x7fELF\x02\x01", b"text\n"];
        let old = others.get(number / 10 % 4).copied().unwrap_or_default().to_vec();
        let path = folder.join(format!("other-{number:04}.txt"));
        return TestFile { path, new: old.clone(), old, is_read_only: false };
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
    TestFile { path: folder.join(format!("image-{number:04}.exe")), old, new, is_read_only: false }
}

/// Returns a message with the first and the last offset where two files differ.
pub(super) fn difference(before: &[u8], now: &[u8]) -> String {
    let differ = |at: &usize| before.get(*at) != now.get(*at);
    let mut offsets = (0..before.len().max(now.len())).filter(differ);
    let first = offsets.next().unwrap_or_default();
    let last = offsets.next_back().unwrap_or(first);
    format!(
        "the content is neither the original nor the patched one: {} bytes instead of {}, with differences from offset {first} to {last}",
        now.len(),
        before.len()
    )
}

/// Creates an empty folder for a test, below `target/xtask/faults`.
pub(super) fn test_folder(name: &str) -> Result<PathBuf, String> {
    let folder = scratch("faults").join(name);
    make_accessible(&folder);
    empty_folder(folder)
}

/// Makes folders of an earlier run accessible. If that fails, removing them fails too.
fn make_accessible(folder: &Path) {
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o755));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_accessible(&entry.path());
        }
    }
}

#[derive(Default)]
pub(super) struct Journal {
    /// Whether its first line is complete.
    pub(super) has_header: bool,
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
            bytes => bytes.map_err(at(path))?,
        };
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let last = lines.pop().unwrap_or_default();
        let mut journal = Journal { is_cut: !last.is_empty(), ..Journal::default() };
        for line in lines {
            let parsed: Value = serde_json::from_slice(line)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            if !journal.has_header {
                journal.has_header = parsed.get("schema").is_some();
                continue;
            }
            let entry = path_in(&parsed);
            journal.entries.insert(entry.ok_or("an entry of the journal has no path")?);
        }
        Ok(journal)
    }

    /// Checks that the journal has an entry for each changed file.
    pub(super) fn check_covers(&self, states: &States) -> Result<(), String> {
        let mut changed = states.new.union(&states.split);
        match changed.find(|path| !self.entries.contains(*path)) {
            Some(path) => Err(format!("{} is changed but not in the journal", path.display())),
            None => Ok(()),
        }
    }

    /// Returns the expected exit code of undo.
    pub(super) fn undo_code(&self) -> i32 {
        if self.entries.is_empty() { 3 } else { 0 }
    }
}
