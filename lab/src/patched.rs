//! `cargo xtask patched`: patches a copy of the corpus, reads it with pefile, and undoes the patch.
//!
//! netswap patches all images but UEFI images and those that Windows loads only with a valid
//! signature. For each image that it reports as patched, pefile must see both bits set and nothing
//! else changed. The checksum must be valid, stale or absent as before. After `netswap undo` every byte
//! must be as it was.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::NotPassed;
use crate::corpus::{self, Corpus, Selection};
use crate::files::{at, create_folder, empty_folder, files_below, remove_folder, scratch};
use crate::outcome::Outcome;
use crate::programs;
use crate::readers::{self, Images, by_path};

const BOTH_BITS: u64 = 0x0c00;

/// Patches and undoes the whole corpus, or with `--small` a part of it.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let selection = Selection::parse(arguments, "cargo xtask patched")?;
    let corpus = corpus::fetch(selection).map_err(NotPassed::NotRun)?;
    println!("{}", patch_and_undo(&corpus)?);
    Ok(())
}

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
    let before = readers::read("pefile", &copy)?;
    let journal = copy.root.join("all.journal");
    let mut patch = Command::new(&netswap);
    patch.args(["patch", "--swap-run", "net,cd", "--break-signature", "--break-strong-name"]);
    patch.args(["--include-kind", "driver", "--journal"]).arg(&journal).args(&copy.folders);
    let report = report(&mut patch, &copy.root)?;
    let patched = with_status("patched", &report)?;
    let [skipped, refused] = count_not_patched(&report, &before)?;
    let after = readers::read("pefile", &copy)?;
    let mut checksums = [0_usize; 3];
    for path in &patched {
        let (Some(before), Some(after)) = (before.get(path), after.get(path)) else {
            return Err(format!("{path} is not an image according to pefile"));
        };
        let state = compare(before, after);
        *checksums.get_mut(state.map_err(|why| format!("{path}: {why}"))?).ok_or("no state")? += 1;
    }
    let mut undo = Command::new(&netswap);
    let undo = self::report(undo.arg("undo").arg(&journal), &copy.root)?;
    let restored = with_status("restored", &undo)?;
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
        "pefile confirms that {} of {} images were patched (checksums before and after: {absent} absent, {valid} valid, {stale} stale); {skipped} UEFI images were skipped; {refused} images that need a valid signature were refused; all files were restored",
        patched.len(),
        files.len()
    ))
}

/// Runs netswap in this folder, and returns its report about each file.
fn report(netswap: &mut Command, folder: &Path) -> Result<Images, String> {
    let outcome = Outcome::run(netswap.args(["--format", "ndjson"]).current_dir(folder))?;
    Ok(by_path(readers::lines(&outcome.text())?, folder))
}

fn with_status(status: &str, report: &Images) -> Result<Vec<String>, String> {
    let files = report.iter().filter(|(_, file)| text(file, "status") == status);
    let paths: Vec<String> = files.map(|(path, _)| path.clone()).collect();
    if paths.is_empty() { Err(format!("no file has the status {status}")) } else { Ok(paths) }
}

/// Returns the numbers of skipped and of refused files. Only UEFI images may be skipped, because
/// Windows does not load them. Exactly those images must be refused that Windows loads only with a
/// valid signature, according to pefile.
fn count_not_patched(report: &Images, before: &Images) -> Result<[usize; 2], String> {
    const FORCE_INTEGRITY: u64 = 0x80;
    let [mut skipped, mut refused] = [0, 0];
    for (path, file) in report {
        let bits = before.get(path).and_then(|image| image.get("dll_characteristics")?.as_u64());
        let needs_signature = bits.is_some_and(|bits| bits & FORCE_INTEGRITY != 0);
        match (text(file, "status"), text(file, "kind")) {
            ("skipped", "efi") => skipped += 1,
            ("refused", _) if needs_signature => refused += 1,
            ("patched", _) if !needs_signature => {}
            (status, _) => return Err(format!("{path} must not be {status}: {file}")),
        }
    }
    Ok([skipped, refused])
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
    ensure!(rest(before) == rest(after), "another field was changed");
    Ok(state(after))
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn image(characteristics: u64, checksum: u64, computed: u64, machine: u64) -> Value {
        json!({ "characteristics": characteristics, "checksum": checksum,
            "computed_checksum": computed, "machine": machine })
    }

    #[test]
    fn only_images_that_must_not_change_are_left_out() {
        let count = |status: &str, kind: &str, dll_characteristics: u64| {
            let file = json!({ "status": status, "kind": kind });
            let patched = json!({ "status": "patched", "kind": "dll" });
            let report = BTreeMap::from([("a.dll".to_owned(), patched), ("b".to_owned(), file)]);
            let image = json!({ "dll_characteristics": dll_characteristics });
            count_not_patched(&report, &BTreeMap::from([("b".to_owned(), image)]))
        };
        assert_eq!(count("patched", "exe", 0x8140), Ok([0, 0]));
        assert_eq!(count("skipped", "efi", 0), Ok([1, 0]));
        assert_eq!(count("refused", "exe", 0x81c0), Ok([0, 1]));
        for (status, kind, bits) in [
            ("skipped", "exe", 0),
            ("skipped", "driver", 0),
            ("refused", "exe", 0),
            ("patched", "exe", 0x80),
            ("unreadable", "efi", 0),
        ] {
            assert!(count(status, kind, bits).is_err(), "{status} {kind} {bits:#x}");
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
