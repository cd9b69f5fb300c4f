//! Tests that netswap.exe reads files in the cloud or on tape only with `--recall`.
//!
//! Wine stores none of the attributes that mark these files: it drops them in `SetFileAttributes`,
//! in `CreateFile` and in the extended attribute `user.DOSATTRIB`, and its `attrib +O` is not
//! implemented. So a DLL between netswap.exe and kernel32.dll adds them, and records which files are
//! opened. Real files in the cloud or on tape are not tested, and neither is that Windows obeys
//! `FILE_FLAG_OPEN_NO_RECALL`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::dump::{Loaded, Synthesized};
use testkit::image::Image;

use super::std_targets::MSVC;
use super::{Evidence, Setup, netswap, parse_report, run_program, target_dir};
use crate::files::{at, empty_folder, remove_file, root, write};
use crate::outcome::Outcome;
use crate::process::{check, output};

/// The DLL's name. It replaces `kernel32.dll` in netswap.exe, and so it has the same length.
const DLL: &str = "offlin32.dll";

/// The functions that the DLL has itself.
const OWN: [&str; 4] =
    ["CreateFileW", "FindFirstFileExW", "FindNextFileW", "GetFileInformationByHandle"];

/// `FILE_FLAG_RANDOM_ACCESS`, alone and with `FILE_FLAG_OPEN_NO_RECALL`.
const RECALL: u32 = 0x1000_0000;
const NO_RECALL: u32 = 0x1010_0000;

/// The files of the tree that are here, and those that are elsewhere.
const HERE: [&str; 3] = ["lib.dll", "low.dll", "tool.exe"];
const ELSEWHERE: [&str; 8] = [
    "cloud-b.exe",
    "link-tape-d.exe",
    "open-c.exe",
    "tape-a.exe",
    "tape-beside.dll",
    "tape-e.dmp",
    "tape-f.manifest",
    "tape-list.cat",
];

const TREE: &str = r"C:\offline\tree";

pub(super) fn read(setup: &Setup<'_>) -> Result<Evidence, String> {
    let folder = empty_folder(setup.wine.drive().join("offline"))?;
    build(setup, &folder)?;
    let tree = folder.join("tree");
    write_tree(&tree)?;
    let run = |arguments: &[&str], code, opened: &[(&[&str], u32)]| {
        run_and_check(setup, arguments, code, opened)
    };
    let all = [&HERE[..], &ELSEWHERE].concat();
    let here = (&HERE[..], NO_RECALL);
    let recalled = (&all[..], RECALL);

    let verify = ["verify", "--follow-links", TREE];
    let json = |command: &[&'static str]| [command, &["--format", "json"]].concat();
    let report = run(&json(&verify), 1, &[here])?;
    expect_offline(&report, "images", &ELSEWHERE)?;
    run(&verify, 1, &[here])?.expect(1, &["8 files were not read", "--recall"])?;
    let report = run(&json(&["verify", "--recall", "--follow-links", TREE]), 1, &[recalled])?;
    expect_offline(&report, "images", &[])?;
    // Files that are named themselves: only files elsewhere, and a program that loads one.
    let (tape, cloud) = (r"C:\offline\tree\tape-a.exe", r"C:\offline\tree\cloud-b.exe");
    let report = run(&json(&["verify", tape, cloud]), 3, &[])?;
    expect_offline(&report, "images", &["cloud-b.exe", "tape-a.exe"])?;
    let program = r"C:\offline\tree\app\tool.exe";
    let report = run(&json(&["verify", program]), 1, &[(&["tool.exe"], NO_RECALL)])?;
    expect_offline(&report, "images", &["tape-beside.dll"])?;
    let both: &[&str] = &["tape-beside.dll", "tool.exe"];
    let report = run(&json(&["verify", "--recall", program]), 1, &[(both, RECALL)])?;
    expect_offline(&report, "images", &[])?;

    // inspect and patch read the DLLs, but neither the catalog beside one nor the manifest above the
    // other.
    let report = run(&json(&["inspect", "--follow-links", TREE]), 0, &[here])?;
    let beside = parse_report(&report)?.to_string();
    if !beside.contains(r#"tape-beside.dll","swap_run":null"#) {
        return Err(report.error("inspect shows bits of a DLL that it did not read"));
    }
    run(&["inspect", tape], 3, &[])?.expect(3, &["offline", "--recall"])?;
    run(&["inspect", "--recall", "--follow-links", TREE], 0, &[recalled])?;

    run(&["diagnose", TREE], 3, &[here])?.expect(3, &["tape-e.dmp", "--recall"])?;
    let crash = r"C:\offline\crash.dmp";
    let images = ["diagnose", crash, "--images", TREE];
    run(&images, 1, &[(&["crash.dmp"], NO_RECALL)])?.expect(1, &["tape-a.exe", "--recall"])?;
    let read: &[&str] = &["crash.dmp", "tape-a.exe"];
    run(&["diagnose", crash, "--images", TREE, "--recall"], 1, &[(read, RECALL)])?;
    let dump = run(&["diagnose", "--recall", "--follow-links", TREE], 1, &[recalled])?;
    dump.expect(1, &["tape-e.dmp"])?;

    patch(setup, &tree, here, recalled)?;
    Ok(Evidence::from(
        "verify, inspect, diagnose and patch, with attributes from lab/windows/offline.c, since Wine stores none; not run: real files in the cloud or on tape",
    ))
}

/// Patches what is here, and then everything.
fn patch(
    setup: &Setup<'_>,
    tree: &Path,
    here: (&[&str], u32),
    recalled: (&[&str], u32),
) -> Result<(), String> {
    let before = contents(tree)?;
    let changed = |before: &BTreeMap<PathBuf, Vec<u8>>| -> Result<Vec<String>, String> {
        let after = contents(tree)?;
        let changed = after.iter().filter(|(path, bytes)| before.get(*path) != Some(*bytes));
        Ok(changed.map(|(path, _)| path.to_string_lossy().into_owned()).collect())
    };
    let journal = ["--journal", r"C:\offline\here.jsonl"];
    let patch = ["patch", "--follow-links", TREE, "--format", "json"];
    // A file is opened once more to change it.
    let write = (&["tool.exe"][..], 0);
    let report = run_and_check(setup, &[&patch[..], &journal].concat(), 0, &[here, write])?;
    let offline: Vec<_> = ["lib.dll", "low.dll"].into_iter().chain(ELSEWHERE).collect();
    expect_offline(&report, "files", &offline)?;
    if changed(&before)? != ["app/tool.exe"] {
        return Err(report.error("patch changed other files than tool.exe"));
    }
    let journal = ["--recall", "--journal", r"C:\offline\all.jsonl"];
    let is_image = |name: &&str| !["tape-e.dmp", "tape-f.manifest", "tape-list.cat"].contains(name);
    let images: Vec<_> = offline.iter().copied().filter(is_image).collect();
    let write = (&images[..], 0);
    let report = run_and_check(setup, &[&patch[..], &journal].concat(), 0, &[recalled, write])?;
    expect_offline(&report, "files", &[])?;
    // Writing a file fetches it, so undo needs no option.
    for journal in [r"C:\offline\all.jsonl", r"C:\offline\here.jsonl"] {
        let undo =
            run_program(setup.wine.command(r"C:\offline\netswap.exe").args(["undo", journal]));
        undo?.expect(0, &["restored"])?;
    }
    match changed(&before)?.first() {
        Some(file) => Err(format!("undo did not restore {file}")),
        None => Ok(()),
    }
}

/// Builds the DLL, and a netswap.exe that imports from it what it would import from kernel32.dll.
fn build(setup: &Setup<'_>, folder: &Path) -> Result<(), String> {
    let program = target_dir().join(MSVC).join("debug").join("netswap.exe");
    if !program.exists() {
        check(&mut netswap::build(setup.debian))?;
    }
    let mut imports = BTreeSet::new();
    let mut is_kernel = false;
    for line in output(setup.debian.binutils("objdump").arg("-p").arg(&program))?.lines() {
        if let Some(dll) = line.trim().strip_prefix("DLL Name: ") {
            is_kernel = dll.eq_ignore_ascii_case("kernel32.dll");
        } else if let [_, _, name] = line.split_whitespace().collect::<Vec<_>>()[..]
            && is_kernel
        {
            imports.insert(name.to_owned());
        }
    }
    let export = |name: &String| {
        let source = if OWN.contains(&name.as_str()) { "offline_" } else { "kernel32." };
        format!("    {name} = {source}{name}\n")
    };
    let exports: String = imports.iter().map(export).collect();
    let definition = folder.join("offline.def");
    write(&definition, format!("LIBRARY {DLL}\nEXPORTS\n{exports}"))?;
    let mut gcc = setup.debian.gcc();
    gcc.args(["-O1", "-Wall", "-Wextra", "-shared", "-o"]).arg(folder.join(DLL));
    check(gcc.arg(root().join("lab/windows/offline.c")).arg(&definition))?;
    let mut bytes = fs::read(&program).map_err(at(&program))?;
    let kernel = b"kernel32.dll\0";
    let is_name = |at: &usize| {
        bytes.get(*at..*at + kernel.len()).is_some_and(|name| name.eq_ignore_ascii_case(kernel))
    };
    let names: Vec<_> = (0..bytes.len()).filter(is_name).collect();
    for start in names {
        bytes.splice(start..start + DLL.len(), DLL.bytes());
    }
    write(&folder.join("netswap.exe"), bytes)
}

fn write_tree(tree: &Path) -> Result<(), String> {
    let program = Image::exe().import("tape-beside.dll").bytes();
    let crash = Synthesized {
        architecture: 9,
        exception: Some((0xC000_0006, vec![8, 0x1_4000_1000, 0xC000_020C])),
        modules: vec![Loaded::new(0x1_4000_0000, 0x6000_0000, r"\\fileserver\tools\tape-a.exe")],
        ..Synthesized::default()
    };
    write(&tree.join("../crash.dmp"), crash.bytes())?;
    let files = [
        ("app/tool.exe", program),
        ("app/tape-beside.dll", Image::dll().bytes()),
        ("listed/lib.dll", Image::dll().bytes()),
        ("listed/tape-list.cat", b"a catalog".to_vec()),
        ("above/tape-f.manifest", b"a manifest".to_vec()),
        ("above/de/low.dll", Image::dll().bytes()),
        ("tape-a.exe", Image::exe().bytes()),
        ("cloud-b.exe", Image::exe().bytes()),
        ("open-c.exe", Image::exe().bytes()),
        ("link-tape-d.exe", Image::exe().bytes()),
        ("tape-e.dmp", crash.bytes()),
    ];
    files.into_iter().try_for_each(|(name, bytes)| write(&tree.join(name), bytes))
}

/// Runs netswap.exe, and checks its exit code. Checks that it opens exactly these files below the
/// folder, with these flags.
fn run_and_check(
    setup: &Setup<'_>,
    arguments: &[&str],
    code: i32,
    opened: &[(&[&str], u32)],
) -> Result<Outcome, String> {
    let log = setup.wine.drive().join("opened.txt");
    remove_file(&log)?;
    let mut command = setup.wine.command(r"C:\offline\netswap.exe");
    let outcome = run_program(command.args(arguments))?.expect_code(code)?;
    let lines = fs::read_to_string(&log).unwrap_or_default();
    let is_in_tree = |line: &&str| {
        [".exe", ".dll", ".cat", ".dmp", ".manifest"]
            .iter()
            .any(|extension| line.ends_with(extension))
    };
    let lines: BTreeSet<_> = lines.lines().filter(is_in_tree).map(str::to_owned).collect();
    let expected = opened
        .iter()
        .flat_map(|(names, flags)| names.iter().map(move |name| format!("{flags:08x} {name}")));
    let expected: BTreeSet<_> = expected.collect();
    if lines == expected {
        return Ok(outcome);
    }
    Err(outcome.error(&format!("netswap opened {lines:?} instead of {expected:?}")))
}

/// Checks which files a report shows as offline, and that its summary counts them.
fn expect_offline(outcome: &Outcome, list: &str, expected: &[&str]) -> Result<(), String> {
    let report = parse_report(outcome)?;
    let files = report.get(list).and_then(Value::as_array).ok_or("the report has no list")?;
    let is_offline = |file: &&Value| {
        file.get("status").and_then(Value::as_str) == Some("offline")
            && file.pointer("/findings/0/code").and_then(Value::as_str) == Some("offline")
    };
    let name = |file: &Value| {
        let path = file.get("path").and_then(Value::as_str).unwrap_or_default();
        path.rsplit('\\').next().unwrap_or_default().to_owned()
    };
    let names: BTreeSet<_> = files.iter().filter(is_offline).map(name).collect();
    let count = report.pointer("/summary/offline").and_then(Value::as_u64);
    let wanted: BTreeSet<_> = expected.iter().map(|name| (*name).to_owned()).collect();
    if names == wanted && count == u64::try_from(expected.len()).ok() {
        return Ok(());
    }
    Err(outcome
        .error(&format!("offline are {names:?} instead of {expected:?}, counted: {count:?}")))
}

/// Returns the content of each file below a folder.
pub(super) fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).map_err(at(&path))?;
        Ok((path.strip_prefix(folder).unwrap_or(&path).to_owned(), bytes))
    };
    crate::files::files_below(folder)?.into_iter().map(read).collect()
}
