//! Styles and fields that the page and the table of crashes share.

use std::collections::BTreeMap;

use jiff::Timestamp;
use netswap::text::Printable;

use crate::diagnose::crash::{Bit, Cause, Place};
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
    let Place::Image(index) = diagnosis.place else {
        return None;
    };
    let (base, _) = diagnosis.crash.modules.get(index)?.range?;
    diagnosis.crash.exception.in_page.address?.checked_sub(base)
}

/// Returns the name of the place in reports.
pub(super) fn place_name(place: Place) -> &'static str {
    match place {
        Place::Image(_) => "image",
        Place::Instruction(_) => "instruction",
        Place::Mapped => "mapped",
        Place::Private => "private",
        Place::Memory => "memory",
        Place::NotTold => "not-told",
    }
}

/// Describes in one line what the page belonged to.
pub(super) fn page_of(diagnosis: &Diagnosis) -> String {
    let place = match (diagnosis.place, &diagnosis.image) {
        _ if diagnosis.cause == Cause::NotInPage => "",
        (Place::Image(_) | Place::Instruction(_), Some(image)) => {
            return Printable(&image.path).to_string();
        }
        (Place::Mapped, _) => "no image: a file mapped as data, or shared memory",
        (Place::Private, _) => "no image: the program's private memory",
        (Place::Memory, _) => "no image that the dump lists: a mapped file, or other memory",
        _ if diagnosis.crash.memory.is_some() => "an image that the dump does not list",
        _ if diagnosis.crash.exception.in_page.address.is_some() => {
            "unknown (the dump lists no images)"
        }
        _ => "unknown (not recorded in the dump)",
    };
    place.to_owned()
}

/// Counts the images with and without the bit: `2 set, 1 not set`.
pub(super) fn counted(bits: &BTreeMap<Bit, usize>) -> String {
    let counts: Vec<_> =
        bits.iter().map(|(bit, count)| format!("{count} {}", bit.words())).collect();
    counts.join(", ")
}
