//! Derives the advice after a crash from the data about it. Reads no files.

use netswap::image::SwapRun;
use schemars::JsonSchema;
use serde::Serialize;

use super::cause::Cause;
use super::origin::{Origin, file_name};
use super::{Crash, MemoryKind, Module};

/// The owner of the page that could not be read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageOwner {
    /// An image, by its index among the modules.
    Image(usize),
    /// Perhaps the image of the instruction, by its index among the modules. A WER report names
    /// only this image.
    Instruction(usize),
    Mapped,
    Private,
    /// Memory that belongs to no image: a mapped file, or the program's own.
    Memory,
    /// The dump or report does not record it.
    Unknown,
}

/// The state of the bit that an image of this origin requires. States that need attention come
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bit {
    NotSet,
    NotKnown,
    /// It has the bit now, but may not have had it at the time of the crash.
    SetNow,
    Set,
}

/// A piece of advice. They are ordered by what the user needs to know first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Find out from the event log whether a connection or a disk was lost.
    ReadTheLog,
    /// Find out what the address belonged to.
    TellThePlace,
    /// Find out whether the drive is mapped to a share.
    TellTheDrive,
    /// Check whether the image has the bit.
    ReadTheBit,
    /// The image has the bit. Check that this file ran, and from where.
    HadTheBit,
    /// The image has the bit now. Check whether it was set after the crash.
    HasTheBitNow,
    /// Set the network bit: in the build, or in the finished file.
    SetNetworkBit,
    /// Find out which images of the share lack the bit. The next lost page may be one of theirs.
    ReadTheOthers,
    /// The path is on this machine, but the network failed: a link or an iSCSI disk is behind it.
    LocalPath,
    /// No bit protects a file that is mapped as data.
    CopyTheData,
    /// Private memory is read from the page file, so check that file's disk.
    CheckThePageFile,
    /// Check the disk. No bit helps.
    CheckTheDisk,
    /// Insert the medium again, or replace it.
    CheckTheMedium,
    /// Set the bit for removable media.
    SetRemovableBit,
    /// Find out what used the memory.
    CheckMemory,
    /// Use a debugger.
    Debug,
}

impl Bit {
    pub fn words(self) -> &'static str {
        match self {
            Bit::Set => "set",
            Bit::NotSet => "not set",
            Bit::NotKnown => "unknown",
            Bit::SetNow => "set now",
        }
    }
}

impl PageOwner {
    /// Finds the owner of the address that could not be read in, or the module that the report
    /// names.
    pub fn from_crash(crash: &Crash) -> Self {
        if crash.modules.is_empty() {
            return PageOwner::Unknown;
        }
        if let Some(address) = crash.exception.in_page.address {
            let holds = |module: &Module| {
                module.range.is_some_and(|(base, size)| {
                    address.checked_sub(base).is_some_and(|offset| offset < u64::from(size))
                })
            };
            let outside = match crash.memory {
                Some(MemoryKind::Mapped) => PageOwner::Mapped,
                Some(MemoryKind::Private) => PageOwner::Private,
                // The image is one that the dump does not name.
                Some(MemoryKind::Image) => PageOwner::Unknown,
                None => PageOwner::Memory,
            };
            return crash.modules.iter().position(holds).map_or(outside, PageOwner::Image);
        }
        // If the instruction itself could not be read, the page belongs to the same image. But an
        // instruction of a Windows DLL or of another local image can read pages of any image.
        let named = crash.faulting_module.as_ref().map(|named| named.name.to_lowercase());
        let is_named = |module: &&Module| Some(file_name(&module.path).to_lowercase()) == named;
        let mut with_name = crash.modules.iter().enumerate().filter(|(_, module)| is_named(module));
        match (with_name.next(), with_name.next()) {
            (Some((index, module)), None) if !is_local(&Origin::from_path(&module.path)) => {
                PageOwner::Instruction(index)
            }
            _ => PageOwner::Unknown,
        }
    }

    /// Returns the index of the module that it is, or may be.
    pub fn module(self) -> Option<usize> {
        match self {
            PageOwner::Image(index) | PageOwner::Instruction(index) => Some(index),
            _ => None,
        }
    }
}

/// Returns the bit that makes Windows copy an image of this origin, if a copy helps against this
/// cause.
pub fn needed_bit(cause: Cause, origin: &Origin) -> SwapRun {
    match (cause, origin) {
        (_, Origin::Removable) | (Cause::MediumFailed, Origin::Drive(_)) => SwapRun::Cd,
        _ => SwapRun::Net,
    }
}

/// Returns the advice, in the order in which it is shown.
///
/// `origin` and `bit` are those of the image that the page belonged to, or of the program if that
/// image is unknown. `bit` is the state of the bit that is [`needed_bit`].
pub fn advice(cause: Cause, owner: PageOwner, origin: &Origin, bit: Bit) -> Vec<Advice> {
    let may_need_cd = owner.module().is_some()
        && needed_bit(cause, origin) == SwapRun::Cd
        && matches!(bit, Bit::NotSet | Bit::NotKnown);
    let removable_bit = may_need_cd.then_some(Advice::SetRemovableBit);
    let with_bit = |first| [first].into_iter().chain(removable_bit).collect();
    match cause {
        Cause::NotInPage => vec![Advice::Debug],
        Cause::DiskFailed => with_bit(Advice::CheckTheDisk),
        Cause::MediumFailed => with_bit(Advice::CheckTheMedium),
        Cause::NoProgress => vec![Advice::CheckMemory],
        Cause::ShareLost if is_local(origin) && owner.module().is_some() => vec![Advice::LocalPath],
        Cause::ShareLost => share_advice(owner, origin, bit),
        // The status does not show whether a share, a disk or a medium failed. The origin of the
        // page decides.
        Cause::Unclear => {
            let advice = match (owner, origin) {
                (PageOwner::Image(_), Origin::Removable) => with_bit(Advice::CheckTheMedium),
                (PageOwner::Image(_), Origin::System | Origin::Local) => vec![Advice::CheckTheDisk],
                _ => share_advice(owner, origin, bit),
            };
            [vec![Advice::ReadTheLog], advice, vec![Advice::Debug]].concat()
        }
    }
}

/// Returns the advice if a share may have been lost.
fn share_advice(owner: PageOwner, origin: &Origin, bit: Bit) -> Vec<Advice> {
    let is_known = match owner {
        PageOwner::Mapped | PageOwner::Memory => return vec![Advice::CopyTheData],
        PageOwner::Private => return vec![Advice::CheckThePageFile],
        PageOwner::Image(_) => true,
        PageOwner::Instruction(_) | PageOwner::Unknown => false,
    };
    let find_owner = if is_known { vec![] } else { vec![Advice::TellThePlace] };
    // The program is local, so the page belonged to another image.
    if is_local(origin) {
        return find_owner;
    }
    let is_drive = matches!(origin, Origin::Drive(_) | Origin::Unknown);
    let check_drive = if is_drive { vec![Advice::TellTheDrive] } else { vec![] };
    let own = match bit {
        Bit::NotKnown if is_known => vec![Advice::ReadTheBit, Advice::SetNetworkBit],
        Bit::NotSet | Bit::NotKnown => vec![Advice::SetNetworkBit],
        Bit::SetNow if is_known => vec![Advice::HasTheBitNow],
        Bit::Set if is_known => vec![Advice::HadTheBit],
        Bit::SetNow | Bit::Set => vec![],
    };
    // If the image is unknown, check all images of the share first.
    let others = vec![Advice::ReadTheOthers];
    let own_and_others = if is_known { [own, others] } else { [others, own] };
    [find_owner, check_drive, own_and_others.concat()].concat()
}

/// Whether the origin is certainly this machine.
fn is_local(origin: &Origin) -> bool {
    matches!(origin, Origin::System | Origin::Local | Origin::Removable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::crash::{Exception, IN_PAGE_ERROR, InPage, NamedModule};

    const IMAGE: PageOwner = PageOwner::Image(0);
    fn share() -> Origin {
        Origin::Share(r"\\fileserver\tools".to_owned())
    }

    #[test]
    #[rustfmt::skip]
    fn advice_for_each_kind_of_crash() {
        use Advice::*;
        let (dav, drive) = (Origin::WebDav(r"\\server@SSL\DavWWWRoot".to_owned()), Origin::Drive('Z'));
        let (local, removable) = (Origin::Local, Origin::Removable);
        let table: &[(Cause, PageOwner, &Origin, Bit, &[Advice])] = &[
            (Cause::ShareLost, IMAGE, &share(), Bit::NotSet, &[SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &share(), Bit::NotKnown, &[ReadTheBit, SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &share(), Bit::SetNow, &[HasTheBitNow, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &share(), Bit::Set, &[HadTheBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &dav, Bit::NotSet, &[SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &drive, Bit::NotSet, &[TellTheDrive, SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &Origin::Unknown, Bit::NotKnown, &[TellTheDrive, ReadTheBit, SetNetworkBit, ReadTheOthers]),
            (Cause::ShareLost, IMAGE, &local, Bit::NotSet, &[LocalPath]),
            (Cause::ShareLost, PageOwner::Mapped, &share(), Bit::NotSet, &[CopyTheData]),
            (Cause::ShareLost, PageOwner::Memory, &local, Bit::Set, &[CopyTheData]),
            (Cause::ShareLost, PageOwner::Private, &share(), Bit::NotSet, &[CheckThePageFile]),
            (Cause::ShareLost, PageOwner::Instruction(0), &removable, Bit::Set, &[LocalPath]),
            (Cause::ShareLost, PageOwner::Instruction(0), &share(), Bit::SetNow, &[TellThePlace, ReadTheOthers]),
            (Cause::ShareLost, PageOwner::Unknown, &share(), Bit::NotKnown, &[TellThePlace, ReadTheOthers, SetNetworkBit]),
            (Cause::ShareLost, PageOwner::Unknown, &share(), Bit::Set, &[TellThePlace, ReadTheOthers]),
            (Cause::ShareLost, PageOwner::Unknown, &drive, Bit::NotSet, &[TellThePlace, TellTheDrive, ReadTheOthers, SetNetworkBit]),
            (Cause::ShareLost, PageOwner::Unknown, &local, Bit::NotSet, &[TellThePlace]),
            (Cause::DiskFailed, IMAGE, &share(), Bit::NotSet, &[CheckTheDisk]),
            (Cause::DiskFailed, IMAGE, &removable, Bit::NotSet, &[CheckTheDisk, SetRemovableBit]),
            (Cause::MediumFailed, IMAGE, &removable, Bit::NotKnown, &[CheckTheMedium, SetRemovableBit]),
            (Cause::MediumFailed, IMAGE, &drive, Bit::NotKnown, &[CheckTheMedium, SetRemovableBit]),
            (Cause::DiskFailed, IMAGE, &removable, Bit::Set, &[CheckTheDisk]),
            (Cause::DiskFailed, IMAGE, &drive, Bit::NotSet, &[CheckTheDisk]),
            (Cause::DiskFailed, PageOwner::Unknown, &removable, Bit::NotSet, &[CheckTheDisk]),
            (Cause::MediumFailed, PageOwner::Instruction(0), &removable, Bit::NotSet, &[CheckTheMedium, SetRemovableBit]),
            (Cause::MediumFailed, IMAGE, &drive, Bit::SetNow, &[CheckTheMedium]),
            (Cause::MediumFailed, IMAGE, &share(), Bit::NotSet, &[CheckTheMedium]),
            (Cause::NoProgress, IMAGE, &share(), Bit::NotSet, &[CheckMemory]),
            (Cause::Unclear, IMAGE, &share(), Bit::NotSet, &[ReadTheLog, SetNetworkBit, ReadTheOthers, Debug]),
            (Cause::Unclear, IMAGE, &drive, Bit::Set, &[ReadTheLog, TellTheDrive, HadTheBit, ReadTheOthers, Debug]),
            (Cause::Unclear, IMAGE, &Origin::Unknown, Bit::SetNow, &[ReadTheLog, TellTheDrive, HasTheBitNow, ReadTheOthers, Debug]),
            (Cause::Unclear, IMAGE, &local, Bit::NotSet, &[ReadTheLog, CheckTheDisk, Debug]),
            (Cause::Unclear, IMAGE, &Origin::System, Bit::Set, &[ReadTheLog, CheckTheDisk, Debug]),
            (Cause::Unclear, PageOwner::Mapped, &share(), Bit::NotSet, &[ReadTheLog, CopyTheData, Debug]),
            (Cause::Unclear, PageOwner::Private, &local, Bit::NotSet, &[ReadTheLog, CheckThePageFile, Debug]),
            (Cause::Unclear, PageOwner::Unknown, &removable, Bit::NotSet, &[ReadTheLog, TellThePlace, Debug]),
            (Cause::Unclear, IMAGE, &removable, Bit::NotSet, &[ReadTheLog, CheckTheMedium, SetRemovableBit, Debug]),
            (Cause::Unclear, PageOwner::Instruction(0), &share(), Bit::Set, &[ReadTheLog, TellThePlace, ReadTheOthers, Debug]),
            (Cause::Unclear, PageOwner::Unknown, &share(), Bit::NotSet, &[ReadTheLog, TellThePlace, ReadTheOthers, SetNetworkBit, Debug]),
            (Cause::NotInPage, IMAGE, &share(), Bit::NotSet, &[Debug]),
        ];
        for (cause, owner, origin, bit, expected) in table {
            assert_eq!(advice(*cause, *owner, origin, *bit), *expected, "{cause:?} {owner:?} {origin:?} {bit:?}");
        }
    }

    fn crash(address: Option<u64>, named: Option<&str>) -> Crash {
        let module = |path: &str, base| Module {
            path: path.to_owned(),
            range: Some((base, 0x1000)),
            ..Module::default()
        };
        let in_page = InPage { address, ..InPage::default() };
        Crash {
            exception: Exception { code: IN_PAGE_ERROR, in_page },
            faulting_module: named
                .map(|name| NamedModule { name: name.to_owned(), ..Default::default() }),
            modules: vec![
                module(r"\\a\b\Tool.exe", 0x40_0000),
                module(r"\\a\b\x.dll", u64::MAX - 0xfff),
            ],
            ..Crash::default()
        }
    }

    #[test]
    fn owner_is_found_by_address_or_else_by_name() {
        for (address, memory, named, expected) in [
            (Some(0x40_0000), None, None, PageOwner::Image(0)),
            (Some(0x40_0fff), None, None, PageOwner::Image(0)),
            (Some(0x40_1000), None, None, PageOwner::Memory),
            (Some(0x3f_ffff), None, None, PageOwner::Memory),
            (Some(u64::MAX), None, None, PageOwner::Image(1)),
            (Some(0), None, None, PageOwner::Memory),
            (Some(0), None, Some("tool.exe"), PageOwner::Memory),
            // The kind of memory decides only outside modules.
            (Some(0x1_0000), Some(MemoryKind::Mapped), None, PageOwner::Mapped),
            (Some(0x1_0000), Some(MemoryKind::Private), None, PageOwner::Private),
            (Some(0x1_0000), Some(MemoryKind::Image), None, PageOwner::Unknown),
            (Some(0x1_0000), None, None, PageOwner::Memory),
            (Some(0x40_0000), Some(MemoryKind::Mapped), None, PageOwner::Image(0)),
            (Some(0x40_0000), Some(MemoryKind::Private), None, PageOwner::Image(0)),
            (Some(0x40_0000), Some(MemoryKind::Image), None, PageOwner::Image(0)),
            (None, None, Some("tool.EXE"), PageOwner::Instruction(0)),
            (None, None, Some("other.dll"), PageOwner::Unknown),
            (None, None, None, PageOwner::Unknown),
        ] {
            let crash = Crash { memory, ..crash(address, named) };
            let owner = PageOwner::from_crash(&crash);
            assert_eq!(owner, expected, "{address:x?} {memory:?} {named:?}");
        }
    }

    #[test]
    fn owner_is_unknown_without_modules() {
        for address in [None, Some(0x40_0000)] {
            let crash = Crash { modules: Vec::new(), ..crash(address, Some("tool.exe")) };
            assert_eq!(PageOwner::from_crash(&crash), PageOwner::Unknown);
        }
    }

    #[test]
    fn name_in_local_image_or_of_two_reveals_no_owner() {
        for (named, path, expected) in [
            ("NTDLL.dll", r"C:\Windows\System32\ntdll.dll", PageOwner::Unknown),
            ("NTDLL.dll", r"\\?\Volume{0}\ntdll.dll", PageOwner::Unknown),
            ("NTDLL.dll", r"C:\Tools\ntdll.dll", PageOwner::Unknown),
            ("NTDLL.dll", r"\\a\b\ntdll.dll", PageOwner::Instruction(2)),
            ("NTDLL.dll", r"D:\ntdll.dll", PageOwner::Instruction(2)),
            ("tool.exe", r"\\c\d\TOOL.EXE", PageOwner::Unknown),
        ] {
            let mut crash = crash(None, Some(named));
            crash.modules.push(Module { path: path.to_owned(), ..Module::default() });
            assert_eq!(PageOwner::from_crash(&crash), expected, "{named} {path}");
        }
    }
}
