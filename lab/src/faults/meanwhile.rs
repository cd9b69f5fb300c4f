//! Truncates, extends, rewrites, replaces or deletes files while netswap works on them.
//!
//! netswap never panics, and changes nothing behind a link that was put in place of a file. Each
//! file stays as its writer made it, or as that with the bit set.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Options;
use super::killed::remove;
use super::program::{Netswap, ran};
use super::tree::{fresh, told};
use crate::NotPassed;
use fastrand::Rng;
use testkit::image::{Image, Sum, patched};

const FILES: usize = 48;

/// Offsets of the NT headers. The offset changes each time a file is written, so that a late write
/// would hit other bytes.
const E_LFANEW: [usize; 3] = [0x80, 0xc8, 0x110];

/// A change that a writer makes to a file.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Truncates the file behind its headers.
    Cut,
    /// Appends to the file.
    Lengthen,
    /// Renames another file over the file.
    Replace,
    /// Truncates the file to nothing and writes it again.
    WriteAnew,
    Delete,
    /// Replaces the file by a link to a file that netswap must not change.
    Link,
}

const DEEDS: [Deed; 6] =
    [Deed::Cut, Deed::Lengthen, Deed::Replace, Deed::WriteAnew, Deed::Delete, Deed::Link];

/// A file, and the contents that it may have.
struct File {
    path: PathBuf,
    /// The contents as the writer left them, and those with the bit set. netswap may have set it at
    /// any time since the file was last written as a whole.
    may_be: Vec<Vec<u8>>,
    is_there: bool,
    number: u32,
}

#[derive(Default)]
struct Counts {
    runs: u32,
    deeds: u64,
    changed: u64,
    refused: u64,
    unreadable: u64,
    with_bit: u64,
}

struct Test<'a> {
    netswap: &'a Netswap,
    root: PathBuf,
    journal: PathBuf,
    /// The target of all links.
    precious: PathBuf,
    random: Rng,
    counts: Counts,
}

pub(super) fn run(netswap: &Netswap, options: &Options) -> Result<String, NotPassed> {
    let folder = fresh("meanwhile")?;
    let [root, journal, precious] =
        ["tree", "patch.journal", "precious.exe"].map(|name| folder.join(name));
    fs::create_dir(&root).map_err(told(&root))?;
    fs::write(&precious, image_of(0)).map_err(told(&precious))?;
    let (random, counts) = (Rng::with_seed(options.seed), Counts::default());
    let mut test = Test { netswap, root, journal, precious, random, counts };
    let (start, duration) = (Instant::now(), Duration::from_secs(options.seconds.into()));
    for round in 0.. {
        test.round().map_err(|why| format!("round {round}: {why}"))?;
        if start.elapsed() > duration {
            break;
        }
    }
    let Counts { runs, deeds, changed, refused, unreadable, with_bit } = test.counts;
    if changed == 0 || refused == 0 {
        return Err(format!("{changed} changed, {refused} refused: they never met").into());
    }
    Ok(format!(
        "{FILES} files cut, lengthened, written anew, replaced, deleted and linked {deeds} times during {runs} runs of patch and undo, which told {changed} as changed, {refused} as refused and {unreadable} as unreadable: no panic, nothing changed behind a link, each file as its writer left it, or that with the bit ({with_bit})"
    ))
}

impl Test<'_> {
    fn round(&mut self) -> Result<(), String> {
        let mut files: Vec<File> = (0..FILES).map(|number| File::new(&self.root, number)).collect();
        files.iter_mut().try_for_each(File::write_anew)?;
        remove(&self.journal)?;
        self.together(&mut files)?;
        if fs::read(&self.precious).map_err(told(&self.precious))? != image_of(0) {
            return Err("a file behind a link was changed".to_owned());
        }
        for file in &files {
            self.counts.with_bit += u64::from(file.has_bit()?);
        }
        Ok(())
    }

    /// Runs patch and undo while the files change.
    fn together(&mut self, files: &mut [File]) -> Result<(), String> {
        let Test { netswap, root, journal, precious, random, counts } = self;
        let is_over = AtomicBool::new(false);
        let report = ["--format", "ndjson"];
        let (deeds, patch, undo) = thread::scope(|scope| {
            let writer = scope.spawn(|| write_along(files, precious, random, &is_over));
            let patch = ran(netswap.patch(journal).args(report).arg(root));
            let undo = journal.exists().then(|| ran(netswap.undo(journal).args(report)));
            is_over.store(true, Ordering::Relaxed);
            let deeds = writer.join().unwrap_or_else(|_| Err("the writer panicked".to_owned()));
            (deeds, patch, undo)
        });
        counts.deeds += deeds?;
        for ran in [Some(patch), undo].into_iter().flatten() {
            let ran = ran?.ended_with_one_of(&[0, 1, 2])?;
            counts.runs += 1;
            counts.changed += ran.count("changed")?;
            counts.refused += ran.count("refused")?;
            counts.unreadable += ran.count("unreadable")?;
        }
        Ok(())
    }
}

/// Makes random changes to the files, one after another, until `is_over` is set. Returns how many.
fn write_along(
    files: &mut [File],
    precious: &Path,
    random: &mut Rng,
    is_over: &AtomicBool,
) -> Result<u64, String> {
    let mut deeds = 0;
    while !is_over.load(Ordering::Relaxed) {
        if let (Some(file), Some(deed)) = (random.choice(&mut *files), random.choice(DEEDS)) {
            file.suffer(deed, precious)?;
        }
        deeds += 1;
    }
    Ok(deeds)
}

impl File {
    fn new(root: &Path, number: usize) -> Self {
        let path = root.join(format!("image-{number:02}.exe"));
        let number = u32::try_from(number).unwrap_or_default() * 1_000_001 + 1;
        File { path, may_be: Vec::new(), is_there: false, number }
    }

    /// Makes this change to the file, and updates the contents that it may have.
    fn suffer(&mut self, deed: Deed, precious: &Path) -> Result<(), String> {
        let done = match deed {
            Deed::Cut if self.can_be_another_length() => self.cut(),
            Deed::Lengthen if self.can_be_another_length() => self.lengthen(),
            Deed::Replace => self.replace(),
            Deed::Delete if self.is_there => self.delete(),
            Deed::Link => self.link(precious),
            // A missing file can only be written again.
            _ => return self.write_anew(),
        };
        done.map_err(told(&self.path))
    }

    fn can_be_another_length(&self) -> bool {
        self.is_there && !has_checksum(self.number)
    }

    fn cut(&mut self) -> io::Result<()> {
        let length = self.may_be.first().map_or(0, Vec::len);
        let to = (length - 1).max(1024);
        OpenOptions::new().write(true).open(&self.path)?.set_len(to as u64)?;
        self.change(|bytes| bytes.truncate(to));
        Ok(())
    }

    fn lengthen(&mut self) -> io::Result<()> {
        let more = [7; 5];
        OpenOptions::new().append(true).open(&self.path)?.write_all(&more)?;
        self.change(|bytes| bytes.extend(more));
        Ok(())
    }

    fn replace(&mut self) -> io::Result<()> {
        let next = self.path.with_extension("next");
        let image = self.next_image();
        fs::write(&next, &image)?;
        fs::rename(&next, &self.path)?;
        self.is_now(image);
        Ok(())
    }

    /// Overwrites the file in place, as most programs do when they copy.
    fn write_anew(&mut self) -> Result<(), String> {
        let image = self.next_image();
        if !self.is_there {
            remove(&self.path)?;
        }
        fs::write(&self.path, &image).map_err(told(&self.path))?;
        self.is_now(image);
        Ok(())
    }

    fn delete(&mut self) -> io::Result<()> {
        self.is_there = false;
        fs::remove_file(&self.path)
    }

    fn link(&mut self, precious: &Path) -> io::Result<()> {
        let next = self.path.with_extension("next");
        symlink(precious, &next)?;
        self.is_there = false;
        fs::rename(&next, &self.path)
    }

    fn next_image(&mut self) -> Vec<u8> {
        // Adding 2 keeps an odd number odd, so the file stays with or without a checksum.
        self.number += 2;
        image_of(self.number)
    }

    /// Records that the writer wrote a whole file.
    fn is_now(&mut self, image: Vec<u8>) {
        self.may_be = patched(&image).into_iter().chain([image]).collect();
        self.is_there = true;
    }

    /// Applies the change to all contents that the file may have. netswap may set the bit after the
    /// change, so those contents are added too.
    fn change(&mut self, change: impl Fn(&mut Vec<u8>)) {
        self.may_be.iter_mut().for_each(change);
        let patched: Vec<_> = self.may_be.iter().filter_map(|bytes| patched(bytes)).collect();
        self.may_be.extend(patched);
        self.may_be.sort();
        self.may_be.dedup();
    }

    /// Whether the file has the bit. `Err`: its contents are none of those that it may have.
    fn has_bit(&self) -> Result<bool, String> {
        if !self.is_there {
            return Ok(false);
        }
        let now = fs::read(&self.path).map_err(told(&self.path))?;
        if self.may_be.contains(&now) {
            return Ok(patched(&now).is_some_and(|patched| patched == now));
        }
        let path = self.path.display();
        Err(format!("{path} is nothing that its writer made, nor that with the bit"))
    }
}

/// Returns an image. Images with an even number have a checksum.
///
/// The others are truncated and extended, so they have none. A checksum would become wrong, and
/// this test does not know what netswap then does.
fn image_of(number: u32) -> Vec<u8> {
    let index = usize::try_from(number).unwrap_or_default() % E_LFANEW.len();
    let image = Image::exe().e_lfanew(E_LFANEW.get(index).copied().unwrap_or(0x80));
    let sum = if has_checksum(number) { Sum::Right } else { Sum::None };
    image.number(number).overlay(3000).sum(sum).bytes()
}

fn has_checksum(number: u32) -> bool {
    number.is_multiple_of(2)
}
