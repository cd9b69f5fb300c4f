//! Styles and fields that the page and the table of crashes share.

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
    let timestamp = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(timestamp.to_string())
}

/// Returns the offset in its image of the address that could not be read.
pub(super) fn offset(diagnosis: &Diagnosis) -> Option<u64> {
    let PageOwner::Image(index) = diagnosis.owner else {
        return None;
    };
    let (base, _) = diagnosis.crash.modules.get(index)?.range?;
    diagnosis.crash.exception.in_page.address?.checked_sub(base)
}

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

/// Describes in one line what the page belonged to.
pub(super) fn page_of(diagnosis: &Diagnosis) -> String {
    let text = match (diagnosis.owner, &diagnosis.image) {
        _ if diagnosis.cause == Cause::NotInPage => "",
        (PageOwner::Image(_) | PageOwner::Instruction(_), Some(image)) => {
            return Printable(&image.path).to_string();
        }
        (PageOwner::Mapped, _) => "no image: a file mapped as data, or shared memory",
        (PageOwner::Private, _) => "no image: the program's private memory",
        (PageOwner::Memory, _) => "no image that the dump lists: a mapped file, or other memory",
        _ if diagnosis.crash.memory.is_some() => "an image that the dump does not list",
        _ if diagnosis.crash.exception.in_page.address.is_some() => {
            "unknown (the dump lists no images)"
        }
        _ => "unknown (not recorded in the dump)",
    };
    text.to_owned()
}

/// Counts the images with and without the bit: `2 set, 1 not set`.
pub(super) fn bit_counts(bits: &BTreeMap<Bit, usize>) -> String {
    let counts: Vec<_> =
        bits.iter().map(|(bit, count)| format!("{count} {}", bit.words())).collect();
    counts.join(", ")
}
