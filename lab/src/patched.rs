//! `cargo xtask patched`: patches a copy of the corpus, reads it with pefile, and undoes the patch.
//!
//! For each image that netswap reports as patched, pefile must see both bits set and nothing else
//! changed. The checksum must be valid, stale or absent as before. After `netswap undo` every byte
//! must be as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::NotPassed;
use crate::corpus::{self, Corpus, Selection};
use crate::files::{at, create_folder, empty_folder, files_below, remove_folder, scratch};
use crate::outcome::Outcome;
use crate::{programs, readers};

const BOTH_BITS: u64 = 0x0c00;

/// Patches and undoes the whole corpus, or with `--small` a part of it.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let selection = Selection::parse(arguments, "cargo xtask patched")?;
    let corpus = corpus::fetch(selection).map_err(NotPassed::NotRun)?;
    println!("{}", patch_and_undo(&corpus)?);
    Ok(())
}

/// Runs the check and returns a summary.
fn patch_and_undo(corpus: &Corpus) -> Result<String, String> {
    let netswap = programs::debug("netswap")?;
    let copy = Corpus { root: empty_folder(scratch("patched"))?, folders: corpus.folders.clone() };
    let mut files = Vec::new();
    for folder in &copy.folders {
        for original in files_below(&corpus.root.join(folder))? {
            let below = original.strip_prefix(&corpus.root).unwrap_or(&original);
            let file = copy.root.join(below);
            create_folder(file.parent().unwrap_or(&file).to_owned())?;
            fs::copy(&original, &file).map_err(at(&file))?;
            files.push((original, file));
        }
    }
    let before = by_path(readers::read("pefile", &copy)?);
    let journal = copy.root.join("all.journal");
    let report = report(patch(&netswap, &copy, &journal))?;
    let patched = with_status("patched", &report)?;
    let skipped = count_skipped(&report)?;
    let after = by_path(readers::read("pefile", &copy)?);
    let mut checksums = [0_usize; 3];
    for path in &patched {
        let image = |side: &BTreeMap<String, Value>| {
            side.get(path)
                .cloned()
                .ok_or_else(|| format!("{path} is not an image according to pefile"))
        };
        let state = compare(&image(&before)?, &image(&after)?);
        *checksums.get_mut(state.map_err(|why| format!("{path}: {why}"))?).ok_or("no state")? += 1;
    }
    let restored = with_status("restored", &self::report(undo(&netswap, &journal))?)?;
    if restored != patched {
        let (patched, restored) = (patched.len(), restored.len());
        return Err(format!("{patched} files were patched, but {restored} restored"));
    }
    for (original, file) in &files {
        if fs::read(original).map_err(at(original))? != fs::read(file).map_err(at(file))? {
            return Err(format!("{} was not restored", file.display()));
        }
    }
    let [absent, valid, stale] = checksums;
    remove_folder(&copy.root)?;
    Ok(format!(
        "pefile confirms that {} of {} images were patched (checksums before and after: {absent} absent, {valid} valid, {stale} stale); {skipped} UEFI images were skipped; all files were restored",
        patched.len(),
        files.len()
    ))
}

fn patch(netswap: &Path, copy: &Corpus, journal: &Path) -> Command {
    let mut netswap = Command::new(netswap);
    netswap.args(["patch", "--swap-run", "net,cd", "--break-signature", "--break-strong-name"]);
    netswap.args(["--format", "ndjson", "--journal"]).arg(journal).args(&copy.folders);
    netswap.current_dir(&copy.root);
    netswap
}

fn undo(netswap: &Path, journal: &Path) -> Command {
    let mut netswap = Command::new(netswap);
    netswap.args(["undo", "--format", "ndjson"]).arg(journal);
    netswap.current_dir(journal.parent().unwrap_or(journal));
    netswap
}

/// Runs netswap and returns its report about each file, sorted by the path below its working
/// folder.
fn report(mut netswap: Command) -> Result<BTreeMap<String, Value>, String> {
    let folder = netswap.get_current_dir().map(Path::to_owned).unwrap_or_default();
    let rows = readers::lines(&Outcome::run(&mut netswap)?.text())?;
    let by_path = rows.into_iter().filter(|row| row.get("path").is_some()).map(|row| {
        let path = PathBuf::from(text(&row, "path"));
        (path.strip_prefix(&folder).unwrap_or(&path).to_string_lossy().into_owned(), row)
    });
    Ok(by_path.collect())
}

/// Returns the paths of the files that have this status.
fn with_status(status: &str, report: &BTreeMap<String, Value>) -> Result<Vec<String>, String> {
    let files = report.iter().filter(|(_, file)| text(file, "status") == status);
    let paths: Vec<String> = files.map(|(path, _)| path.clone()).collect();
    if paths.is_empty() { Err(format!("no file has the status {status}")) } else { Ok(paths) }
}

/// Returns the number of skipped files. Only UEFI images may be skipped, because Windows does not
/// load them.
fn count_skipped(report: &BTreeMap<String, Value>) -> Result<usize, String> {
    let not_patched: Vec<_> =
        report.iter().filter(|(_, file)| text(file, "status") != "patched").collect();
    let is_wrong = |(_, file): &&(&String, &Value)| {
        text(file, "status") != "skipped" || text(file, "kind") != "efi"
    };
    match not_patched.iter().find(is_wrong) {
        Some((path, file)) => {
            Err(format!("{path} was {} instead of patched", text(file, "status")))
        }
        None => Ok(not_patched.len()),
    }
}

/// Compares an image before and after the patch. Returns whether its checksum is absent (0), valid
/// (1) or stale (2) in both. An error describes an unexpected difference.
fn compare(before: &Value, after: &Value) -> Result<usize, String> {
    let number = |image: &Value, field: &str| image.get(field).and_then(Value::as_u64);
    let characteristics = number(before, "characteristics").map(|bits| bits | BOTH_BITS);
    if number(after, "characteristics") != characteristics {
        return Err("Characteristics do not have exactly the two bits added".to_owned());
    }
    let state =
        |image: &Value| match (number(image, "checksum"), number(image, "computed_checksum")) {
            (Some(0), _) => 0,
            (stored, computed) if stored == computed => 1,
            _ => 2,
        };
    if state(before) != state(after) {
        return Err("the state of the checksum changed (absent, valid or stale)".to_owned());
    }
    let rest = |image: &Value| {
        let mut image = image.clone();
        for field in ["characteristics", "checksum", "computed_checksum"] {
            image.as_object_mut().map(|fields| fields.remove(field));
        }
        image
    };
    if rest(before) != rest(after) {
        return Err("another field was changed".to_owned());
    }
    Ok(state(after))
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn by_path(rows: Vec<Value>) -> BTreeMap<String, Value> {
    rows.into_iter().map(|row| (text(&row, "path").to_owned(), row)).collect()
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
        assert_eq!(count_skipped(&report("patched", "exe")), Ok(0));
        assert_eq!(count_skipped(&report("skipped", "efi")), Ok(1));
        for (status, kind) in [("skipped", "exe"), ("refused", "exe"), ("unreadable", "efi")] {
            assert!(count_skipped(&report(status, kind)).is_err(), "{status} {kind}");
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
