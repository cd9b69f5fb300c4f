//! `cargo xtask day`: looks after a share of 20,000 files as an administrator would, and compares
//! what the book shows of it. `--write` writes the book's page instead.
//!
//! The files are copies of the corpus, so many of them are signed by their vendors. pefile says how
//! many images have the bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::image::{Image, patched_range};

use crate::NotPassed;
use crate::corpus::{self, Corpus, Selection};
use crate::files::{at, create_folder, empty_folder, files_below, remove_folder, scratch, write};
use crate::outcome::Outcome;
use crate::page::Page;
use crate::programs;
use crate::readers;

const FILES: usize = 20_000;

/// The size in bytes of the largest files that are copied.
const MAX_SIZE: u64 = 160 * 1024;

/// `IMAGE_FILE_NET_RUN_FROM_SWAP`.
const NET: u64 = 0x0800;

/// The width of a terminal in columns.
const WIDTH: usize = 80;

/// The exit codes of netswap.
const PASSED: i32 = 0;
const FINDINGS: i32 = 1;
const INTERRUPTED: i32 = 130;

/// The command that accepts what is left.
const RECORD: &str = "verify tools --write-baseline tools.json --quiet";

/// The number of attempts to interrupt a patch before it is done.
const ATTEMPTS: u32 = 20;

/// The time before the first interrupt. The next one comes earlier or later.
const FIRST_WAIT: Duration = Duration::from_millis(400);

/// The number of lines about files that the book shows of a report.
const FIRST_LINES: usize = 6;

/// Goes through the day. `--write` writes the page of the book.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let write = match arguments {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => return Err(NotPassed::Usage("usage: cargo xtask day [--write]".to_owned())),
    };
    if cfg!(windows) {
        return Err(NotPassed::NotRun("it sends signals, which Windows has not".to_owned()));
    }
    let corpus = corpus::fetch(Selection::Small).map_err(NotPassed::NotRun)?;
    let day = Day::new(&corpus)?;
    let mut page = Page::read("share.md", "cargo xtask day --write", stable)?;
    println!("{}", day.run(&mut page, write)?);
    remove_folder(&day.folder)?;
    Ok(())
}

struct Day {
    netswap: PathBuf,
    folder: PathBuf,
    wheels: Vec<String>,
    /// The content of each file by its path below a copy.
    originals: BTreeMap<PathBuf, Vec<u8>>,
    copies: usize,
}

impl Day {
    /// Copies small files of the corpus until there are [`FILES`].
    fn new(corpus: &Corpus) -> Result<Self, String> {
        let folder = empty_folder(scratch("day"))?;
        let mut originals = BTreeMap::new();
        for wheel in &corpus.folders {
            for file in files_below(&corpus.root.join(wheel))? {
                let bytes = fs::read(&file).map_err(at(&file))?;
                if bytes.len() as u64 <= MAX_SIZE {
                    let below = file.strip_prefix(&corpus.root).unwrap_or(&file).to_owned();
                    originals.insert(below, bytes);
                }
            }
        }
        ensure!(!originals.is_empty(), "the corpus has no small file");
        let copies = FILES.div_ceil(originals.len());
        let (netswap, wheels) = (programs::release("netswap")?, corpus.folders.clone());
        let day = Day { netswap, folder, wheels, originals, copies };
        for number in 0..copies {
            for (below, bytes) in &day.originals {
                let file = day.copy(number).join(below);
                create_folder(file.parent().unwrap_or(&file).to_owned())?;
                fs::write(&file, bytes).map_err(at(&file))?;
            }
        }
        create_folder(day.folder.join("home"))?;
        Ok(day)
    }

    fn run(&self, page: &mut Page, is_written: bool) -> Result<String, String> {
        let files = self.copies * self.originals.len();
        let before = self.with_bit()?;
        let mut step = |name, arguments, code, part: &str| {
            let outcome = Outcome::run(&mut self.netswap(arguments))?.expect_code(code)?;
            page.show(name, &self.screen(arguments, &outcome, part)?, is_written)?;
            Ok::<_, String>(outcome.text())
        };
        step("verify", "verify tools", FINDINGS, &verified(files, before))?;
        let (patch, changed) = self.interrupted_patch()?;
        let restored = format!("{} restored", number(changed));
        step("undo", "undo --last", PASSED, &restored)?;
        ensure!(self.changed()? == 0, "undo has not restored all files");
        let text = step("patch", "patch tools", FINDINGS, "to undo it:")?;
        let (patched, after) = (self.changed()?, self.with_bit()?);
        let summary = format!(": {} patched", number(patched));
        ensure!(
            after == before + patched && text.contains(&summary),
            "another number of patched files: {summary}"
        );
        step("record", RECORD, PASSED, &verified(files, after))?;
        let new = self.copy(0).join("new-tool.exe");
        write(&new, Image::exe().bytes())?;
        let text = step("new", "verify tools --baseline tools.json", FINDINGS, "/new-tool.exe\n")?;
        let failed = text.lines().filter(|line| line.starts_with("FAILED")).count();
        ensure!(failed == 1, "{failed} failures, but one file is new");
        let interrupted = "interrupted: some files were not patched";
        let screen = self.screen("patch tools", &patch, interrupted)?;
        // The other paragraphs depend on the moment.
        let (_, end) = screen.rsplit_once("\n\n").unwrap_or_default();
        let end = format!("```text\n$ netswap patch tools\n^C...\n\n{end}");
        page.show("interrupt", &end, is_written)?;
        Ok(format!(
            "{} files: {} have the bit; {} were patched before an interrupt, and restored; then {} were patched; the one new file was found",
            number(files),
            number(before),
            number(changed),
            number(patched)
        ))
    }

    fn copy(&self, number: usize) -> PathBuf {
        self.folder.join("tools").join(format!("app{number:03}"))
    }

    fn netswap(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.netswap);
        command.args(arguments.split(' ')).current_dir(&self.folder);
        command.env("HOME", self.folder.join("home")).env_remove("XDG_STATE_HOME");
        command
    }

    /// Interrupts a patch when it has changed some of the files. Returns its outcome and the number of
    /// these files.
    fn interrupted_patch(&self) -> Result<(Outcome, usize), String> {
        let mut wait = FIRST_WAIT;
        for _ in 0..ATTEMPTS {
            let outcome = Outcome::run_interrupted(&self.netswap("patch tools"), wait)?;
            let changed = self.changed()?;
            if outcome.code == Some(INTERRUPTED) && changed > 0 {
                return Ok((outcome, changed));
            }
            if changed == 0 {
                wait *= 2;
            } else {
                Outcome::run(&mut self.netswap("undo --last"))?.expect_code(PASSED)?;
                wait /= 2;
            }
        }
        Err(format!("none of {ATTEMPTS} patches was interrupted after some of the files"))
    }

    /// Returns the number of files that are not as the corpus has them. They may differ only as a
    /// patch changes a file.
    fn changed(&self) -> Result<usize, String> {
        let mut changed = 0;
        for number in 0..self.copies {
            for (below, original) in &self.originals {
                let file = self.copy(number).join(below);
                let bytes = fs::read(&file).map_err(at(&file))?;
                if bytes != *original {
                    ensure!(is_patched(original, &bytes), "{} is damaged", file.display());
                    changed += 1;
                }
            }
        }
        Ok(changed)
    }

    /// Returns the number of images in all copies that have the bit according to pefile. It reads the
    /// first copy, and the others are equal.
    fn with_bit(&self) -> Result<usize, String> {
        let first = self.copy(0);
        let copy = Corpus { root: first.clone(), folders: self.wheels.clone() };
        let images = readers::read("pefile", &copy)?;
        let has_bit = |image: &&Value| {
            let characteristics = image.get("characteristics").and_then(Value::as_u64);
            characteristics.is_some_and(|bits| bits & NET != 0)
        };
        let count = images.values().filter(has_bit).count();
        for number in 1..self.copies {
            for below in self.originals.keys() {
                let [one, other] = [&first, &self.copy(number)].map(|copy| copy.join(below));
                let is_equal =
                    fs::read(&one).map_err(at(&one))? == fs::read(&other).map_err(at(&other))?;
                ensure!(is_equal, "{} and {} differ", one.display(), other.display());
            }
        }
        Ok(count * self.copies)
    }

    /// Returns what a terminal shows of a command: its first lines, and all from the first blank line
    /// on. The output must contain `part`, and no line is wider than a terminal without need.
    fn screen(&self, arguments: &str, outcome: &Outcome, part: &str) -> Result<String, String> {
        let text = outcome.text();
        if !text.contains(part) {
            return Err(outcome.error(&format!("the output lacks {part:?}")));
        }
        let is_too_wide = |line: &&str| line.chars().count() > WIDTH && !line.contains('/');
        if let Some(line) = text.lines().find(is_too_wide) {
            return Err(outcome.error(&format!("a line is wider than {WIDTH} columns: {line}")));
        }
        let home = self.folder.join("home").display().to_string();
        let text = text.replace(&home, "/home/ada");
        let (entries, end) = text.split_once("\n\n").unwrap_or(("", &text));
        let lines: Vec<_> = entries.lines().collect();
        let (first, rest) = lines.split_at(lines.len().min(FIRST_LINES));
        let cut = if rest.is_empty() { "" } else { "...\n" };
        let blank = if lines.is_empty() { "" } else { "\n" };
        let first: String = first.iter().flat_map(|line| [*line, "\n"]).collect();
        Ok(format!("```text\n$ netswap {arguments}\n{first}{cut}{blank}{end}```\n"))
    }
}

/// Whether two images differ only where a patch changes them.
fn is_patched(original: &[u8], patched: &[u8]) -> bool {
    let e_lfanew = original.get(0x3c..).and_then(|header| header.first_chunk());
    let e_lfanew = e_lfanew.and_then(|field| usize::try_from(u32::from_le_bytes(*field)).ok());
    let Some(range) = e_lfanew.map(patched_range) else { return false };
    original.len() == patched.len()
        && original.get(..range.start) == patched.get(..range.start)
        && original.get(range.end..) == patched.get(range.end..)
}

/// Formats the begin of verify's summary.
fn verified(files: usize, passed: usize) -> String {
    let passed = if passed == 0 { String::new() } else { format!("{} passed, ", number(passed)) };
    format!("{} images: {passed}", number(files))
}

/// Formats a number with separators.
fn number(count: usize) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Returns the text with one placeholder for all numbers, and another for journals. The counts are
/// checked, and differ with the moment of the interrupt.
fn stable(text: &str) -> String {
    let stable = |word: &str| {
        let end = if word.ends_with('\n') { "\n" } else { " " };
        if word.contains(".journal") {
            format!("JOURNAL{end}")
        } else if word.trim_start_matches('(').starts_with(|c: char| c.is_ascii_digit()) {
            format!("NUMBER{end}")
        } else {
            word.to_owned()
        }
    };
    text.split_inclusive([' ', '\n']).map(stable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_and_journals_may_differ() {
        let text = "1,234 files: 5 patched (0.52 s)\n    netswap undo /a/b.journal\n";
        assert_eq!(
            stable(text),
            "NUMBER files: NUMBER patched NUMBER s)\n    netswap undo JOURNAL\n"
        );
        assert_ne!(stable(text), stable(&text.replace("patched", "restored")));
    }

    #[test]
    fn other_change_than_a_patch_is_damage() {
        let image = Image::exe().bytes();
        let with_bit = Image::exe().with(testkit::image::NET).bytes();
        assert!(is_patched(&image, &with_bit));
        let mut damaged = with_bit.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(!is_patched(&image, &damaged) && !is_patched(&image, &image[1..]));
    }
}
