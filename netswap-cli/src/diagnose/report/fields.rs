//! Fields of a crash that several formats of the report show.

use std::collections::BTreeMap;

use jiff::Timestamp;
use netswap::text::Printable;

use crate::diagnose::crash::{Bit, Cause, PageOwner};
use crate::diagnose::diagnosis::Diagnosis;

/// Formats an NTSTATUS as Microsoft's documents do: `0xC0000006`.
pub(super) fn hexadecimal(number: u32) -> String {
    format!("0x{number:08X}")
}

/// Formats seconds since 1970 as date and time in UTC. Returns `None` if they are out of range.
pub(super) fn time(seconds: u64) -> Option<String> {
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok().map(|time| time.to_string())
}

/// Returns the offset of the unread address in its image.
pub(super) fn image_offset(diagnosis: &Diagnosis) -> Option<u64> {
    let PageOwner::Image(index) = diagnosis.owner else {
        return None;
    };
    let (base, _) = diagnosis.crash.modules.get(index)?.range?;
    diagnosis.crash.exception.in_page.address?.checked_sub(base)
}

/// Returns the owner's name in JSON.
pub(super) fn owner_name(owner: PageOwner) -> &'static str {
    match owner {
        PageOwner::Image(_) => "image",
        PageOwner::Instruction(_) => "instruction",
        PageOwner::Mapped => "mapped",
        PageOwner::Private => "private",
        PageOwner::Memory => "memory",
        PageOwner::Unknown => "not-told",
    }
}

/// Returns two texts: one line about what the page belonged to, and some about how Windows reads
/// such memory. Both are empty after another exception than an in-page error.
pub(super) fn describe_owner(diagnosis: &Diagnosis) -> (String, &'static str) {
    if diagnosis.cause == Cause::NotInPage {
        return (String::new(), "");
    }
    if let Some(image) = diagnosis.page_image() {
        return (Printable(&image.path).to_string(), "");
    }
    let (what, how) = match diagnosis.owner {
        PageOwner::Mapped => (
            "no image: a file mapped as data, or shared memory",
            "Windows reads a mapped file page by page from its share or disk,\n\
             and shared memory from the page file.",
        ),
        PageOwner::Private => (
            "no image: the program's private memory",
            "Windows reads such memory from the page file.",
        ),
        PageOwner::Memory => (
            "no image that the dump lists: a mapped file, or other memory",
            "The dump does not show which. Windows reads a mapped file page by\n\
             page from its share or disk, and other memory from the page file.",
        ),
        _ if diagnosis.crash.memory.is_some() => ("an image that the dump does not list", ""),
        _ if diagnosis.crash.exception.in_page.address.is_some() => {
            ("unknown (the dump lists no images)", "")
        }
        _ => ("unknown (not recorded in the dump)", ""),
    };
    (what.to_owned(), how)
}

/// Counts the images with and without the bit: `2 set, 1 not set`.
pub(super) fn bit_counts(bits: &BTreeMap<Bit, usize>) -> String {
    let counts: Vec<_> =
        bits.iter().map(|(bit, count)| format!("{count} {}", bit.words())).collect();
    counts.join(", ")
}
