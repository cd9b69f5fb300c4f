//! What is said to people of one crash: what happened, and what helps.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;

use crate::commands::diagnose::{Diagnosis, Suspect};
use crate::crash::{
    Access, Advice, Bit, Bits, Cause, Origin, Place, Status, exception_name, file_name,
    mapping_commands,
};
use crate::image::SwapRun;
use crate::text::{Printable, quoted};

const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const LABEL: Style = Style::new().dimmed();
pub(super) const NAME: Style = Style::new().bold();

/// As many other images of the share as leave the screen to the rest.
const MOST_OTHERS: usize = 8;

/// An NTSTATUS as Microsoft's documents write it.
pub(super) fn hexadecimal(number: u32) -> String {
    format!("0x{number:08X}")
}

/// Seconds since 1970 as a date and a time; nothing for what is no time.
pub(super) fn time(seconds: u64) -> Option<String> {
    let timestamp = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(timestamp.to_string())
}

/// Where in the image the address lies.
pub(super) fn offset(diagnosis: &Diagnosis) -> Option<u64> {
    let Place::Image(index) = diagnosis.place else {
        return None;
    };
    let (base, _) = diagnosis.crash.modules.get(index)?.range?;
    diagnosis.crash.exception.in_page.address?.checked_sub(base)
}

/// One screen.
pub(super) fn human(path: &Path, diagnosis: &Diagnosis, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{NAME}{}{NAME:#}", Printable(path))?;
    let rows = [
        ("cause", cause(diagnosis)),
        ("program", program(diagnosis)),
        ("exception", exception(diagnosis)),
        ("beneath", beneath(diagnosis)),
        ("page of", detailed_page_of(diagnosis)),
        ("swap-run", swap_run(diagnosis)),
        ("same share", others(diagnosis)),
        ("cut off", cut_off(diagnosis)),
    ];
    for (label, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
        let mut lines = text.lines();
        writeln!(out, "  {LABEL}{label:<12}{LABEL:#}{}", lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(out, "  {:<12}{line}", ""))?;
    }
    write!(out, "\n{}", cure(diagnosis).concat())
}

/// What helps: sentences, each with the commands that belong to it, indented.
pub(super) fn cure(diagnosis: &Diagnosis) -> Vec<String> {
    let mut cure: Vec<String> = Vec::new();
    for text in diagnosis.advice.iter().map(|advice| said(*advice, diagnosis)) {
        for line in text.lines() {
            match cure.last_mut() {
                Some(sentence) if line.starts_with(' ') => sentence.extend(["  ", line, "\n"]),
                _ => cure.push(["  ", line, "\n"].concat()),
            }
        }
    }
    cure
}

fn cause(diagnosis: &Diagnosis) -> String {
    let what = match (diagnosis.cause, diagnosis.place) {
        (Cause::ShareLost, Place::Image(_)) => {
            "the connection to a share was lost, and with it a page of an image that ran from there"
        }
        (Cause::ShareLost, Place::Mapped | Place::Memory) => {
            "the connection to a share was lost, and with it a page of a file that was mapped as data"
        }
        (Cause::ShareLost, Place::Private) => {
            "a connection was lost, and with it a page of the program's own memory"
        }
        (Cause::ShareLost, Place::NotTold) => "the connection to a share was lost",
        (Cause::DiskFailed, _) => "a disk failed, and a page on it could not be read",
        (Cause::MediumFailed, _) => {
            "a medium was taken out or is damaged, and a page on it could not be read"
        }
        (Cause::NoProgress, _) => "Windows lacked the memory to read a page",
        (Cause::Unclear, _) if diagnosis.is_of_a_share() => {
            "a page could not be read, and it is not told why; it may have been the loss of a share"
        }
        (Cause::Unclear, _) => "a page could not be read, and it is not told why",
        (Cause::NotInPage, _) => "another one than the loss of a share; netswap can't help with it",
    };
    let style = if diagnosis.is_of_a_share() { BAD } else { NAME };
    format!("{style}{}{style:#}: {what}", diagnosis.cause.code().name())
}

fn program(diagnosis: &Diagnosis) -> String {
    let crash = &diagnosis.crash;
    let program = crash.program.as_deref().unwrap_or("not told");
    let time = crash.time.and_then(time).map(|time| format!(", {time}"));
    format!("{}{}", Printable(program), time.unwrap_or_default())
}

fn exception(diagnosis: &Diagnosis) -> String {
    let exception = diagnosis.crash.exception;
    let name = exception_name(exception.code).map(|name| format!(" {name}"));
    let access = exception.in_page.access.map(|access| match access {
        Access::Read => ", reading",
        Access::Write => ", writing to",
        Access::Execute => ", running",
    });
    let address = exception.in_page.address.map(|address| format!(" 0x{address:x}"));
    let code = hexadecimal(exception.code);
    let parts = [name, access.map(str::to_owned).filter(|_| address.is_some()), address];
    code + &parts.into_iter().flatten().collect::<String>()
}

fn beneath(diagnosis: &Diagnosis) -> String {
    let Some(status) = diagnosis.crash.exception.in_page.status.map(Status::of) else {
        return String::new();
    };
    let name = status.name.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name}\n{}", hexadecimal(status.number), status.sentence)
}

/// What the page belonged to, in a line.
pub(super) fn page_of(diagnosis: &Diagnosis) -> String {
    let place = match (diagnosis.place, &diagnosis.image) {
        _ if diagnosis.cause == Cause::NotInPage => "",
        (Place::Image(_), Some(image)) => return Printable(&image.path).to_string(),
        (Place::Mapped, _) => "no image: a file that the program has mapped as data",
        (Place::Private, _) => "no image: memory of the program's own",
        (Place::Memory, _) => {
            "no image: a file that is mapped as data, or memory of the program's own"
        }
        _ if diagnosis.crash.memory.is_some() => "an image that the dump does not name",
        _ if diagnosis.crash.exception.in_page.address.is_some() => {
            "not told: the dump lists no images"
        }
        _ => "what was left behind does not tell",
    };
    place.to_owned()
}

/// What the page belonged to, where in it the page was, and what is known of that.
fn detailed_page_of(diagnosis: &Diagnosis) -> String {
    let what = page_of(diagnosis);
    let detail = match (diagnosis.place, &diagnosis.image) {
        _ if diagnosis.cause == Cause::NotInPage => return what,
        (Place::Image(_), Some(image)) => {
            let offset = offset(diagnosis).map(|offset| format!(" + 0x{offset:x}"));
            // A report of WER names the module of the instruction.
            let is_told = diagnosis.crash.exception.in_page.address.is_some();
            let doubt =
                if is_told { "" } else { "; the instruction lay there, the page perhaps not" };
            return format!("{what}{}\n{}{doubt}", offset.unwrap_or_default(), from(&image.origin));
        }
        (Place::Mapped, _) => "Such a file is read in page by page from where it lies.",
        (Place::Private, _) => "Such memory is read in from the page file.",
        (Place::Memory, _) => {
            "The dump does not tell which: the former is read in from where it lies, the latter from the page file."
        }
        _ => return what,
    };
    format!("{what}\n{detail}")
}

/// Where an image came from, in words.
fn from(origin: &Origin) -> String {
    match origin {
        Origin::Share(share) => format!("from the share {}", Printable(share)),
        Origin::WebDav(share) => format!("from the WebDAV folder {}", Printable(share)),
        Origin::Drive(letter) => format!("from drive {letter}:, which may be mapped to a share"),
        Origin::System => "from Windows' own folder".to_owned(),
        Origin::Local => "from a local disk".to_owned(),
        Origin::Removable => "from removable media".to_owned(),
        Origin::Unknown => "from where is not told".to_owned(),
    }
}

fn swap_run(diagnosis: &Diagnosis) -> String {
    match (diagnosis.place, &diagnosis.image) {
        (Place::Image(_), Some(image)) if diagnosis.cause != Cause::NotInPage => state(image),
        _ => String::new(),
    }
}

/// Whether it has the bit, and how that is known.
fn state(image: &Suspect) -> String {
    let word = image.bit.words();
    let style = match image.bit {
        Bit::Set => GOOD,
        Bit::NotSet => BAD,
        Bit::NotKnown => Style::new(),
    };
    let how = match &image.bits {
        Bits::Dump { .. } => "in its header, which the dump holds".to_owned(),
        Bits::File { path, .. } => format!("in {}, the same build", Printable(path)),
        Bits::ChangedSince { path, swap_run } => {
            let (path, now) = (Printable(path), words(swap_run));
            format!("{path} is the same build, and was changed since: swap-run is {now} now")
        }
        Bits::SameName { path, swap_run } => {
            let now = words(swap_run);
            format!(
                "{} has its name, and may be another build: swap-run is {now} there",
                Printable(path)
            )
        }
        Bits::OtherBuild { path } => format!("{} is another build", Printable(path)),
        Bits::Nowhere => {
            let path = match &image.origin {
                Origin::Share(share) => quoted(Path::new(share)),
                _ => "PATH".to_owned(),
            };
            format!(
                "its header was not left behind, and no file of its name was found: --images {path}"
            )
        }
    };
    format!("{style}{word}{style:#}: {how}")
}

/// The bits that are set.
fn words(swap_run: &[SwapRun]) -> String {
    let words: Vec<_> = swap_run.iter().map(|bit| bit.word()).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(",") }
}

/// The other images of the share. Those that lack the bit are first, since of many not all are shown.
fn others(diagnosis: &Diagnosis) -> String {
    let mut others: Vec<_> = diagnosis.others.iter().collect();
    others.sort_by_key(|other| other.bit);
    let most = if others.len() > MOST_OTHERS { MOST_OTHERS - 1 } else { others.len() };
    let (shown, left) = others.split_at(most);
    let line =
        |other: &&Suspect| format!("{}  {}", Printable(file_name(&other.path)), state(other));
    let mut lines: Vec<_> = shown.iter().map(line).collect();
    if !left.is_empty() {
        let mut bits = BTreeMap::new();
        for other in left {
            *bits.entry(other.bit).or_default() += 1;
        }
        lines.push(format!("and {} more: {}", left.len(), counted(&bits)));
    }
    lines.join("\n")
}

/// How many images have the bit, and how many not.
pub(super) fn counted(bits: &BTreeMap<Bit, usize>) -> String {
    let counts: Vec<_> =
        bits.iter().map(|(bit, count)| format!("{count} {}", bit.words())).collect();
    counts.join(", ")
}

fn cut_off(diagnosis: &Diagnosis) -> String {
    if diagnosis.crash.is_cut_off {
        "The dump ends before the memory does that it says it holds: was it copied whole?"
            .to_owned()
    } else {
        String::new()
    }
}

/// A piece of advice, in lines.
fn said(advice: Advice, diagnosis: &Diagnosis) -> String {
    let image = diagnosis.image.as_ref();
    let path = image.map_or_else(|| "FILE".to_owned(), |image| quoted(Path::new(&pasted(image))));
    let folder = match image.map(|image| &image.origin) {
        Some(Origin::Share(share) | Origin::WebDav(share)) => quoted(Path::new(share)),
        Some(Origin::Drive(letter)) => format!(r"{letter}:\"),
        _ => "FOLDER".to_owned(),
    };
    match advice {
        Advice::SetNetworkBit => format!(
            "With IMAGE_FILE_NET_RUN_FROM_SWAP in the image, Windows copies it to the page file when it starts.\n\
             If you build it with Cargo, this adds `netswap_build::emit();` to its build.rs, in its folder:\n    netswap init --xtask\n\
             If you build it otherwise, it is an option of the linker:\n    /SWAPRUN:NET\n\
             If you don't build it:\n    netswap patch {path}\n\
             Which others of the share need it:\n    netswap verify {folder}"
        ),
        Advice::SetRemovableBit => format!(
            "With IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP in the image, Windows copies it to the page file first:\n\
             \x20   netswap patch --swap-run cd {path}"
        ),
        Advice::ReadTheBit => format!("Whether it has the bit:\n    netswap verify {path}"),
        Advice::HadTheBit => format!(
            "The image has the bit, so setting it is no cure. Was it set after the program had started, or the file replaced since?\n\
             Which others of the share need it:\n    netswap verify {folder}"
        ),
        Advice::ReadTheOthers => format!(
            "The program has the bit. Which others of the share need it:\n    netswap verify {folder}"
        ),
        Advice::TellTheDrive => {
            let who = "Whether the drive is a share, on the machine and as the user of the crash:";
            let commands = match image.map(|image| &image.origin) {
                Some(Origin::Drive(letter)) => mapping_commands(*letter).to_vec(),
                _ => vec!["net use".to_owned()],
            };
            format!("{who}\n    {}", commands.join("\n    "))
        }
        Advice::LocalPath => "The path is one of this machine, and the network failed: a link to a share, or a disk by iSCSI, is behind it."
            .to_owned(),
        Advice::CopyTheData => "No bit protects a file that is mapped as data. Have the program read it, or copy it to a local disk first."
            .to_owned(),
        Advice::CheckThePageFile => "No bit in an image protects memory of the program's own. Look after the disk that the page file is on: can the network be lost between the two?"
            .to_owned(),
        Advice::TellThePlace => match diagnosis.crash.exception.in_page.address {
            Some(address) => format!(
                "A debugger may tell what the address belongs to, such as WinDbg:\n    !address 0x{address:x}"
            ),
            None => "A dump tells what the page belonged to, where a report does not: see `netswap explain share-lost`."
                .to_owned(),
        },
        Advice::CheckTheDisk => "Look after the disk: the System log has its errors, and no bit in an image helps.".to_owned(),
        Advice::CheckTheMedium => "Put the medium back, or replace it.".to_owned(),
        Advice::CheckMemory => "Look after what takes the machine's memory: no bit in an image helps, and one that makes Windows copy it takes more."
            .to_owned(),
        Advice::Debug => "A debugger tells more, such as WinDbg's `!analyze -v`.".to_owned(),
    }
}

/// The path as Windows programs take it, where a dump has another form of it.
fn pasted(image: &Suspect) -> String {
    let (Origin::Share(share) | Origin::WebDav(share)) = &image.origin else {
        return image.path.clone();
    };
    let path = image.path.replace('/', "\\");
    let start = share.trim_start_matches('\\').to_lowercase();
    match path.to_lowercase().find(&start).and_then(|at| path.get(at..)) {
        Some(rest) => format!(r"\\{rest}"),
        None => path,
    }
}
