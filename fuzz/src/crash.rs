//! Rules that hold for every crash that is read, whatever is in its files.

use netswap::image::ReadAt;

use netswap_cli::diagnose::crash::{
    Crash, CrashError, IN_PAGE_ERROR, InPage, Origin, file_name, minidump, same_share, wer,
};

/// Checks that a minidump gives the same crash when reads are short. Checks that no part of it is
/// larger than it can be.
///
/// # Panics
///
/// If the reader breaks one of these rules.
pub fn minidump(bytes: &[u8], short: &impl ReadAt) {
    let length = bytes.len() as u64;
    let read = comparable(minidump::read(bytes, length));
    assert_eq!(comparable(minidump::read(short, length)), read);
    let Ok(crash) = read else {
        return;
    };
    assert!(minidump::is_minidump(bytes) && !minidump::is_kernel_dump(bytes));
    if crash.exception.code != IN_PAGE_ERROR {
        assert_eq!(crash.exception.in_page, InPage::default());
    }
    // A UTF-16 unit is at most three bytes of UTF-8.
    let lengths = crash.modules.iter().map(|module| module.path.len());
    assert!(lengths.clone().all(|length| length <= 3 * minidump::LONGEST_NAME));
    assert!(lengths.sum::<usize>() <= 3 * minidump::LONGEST_NAMES);
    for module in &crash.modules {
        assert!(module.range.is_some() && module.time_stamp.is_some());
    }
    let is_module = |path: &String| crash.modules.iter().any(|module| module.path == *path);
    assert_eq!(crash.program.as_ref().is_some_and(is_module), !crash.modules.is_empty());
}

/// Checks that a report gives the same crash in each encoding, and that each path in it has an
/// origin.
///
/// # Panics
///
/// If the reader breaks one of these rules.
pub fn report(bytes: &[u8]) {
    let first = comparable(wer::read(bytes));
    let is_other = first == Err(CrashError::NotACrash.to_string());
    assert_ne!(wer::is_report(bytes), is_other);
    let text = String::from_utf8_lossy(bytes);
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    let utf_16: Vec<u8> = [0xff, 0xfe].into_iter().chain(units).collect();
    let utf_8 = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let marked = comparable(wer::read(&utf_8));
    // The limit for recognizing a report is in bytes, and UTF-16 needs more bytes for the same
    // text.
    if wer::is_report(&utf_8) == wer::is_report(&utf_16) {
        assert_eq!(marked, comparable(wer::read(&utf_16)));
    }
    for crash in [first, marked].into_iter().flatten() {
        are_placed(&crash);
    }
}

/// Replaces the error by its message, which can be compared.
fn comparable(result: Result<Crash, CrashError>) -> Result<Crash, String> {
    result.map_err(|error| error.to_string())
}

fn are_placed(crash: &Crash) {
    for path in crash.modules.iter().map(|module| &*module.path).chain(crash.program.as_deref()) {
        assert!(path.ends_with(file_name(path)));
        match Origin::from_path(path) {
            // The name of a share is also a path, to the same share.
            Origin::Share(name) => match Origin::from_path(&name) {
                Origin::Share(again) => assert!(same_share(&name, &again)),
                other => panic!("{path}: {name} is {other:?}"),
            },
            Origin::Drive(letter) => assert!(letter.is_ascii_uppercase()),
            _ => {}
        }
    }
}
