//! Truncates, extends, rewrites, replaces or deletes files while netswap works on them.
//!
//! netswap must not panic, and must not change the target of a link that replaces a file. Each file
//! must have the content that its writer wrote, with or without the bit.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Options;
use super::program::Netswap;
use super::report::Report;
use super::tree::test_folder;
use crate::NotPassed;
use crate::files::{at, create_folder, remove_file};
use fastrand::Rng;
use testkit::image::{Image, Sum, patched};

const FILES: usize = 48;

/// Offsets of the NT headers. Each write changes them, so a late write hits other bytes.
const E_LFANEW: [usize; 3] = [0x80, 0xc8, 0x110];

/// A change that another program makes to a file.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Truncates the file after its headers.
    Truncate,
    Append,
    /// Renames another file over the file.
    Replace,
    /// Empties the file and writes it again.
    Rewrite,
    Delete,
    /// Replaces the file by a link to a file that netswap must not change.
    Link,
}

const CHANGES: [Change; 6] = [
    Change::Truncate,
    Change::Append,
    Change::Replace,
    Change::Rewrite,
    Change::Delete,
    Change::Link,
];

/// A file, and the contents that it may have.
struct File {
    path: PathBuf,
    /// The content that the writer wrote, and the contents with the bit. netswap may have set the
    /// bit at any time since the whole file was last written.
    possible_contents: Vec<Vec<u8>>,
    exists: bool,
    number: u32,
}

#[derive(Default)]
struct Counts {
    runs: u32,
    changes: u64,
    patched: usize,
    refused: usize,
    unreadable: usize,
    with_bit: u64,
}

struct Test<'a> {
    netswap: &'a Netswap,
    root: PathBuf,
    journal: PathBuf,
    /// The target of all links, which netswap must not change.
    link_target: PathBuf,
    random: Rng,
    counts: Counts,
}

pub(super) fn run(netswap: &Netswap, options: &Options) -> Result<String, NotPassed> {
    let folder = test_folder("meanwhile")?;
    let [root, journal, link_target] =
        ["tree", "patch.journal", "link-target.exe"].map(|name| folder.join(name));
    create_folder(root.clone())?;
    fs::write(&link_target, image(0)).map_err(at(&link_target))?;
    let (random, counts) = (Rng::with_seed(options.seed), Counts::default());
    let mut test = Test { netswap, root, journal, link_target, random, counts };
    let (start, duration) = (Instant::now(), Duration::from_secs(options.seconds.into()));
    for round in 0.. {
        test.round().map_err(|why| format!("round {round}: {why}"))?;
        if start.elapsed() > duration {
            break;
        }
    }
    let Counts { runs, changes, patched, refused, unreadable, with_bit } = test.counts;
    if patched == 0 || refused == 0 {
        let why = format!("{patched} files patched and {refused} refused: neither may be 0");
        return Err(why.into());
    }
    Ok(format!(
        "{FILES} files truncated, extended, rewritten, replaced, deleted and linked {changes} times during {runs} runs of patch and undo, which reported {patched} as changed, {refused} as refused and {unreadable} as unreadable: no panic, no link target changed, each file as its writer wrote it, or with the bit ({with_bit} files)"
    ))
}

impl Test<'_> {
    fn round(&mut self) -> Result<(), String> {
        let mut files: Vec<File> = (0..FILES).map(|number| File::new(&self.root, number)).collect();
        files.iter_mut().try_for_each(|file| file.rewrite().map_err(at(&file.path)))?;
        remove_file(&self.journal)?;
        self.run_while_files_change(&mut files)?;
        if fs::read(&self.link_target).map_err(at(&self.link_target))? != image(0) {
            return Err("the target of a link was changed".to_owned());
        }
        for file in &files {
            self.counts.with_bit += u64::from(file.has_bit()?);
        }
        Ok(())
    }

    /// Runs patch and undo while the files change.
    fn run_while_files_change(&mut self, files: &mut [File]) -> Result<(), String> {
        let Test { netswap, root, journal, link_target, random, counts } = self;
        let is_finished = AtomicBool::new(false);
        let format = ["--format", "ndjson"];
        let (changes, patch, undo) = thread::scope(|scope| {
            let writer = scope.spawn(|| change_files(files, link_target, random, &is_finished));
            let codes = [0, 1, 2];
            let patch = Report::run(netswap.patch(journal).args(format).arg(root), &codes);
            let undo = || Report::run(netswap.undo(journal).args(format), &codes);
            let undo = journal.exists().then(undo);
            is_finished.store(true, Ordering::Relaxed);
            let changes = writer.join().unwrap_or_else(|_| Err("the writer panicked".to_owned()));
            (changes, patch, undo)
        });
        counts.changes += changes?;
        for report in [Some(patch), undo].into_iter().flatten() {
            let report = report?;
            counts.runs += 1;
            counts.patched += report.count("changed")?;
            counts.refused += report.count("refused")?;
            counts.unreadable += report.count("unreadable")?;
        }
        Ok(())
    }
}

/// Changes random files until `is_finished` is set. Returns the number of changes.
fn change_files(
    files: &mut [File],
    link_target: &Path,
    random: &mut Rng,
    is_finished: &AtomicBool,
) -> Result<u64, String> {
    let mut changes = 0;
    while !is_finished.load(Ordering::Relaxed) {
        if let (Some(file), Some(change)) = (random.choice(&mut *files), random.choice(CHANGES)) {
            file.apply(change, link_target).map_err(at(&file.path))?;
        }
        changes += 1;
    }
    Ok(changes)
}

impl File {
    fn new(root: &Path, number: usize) -> Self {
        let path = root.join(format!("image-{number:02}.exe"));
        let number = u32::try_from(number).unwrap_or_default() * 1_000_001 + 1;
        File { path, possible_contents: Vec::new(), exists: false, number }
    }

    /// Makes this change to the file, and updates its possible contents.
    fn apply(&mut self, change: Change, link_target: &Path) -> io::Result<()> {
        let next = self.path.with_extension("next");
        let can_change_length = self.exists && !has_checksum(self.number);
        match change {
            Change::Truncate if can_change_length => {
                let length = self.possible_contents.first().map_or(0, Vec::len);
                let length = (length - 1).max(1024);
                OpenOptions::new().write(true).open(&self.path)?.set_len(length as u64)?;
                self.update(|bytes| bytes.truncate(length));
            }
            Change::Append if can_change_length => {
                let end = [7; 5];
                OpenOptions::new().append(true).open(&self.path)?.write_all(&end)?;
                self.update(|bytes| bytes.extend(end));
            }
            Change::Replace => {
                let image = self.next_image();
                fs::write(&next, &image)?;
                fs::rename(&next, &self.path)?;
                self.set_content(image);
            }
            Change::Delete if self.exists => {
                self.exists = false;
                fs::remove_file(&self.path)?;
            }
            Change::Link => {
                symlink(link_target, &next)?;
                self.exists = false;
                fs::rename(&next, &self.path)?;
            }
            // A missing file can only be written again.
            _ => self.rewrite()?,
        }
        Ok(())
    }

    /// Overwrites the file in place, as most programs do when they copy.
    fn rewrite(&mut self) -> io::Result<()> {
        let image = self.next_image();
        if !self.exists && fs::symlink_metadata(&self.path).is_ok() {
            fs::remove_file(&self.path)?;
        }
        fs::write(&self.path, &image)?;
        self.set_content(image);
        Ok(())
    }

    fn next_image(&mut self) -> Vec<u8> {
        // Adding 2 keeps an odd number odd, so the file stays with or without a checksum.
        self.number += 2;
        image(self.number)
    }

    /// Records that the writer wrote the whole file.
    fn set_content(&mut self, image: Vec<u8>) {
        self.possible_contents = patched(&image).into_iter().chain([image]).collect();
        self.exists = true;
    }

    /// Changes all possible contents, and adds them with the bit, which netswap may set later.
    fn update(&mut self, change: impl Fn(&mut Vec<u8>)) {
        self.possible_contents.iter_mut().for_each(change);
        let patched: Vec<_> =
            self.possible_contents.iter().filter_map(|bytes| patched(bytes)).collect();
        self.possible_contents.extend(patched);
        self.possible_contents.sort();
        self.possible_contents.dedup();
    }

    /// Whether the file has the bit. Returns an error if it has none of the possible contents.
    fn has_bit(&self) -> Result<bool, String> {
        if !self.exists {
            return Ok(false);
        }
        let now = fs::read(&self.path).map_err(at(&self.path))?;
        if self.possible_contents.contains(&now) {
            return Ok(patched(&now).is_some_and(|patched| patched == now));
        }
        let path = self.path.display();
        Err(format!("{path} is not as its writer wrote it, with or without the bit"))
    }
}

/// Returns an image. Images with an even number have a checksum.
///
/// The others are truncated and extended, which would make a checksum invalid. This test does not
/// know what netswap writes then.
fn image(number: u32) -> Vec<u8> {
    let index = usize::try_from(number).unwrap_or_default() % E_LFANEW.len();
    let image = Image::exe().e_lfanew(E_LFANEW.get(index).copied().unwrap_or(0x80));
    let sum = if has_checksum(number) { Sum::Right } else { Sum::None };
    image.number(number).overlay(3000).sum(sum).bytes()
}

fn has_checksum(number: u32) -> bool {
    number.is_multiple_of(2)
}
