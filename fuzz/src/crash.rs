//! Checks of the readers of minidumps and crash reports, for any input.

use netswap::image::ReadAt;

use netswap_cli::diagnose::crash::{
    Crash, CrashError, IN_PAGE_ERROR, InPage, Origin, file_name, is_same_name, minidump, wer,
};

/// Checks that short reads change no result, and that no part of it exceeds its limit.
///
/// # Panics
///
/// Panics if a check fails.
pub fn minidump(bytes: &[u8], short: &impl ReadAt) {
    let length = bytes.len() as u64;
    let read = comparable(minidump::read(bytes, length));
    assert_eq!(comparable(minidump::read(short, length)), read);
    let Ok(crash) = read else { return };
    assert!(minidump::is_minidump(bytes) && !minidump::is_kernel_dump(bytes));
    if crash.exception.code != IN_PAGE_ERROR {
        assert_eq!(crash.exception.in_page, InPage::default());
    }
    // A UTF-16 unit is at most three bytes of UTF-8.
    let lengths = crash.modules.iter().map(|module| module.path.len());
    assert!(lengths.clone().all(|length| length <= 3 * minidump::MAX_NAME_LENGTH));
    assert!(lengths.sum::<usize>() <= 3 * minidump::MAX_NAMES_LENGTH);
    for module in &crash.modules {
        assert!(module.range.is_some() && module.time_stamp.is_some());
    }
    let is_module = |path: &String| crash.modules.iter().any(|module| module.path == *path);
    assert_eq!(crash.program.as_ref().is_some_and(is_module), !crash.modules.is_empty());
}

/// Checks that a report has one result in all encodings, and that each path has an origin.
///
/// # Panics
///
/// Panics if a check fails.
pub fn report(bytes: &[u8]) {
    let original = comparable(wer::read(bytes));
    let is_no_report = original == Err(CrashError::UnknownFormat.to_string());
    assert_ne!(wer::is_report(bytes), is_no_report);
    let text = String::from_utf8_lossy(bytes);
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    let utf_16: Vec<u8> = [0xff, 0xfe].into_iter().chain(units).collect();
    let utf_8 = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let with_mark = comparable(wer::read(&utf_8));
    // The limit for recognizing a report is in bytes, and UTF-16 needs more for a text.
    if wer::is_report(&utf_8) == wer::is_report(&utf_16) {
        assert_eq!(with_mark, comparable(wer::read(&utf_16)));
    }
    for crash in [original, with_mark].into_iter().flatten() {
        check_origins(&crash);
    }
}

/// Replaces the error by its message, which can be compared.
fn comparable(result: Result<Crash, CrashError>) -> Result<Crash, String> {
    result.map_err(|error| error.to_string())
}

/// Checks the file name and the origin of each path.
fn check_origins(crash: &Crash) {
    for path in crash.modules.iter().map(|module| &*module.path).chain(crash.program.as_deref()) {
        assert!(path.ends_with(file_name(path)));
        match Origin::from_path(path) {
            // The name of a share is also a path to this share.
            Origin::Share(name) => match Origin::from_path(&name) {
                Origin::Share(share) => assert!(is_same_name(&name, &share)),
                other => panic!("{path}: {name} is {other:?}"),
            },
            Origin::Drive(letter) => assert!(letter.is_ascii_uppercase()),
            _ => {}
        }
    }
}
