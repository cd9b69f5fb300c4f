//! The verdict: from what is known of a crash to its cause, and to what helps (pure, tables).

use serde::Serialize;

use super::origin::{Origin, file_name};
use super::status::{Class, Status};
use super::{Crash, IN_PAGE_ERROR, Memory, Module};
use crate::Code;

/// What a program died of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The connection to the share was lost.
    ShareLost,
    /// A disk failed.
    DiskFailed,
    /// A medium was taken out, or is damaged.
    MediumFailed,
    /// Windows lacked memory to read the page.
    NoProgress,
    /// A page could not be read in, and what is known does not tell why.
    Unclear,
    /// Not of a page that could not be read in.
    NotInPage,
}

/// What the page belonged to that could not be read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "module")]
pub enum Place {
    /// An image: its index among the modules.
    Image(usize),
    /// A file that is mapped as data.
    Mapped,
    /// Memory of the program's own.
    Private,
    /// Memory that belongs to no image: either of these two.
    Memory,
    /// What was left behind does not tell.
    NotTold,
}

/// Whether an image has the bit that is needed where it came from; in order of what needs care first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bit {
    /// It has not.
    NotSet,
    /// It is not known.
    NotKnown,
    /// It has.
    Set,
}

/// A thing that is to be said or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Set the network bit: in the build, or in the finished file.
    SetNetworkBit,
    /// Set the bit for removable media.
    SetRemovableBit,
    /// Find out whether the image has the bit.
    ReadTheBit,
    /// The image has the bit: was it this file that ran, and from where?
    HadTheBit,
    /// The program has the bit, and the image of the page is not known: find out which others lack it.
    ReadTheOthers,
    /// Find out whether the drive is mapped to a share.
    TellTheDrive,
    /// The path is one of this machine, and yet the network failed: a link or an iSCSI disk is behind it.
    LocalPath,
    /// No bit protects a file that is mapped as data.
    CopyTheData,
    /// Look after the disk of the page file, where memory of the program's own is read from.
    CheckThePageFile,
    /// Find out what the address belonged to.
    TellThePlace,
    /// Look after the disk; no bit helps.
    CheckTheDisk,
    /// Look after the medium.
    CheckTheMedium,
    /// Look after memory, and after what takes it.
    CheckMemory,
    /// A debugger tells more; netswap does not.
    Debug,
}

impl Bit {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Bit::Set => "set",
            Bit::NotSet => "not set",
            Bit::NotKnown => "not known",
        }
    }
}

impl Cause {
    /// Its code, which `netswap explain` tells of.
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

    /// What the exception's code and the status beneath it come to.
    pub fn of(code: u32, status: Option<u32>) -> Self {
        if code != IN_PAGE_ERROR {
            return Cause::NotInPage;
        }
        match status.map(|status| Status::of(status).class) {
            Some(Class::Network) => Cause::ShareLost,
            Some(Class::Disk) => Cause::DiskFailed,
            Some(Class::Media) => Cause::MediumFailed,
            Some(Class::NoProgress) => Cause::NoProgress,
            Some(Class::Ambiguous | Class::Unknown) | None => Cause::Unclear,
        }
    }
}

impl Place {
    /// Where the address lies that could not be read in, or which module the report names.
    pub fn of(crash: &Crash) -> Self {
        let modules = crash.modules.iter();
        if let Some(address) = crash.exception.in_page.address {
            let holds = |module: &Module| {
                module.range.is_some_and(|(base, size)| {
                    address.checked_sub(base).is_some_and(|offset| offset < u64::from(size))
                })
            };
            let of_no_module = match crash.memory {
                Some(Memory::Mapped) => Place::Mapped,
                Some(Memory::Private) => Place::Private,
                // One that the dump does not name.
                Some(Memory::Image) => Place::NotTold,
                None => Place::Memory,
            };
            return modules.clone().position(holds).map_or(of_no_module, Place::Image);
        }
        // The instruction's module. Where it could not be run it is the page's too, and else often.
        let named = crash.named.as_ref().map(|named| named.name.to_lowercase());
        let is_named = |module: &Module| Some(file_name(&module.path).to_lowercase()) == named;
        modules.clone().position(is_named).map_or(Place::NotTold, Place::Image)
    }
}

/// What helps, in the order in which it is to be said.
///
/// `origin` and `bit` are those of the image, if the page belonged to one.
pub fn advice(cause: Cause, place: Place, origin: &Origin, bit: Bit) -> Vec<Advice> {
    let of_network_bit = match bit {
        Bit::Set => vec![Advice::HadTheBit],
        Bit::NotSet => vec![Advice::SetNetworkBit],
        Bit::NotKnown => vec![Advice::ReadTheBit, Advice::SetNetworkBit],
    };
    let with_drive = |rest: Vec<Advice>| [vec![Advice::TellTheDrive], rest].concat();
    match (cause, place, origin) {
        (Cause::NotInPage, ..) => vec![Advice::Debug],
        (Cause::DiskFailed, Place::Image(_), Origin::Removable) if bit != Bit::Set => {
            vec![Advice::CheckTheDisk, Advice::SetRemovableBit]
        }
        (Cause::DiskFailed, ..) => vec![Advice::CheckTheDisk],
        (Cause::NoProgress, ..) => vec![Advice::CheckMemory],
        (Cause::MediumFailed, Place::Image(_), Origin::Removable) if bit != Bit::Set => {
            vec![Advice::CheckTheMedium, Advice::SetRemovableBit]
        }
        (Cause::MediumFailed, ..) => vec![Advice::CheckTheMedium],
        (Cause::ShareLost, Place::Mapped | Place::Memory, _) => vec![Advice::CopyTheData],
        (Cause::ShareLost, Place::Private, _) => vec![Advice::CheckThePageFile],
        // What is known is the program's bit alone.
        (Cause::ShareLost, Place::NotTold, _) if bit == Bit::Set => {
            vec![Advice::TellThePlace, Advice::ReadTheOthers]
        }
        (Cause::ShareLost, Place::NotTold, _) => {
            [vec![Advice::TellThePlace], of_network_bit].concat()
        }
        (Cause::ShareLost, Place::Image(_), Origin::System | Origin::Local) => {
            vec![Advice::LocalPath]
        }
        // Nothing says of an unclear one that it was the share; where the image came from one, it may be.
        (
            Cause::ShareLost | Cause::Unclear,
            Place::Image(_),
            Origin::Share(_) | Origin::WebDav(_),
        ) => of_network_bit,
        (Cause::ShareLost, Place::Image(_), _)
        | (Cause::Unclear, Place::Image(_), Origin::Drive(_)) => with_drive(of_network_bit),
        (Cause::Unclear, Place::Mapped | Place::Memory, _) => {
            vec![Advice::CopyTheData, Advice::Debug]
        }
        (Cause::Unclear, Place::Private, _) => vec![Advice::CheckThePageFile, Advice::Debug],
        (Cause::Unclear, ..) => vec![Advice::TellThePlace, Advice::Debug],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::{Exception, InPage, NamedModule};

    const IMAGE: Place = Place::Image(0);
    const PLACES: [Place; 5] =
        [IMAGE, Place::Mapped, Place::Private, Place::Memory, Place::NotTold];

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
            assert_eq!(Cause::of(code, status), expected, "{code:#x} {status:x?}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn the_table_of_advice_read_whole() {
        use Advice::*;
        let (dav, drive) = (Origin::WebDav(r"\\server@SSL\DavWWWRoot".to_owned()), Origin::Drive('Z'));
        let (local, removable) = (Origin::Local, Origin::Removable);
        let table: &[(Cause, Place, &Origin, Bit, &[Advice])] = &[
            (Cause::ShareLost, IMAGE, &share(), Bit::NotSet, &[SetNetworkBit]),
            (Cause::ShareLost, IMAGE, &share(), Bit::NotKnown, &[ReadTheBit, SetNetworkBit]),
            (Cause::ShareLost, IMAGE, &share(), Bit::Set, &[HadTheBit]),
            (Cause::ShareLost, IMAGE, &dav, Bit::NotSet, &[SetNetworkBit]),
            (Cause::ShareLost, IMAGE, &drive, Bit::NotSet, &[TellTheDrive, SetNetworkBit]),
            (Cause::ShareLost, IMAGE, &Origin::Unknown, Bit::NotKnown, &[TellTheDrive, ReadTheBit, SetNetworkBit]),
            (Cause::ShareLost, IMAGE, &local, Bit::NotSet, &[LocalPath]),
            (Cause::ShareLost, IMAGE, &Origin::System, Bit::NotSet, &[LocalPath]),
            (Cause::ShareLost, Place::Mapped, &share(), Bit::NotSet, &[CopyTheData]),
            (Cause::ShareLost, Place::Memory, &share(), Bit::NotSet, &[CopyTheData]),
            (Cause::ShareLost, Place::Private, &share(), Bit::NotSet, &[CheckThePageFile]),
            (Cause::ShareLost, Place::NotTold, &share(), Bit::NotSet, &[TellThePlace, SetNetworkBit]),
            (Cause::ShareLost, Place::NotTold, &share(), Bit::NotKnown, &[TellThePlace, ReadTheBit, SetNetworkBit]),
            (Cause::ShareLost, Place::NotTold, &share(), Bit::Set, &[TellThePlace, ReadTheOthers]),
            (Cause::DiskFailed, IMAGE, &share(), Bit::NotSet, &[CheckTheDisk]),
            (Cause::DiskFailed, Place::Memory, &local, Bit::NotSet, &[CheckTheDisk]),
            (Cause::DiskFailed, IMAGE, &removable, Bit::NotSet, &[CheckTheDisk, SetRemovableBit]),
            (Cause::DiskFailed, IMAGE, &removable, Bit::Set, &[CheckTheDisk]),
            (Cause::MediumFailed, IMAGE, &removable, Bit::NotKnown, &[CheckTheMedium, SetRemovableBit]),
            (Cause::MediumFailed, IMAGE, &removable, Bit::Set, &[CheckTheMedium]),
            (Cause::MediumFailed, IMAGE, &share(), Bit::NotSet, &[CheckTheMedium]),
            (Cause::NoProgress, IMAGE, &share(), Bit::NotSet, &[CheckMemory]),
            (Cause::Unclear, IMAGE, &share(), Bit::NotSet, &[SetNetworkBit]),
            (Cause::Unclear, IMAGE, &drive, Bit::Set, &[TellTheDrive, HadTheBit]),
            (Cause::Unclear, IMAGE, &local, Bit::NotSet, &[TellThePlace, Debug]),
            (Cause::Unclear, Place::Mapped, &share(), Bit::NotSet, &[CopyTheData, Debug]),
            (Cause::Unclear, Place::Memory, &share(), Bit::NotSet, &[CopyTheData, Debug]),
            (Cause::Unclear, Place::Private, &share(), Bit::NotSet, &[CheckThePageFile, Debug]),
            (Cause::Unclear, Place::NotTold, &share(), Bit::NotSet, &[TellThePlace, Debug]),
            (Cause::NotInPage, IMAGE, &share(), Bit::NotSet, &[Debug]),
        ];
        for (cause, place, origin, bit, expected) in table {
            assert_eq!(advice(*cause, *place, origin, *bit), *expected, "{cause:?} {place:?} {origin:?} {bit:?}");
        }
    }

    #[test]
    fn nobody_is_told_to_set_a_bit_that_does_not_help() {
        let causes = [Cause::DiskFailed, Cause::MediumFailed, Cause::NoProgress, Cause::NotInPage];
        for cause in causes {
            for place in PLACES {
                for bit in [Bit::Set, Bit::NotSet, Bit::NotKnown] {
                    let given = advice(cause, place, &share(), bit);
                    assert!(
                        !given.is_empty() && !given.contains(&Advice::SetNetworkBit),
                        "{cause:?}"
                    );
                }
            }
        }
        for place in [Place::Mapped, Place::Private, Place::Memory] {
            for bit in [Bit::Set, Bit::NotSet, Bit::NotKnown] {
                let given = advice(Cause::ShareLost, place, &share(), bit);
                assert!(!given.is_empty() && !given.contains(&Advice::SetNetworkBit));
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
            assert_eq!(Place::of(&crash(Some(address), None)), expected, "{address:#x}");
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
            assert_eq!(Place::of(&outside), expected);
            let inside = Crash { memory, ..crash(Some(0x40_0000), None) };
            assert_eq!(Place::of(&inside), Place::Image(0));
        }
    }

    #[test]
    fn without_an_address_the_report_names_the_module() {
        assert_eq!(Place::of(&crash(None, Some("tool.EXE"))), Place::Image(0));
        assert_eq!(Place::of(&crash(None, Some("other.dll"))), Place::NotTold);
        assert_eq!(Place::of(&crash(None, None)), Place::NotTold);
        assert_eq!(Place::of(&crash(Some(0), Some("tool.exe"))), Place::Memory);
    }
}
