//! `cargo xtask patched`: patches a copy of the corpus, reads it with pefile, and undoes the patch.
//!
//! For each image that netswap reports as patched, pefile must see both bits set and nothing else
//! changed. The checksum must be valid, stale or absent as before. After `netswap undo` every byte
//! must be as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::NotPassed;
use crate::corpus::{self, Corpus, Selection};
use crate::process::{cargo, check, root, scratch};
use crate::readers;

const BOTH_BITS: u64 = 0x0c00;

/// Patches and undoes the whole corpus, or with `--small` a part of it.
///
/// # Errors
///
/// Returns an error if a file is not as it should be.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let selection = Selection::parse(arguments, "cargo xtask patched")?;
    let corpus = corpus::fetch(selection).map_err(NotPassed::NotRun)?;
    println!("{}", patch_and_undo(&corpus)?);
    Ok(())
}

/// Runs the check and returns a summary.
fn patch_and_undo(corpus: &Corpus) -> Result<String, String> {
    check(&mut cargo(&["build", "--quiet", "--locked", "--package", "netswap-cli"]))?;
    let copy = Corpus { root: scratch("patched"), folders: corpus.folders.clone() };
    let _ = fs::remove_dir_all(&copy.root);
    for folder in &copy.folders {
        copy_folder(&corpus.root.join(folder), &copy.root.join(folder))?;
    }
    let before = by_path(readers::read("pefile", &copy)?);
    let journal = copy.root.join("all.journal");
    let report = report(patch(&copy, &journal))?;
    let patched = with_status("patched", &report)?;
    let left_alone = left_alone(&report)?;
    let after = by_path(readers::read("pefile", &copy)?);
    let mut checksums = [0_usize; 3];
    for path in &patched {
        let image = |side: &BTreeMap<String, Value>| {
            side.get(path).cloned().ok_or_else(|| format!("{path} is no image for pefile"))
        };
        let state = compare(&image(&before)?, &image(&after)?);
        *checksums.get_mut(state.map_err(|why| format!("{path}: {why}"))?).ok_or("no state")? += 1;
    }
    let restored = with_status("restored", &self::report(undo(&journal))?)?;
    if restored != patched {
        return Err(format!("{} were patched and {} restored", patched.len(), restored.len()));
    }
    let mut files = 0;
    for folder in &copy.folders {
        files += same(&corpus.root.join(folder), &copy.root.join(folder))?;
    }
    let [none, right, wrong] = checksums;
    fs::remove_dir_all(&copy.root).map_err(|error| error.to_string())?;
    Ok(format!(
        "{} of {files} images patched as pefile sees it (checksums: {none} absent, {right} right, {wrong} wrong, before and after), {left_alone} for UEFI left alone, and all restored byte for byte",
        patched.len()
    ))
}

fn patch(copy: &Corpus, journal: &Path) -> Command {
    let mut netswap = Command::new(root().join("target").join("debug").join("netswap"));
    netswap.args(["patch", "--swap-run", "net,cd", "--break-signature", "--break-strong-name"]);
    netswap.args(["--format", "ndjson", "--journal"]).arg(journal).args(&copy.folders);
    netswap.current_dir(&copy.root);
    netswap
}

fn undo(journal: &Path) -> Command {
    let mut netswap = Command::new(root().join("target").join("debug").join("netswap"));
    netswap.args(["undo", "--format", "ndjson"]).arg(journal);
    netswap.current_dir(journal.parent().unwrap_or(journal));
    netswap
}

/// Runs netswap and returns its report about each file, sorted by the path below its working
/// folder.
fn report(mut netswap: Command) -> Result<BTreeMap<String, Value>, String> {
    let here = netswap.get_current_dir().map(Path::to_owned).unwrap_or_default();
    let output = netswap.stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    let rows = readers::lines(&String::from_utf8_lossy(&output.stdout))?;
    let by_path = rows.into_iter().filter(|row| row.get("path").is_some()).map(|row| {
        let path = PathBuf::from(text(&row, "path"));
        (path.strip_prefix(&here).unwrap_or(&path).to_string_lossy().into_owned(), row)
    });
    Ok(by_path.collect())
}

/// Returns the paths of the files that have this status.
fn with_status(status: &str, report: &BTreeMap<String, Value>) -> Result<Vec<String>, String> {
    let files = report.iter().filter(|(_, file)| text(file, "status") == status);
    let paths: Vec<String> = files.map(|(path, _)| path.clone()).collect();
    if paths.is_empty() { Err(format!("no file was {status}")) } else { Ok(paths) }
}

/// Returns the number of files that were not patched. Only EFI images may be skipped, because
/// Windows does not load them.
fn left_alone(report: &BTreeMap<String, Value>) -> Result<usize, String> {
    let files = report.iter().filter(|(_, file)| text(file, "status") != "patched");
    let left_alone: Vec<_> = files.collect();
    let is_wrong = |(_, file): &&(&String, &Value)| {
        text(file, "status") != "skipped" || text(file, "kind") != "efi"
    };
    match left_alone.iter().find(is_wrong) {
        Some((path, file)) => Err(format!("{path} was {}, not patched", text(file, "status"))),
        None => Ok(left_alone.len()),
    }
}

/// Compares an image before and after the patch. Returns whether its checksum is absent (0), valid
/// (1) or stale (2) in both. An error describes an unexpected difference.
fn compare(before: &Value, after: &Value) -> Result<usize, String> {
    let number = |image: &Value, field: &str| image.get(field).and_then(Value::as_u64);
    let characteristics = number(before, "characteristics").map(|bits| bits | BOTH_BITS);
    if number(after, "characteristics") != characteristics {
        return Err("not the two bits, or not they alone, were set".to_owned());
    }
    let state =
        |image: &Value| match (number(image, "checksum"), number(image, "computed_checksum")) {
            (Some(0), _) => 0,
            (stored, computed) if stored == computed => 1,
            _ => 2,
        };
    if state(before) != state(after) {
        return Err("the checksum is not as right as it was".to_owned());
    }
    let rest = |image: &Value| {
        let mut image = image.clone();
        for field in ["characteristics", "checksum", "computed_checksum"] {
            image.as_object_mut().map(|fields| fields.remove(field));
        }
        image
    };
    if rest(before) != rest(after) {
        return Err("something else was changed".to_owned());
    }
    Ok(state(after))
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn by_path(rows: Vec<Value>) -> BTreeMap<String, Value> {
    rows.into_iter().map(|row| (text(&row, "path").to_owned(), row)).collect()
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    let copy = || {
        fs::create_dir_all(to)?;
        fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()
    };
    for entry in copy().map_err(|error| error.to_string())? {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::copy(from, to).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// Returns the number of files that are the same in both folders. An error names a file that
/// differs.
fn same(a: &Path, b: &Path) -> Result<usize, String> {
    let mut count = 0;
    for entry in fs::read_dir(a).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        let (a, b) = (entry.path(), b.join(entry.file_name()));
        if a.is_dir() {
            count += same(&a, &b)?;
        } else if fs::read(&a).ok() == fs::read(&b).ok() {
            count += 1;
        } else {
            return Err(format!("{} is not as before", b.display()));
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image(characteristics: u64, checksum: u64, computed: u64, machine: u64) -> Value {
        json!({ "characteristics": characteristics, "checksum": checksum,
            "computed_checksum": computed, "machine": machine })
    }

    #[test]
    fn only_uefi_images_may_be_skipped() {
        let report = |status: &str, kind: &str| {
            let file = json!({ "status": status, "kind": kind });
            let patched = json!({ "status": "patched", "kind": "dll" });
            BTreeMap::from([("a.dll".to_owned(), patched), ("b".to_owned(), file)])
        };
        assert_eq!(left_alone(&report("patched", "exe")), Ok(0));
        assert_eq!(left_alone(&report("skipped", "efi")), Ok(1));
        for (status, kind) in [("skipped", "exe"), ("refused", "exe"), ("unreadable", "efi")] {
            assert!(left_alone(&report(status, kind)).is_err(), "{status} {kind}");
        }
    }

    #[test]
    fn forbidden_change_is_found() {
        let before = image(0x22, 5, 5, 1);
        assert_eq!(compare(&before, &image(0xc22, 6, 6, 1)), Ok(1));
        assert_eq!(compare(&image(0x22, 0, 5, 1), &image(0xc22, 0, 6, 1)), Ok(0));
        assert_eq!(compare(&image(0x22, 4, 5, 1), &image(0xc22, 5, 6, 1)), Ok(2));
        for wrong in [
            image(0x22, 5, 5, 1),
            image(0x822, 6, 6, 1),
            image(0xc23, 6, 6, 1),
            image(0xc22, 5, 6, 1),
            image(0xc22, 0, 6, 1),
            image(0xc22, 6, 6, 2),
        ] {
            assert!(compare(&before, &wrong).is_err(), "{wrong}");
        }
    }
}
