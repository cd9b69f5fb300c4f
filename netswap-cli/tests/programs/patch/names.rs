//! A file with any name is patched, reported in one line, and restored.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use snapbox::str;

use testkit::image::{Image, NET};
use testkit::share::Share;

use crate::{ndjson, stdout};

/// Names with invalid UTF-8, a forged line, escape sequences, right-to-left text, and quotes.
const NAMES: [&[u8]; 5] = [
    b"a\xff\xfe.exe",
    b"b\npatched   all.exe",
    b"c\x1b[2J\x1b]0;title\x07.exe",
    "d\u{202e}fdp.exe".as_bytes(),
    "e \"quoted\" & 'spaced' ü.exe".as_bytes(),
];

fn share() -> Share {
    let share = Share::new([]);
    for name in NAMES {
        fs::write(share.root.join(OsStr::from_bytes(name)), Image::exe().bytes()).unwrap();
    }
    share
}

/// Checks that all files are patched, or that none is.
fn check_all(share: &Share, is_patched: bool) {
    for name in NAMES {
        let bytes = fs::read(share.root.join(OsStr::from_bytes(name))).unwrap();
        let expected = if is_patched { Image::exe().with(NET) } else { Image::exe() };
        assert!(bytes == expected.bytes(), "{}", name.escape_ascii());
    }
}

#[test]
fn odd_names_are_restored_and_forge_no_line() {
    let share = share();
    let run = share.run(["patch", "."]).code(0).stderr_eq("");
    run.stdout_eq(str![[r#"
journal: [..].journal
patched    .: 5 files  swap-run: none -> net
           a/xff/xfe.exe, b/npatched   all.exe,
           c/u{1b}[2J/u{1b}]0;title/u{7}.exe, d/u{202e}fdp.exe,
           e "quoted" & 'spaced' ü.exe

5 files: 5 patched (0 other files, [..] s)
to undo it:
    netswap undo [..].journal

"#]]);
    check_all(&share, true);
    share.undo().code(0).stderr_eq("").stdout_eq(str![[r#"
restored   .: 5 files  swap-run: net -> none
           a/xff/xfe.exe, b/npatched   all.exe,
           c/u{1b}[2J/u{1b}]0;title/u{7}.exe, d/u{202e}fdp.exe,
           e "quoted" & 'spaced' ü.exe

5 files: 5 restored ([..] s)

"#]]);
    check_all(&share, false);
}

#[test]
fn odd_names_work_as_arguments() {
    let share = share();
    let names = NAMES.map(OsStr::from_bytes);
    share.netswap(["patch"]).args(names).assert().code(0);
    check_all(&share, true);
}

#[test]
fn json_distinguishes_odd_names() {
    let share = share();
    let run = share.run(["patch", ".", "--format", "ndjson"]).code(0);
    let run = run.stderr_eq("journal: [..].journal\n");
    let lines = ndjson(&run);
    assert_eq!(lines.len(), NAMES.len() + 1);
    for (line, name) in lines.iter().zip(NAMES) {
        let full = [b"./", name].concat();
        let path = String::from_utf8_lossy(&full);
        assert_eq!(line["path"], *path);
        let bytes = line["path_bytes"].as_str();
        assert_eq!(bytes.is_some(), std::str::from_utf8(name).is_err(), "{line}");
    }
    assert_eq!(lines[0]["path_bytes"], "2e2f61fffe2e657865");
}

/// The last line of the report must work when it is pasted into a shell.
#[test]
fn undo_command_can_be_pasted() {
    let share = Share::new([("tool.exe", Image::exe().bytes())]);
    let journal = share.beside("my journal's.journal");
    let run = share.run(["patch", "tool.exe", "--journal", journal.to_str().unwrap()]).code(0);
    let text = stdout(&run);
    let command = text.lines().last().unwrap().trim().strip_prefix("netswap ").unwrap();
    let script = format!("'{}' {command}", env!("CARGO_BIN_EXE_netswap"));
    let shell = share.account(snapbox::cmd::Command::new("sh")).args(["-c", &script]);
    shell.assert().code(0);
    assert!(share.holds("tool.exe", &Image::exe().bytes()));
}
