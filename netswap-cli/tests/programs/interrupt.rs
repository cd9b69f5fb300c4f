//! Ctrl-C and SIGTERM end a command properly: its report is complete, and the exit code is 130.
//!
//! The tests read only the beginning of a report. The program waits until the rest fits into the
//! pipe, so it is not done when the signal arrives.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::image::{Image, NET};
use testkit::share::Share;

use crate::schema::{parse_document, parse_lines};

/// The number of files, which is more than a command can finish while nobody reads its report. Some
/// 600 lines fit into the pipe, and some 2,300 results can wait for it.
const FILES: usize = 4000;

/// Returns the path of a file. The report for people writes a folder when it is complete, so there are
/// many folders, and the long names fill the pipe.
fn name(number: usize) -> String {
    format!("{:03}/{number:04}-{}.exe", number / 10, "x".repeat(60))
}

fn share() -> Share {
    let share = Share::new([]);
    let image = Image::exe().bytes();
    for number in 0..FILES {
        share.write(&name(number), &image);
    }
    share
}

/// A running program that has begun to print its report.
struct Running {
    child: Child,
    start: Vec<u8>,
}

impl Running {
    fn begin(share: &Share, arguments: &[&str]) -> Self {
        // A shell ignores some signals in programs that it runs in the background.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT,TERM,HUP").arg(env!("CARGO_BIN_EXE_netswap"));
        command.args(arguments).args(["--jobs", "2"]);
        command.current_dir(&share.root).env("HOME", &share.home);
        command.env_remove("XDG_STATE_HOME").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running { child: command.spawn().unwrap(), start: vec![0; 1000] };
        running.child.stdout.as_mut().unwrap().read_exact(&mut running.start).unwrap();
        running
    }

    fn signal(&self, signal: &str) {
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s \"$0\" \"$1\"", signal, &self.child.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Reads the outputs to their ends. Returns the exit code and both outputs.
    fn end(mut self) -> (Option<i32>, String, String) {
        let mut stdout = self.start;
        self.child.stdout.as_mut().unwrap().read_to_end(&mut stdout).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(stdout), text(output.stderr))
    }
}

/// Runs a command and interrupts it after the beginning of its report. Returns its outputs.
fn interrupt(share: &Share, arguments: &[&str], signal: &str) -> (String, String) {
    let running = Running::begin(share, arguments);
    running.signal(signal);
    let (code, stdout, stderr) = running.end();
    assert_eq!(code, Some(130), "{arguments:?} {signal}: {stderr}");
    (stdout, stderr)
}

/// Returns the paths of the files with the bit.
fn patched(share: &Share) -> Vec<PathBuf> {
    let has_bit = |name: &String| share.characteristics(name) & NET == NET;
    (0..FILES).map(name).filter(has_bit).map(|name| share.path(&name)).collect()
}

/// Returns the paths in the only journal, sorted.
fn in_journal(share: &Share) -> Vec<PathBuf> {
    let entries = share.entries();
    let mut paths: Vec<PathBuf> =
        entries.iter().map(|entry| entry["path"].as_str().unwrap().into()).collect();
    paths.sort();
    paths
}

#[test]
fn interrupted_json_is_complete() {
    let share = share();
    for (command, list) in [("verify", "images"), ("inspect", "images"), ("patch", "files")] {
        let (stdout, _) = interrupt(&share, &[command, ".", "--format", "json"], "INT");
        let report = parse_document(&stdout);
        assert_eq!(report["interrupted"], true, "{command}");
        let count = report[list].as_array().unwrap().len();
        assert!(0 < count && count < FILES, "{command}: {count}");
    }
}

#[test]
fn interrupted_formats_are_complete() {
    let share = share();
    let (stdout, _) = interrupt(&share, &["verify", ".", "--format", "sarif"], "INT");
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let invocation = &report["runs"][0]["invocations"][0];
    assert_eq!(
        (&invocation["exitCode"], &invocation["executionSuccessful"]),
        (&130.into(), &false.into())
    );
    let (stdout, _) = interrupt(&share, &["verify", ".", "--format", "csv"], "INT");
    assert!(stdout.ends_with("\r\n"));
    let (stdout, _) = interrupt(&share, &["verify", ".", "--format", "github"], "INT");
    assert!(stdout.lines().last().unwrap().starts_with("::notice title=netswap::interrupted: "));
}

#[test]
fn interrupted_ndjson_ends_with_the_field() {
    let share = share();
    for command in ["verify", "inspect", "patch"] {
        let (stdout, _) = interrupt(&share, &[command, ".", "--format", "ndjson"], "TERM");
        let lines = parse_lines(&stdout);
        assert_eq!(lines.last().unwrap()["interrupted"], true, "{command}");
    }
}

#[test]
fn interrupted_diagnosis_is_complete() {
    let share = Share::new([]);
    for number in 0..FILES {
        share.write(&format!("{number}.dmp"), "no dump");
    }
    let (stdout, _) = interrupt(&share, &["diagnose", ".", "--format", "json"], "HUP");
    let report = parse_document(&stdout);
    assert_eq!(report["interrupted"], true);
}

#[test]
fn interrupted_verification_writes_no_baseline() {
    let share = share();
    let old = "{\"schema\":\"netswap.baseline/1\",\"images\":[]}";
    share.write("../known.json", old);
    let arguments = ["verify", ".", "--write-baseline", "../known.json", "--format", "ndjson"];
    let (_, stderr) = interrupt(&share, &arguments, "INT");
    assert!(share.holds("../known.json", old.as_bytes()));
    let warning = "the baseline ../known.json was not written, because the scan was interrupted";
    assert!(stderr.contains(warning), "{stderr}");
}

#[test]
fn report_for_people_says_that_it_is_incomplete() {
    let share = share();
    let (stdout, stderr) = interrupt(&share, &["verify", "."], "INT");
    let last = stdout.lines().last().unwrap();
    assert_eq!(last, "interrupted: some files were not checked, so this report is incomplete");
    assert_eq!(stderr, "");
}

/// The journal has exactly the changed files, and undo restores them.
#[test]
fn interrupted_patch_is_undone() {
    let share = share();
    let (_, stderr) = interrupt(&share, &["patch", ".", "--format", "ndjson"], "TERM");
    let journal = share.journal();
    let journal = journal.to_str().unwrap();
    let expected = format!("journal: {journal}\nto undo it:\n    netswap undo {journal}\n");
    assert_eq!(stderr, expected);
    let changed = patched(&share);
    assert!(!changed.is_empty() && changed.len() < FILES);
    assert_eq!(in_journal(&share), changed);
    share.undo().code(0);
    assert_eq!(patched(&share), Vec::<PathBuf>::new());
}

#[test]
fn interrupted_undo_is_completed() {
    let share = share();
    share.run(["patch", "."]).code(0);
    let journal = share.journal();
    let journal = journal.to_str().unwrap();
    let (stdout, stderr) = interrupt(&share, &["undo", journal, "--format", "json"], "INT");
    let report = parse_document(&stdout);
    assert_eq!(report["interrupted"], true);
    assert_eq!(stderr, format!("to restore the rest:\n    netswap undo {journal}\n"));
    let rest = patched(&share).len();
    assert!(0 < rest && rest < FILES, "{rest}");
    share.undo().code(0);
    assert_eq!(patched(&share), Vec::<PathBuf>::new());
}

/// Waits until the program has changed all files that it can while nobody reads its report.
fn wait_until_blocked(share: &Share) {
    let mut before = 0;
    loop {
        let count = patched(share).len();
        if count > 0 && count == before {
            return;
        }
        before = count;
        thread::sleep(Duration::from_millis(500));
    }
}

/// Nobody reads the report, so the program can't end after the first signal.
#[test]
fn second_signal_ends_at_once() {
    let share = share();
    let mut running = Running::begin(&share, &["patch", ".", "--format", "ndjson"]);
    wait_until_blocked(&share);
    running.signal("INT");
    // Signals in quick succession count as one.
    running.signal("INT");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(running.child.try_wait().unwrap(), None);
    running.signal("INT");
    let start = Instant::now();
    assert_eq!(running.child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(10));
    // An entry is written before its file is changed, so the journal may have more files.
    let (changed, entries) = (patched(&share), in_journal(&share));
    assert!(!changed.is_empty() && changed.iter().all(|path| entries.contains(path)));
    share.undo().code(0);
    assert_eq!(patched(&share), Vec::<PathBuf>::new());
}

/// The program can't print the path of the journal, because the pipe is full and nobody reads it.
#[cfg(target_os = "linux")]
#[test]
fn second_signal_leaves_no_incomplete_report() {
    const PIPE_SIZE: usize = 64 * 1024;
    let share = Share::new([("a.exe", Image::exe().bytes())]);
    let (_reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&vec![0; PIPE_SIZE]).unwrap();
    let mut command = Command::new("env");
    command.arg("--default-signal=INT,TERM,HUP").arg(env!("CARGO_BIN_EXE_netswap"));
    command.args(["patch", "a.exe", "--output", "report"]).current_dir(&share.root);
    command.env("HOME", &share.home).env_remove("XDG_STATE_HOME").stderr(writer);
    let mut running = Running { child: command.spawn().unwrap(), start: Vec::new() };
    let names = || -> Vec<_> {
        let entries = share.root.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        entries.filter(|name| name != "a.exe").collect()
    };
    // The path of the journal is printed when the journal exists.
    let journals = share.home.join(".local/state/netswap");
    while !journals.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(names().len(), 1);
    running.signal("INT");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(running.child.try_wait().unwrap(), None);
    running.signal("INT");
    assert_eq!(running.child.wait().unwrap().code(), Some(130));
    assert_eq!(names(), [""; 0]);
}

/// A signal to netswap alone ends Cargo too, even if Cargo prints nothing.
#[test]
fn interrupted_build_ends_cargo() {
    let share = Share::new([]);
    share.write("Cargo.toml", "[package]\nname = \"tool\"\nedition = \"2021\"\n");
    share.write("src/main.rs", "fn main() {}\n");
    let cargo = "case $1 in build) echo $$ >started; exec sleep 100 ;; esac\nexec cargo \"$@\"\n";
    share.write("cargo", format!("#!/bin/sh\n{cargo}"));
    assert!(Command::new("chmod").arg("+x").arg(share.path("cargo")).status().unwrap().success());
    let mut command = Command::new("env");
    command.arg("--default-signal=INT,TERM,HUP").arg(env!("CARGO_BIN_EXE_netswap"));
    command.args(["verify", "--format", "json"]).env("CARGO", share.path("cargo"));
    command.current_dir(&share.root).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = Running { child: command.spawn().unwrap(), start: Vec::new() };
    let start = Instant::now();
    while !share.path("started").exists() && start.elapsed() < Duration::from_secs(50) {
        thread::sleep(Duration::from_millis(10));
    }
    running.signal("TERM");
    let (code, stdout, stderr) = running.end();
    assert_eq!((code, stderr.as_str()), (Some(130), ""));
    assert!(start.elapsed() < Duration::from_secs(90));
    let report = parse_document(&stdout);
    assert_eq!(report["interrupted"], true);
}

/// A handler would make `nohup` useless.
#[test]
fn ignored_signal_stays_ignored() {
    let share = share();
    let mut command = Command::new("env");
    command.args(["--ignore-signal=HUP", env!("CARGO_BIN_EXE_netswap"), "verify", "."]);
    command.current_dir(&share.root).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running { child: command.spawn().unwrap(), start: vec![0; 1000] };
    running.child.stdout.as_mut().unwrap().read_exact(&mut running.start).unwrap();
    running.signal("HUP");
    let (code, stdout, _) = running.end();
    assert_eq!(code, Some(1));
    assert!(stdout.contains("4,000 images: 4,000 failed"), "{stdout}");
}
