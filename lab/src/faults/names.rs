//! Tests file names that are not text, forge lines, move a terminal's cursor, or change the
//! direction of text.
//!
//! Reports show them harmlessly, JSON returns their bytes, and patch and undo find the files again.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Options;
use super::killed::remove;
use super::links::image;
use super::program::{Netswap, Ran, path_of, ran};
use super::tree::{Journal, fresh, told};
use crate::NotPassed;

/// File names. `names` adds those of 255 bytes and one for each single byte.
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
const LONGEST: usize = 255;

/// The folder of all files, and the text in every line that names a file.
const FOLDER: &[u8] = b"a\n\xfffolder \x1b[1m";
const FOLDER_SHOWN: &str = "\\xfffolder";

/// The end of a forged line. No line may consist of a first word and this text.
const FORGED: &str = "  forged";

/// Characters that change how others are displayed.
const FORMATS: [std::ops::RangeInclusive<char>; 5] = [
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
];

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let folder = fresh("names")?;
    let root = folder.join(OsStr::from_bytes(FOLDER));
    let names: BTreeSet<OsString> = names().map(OsString::from_vec).collect();
    let files: BTreeSet<PathBuf> = names.iter().map(|name| root.join(name)).collect();
    for file in &files {
        image(file)?;
    }
    let journal = folder.join(OsStr::from_bytes(b"\x1b[1mj\n\xff.journal"));
    let test = Test { netswap, root, journal, files };
    test.all()?;
    Ok(format!(
        "{} names, in a folder and named one by one: 9 reports for people are text without control characters, with a line for each file; JSON and ndjson give all names back; patched and undone",
        test.files.len()
    ))
}

fn names() -> impl Iterator<Item = Vec<u8>> {
    let of_one_byte = (1..=u8::MAX).filter(|byte| *byte != b'/');
    let single = of_one_byte.map(|byte| [b"with ", &[byte][..], b".exe"].concat());
    let long = [b'x', b' ', 0xff].map(|byte| vec![byte; LONGEST]);
    NAMES.into_iter().map(<[u8]>::to_vec).chain(single).chain(long)
}

struct Test<'a> {
    netswap: &'a Netswap,
    root: PathBuf,
    journal: PathBuf,
    files: BTreeSet<PathBuf>,
}

impl Test<'_> {
    fn all(&self) -> Result<(), String> {
        let before = self.contents()?;
        self.verified(1)?;
        self.in_json(1)?;
        self.lines(self.on_root("inspect").args(["--jobs", "4"]), 0)?;
        self.lines(self.on_root("patch").arg("--dry-run"), 0)?;
        remove(&self.journal)?;
        self.lines(&mut self.patch(&[]), 0)?;
        if Journal::read(&self.journal)?.entries != self.files {
            return Err("the journal has other names".to_owned());
        }
        self.verified(0)?;
        self.in_json(0)?;
        let again = ran(&mut self.patch(&["--swap-run", "cd"]))?.ended_with(2)?;
        printable(&again)?;
        self.lines(&mut self.undo(&["--dry-run"]), 0)?;
        self.lines(&mut self.undo(&[]), 0)?;
        printable(&ran(self.netswap.bounded("verify").arg(self.root.join("no such \n\x1b")))?)?;
        if self.contents()? == before { Ok(()) } else { Err("undo put not all back".to_owned()) }
    }

    /// Verifies all files, first by their folder and then by their names.
    fn verified(&self, code: i32) -> Result<(), String> {
        self.lines(&mut self.on_root("verify"), code)?;
        let mut each = self.netswap.bounded("verify");
        self.lines(each.args(&self.files), code)
    }

    /// Runs a command whose report has one line for each file.
    fn lines(&self, command: &mut Command, code: i32) -> Result<(), String> {
        let ran = ran(command)?.ended_with(code)?;
        printable(&ran)?;
        let text = String::from_utf8_lossy(&ran.out);
        let count = text.lines().filter(|line| line.contains(FOLDER_SHOWN)).count();
        if count != self.files.len() {
            let files = self.files.len();
            return Err(ran.wrong(&format!("{count} lines name a file, of {files} files")));
        }
        let is_forged = |line: &str| line.trim_start_matches(char::is_alphabetic) == FORGED;
        if text.lines().any(is_forged) { Err(ran.wrong("a name forged a line")) } else { Ok(()) }
    }

    fn in_json(&self, code: i32) -> Result<(), String> {
        let status = if code == 0 { "passed" } else { "failed" };
        let lines = ran(self.on_root("verify").args(["--format", "ndjson"]))?.ended_with(code)?;
        if lines.paths(status)? != self.files {
            return Err(lines.wrong("ndjson gives other names"));
        }
        let whole = ran(self.on_root("verify").args(["--format", "json"]))?.ended_with(code)?;
        let document: Value =
            serde_json::from_slice(&whole.out).map_err(|error| whole.wrong(&error.to_string()))?;
        let images = document.get("images").and_then(Value::as_array).into_iter().flatten();
        let paths: BTreeSet<PathBuf> = images.filter_map(path_of).collect();
        if paths == self.files { Ok(()) } else { Err(whole.wrong("JSON gives other names")) }
    }

    fn on_root(&self, subcommand: &str) -> Command {
        let mut command = self.netswap.bounded(subcommand);
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

    fn contents(&self) -> Result<Vec<Vec<u8>>, String> {
        let read = |path: &Path| fs::read(path).map_err(told(path));
        self.files.iter().map(|path| read(path)).collect()
    }
}

/// Checks that the output is text without control characters, except line feeds, and without
/// [`FORMATS`].
fn printable(ran: &Ran) -> Result<(), String> {
    for bytes in [&ran.out, &ran.err] {
        let text = str::from_utf8(bytes).map_err(|error| ran.wrong(&error.to_string()))?;
        let is_harmful = |c: &char| {
            (c.is_control() && *c != '\n') || FORMATS.iter().any(|range| range.contains(c))
        };
        if let Some(c) = text.chars().find(is_harmful) {
            return Err(ran.wrong(&format!("it prints the character {c:?}")));
        }
    }
    Ok(())
}
