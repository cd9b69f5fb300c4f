//! The page for people about one crash: what happened, and what helps.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use anstyle::Style;
use netswap::image::SwapRun;
use netswap::style::{BAD, GOOD, NAME};
use netswap::text::Printable;

use super::fields::{bit_counts, describe_owner, hexadecimal, image_offset, time};
use super::remedy::Remedy;
use crate::diagnose::crash::{
    Access, Advice, Bit, Bits, Cause, Exception, Origin, PageOwner, Status, exception_name,
    file_name, needed_bit,
};
use crate::diagnose::diagnosis::{Diagnosis, Suspect};
use crate::text::write_rows;

/// The maximum number of other images to list, so that the page fits one screen.
const MAX_OTHERS: usize = 8;

pub(super) fn write_page(
    path: &Path,
    diagnosis: &Diagnosis,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{NAME}{}{NAME:#}", Printable(path))?;
    let origin = diagnosis.suspect.as_ref().map(|suspect| &suspect.origin);
    let is_drive = matches!(origin, Some(Origin::Drive(_)));
    let is_cut_off = diagnosis.crash.is_cut_off;
    let cut_off = "The dump is incomplete. Check that the whole file was copied.";
    let rows = [
        ("cause", cause(diagnosis)),
        ("program", program(diagnosis)),
        ("exception", exception(diagnosis)),
        ("status", status(diagnosis)),
        ("page of", describe_owner_in_detail(diagnosis)),
        ("swap-run", swap_run(diagnosis)),
        (if is_drive { "same drive" } else { "same share" }, others(diagnosis)),
        ("cut off", if is_cut_off { cut_off.to_owned() } else { String::new() }),
    ];
    write_rows(&rows, out)?;
    writeln!(out)?;
    Remedy::new(diagnosis).write(out)
}

fn cause(diagnosis: &Diagnosis) -> String {
    let is_remote = !diagnosis.advice.contains(&Advice::LocalPath);
    let what = match (diagnosis.cause, diagnosis.owner) {
        (Cause::ShareLost, PageOwner::Image(_) | PageOwner::Instruction(_)) if is_remote => {
            "a page of an image was lost with its share"
        }
        (Cause::ShareLost, PageOwner::Mapped) => "a page of a mapped file was lost with its share",
        (Cause::ShareLost, PageOwner::Private) => {
            "a page of private memory was lost with a connection"
        }
        (Cause::ShareLost, PageOwner::Memory) => {
            "a page of no known image was lost with a connection"
        }
        (Cause::ShareLost, _) => "a page was lost with a connection",
        (Cause::DiskFailed, _) => "a page could not be read because a disk failed",
        (Cause::MediumFailed, _) => "a page was not read: the medium is gone or damaged",
        (Cause::NoProgress, _) => "Windows lacked the memory to read a page",
        (Cause::Unclear, _) if diagnosis.involves_share() => {
            "a page could not be read; perhaps a share was lost"
        }
        (Cause::Unclear, _) => "a page could not be read for an unknown reason",
        (Cause::NotInPage, _) => "the program crashed for another reason",
    };
    let style = if diagnosis.involves_share() { BAD } else { NAME };
    format!("{style}{}{style:#}: {what}", diagnosis.cause.code().name())
}

fn program(diagnosis: &Diagnosis) -> String {
    let crash = &diagnosis.crash;
    let program = crash.program.as_deref().unwrap_or("unknown");
    let time = crash.time.and_then(time).map(|time| format!(", {time}"));
    format!("{}{}", Printable(program), time.unwrap_or_default())
}

fn exception(diagnosis: &Diagnosis) -> String {
    let Exception { code, in_page } = diagnosis.crash.exception;
    let name = exception_name(code).map(|name| format!(" {name}")).unwrap_or_default();
    let access = match in_page.access {
        Some(Access::Read) => ", reading",
        Some(Access::Write) => ", writing to",
        Some(Access::Execute) => ", running",
        None => "",
    };
    let address = in_page.address.map(|address| format!("{access} 0x{address:x}"));
    format!("{}{name}{}", hexadecimal(code), address.unwrap_or_default())
}

fn status(diagnosis: &Diagnosis) -> String {
    let Some(status) = diagnosis.crash.exception.in_page.status.map(Status::new) else {
        return String::new();
    };
    let name = status.name.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name}\n{}", hexadecimal(status.number), status.sentence)
}

/// Describes what the page belonged to, its offset there, and where that came from.
fn describe_owner_in_detail(diagnosis: &Diagnosis) -> String {
    let (what, how) = describe_owner(diagnosis);
    match (diagnosis.owner, diagnosis.page_image()) {
        (PageOwner::Instruction(_), Some(image)) => {
            let doubt = "This image's code crashed; the page may belong to another image.";
            format!("{what}\n{}\n{doubt}", origin_text(&image.origin))
        }
        (_, Some(image)) => {
            let offset = image_offset(diagnosis).map(|offset| format!(" + 0x{offset:x}"));
            format!("{what}{}\n{}", offset.unwrap_or_default(), origin_text(&image.origin))
        }
        (_, None) if how.is_empty() => what,
        (_, None) => format!("{what}\n{how}"),
    }
}

fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::Share(share) => format!("from the share {}", Printable(share)),
        Origin::WebDav(share) => format!("from the WebDAV folder {}", Printable(share)),
        Origin::Drive(letter) => format!("from drive {letter}:, which may be mapped to a share"),
        Origin::System => "from Windows' own folder".to_owned(),
        Origin::Local => "from a local disk".to_owned(),
        Origin::Removable => "from removable media".to_owned(),
        Origin::Unknown => "from an unknown location".to_owned(),
    }
}

/// Describes the bit that the page's image needs, if it may be relevant to the crash.
fn swap_run(diagnosis: &Diagnosis) -> String {
    let is_relevant = |image: &&Suspect| {
        diagnosis.involves_share() || needed_bit(diagnosis.cause, &image.origin) == SwapRun::Cd
    };
    diagnosis.page_image().filter(is_relevant).map(bit_state).unwrap_or_default()
}

/// Describes whether an image has the bit, and how that is known.
fn bit_state(image: &Suspect) -> String {
    let word = image.bit.words();
    let style = match image.bit {
        Bit::Set => GOOD,
        Bit::NotSet => BAD,
        Bit::NotKnown | Bit::SetNow => Style::new(),
    };
    let how = match &image.bits {
        Bits::Dump { .. } => "in its header in the dump".to_owned(),
        Bits::File { path, .. } => format!("in {}, the same build", Printable(path)),
        Bits::Later { path, .. } if image.bit == Bit::SetNow => {
            format!("in {}, perhaps only since the crash", Printable(path))
        }
        Bits::Later { path, .. } => format!("{} was changed since the crash", Printable(path)),
        Bits::SameName { path, swap_run } => {
            let now = SwapRun::list(swap_run);
            format!("{}, perhaps another build, has swap-run {now}", Printable(path))
        }
        Bits::Unreadable { path, why } => format!("{}: {why}", Printable(path)),
        Bits::OtherBuild { path } => format!("{} is not the build that crashed", Printable(path)),
        Bits::NotFound => "no file with its name was found".to_owned(),
        Bits::Nowhere => "pass --images PATH to search for the file".to_owned(),
    };
    format!("{style}{word}{style:#}: {how}")
}

/// Lists the other images of the share. Those without the bit come first, because a long list is
/// cut.
fn others(diagnosis: &Diagnosis) -> String {
    if !diagnosis.involves_share() {
        return String::new();
    }
    let mut others: Vec<_> = diagnosis.others.iter().collect();
    others.sort_by_key(|other| other.bit);
    let shown_count = if others.len() > MAX_OTHERS { MAX_OTHERS - 1 } else { others.len() };
    let (shown, hidden) = others.split_at(shown_count);
    let line =
        |other: &&Suspect| format!("{}  {}", Printable(file_name(&other.path)), bit_state(other));
    let mut lines: Vec<_> = shown.iter().map(line).collect();
    if !hidden.is_empty() {
        let mut bits = BTreeMap::new();
        for other in hidden {
            *bits.entry(other.bit).or_default() += 1;
        }
        lines.push(format!("and {} more: {}", hidden.len(), bit_counts(&bits)));
    }
    lines.join("\n")
}
