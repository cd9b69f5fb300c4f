//! Tests file names that are not text, forge lines, move a terminal's cursor, or change the
//! direction of text.
//!
//! Reports escape them, JSON contains their bytes, and patch and undo find the files again.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::Options;
use super::links::{contents, write_image};
use super::program::Netswap;
use super::report::{Report, path_in};
use super::tree::{Journal, test_folder};
use crate::NotPassed;
use crate::files::remove_file;
use crate::outcome::Outcome;

/// File names. [`names`] adds names of 255 bytes, and one for each single byte.
const NAMES: [&[u8]; 31] = [
    b"\xff\xfe.exe",
    b"\xed\xa0\x80 surrogate.exe",
    b"\xc0\xaf overlong.exe",
    b"\xf0\x9f cut off",
    b"a.exe\nFAILED  forged",
    b"a.exe\n\npassed  forged",
    b"\n",
    b"\r\x1b[2K\rhidden.exe",
    b"\x1b[31mred\x1b[0m.exe",
    b"\x1b]0;title\x07.exe",
    "\u{9b}31m with one control.exe".as_bytes(),
    "next\u{85}line.exe".as_bytes(),
    "line\u{2028}separator\u{2029}.exe".as_bytes(),
    "\u{202e}exe.txt".as_bytes(),
    "\u{2066}isolated\u{2069}.exe".as_bytes(),
    "zero\u{200b}width\u{feff}\u{2060}.exe".as_bytes(),
    "u\u{308}.exe".as_bytes(),
    "\u{fc}.exe".as_bytes(),
    b" leading.exe",
    b"trailing.exe   ",
    b"   ",
    b"-n",
    b"--help",
    b"*.exe",
    b"[a-z]?.exe",
    b"\"quoted\" 'twice'.exe",
    b"back\\slash\\n.exe",
    b"$(touch forged) `id`.exe",
    b"nul.exe.",
    b"C:\\tool.exe",
    b"...",
];

/// The maximum length of a name in bytes.
const MAX_LENGTH: usize = 255;

/// The folder of all files, and how reports show a part of its name.
const FOLDER: &[u8] = b"a\n\xfffolder \x1b[1m";
const FOLDER_SHOWN: &str = "\\xfffolder";

/// The text before the names of a group, in each line. Some reports have three more spaces.
const INDENT: &str = "        ";

/// The end of a forged line. No line may consist of a first word and this text.
const FORGED: &str = "  forged";

/// Characters that change how others are displayed.
const FORMAT_CHARACTERS: [std::ops::RangeInclusive<char>; 5] = [
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
];

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let folder = test_folder("names")?;
    let root = folder.join(OsStr::from_bytes(FOLDER));
    let names: BTreeSet<OsString> = names().map(OsString::from_vec).collect();
    let files: BTreeSet<PathBuf> = names.iter().map(|name| root.join(name)).collect();
    for file in &files {
        write_image(file)?;
    }
    let journal = folder.join(OsStr::from_bytes(b"\x1b[1mj\n\xff.journal"));
    let test = Test { netswap, root, journal, files };
    test.run()?;
    Ok(format!(
        "{} names, in a folder and one by one: 9 reports for people name each file and have no control characters; JSON and ndjson contain all names; all files patched and restored",
        test.files.len()
    ))
}

fn names() -> impl Iterator<Item = Vec<u8>> {
    let bytes = (1..=u8::MAX).filter(|byte| *byte != b'/');
    let single = bytes.map(|byte| [b"with ", &[byte][..], b".exe"].concat());
    let long = [b'x', b' ', 0xff].map(|byte| vec![byte; MAX_LENGTH]);
    NAMES.into_iter().map(<[u8]>::to_vec).chain(single).chain(long)
}

struct Test<'a> {
    netswap: &'a Netswap,
    root: PathBuf,
    journal: PathBuf,
    files: BTreeSet<PathBuf>,
}

impl Test<'_> {
    fn run(&self) -> Result<(), String> {
        let before = contents(&self.files)?;
        self.check_verify(1)?;
        self.check_json(1)?;
        self.check_lines(self.on_root("inspect").args(["--jobs", "4"]), 0)?;
        self.check_group(self.on_root("patch").arg("--dry-run"), 0)?;
        remove_file(&self.journal)?;
        self.check_group(&mut self.patch(&[]), 0)?;
        ensure!(Journal::read(&self.journal)?.entries == self.files, "the journal has other names");
        self.check_verify(0)?;
        self.check_json(0)?;
        // The journal exists now, so patch fails with a message that names it.
        let patch = Outcome::run(&mut self.patch(&["--swap-run", "cd"]))?.expect_code(2)?;
        check_printable(&patch)?;
        self.check_group(&mut self.undo(&["--dry-run"]), 0)?;
        self.check_group(&mut self.undo(&[]), 0)?;
        let mut missing = self.netswap.with_timeout("verify");
        check_printable(&Outcome::run(missing.arg(self.root.join("no such \n\x1b")))?)?;
        ensure!(contents(&self.files)? == before, "undo restored not all files");
        Ok(())
    }

    /// Verifies all files, first by their folder and then by their names.
    fn check_verify(&self, code: i32) -> Result<(), String> {
        let mut by_name = self.netswap.with_timeout("verify");
        by_name.args(&self.files);
        for mut verify in [self.on_root("verify"), by_name] {
            if code == 0 {
                self.check_lines(verify.arg("--verbose"), code)?;
            } else {
                self.check_group(&mut verify, code)?;
            }
        }
        Ok(())
    }

    /// Runs a command and checks that its report has one group with all files.
    fn check_group(&self, command: &mut Command, code: i32) -> Result<(), String> {
        let outcome = Outcome::run(command)?.expect_code(code)?;
        check_printable(&outcome)?;
        let text = String::from_utf8_lossy(&outcome.stdout);
        let files = self.files.len();
        let title = format!("{FOLDER_SHOWN} \\u{{1b}}[1m: {files} files");
        let mut lines = text.lines().skip_while(|line| !line.contains(&title));
        ensure!(lines.next().is_some(), "{}", outcome.error("no line counts the folder's files"));
        let names: Vec<_> = lines.map_while(|line| line.strip_prefix(INDENT)).collect();
        let names = names.join(" ");
        // The finding comes before the names.
        let names = names.rsplit_once(" is not set ").map_or(&*names, |(_, names)| names);
        let count = names.split(", ").count();
        ensure!(count == files, "{count} names, but there are {files}: {names}");
        Ok(())
    }

    /// Runs a command and checks that its report has one line for each file.
    fn check_lines(&self, command: &mut Command, code: i32) -> Result<(), String> {
        let outcome = Outcome::run(command)?.expect_code(code)?;
        check_printable(&outcome)?;
        let text = String::from_utf8_lossy(&outcome.stdout);
        let count = text.lines().filter(|line| line.contains(FOLDER_SHOWN)).count();
        let files = self.files.len();
        if count != files {
            return Err(outcome.error(&format!("{count} lines name a file, but there are {files}")));
        }
        Ok(())
    }

    /// Checks that both JSON reports contain all names.
    fn check_json(&self, code: i32) -> Result<(), String> {
        let status = if code == 0 { "passed" } else { "failed" };
        let verify = |format| {
            let mut verify = self.on_root("verify");
            Outcome::run(verify.args(["--format", format]))?.expect_code(code)
        };
        let report = Report::parse(verify("ndjson")?)?;
        if report.paths(status)? != self.files {
            return Err(report.error("the ndjson report has other names"));
        }
        let outcome = verify("json")?;
        let document: Value = serde_json::from_slice(&outcome.stdout)
            .map_err(|error| outcome.error(&error.to_string()))?;
        let images = document.get("images").and_then(Value::as_array).into_iter().flatten();
        let paths: BTreeSet<PathBuf> = images.filter_map(path_in).collect();
        if paths == self.files {
            Ok(())
        } else {
            Err(outcome.error("the JSON report has other names"))
        }
    }

    fn on_root(&self, subcommand: &str) -> Command {
        let mut command = self.netswap.with_timeout(subcommand);
        command.arg(&self.root);
        command
    }

    fn patch(&self, arguments: &[&str]) -> Command {
        let mut patch = self.netswap.patch(&self.journal);
        patch.args(arguments).arg(&self.root);
        patch
    }

    fn undo(&self, arguments: &[&str]) -> Command {
        let mut undo = self.netswap.undo(&self.journal);
        undo.args(arguments);
        undo
    }
}

/// Checks that the output is text without [`FORMAT_CHARACTERS`], without control characters except
/// line feeds, and without a line that a name forged.
fn check_printable(outcome: &Outcome) -> Result<(), String> {
    for bytes in [&outcome.stdout, &outcome.stderr] {
        let text = str::from_utf8(bytes).map_err(|error| outcome.error(&error.to_string()))?;
        let is_harmful = |c: &char| {
            (c.is_control() && *c != '\n')
                || FORMAT_CHARACTERS.iter().any(|range| range.contains(c))
        };
        if let Some(c) = text.chars().find(is_harmful) {
            return Err(outcome.error(&format!("the output contains the character {c:?}")));
        }
    }
    let is_forged = |line: &str| line.trim_start_matches(char::is_alphabetic) == FORGED;
    if String::from_utf8_lossy(&outcome.stdout).lines().any(is_forged) {
        return Err(outcome.error("a name forged a line"));
    }
    Ok(())
}
