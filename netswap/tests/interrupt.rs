//! A verification that is stopped early ends its report properly, and writes no baseline.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use netswap::report::Detail;
use netswap::report::write_warnings;
use netswap::verify::{self, Options};
use netswap::{ExitCode, Format, Verification};
use testkit::image::Image;

/// Verifies three failing images and stops after the first result. Returns the report.
fn interrupted(folder: &Path, format: Format, options: &Options) -> (String, Verification) {
    let images = folder.join("images");
    fs::create_dir_all(&images).unwrap();
    for name in ["a.exe", "b.exe", "c.exe"] {
        fs::write(images.join(name), Image::exe().bytes()).unwrap();
    }
    let mut text = Vec::new();
    let mut report = format.report(Detail::Normal);
    let outcome = verify::paths(&[images], options, &mut |image| {
        options.walk.stop.store(true, Ordering::Relaxed);
        Ok(report.image(image, &mut text)?)
    });
    let outcome = outcome.unwrap();
    report.end(&outcome, &mut text).unwrap();
    assert_eq!(outcome.exit_code(), ExitCode::Interrupted);
    (String::from_utf8(text).unwrap(), outcome)
}

#[test]
fn report_for_people_says_that_it_is_incomplete() {
    let dir = tempfile::tempdir().unwrap();
    let (text, _) = interrupted(dir.path(), Format::Human, &Options::default());
    let last = text.lines().last().unwrap();
    assert!(last.contains("some files were not checked, so this report is incomplete"), "{text}");
    assert!(text.contains(" failed ("), "{text}");
}

#[test]
fn json_has_the_field_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let (text, outcome) = interrupted(dir.path(), Format::Json, &Options::default());
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["interrupted"], true);
    assert_eq!(document["images"].as_array().unwrap().len() as u64, outcome.summary.images);
    let (text, _) = interrupted(dir.path(), Format::Ndjson, &Options::default());
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["interrupted"], true);
    let (text, _) = interrupted(dir.path(), Format::Json, &Options::default());
    assert!(text.ends_with(",\n\"interrupted\": true\n}\n"), "{text}");
}

#[test]
fn baseline_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let baseline = dir.path().join("known.json");
    let options = Options { write_baseline: Some(baseline.clone()), ..Options::default() };
    let (_, outcome) = interrupted(dir.path(), Format::Human, &options);
    assert!(!baseline.exists());
    let mut warnings = Vec::new();
    write_warnings(&outcome, &mut warnings).unwrap();
    let warnings = String::from_utf8(warnings).unwrap();
    assert!(warnings.contains("known.json was not written"), "{warnings}");
}

#[test]
fn known_failures_are_not_stale() {
    let dir = tempfile::tempdir().unwrap();
    let baseline = dir.path().join("known.json");
    let entry = "{\"path\":\"gone.exe\",\"codes\":[\"net-swap-missing\"]}";
    let text = format!("{{\"schema\":\"netswap.baseline/1\",\"images\":[{entry}]}}");
    fs::write(&baseline, text).unwrap();
    let options = Options { baseline: Some(baseline), ..Options::default() };
    let (_, outcome) = interrupted(dir.path(), Format::Human, &options);
    assert_eq!(outcome.baseline.unwrap().stale, []);
}
