//! The verdict: derives the cause of a crash, and the advice, from what is known (pure, tables).

use netswap::Code;
use netswap::image::SwapRun;
use serde::{Serialize, Serializer};

use super::origin::{Origin, file_name};
use super::status::{Class, Status};
use super::{Crash, IN_PAGE_ERROR, Memory, Module};

/// The cause of a crash. Causes that involve shares come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The connection to the share was lost.
    ShareLost,
    /// A page could not be read in, and the reason is unknown.
    Unclear,
    /// A disk failed.
    DiskFailed,
    /// A medium was taken out, or is damaged.
    MediumFailed,
    /// Windows lacked memory to read the page.
    NoProgress,
    /// The exception is not about a page that could not be read in.
    NotInPage,
}

/// The owner of the page that could not be read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "module")]
pub enum Place {
    /// An image, by its index among the modules.
    Image(usize),
    /// Perhaps the image of the instruction, by its index among the modules. A WER report names
    /// only this image.
    Instruction(usize),
    /// A file that is mapped as data.
    Mapped,
    /// Memory of the program's own.
    Private,
    /// Memory that belongs to no image: a mapped file, or the program's own.
    Memory,
    /// Unknown: the dump or report does not record it.
    NotTold,
}

/// The state of the bit that an image of this origin requires. States that need attention come
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bit {
    /// It does not have the bit.
    NotSet,
    /// It is unknown whether it has the bit.
    NotKnown,
    /// It has the bit now, but may not have had it at the time of the crash.
    SetNow,
    /// It has the bit.
    Set,
}

/// A piece of advice. They are ordered by what the user needs to know first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Find out whether a connection or a disk was lost.
    ReadTheLog,
    /// Find out what the address belonged to.
    TellThePlace,
    /// Find out whether the drive is mapped to a share.
    TellTheDrive,
    /// Find out whether the image has the bit.
    ReadTheBit,
    /// The image has the bit. Was it this file that ran, and from where?
    HadTheBit,
    /// The image has the bit now. Was it set after the crash?
    HasTheBitNow,
    /// Set the network bit: in the build, or in the finished file.
    SetNetworkBit,
    /// Find out which images of the share lack the bit. The next lost page may be one of theirs.
    ReadTheOthers,
    /// The path is on this machine, but the network failed: a link or an iSCSI disk is behind it.
    LocalPath,
    /// No bit protects a file that is mapped as data.
    CopyTheData,
    /// Check the disk of the page file. Memory of the program's own is read from it.
    CheckThePageFile,
    /// Check the disk; no bit helps.
    CheckTheDisk,
    /// Check the medium.
    CheckTheMedium,
    /// Set the bit for removable media.
    SetRemovableBit,
    /// Check the memory, and find what uses it.
    CheckMemory,
    /// Use a debugger, which shows more than netswap.
    Debug,
}

impl Bit {
    /// Returns the state in words.
    pub fn words(self) -> &'static str {
        match self {
            Bit::Set => "set",
            Bit::NotSet => "not set",
            Bit::NotKnown => "not known",
            Bit::SetNow => "set now",
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code().name())
    }
}

impl Cause {
    /// Returns the code of the cause, which `netswap explain` describes.
    pub fn code(self) -> Code {
        match self {
            Cause::ShareLost => Code::ShareLost,
            Cause::DiskFailed => Code::DiskFailed,
            Cause::MediumFailed => Code::MediumFailed,
            Cause::NoProgress => Code::NoProgress,
            Cause::Unclear => Code::CauseUnclear,
            Cause::NotInPage => Code::NotAnInPageError,
        }
    }

    /// Determines the cause from the exception's code and the status beneath it.
    pub fn from_exception(code: u32, status: Option<u32>) -> Self {
        if code != IN_PAGE_ERROR {
            return Cause::NotInPage;
        }
        match status.map(|status| Status::new(status).class) {
            Some(Class::Network) => Cause::ShareLost,
            Some(Class::Disk) => Cause::DiskFailed,
            Some(Class::Media) => Cause::MediumFailed,
            Some(Class::NoProgress) => Cause::NoProgress,
            Some(Class::Ambiguous | Class::Unknown) | None => Cause::Unclear,
        }
    }
}

impl Place {
    /// Finds the owner of the address that could not be read in, or the module that the report
    /// names.
    pub fn from_crash(crash: &Crash) -> Self {
        let modules = crash.modules.iter();
        if crash.modules.is_empty() {
            return Place::NotTold;
        }
        if let Some(address) = crash.exception.in_page.address {
            let holds = |module: &Module| {
                module.range.is_some_and(|(base, size)| {
                    address.checked_sub(base).is_some_and(|offset| offset < u64::from(size))
                })
            };
            let of_no_module = match crash.memory {
                Some(Memory::Mapped) => Place::Mapped,
                Some(Memory::Private) => Place::Private,
                // The image is one that the dump does not name.
                Some(Memory::Image) => Place::NotTold,
                None => Place::Memory,
            };
            return modules.clone().position(holds).map_or(of_no_module, Place::Image);
        }
        // If the instruction itself could not be read, the page belongs to the same image. But an
        // instruction of a Windows DLL or of another local image can read pages of any image.
        let named = crash.named.as_ref().map(|named| named.name.to_lowercase());
        let is_named = |module: &&Module| Some(file_name(&module.path).to_lowercase()) == named;
        let mut of_its_name =
            crash.modules.iter().enumerate().filter(|(_, module)| is_named(module));
        match (of_its_name.next(), of_its_name.next()) {
            (Some((index, module)), None) if !is_local(&Origin::from_path(&module.path)) => {
                Place::Instruction(index)
            }
            _ => Place::NotTold,
        }
    }

    /// Returns the index of the module that it is, or may be.
    pub fn module(self) -> Option<usize> {
        match self {
            Place::Image(index) | Place::Instruction(index) => Some(index),
            Place::Mapped | Place::Private | Place::Memory | Place::NotTold => None,
        }
    }
}

/// Returns the bit that makes Windows copy an image of this origin, if a copy helps against this
/// cause.
pub fn needed(cause: Cause, origin: &Origin) -> SwapRun {
    match (cause, origin) {
        (_, Origin::Removable) | (Cause::MediumFailed, Origin::Drive(_)) => SwapRun::Cd,
        _ => SwapRun::Net,
    }
}

/// Returns the advice, in the order in which it is shown.
///
/// `origin` and `bit` are those of the image that the page belonged to, or of the program if that
/// image is unknown. `bit` is the state of the bit that is [`needed`].
pub fn advice(cause: Cause, place: Place, origin: &Origin, bit: Bit) -> Vec<Advice> {
    let may_need_cd = place.module().is_some()
        && needed(cause, origin) == SwapRun::Cd
        && matches!(bit, Bit::NotSet | Bit::NotKnown);
    let removable_bit = may_need_cd.then_some(Advice::SetRemovableBit);
    let with_bit = |first| [first].into_iter().chain(removable_bit).collect();
    match cause {
        Cause::NotInPage => vec![Advice::Debug],
        Cause::DiskFailed => with_bit(Advice::CheckTheDisk),
        Cause::MediumFailed => with_bit(Advice::CheckTheMedium),
        Cause::NoProgress => vec![Advice::CheckMemory],
        Cause::ShareLost if is_local(origin) && place.module().is_some() => {
            vec![Advice::LocalPath]
        }
        Cause::ShareLost => of_share(place, origin, bit),
        // The status does not show whether a share, a disk or a medium failed. The origin of the
        // page decides.
        Cause::Unclear => {
            let advice = match (place, origin) {
                (Place::Image(_), Origin::Removable) => with_bit(Advice::CheckTheMedium),
                (Place::Image(_), Origin::System | Origin::Local) => vec![Advice::CheckTheDisk],
                _ => of_share(place, origin, bit),
            };
            [vec![Advice::ReadTheLog], advice, vec![Advice::Debug]].concat()
        }
    }
}

/// Returns the advice if a share may have been lost.
fn of_share(place: Place, origin: &Origin, bit: Bit) -> Vec<Advice> {
    let is_told = match place {
        Place::Mapped | Place::Memory => return vec![Advice::CopyTheData],
        Place::Private => return vec![Advice::CheckThePageFile],
        Place::Image(_) => true,
        Place::Instruction(_) | Place::NotTold => false,
    };
    let tell_the_place = if is_told { vec![] } else { vec![Advice::TellThePlace] };
    // The program is local, so the page belonged to another image.
    if is_local(origin) {
        return tell_the_place;
    }
    let is_drive = matches!(origin, Origin::Drive(_) | Origin::Unknown);
    let tell_the_drive = if is_drive { vec![Advice::TellTheDrive] } else { vec![] };
    let own = match bit {
        Bit::NotKnown if is_told => vec![Advice::ReadTheBit, Advice::SetNetworkBit],
        Bit::NotSet | Bit::NotKnown => vec![Advice::SetNetworkBit],
        Bit::SetNow if is_told => vec![Advice::HasTheBitNow],
        Bit::Set if is_told => vec![Advice::HadTheBit],
        Bit::SetNow | Bit::Set => vec![],
    };
    // If the image is unknown, check all images of the share first.
    let others = vec![Advice::ReadTheOthers];
    let own_and_others = if is_told { [own, others] } else { [others, own] };
    [tell_the_place, tell_the_drive, own_and_others.concat()].concat()
}

/// Whether the origin is certainly this machine.
fn is_local(origin: &Origin) -> bool {
    matches!(origin, Origin::System | Origin::Local | Origin::Removable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::crash::{Exception, InPage, NamedModule};

    const IMAGE: Place = Place::Image(0);
    const CAUSES: [Cause; 6] = [
        Cause::ShareLost,
        Cause::DiskFailed,
        Cause::MediumFailed,
        Cause::NoProgress,
        Cause::Unclear,
        Cause::NotInPage,
    ];
    const ALL_ADVICE: [Advice; 16] = [
        Advice::SetNetworkBit,
        Advice::SetRemovableBit,
        Advice::ReadTheBit,
        Advice::HadTheBit,
        Advice::HasTheBitNow,
        Advice::ReadTheOthers,
        Advice::ReadTheLog,
        Advice::TellTheDrive,
        Advice::LocalPath,
        Advice::CopyTheData,
        Advice::CheckThePageFile,
        Advice::TellThePlace,
        Advice::CheckTheDisk,
        Advice::CheckTheMedium,
        Advice::CheckMemory,
        Advice::Debug,
    ];
    const BITS: [Bit; 4] = [Bit::NotSet, Bit::NotKnown, Bit::SetNow, Bit::Set];
    const PLACES: [Place; 6] = [
        IMAGE,
        Place::Instruction(0),
        Place::Mapped,
        Place::Private,
        Place::Memory,
        Place::NotTold,
    ];

    fn share() -> Origin {
        Origin::Share(r"\\fileserver\tools".to_owned())
    }

    #[test]
    #[rustfmt::skip]
    fn the_table_of_causes_read_whole() {
        let table = [
            // exception, status beneath -> cause
            (0xC000_0005, None, Cause::NotInPage),
            (0xC000_0005, Some(0xC000_020C), Cause::NotInPage),
            (IN_PAGE_ERROR, Some(0xC000_020C), Cause::ShareLost),
            (IN_PAGE_ERROR, Some(0xC000_009C), Cause::DiskFailed),
            (IN_PAGE_ERROR, Some(0xC000_0013), Cause::MediumFailed),
            (IN_PAGE_ERROR, Some(0xC000_009A), Cause::NoProgress),
            (IN_PAGE_ERROR, Some(0xC000_0120), Cause::Unclear),
            (IN_PAGE_ERROR, Some(0xC000_1234), Cause::Unclear),
            (IN_PAGE_ERROR, None, Cause::Unclear),
        ];
        for (code, status, expected) in table {
            assert_eq!(Cause::from_exception(code, status), expected, "{code:#x} {status:x?}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn the_table_of_advice_in_its_order() {
        use Advice::*;
        let (dav, drive) = (Origin::WebDav(r"\\server@SSL\DavWWWRoot".to_owned()), Origin::Drive('Z'));
        let (local, removable) = (Origin::Local, Origin::Removable);
        let table: &[(Cause, Place, &Origin, Bit, &[Advice])] = &[
            (Cause::ShareLost, IMAGE, &share(), Bit::NotSet, &[SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &share(), Bit::NotKnown, &[ReadTheBit, SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &share(), Bit::SetNow, &[HasTheBitNow, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &share(), Bit::Set, &[HadTheBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &dav, Bit::NotSet, &[SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &drive, Bit::NotSet, &[TellTheDrive, SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &Origin::Unknown, Bit::NotKnown, &[TellTheDrive, ReadTheBit, SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &local, Bit::NotSet, &[LocalPath]),
            (Cause::ShareLost, Place::Mapped, &share(), Bit::NotSet, &[CopyTheData]),
            (Cause::ShareLost, Place::Private, &share(), Bit::NotSet, &[CheckThePageFile]),
            (Cause::ShareLost, Place::NotTold, &share(), Bit::NotKnown, &[TellThePlace, ReadTheOthers, SetNetworkBit]),
            (Cause::ShareLost, Place::NotTold, &share(), Bit::Set, &[TellThePlace, ReadTheOthers]),
            (Cause::ShareLost, Place::NotTold, &drive, Bit::NotSet, &[TellThePlace, TellTheDrive, ReadTheOthers, SetNetworkBit]),
            (Cause::ShareLost, Place::NotTold, &local, Bit::NotSet, &[TellThePlace]),
            (Cause::DiskFailed, IMAGE, &share(), Bit::NotSet, &[CheckTheDisk]),
            (Cause::DiskFailed, IMAGE, &removable, Bit::NotSet, &[CheckTheDisk, SetRemovableBit]),
            (Cause::MediumFailed, IMAGE, &removable, Bit::NotKnown, &[CheckTheMedium, SetRemovableBit]),
            (Cause::MediumFailed, IMAGE, &drive, Bit::NotKnown, &[CheckTheMedium, SetRemovableBit]),
            (Cause::NoProgress, IMAGE, &share(), Bit::NotSet, &[CheckMemory]),
            (Cause::Unclear, IMAGE, &share(), Bit::NotSet, &[ReadTheLog, SetNetworkBit, ReadTheOthers, Debug]),
            (Cause::Unclear, IMAGE, &drive, Bit::Set, &[ReadTheLog, TellTheDrive, HadTheBit, ReadTheOthers, Debug]),
            (Cause::Unclear, IMAGE, &local, Bit::NotSet, &[ReadTheLog, CheckTheDisk, Debug]),
            (Cause::Unclear, IMAGE, &removable, Bit::NotSet, &[ReadTheLog, CheckTheMedium, SetRemovableBit, Debug]),
            (Cause::Unclear, Place::Instruction(0), &share(), Bit::Set, &[ReadTheLog, TellThePlace, ReadTheOthers, Debug]),
            (Cause::Unclear, Place::NotTold, &share(), Bit::NotSet, &[ReadTheLog, TellThePlace, ReadTheOthers, SetNetworkBit, Debug]),
            (Cause::NotInPage, IMAGE, &share(), Bit::NotSet, &[Debug]),
        ];
        for (cause, place, origin, bit, expected) in table {
            assert_eq!(advice(*cause, *place, origin, *bit), *expected, "{cause:?} {place:?} {origin:?} {bit:?}");
        }
    }

    /// Whether a piece of advice should be given. This derives it a second time, from the purpose
    /// of each piece.
    fn is_due(advice: Advice, cause: Cause, place: Place, origin: &Origin, bit: Bit) -> bool {
        let image = matches!(place, Place::Image(_));
        let any_image = image || matches!(place, Place::Instruction(_));
        let untold = matches!(place, Place::Instruction(_) | Place::NotTold);
        let removable = *origin == Origin::Removable;
        let disk = matches!(origin, Origin::System | Origin::Local);
        let network = matches!(origin, Origin::Share(_) | Origin::WebDav(_));
        let drive = matches!(origin, Origin::Drive(_));
        let lacks_it = matches!(bit, Bit::NotSet | Bit::NotKnown);
        let (lost, unclear) = (cause == Cause::ShareLost, cause == Cause::Unclear);
        let medium = cause == Cause::MediumFailed;
        let may_be = (lost || unclear) && (image || untold) && !removable && !disk;
        match advice {
            Advice::Debug => unclear || cause == Cause::NotInPage,
            Advice::CheckMemory => cause == Cause::NoProgress,
            Advice::CheckTheDisk => cause == Cause::DiskFailed || unclear && image && disk,
            Advice::CheckTheMedium => medium || unclear && image && removable,
            Advice::SetRemovableBit => {
                let is_of_it = if unclear { image } else { any_image };
                let is_it = removable && (unclear || medium || cause == Cause::DiskFailed)
                    || drive && medium;
                is_of_it && is_it && lacks_it
            }
            Advice::CopyTheData => {
                (lost || unclear) && matches!(place, Place::Mapped | Place::Memory)
            }
            Advice::CheckThePageFile => (lost || unclear) && place == Place::Private,
            Advice::TellThePlace => {
                let is_local_instruction = lost && any_image && (disk || removable);
                (lost || unclear) && untold && !is_local_instruction
            }
            Advice::LocalPath => lost && any_image && (disk || removable),
            Advice::TellTheDrive => may_be && !network,
            Advice::ReadTheBit => may_be && image && bit == Bit::NotKnown,
            Advice::SetNetworkBit => may_be && lacks_it,
            Advice::HadTheBit => may_be && image && bit == Bit::Set,
            Advice::HasTheBitNow => may_be && image && bit == Bit::SetNow,
            Advice::ReadTheOthers => may_be,
            Advice::ReadTheLog => unclear,
        }
    }

    #[test]
    fn the_table_of_advice_read_whole() {
        let origins = [
            share(),
            Origin::WebDav(r"\\server@SSL\DavWWWRoot".to_owned()),
            Origin::Drive('Z'),
            Origin::System,
            Origin::Local,
            Origin::Removable,
            Origin::Unknown,
        ];
        for cause in CAUSES {
            for place in PLACES {
                for origin in &origins {
                    for bit in BITS {
                        let advice = advice(cause, place, origin, bit);
                        let told = format!("{cause:?} {place:?} {origin:?} {bit:?}: {advice:?}");
                        assert!(!advice.is_empty(), "{told}");
                        for each in ALL_ADVICE {
                            let times = advice.iter().filter(|given| **given == each).count();
                            let due = is_due(each, cause, place, origin, bit);
                            assert_eq!(times, usize::from(due), "{each:?}: {told}");
                        }
                    }
                }
            }
        }
    }

    fn crash(address: Option<u64>, named: Option<&str>) -> Crash {
        let module = |path: &str, base| Module {
            path: path.to_owned(),
            range: Some((base, 0x1000)),
            ..Module::default()
        };
        Crash {
            exception: Exception {
                code: IN_PAGE_ERROR,
                in_page: InPage { address, ..InPage::default() },
            },
            named: named
                .map(|name| NamedModule { name: name.to_owned(), ..NamedModule::default() }),
            modules: vec![
                module(r"\\a\b\Tool.exe", 0x40_0000),
                module(r"\\a\b\x.dll", u64::MAX - 0xfff),
            ],
            ..Crash::default()
        }
    }

    #[test]
    fn an_address_lies_in_the_image_whose_range_holds_it() {
        for (address, expected) in [
            (0x40_0000, Place::Image(0)),
            (0x40_0fff, Place::Image(0)),
            (0x40_1000, Place::Memory),
            (0x3f_ffff, Place::Memory),
            (u64::MAX, Place::Image(1)),
            (0, Place::Memory),
        ] {
            assert_eq!(Place::from_crash(&crash(Some(address), None)), expected, "{address:#x}");
        }
    }

    #[test]
    fn outside_of_all_modules_the_kind_of_memory_tells() {
        for (memory, expected) in [
            (Some(Memory::Mapped), Place::Mapped),
            (Some(Memory::Private), Place::Private),
            (Some(Memory::Image), Place::NotTold),
            (None, Place::Memory),
        ] {
            let outside = Crash { memory, ..crash(Some(0x1_0000), None) };
            assert_eq!(Place::from_crash(&outside), expected);
            let inside = Crash { memory, ..crash(Some(0x40_0000), None) };
            assert_eq!(Place::from_crash(&inside), Place::Image(0));
        }
    }

    #[test]
    fn without_modules_it_is_not_told_what_the_address_lies_in() {
        for address in [None, Some(0x40_0000)] {
            let crash = Crash { modules: Vec::new(), ..crash(address, Some("tool.exe")) };
            assert_eq!(Place::from_crash(&crash), Place::NotTold);
        }
    }

    #[test]
    fn of_two_modules_of_one_name_none_is_told() {
        let mut crash = crash(None, Some("tool.exe"));
        crash.modules.push(Module { path: r"\\c\d\TOOL.EXE".to_owned(), ..Module::default() });
        assert_eq!(Place::from_crash(&crash), Place::NotTold);
    }

    #[test]
    fn an_instruction_of_a_local_image_tells_nothing_of_the_page() {
        for (path, expected) in [
            (r"C:\Windows\System32\ntdll.dll", Place::NotTold),
            (r"\\?\Volume{0}\ntdll.dll", Place::NotTold),
            (r"C:\Tools\ntdll.dll", Place::NotTold),
            (r"\\a\b\ntdll.dll", Place::Instruction(2)),
            (r"D:\ntdll.dll", Place::Instruction(2)),
        ] {
            let mut crash = crash(None, Some("NTDLL.dll"));
            crash.modules.push(Module { path: path.to_owned(), ..Module::default() });
            assert_eq!(Place::from_crash(&crash), expected, "{path}");
        }
    }

    #[test]
    fn without_an_address_the_report_names_the_module() {
        assert_eq!(Place::from_crash(&crash(None, Some("tool.EXE"))), Place::Instruction(0));
        assert_eq!(Place::from_crash(&crash(None, Some("other.dll"))), Place::NotTold);
        assert_eq!(Place::from_crash(&crash(None, None)), Place::NotTold);
        assert_eq!(Place::from_crash(&crash(Some(0), Some("tool.exe"))), Place::Memory);
    }
}
