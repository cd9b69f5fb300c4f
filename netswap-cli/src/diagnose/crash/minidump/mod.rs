//! Minidumps: the state of a program when it ended. Windows Error Reporting, `ProcDump` and
//! debuggers write them.
//!
//! A minidump can be gigabytes long. netswap reads only a few kilobytes of it.
//!
//! Source:
//! [minidumpapiset.h](https://learn.microsoft.com/windows/win32/api/minidumpapiset/ns-minidumpapiset-minidump_header).

mod dump;
mod headers;
mod regions;

use std::ops::ControlFlow;

use minidump_common::format::{
    MINIDUMP_EXCEPTION, MINIDUMP_EXCEPTION_STREAM, MINIDUMP_MODULE, MINIDUMP_STREAM_TYPE,
};
use netswap::image::ReadAt;

use self::dump::Dump;
use super::{Access, Crash, CrashError, Exception, IN_PAGE_ERROR, InPage, MemoryKind, Module};
use crate::text::decode_utf_16;

const SIGNATURE: &[u8] = b"MDMP";

/// The first bytes of a dump of the whole system, 32-bit and 64-bit.
const KERNEL_SIGNATURES: [&[u8]; 2] = [b"PAGEDUMP", b"PAGEDU64"];

/// The maximum number of modules in a list, which is more than any program loads.
const MAX_MODULES: u64 = 1 << 14;

/// The maximum number of regions in a list, which is more than the memory of any program has.
const MAX_REGIONS: u64 = 1 << 22;

/// The longest path on Windows, in UTF-16 units.
pub const MAX_NAME_LENGTH: usize = 32_767;

/// The maximum number of UTF-16 units in the names of all modules together. In a hostile file,
/// names can share their bytes.
pub const MAX_NAMES_LENGTH: usize = 1 << 20;

/// The names of these parts in error messages.
const EXCEPTION: &str = "exception";
const MODULES: &str = "module list";
const NAMES: &str = "list of module names";

type Result<T, E = CrashError> = std::result::Result<T, E>;

pub fn is_minidump(start: &[u8]) -> bool {
    start.starts_with(SIGNATURE)
}

pub fn is_kernel_dump(start: &[u8]) -> bool {
    KERNEL_SIGNATURES.iter().any(|signature| start.starts_with(signature))
}

/// Reads a minidump of `length` bytes.
pub fn read(file: &(impl ReadAt + ?Sized), length: u64) -> Result<Crash> {
    let dump = Dump::open(file, length)?;
    let exception = exception(&dump)?;
    let mut modules = modules(&dump)?;
    let mut is_cut_off = false;
    headers::add_characteristics(&dump, &mut modules, &mut is_cut_off)?;
    let memory = match exception.in_page.address {
        Some(address) => {
            unless_truncated(regions::memory_at(&dump, address), &mut is_cut_off)?.flatten()
        }
        None => None,
    };
    Ok(Crash {
        program: program(&modules).map(|module| module.path.clone()),
        time: Some(u64::from(dump.time)).filter(|time| *time > 0),
        exception,
        faulting_module: None,
        modules,
        memory,
        is_cut_off,
    })
}

/// Returns what was read, or `None` if the dump ends before it. Writers put memory last, so a full
/// disk or an incomplete copy loses it first. The crash can be reported without it.
fn unless_truncated<T>(read: Result<T>, is_cut_off: &mut bool) -> Result<Option<T>> {
    if let Err(CrashError::Truncated(_)) = read {
        *is_cut_off = true;
        return Ok(None);
    }
    read.map(Some)
}

fn exception(dump: &Dump<'_, impl ReadAt + ?Sized>) -> Result<Exception> {
    let kind = MINIDUMP_STREAM_TYPE::ExceptionStream;
    let stream: Option<MINIDUMP_EXCEPTION_STREAM> = dump.stream_record(kind, EXCEPTION)?;
    let record = stream.ok_or(CrashError::NoException)?.exception_record;
    let in_page = match record.exception_code {
        IN_PAGE_ERROR => in_page(dump, &record)?,
        _ => InPage::default(),
    };
    Ok(Exception { code: record.exception_code, in_page })
}

fn in_page(dump: &Dump<'_, impl ReadAt + ?Sized>, record: &MINIDUMP_EXCEPTION) -> Result<InPage> {
    let parameters = record.exception_information.get(..record.number_parameters as usize);
    let parameters = parameters.ok_or(CrashError::Malformed(EXCEPTION))?;
    // Most writers sign-extend the status to 64 bits.
    let status = |parameter: &u64| u32::try_from(parameter & u64::from(u32::MAX)).ok();
    let access = match parameters.first() {
        Some(0) => Some(Access::Read),
        Some(1) => Some(Access::Write),
        Some(8) => Some(Access::Execute),
        _ => None,
    };
    Ok(InPage {
        access,
        address: parameters.get(1).map(|address| dump.address(*address)),
        status: parameters.get(2).and_then(status),
    })
}

fn modules(dump: &Dump<'_, impl ReadAt + ?Sized>) -> Result<Vec<Module>> {
    let Some(stream) = dump.stream(MINIDUMP_STREAM_TYPE::ModuleListStream, MODULES)? else {
        return Ok(Vec::new());
    };
    let list = dump.list::<MINIDUMP_MODULE>(stream, MAX_MODULES)?;
    let (mut modules, mut names) = (Vec::new(), Vec::new());
    dump.records(list, |record: MINIDUMP_MODULE| {
        modules.push(Module {
            range: Some((dump.address(record.base_of_image), record.size_of_image)),
            time_stamp: Some(record.time_date_stamp),
            checksum: Some(record.checksum),
            ..Module::default()
        });
        names.push(record.module_name_rva);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut left = MAX_NAMES_LENGTH;
    for (module, offset) in modules.iter_mut().zip(names) {
        module.path = name(dump, offset, &mut left)?;
    }
    Ok(modules)
}

/// Reads the `MINIDUMP_STRING` at an offset: its length in bytes, then UTF-16. `left` is the number
/// of units that this and all further names may have together.
fn name(dump: &Dump<'_, impl ReadAt + ?Sized>, offset: u32, left: &mut usize) -> Result<String> {
    let length: u32 = dump.record(offset.into(), NAMES)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length % 2 != 0 || length / 2 > MAX_NAME_LENGTH.min(*left) {
        return Err(CrashError::Malformed(NAMES));
    }
    *left -= length / 2;
    let bytes = dump.bytes(u64::from(offset) + size_of::<u32>() as u64, length, NAMES)?;
    Ok(decode_utf_16(&bytes))
}

/// Finds the program's module. Modules are in load order, and the program is the first. It may end
/// in `.scr` or anything else. Only if the first is a DLL, the first `.exe` is taken instead.
fn program(modules: &[Module]) -> Option<&Module> {
    let has_extension = |module: &Module, extension: &[u8; 4]| {
        let end = module.path.as_bytes().last_chunk::<4>();
        end.is_some_and(|end| end.eq_ignore_ascii_case(extension))
    };
    let first = modules.first()?;
    let program = modules.iter().find(|module| has_extension(module, b".exe"));
    if has_extension(first, b".dll") { program.or(Some(first)) } else { Some(first) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::io;
    use testkit::dump::{Loaded, SIZE_OF_IMAGE, STREAMS, Synthesized, image};

    const X86: u16 = 0;
    const ARM: u16 = 5;
    const X64: u16 = 9;
    const ARM64: u16 = 12;

    const TOOL: u64 = 0x7ff6_1234_0000;
    const DLL: u64 = 0x7ffa_0000_0000;

    /// Offsets of the directory's entries and of the module list in synthesized dumps.
    const SYSTEM: usize = 32;
    const EXCEPTIONS: usize = 44;
    const REGIONS: usize = 56;
    const MODULE_ENTRY: usize = 68;
    const MEMORY: usize = 80;
    const MODULE_LIST: usize = STREAMS + 56 + 168;

    /// A program that lost its share, with one DLL.
    fn share_lost() -> Synthesized {
        Synthesized {
            architecture: X64,
            time: 1_700_000_000,
            exception: Some((IN_PAGE_ERROR, vec![8, TOOL + 0x1000, 0xc000_020c])),
            modules: vec![
                Loaded::new(TOOL, 0x6500_0000, r"\\server\tools\tool.exe"),
                Loaded::new(DLL, 0x6500_0001, r"C:\Windows\System32\ntdll.dll"),
            ],
            memory: vec![
                (0x1_0000, vec![0; 100]),
                (TOOL, image(0xe8, 0x6500_0000, 0x0822)),
                (DLL, image(0xe8, 0x6500_0001, 0x2022)),
            ],
            ..Synthesized::default()
        }
    }

    fn read(bytes: &[u8]) -> Result<Crash, CrashError> {
        super::read(bytes, bytes.len() as u64)
    }

    fn patched(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    }

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    /// A file with these parts, and zeros elsewhere. It counts the reads and their bytes.
    struct Sparse {
        parts: Vec<(u64, Vec<u8>)>,
        length: u64,
        reads: Cell<usize>,
        bytes: Cell<usize>,
        largest: Cell<usize>,
    }

    impl Sparse {
        fn new(parts: impl IntoIterator<Item = (u64, Vec<u8>)>, length: u64) -> Self {
            let (reads, bytes, largest) = Default::default();
            Sparse { parts: parts.into_iter().collect(), length, reads, bytes, largest }
        }
    }

    impl ReadAt for Sparse {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            let left = usize::try_from(self.length.saturating_sub(offset)).unwrap();
            let length = left.min(buffer.len());
            buffer[..length].fill(0);
            let distance = |from: u64, to: u64| usize::try_from(to.saturating_sub(from)).unwrap();
            for (start, bytes) in &self.parts {
                let to = buffer[..length].get_mut(distance(offset, *start)..).unwrap_or_default();
                let from = bytes.get(distance(*start, offset)..).unwrap_or_default();
                let count = from.len().min(to.len());
                to[..count].copy_from_slice(&from[..count]);
            }
            self.reads.set(self.reads.get() + 1);
            self.bytes.set(self.bytes.get() + length);
            self.largest.set(self.largest.get().max(buffer.len()));
            Ok(length)
        }

        fn length(&self) -> io::Result<u64> {
            Ok(self.length)
        }
    }

    #[test]
    fn first_bytes_identify_the_kind_of_dump() {
        for (start, is_mini, is_kernel) in [
            (&b"MDMP\x93\xa7"[..], true, false),
            (b"PAGEDUMP", false, true),
            (b"PAGEDU64\x0f", false, true),
            (b"PAGE", false, false),
            (b"MDM", false, false),
            (b"", false, false),
        ] {
            assert_eq!((is_minidump(start), is_kernel_dump(start)), (is_mini, is_kernel));
        }
        assert!(matches!(read(b"PAGEDU64"), Err(CrashError::KernelDump)));
        assert!(matches!(read(b"MZ"), Err(CrashError::UnknownFormat)));
    }

    #[test]
    fn program_exception_and_modules_are_read() {
        let module = |path: &str, base, time_stamp, characteristics| Module {
            path: path.to_owned(),
            range: Some((base, SIZE_OF_IMAGE)),
            time_stamp: Some(time_stamp),
            checksum: Some(0),
            characteristics,
        };
        for is_full in [false, true] {
            let crash = read(&Synthesized { is_full, ..share_lost() }.bytes()).unwrap();
            let expected = Crash {
                program: Some(r"\\server\tools\tool.exe".to_owned()),
                time: Some(1_700_000_000),
                exception: Exception {
                    code: IN_PAGE_ERROR,
                    in_page: InPage {
                        access: Some(Access::Execute),
                        address: Some(TOOL + 0x1000),
                        status: Some(0xc000_020c),
                    },
                },
                modules: vec![
                    module(r"\\server\tools\tool.exe", TOOL, 0x6500_0000, Some(0x0822)),
                    module(r"C:\Windows\System32\ntdll.dll", DLL, 0x6500_0001, Some(0x2022)),
                ],
                ..Crash::default()
            };
            assert_eq!(crash, expected);
        }
    }

    #[test]
    fn missing_in_page_parameters_are_none() {
        let page = |access, address, status| InPage { access, address, status };
        for (code, parameters, expected) in [
            (IN_PAGE_ERROR, vec![], page(None, None, None)),
            (IN_PAGE_ERROR, vec![0], page(Some(Access::Read), None, None)),
            (IN_PAGE_ERROR, vec![1, 5], page(Some(Access::Write), Some(5), None)),
            (IN_PAGE_ERROR, vec![8, 5, 6], page(Some(Access::Execute), Some(5), Some(6))),
            (IN_PAGE_ERROR, vec![7, 5, 6, 7], page(None, Some(5), Some(6))),
            (IN_PAGE_ERROR, vec![0; 15], page(Some(Access::Read), Some(0), Some(0))),
            (
                IN_PAGE_ERROR,
                vec![0, u64::MAX, 0xffff_ffff_c000_00be],
                page(Some(Access::Read), Some(u64::MAX), Some(0xc000_00be)),
            ),
            (0xc000_0005, vec![0, 5], page(None, None, None)),
        ] {
            let dump = Synthesized { exception: Some((code, parameters)), ..share_lost() };
            let exception = read(&dump.bytes()).unwrap().exception;
            assert_eq!(exception, Exception { code, in_page: expected });
        }
        let too_many =
            Synthesized { exception: Some((IN_PAGE_ERROR, vec![0; 15])), ..share_lost() };
        let count = STREAMS + 56 + 32;
        let too_many = patched(&too_many.bytes(), count, &16_u32.to_le_bytes());
        assert!(matches!(read(&too_many), Err(CrashError::Malformed(EXCEPTION))));
    }

    #[test]
    fn addresses_are_truncated_to_the_processors_width() {
        const EXTENDED: u64 = 0xffff_ffff_8040_0000;
        const SHORT: u64 = 0x8040_0000;
        for (architecture, expected) in
            [(X86, SHORT), (ARM, SHORT), (X64, EXTENDED), (ARM64, EXTENDED)]
        {
            // Some writers sign-extend addresses in one place and not in another.
            for (module, memory) in
                [(EXTENDED, EXTENDED), (expected, EXTENDED), (EXTENDED, expected)]
            {
                for is_full in [false, true] {
                    let dump = Synthesized {
                        architecture,
                        exception: Some((IN_PAGE_ERROR, vec![0, EXTENDED + 0x10, 0xc000_020c])),
                        modules: vec![Loaded::new(module, 7, "a.exe")],
                        memory: vec![(memory, image(0x80, 7, 0x0102))],
                        is_full,
                        ..share_lost()
                    };
                    let crash = read(&dump.bytes()).unwrap();
                    assert_eq!(crash.exception.in_page.address, Some(expected + 0x10));
                    assert_eq!(crash.modules[0].range, Some((expected, SIZE_OF_IMAGE)));
                    assert_eq!(crash.modules[0].characteristics, Some(0x0102));
                }
            }
        }
    }

    #[test]
    fn dump_without_exception_is_refused() {
        let living = Synthesized { exception: None, ..share_lost() };
        assert!(matches!(read(&living.bytes()), Err(CrashError::NoException)));
    }

    #[test]
    fn program_is_the_first_module_that_is_not_a_dll() {
        for (paths, expected) in [
            (&[r"C:\a\Tool.EXE", "b.exe"][..], Some(r"C:\a\Tool.EXE")),
            (&["saver.scr", "b.exe"], Some("saver.scr")),
            (&["ntdll.DLL", "b.dll", "b.exe"], Some("b.exe")),
            (&["ntdll.dll", "exe"], Some("ntdll.dll")),
            (&[""], Some("")),
            (&[], None),
        ] {
            let modules = paths.iter().map(|path| Loaded::new(DLL, 0, path)).collect();
            let crash = read(&Synthesized { modules, time: 0, ..share_lost() }.bytes()).unwrap();
            assert_eq!((crash.program.as_deref(), crash.time), (expected, None));
        }
    }

    #[test]
    fn module_names_may_be_invalid_utf_16() {
        let longest = vec![u16::from(b'x'); MAX_NAME_LENGTH];
        for (path, expected) in [
            (
                "\\\\server\\Größe\\\u{1f980}.exe".encode_utf16().collect(),
                "\\\\server\\Größe\\🦀.exe",
            ),
            (vec![0x61, 0xd83e, 0x62, 0xdd80], "a\u{fffd}b\u{fffd}"),
            (longest.clone(), &"x".repeat(MAX_NAME_LENGTH)),
        ] {
            let modules = vec![Loaded { path, ..Loaded::default() }];
            let crash = read(&Synthesized { modules, ..share_lost() }.bytes()).unwrap();
            assert_eq!(crash.modules[0].path, expected);
        }
        let path = [longest, vec![0]].concat();
        let modules = vec![Loaded { path, ..Loaded::default() }];
        let read = read(&Synthesized { modules, ..share_lost() }.bytes());
        assert!(matches!(read, Err(CrashError::Malformed(NAMES))));
    }

    #[test]
    fn characteristics_come_from_the_same_images_header() {
        let header = |e_lfanew| image(e_lfanew, 7, 0x0822);
        let cut = |e_lfanew, by: usize| {
            let mut bytes = header(e_lfanew);
            bytes.truncate(bytes.len() - by);
            bytes
        };
        let before = |bytes: Vec<u8>| [vec![0; 0x300], bytes].concat();
        let none = Vec::new();
        for (name, start, memory, expected) in [
            ("at the base", TOOL, header(0x80), Some(0x0822)),
            ("folded into the DOS header", TOOL, header(0x40), Some(0x0822)),
            ("across what is read first", TOOL, header(500), Some(0x0822)),
            ("beyond what is read first", TOOL, header(3000), Some(0x0822)),
            ("inside a region", TOOL - 0x300, before(header(0x80)), Some(0x0822)),
            ("cut off by a byte", TOOL, cut(0x80, 1), None),
            ("cut off by a byte, beyond", TOOL, cut(3000, 1), None),
            ("cut off in the DOS header", TOOL, header(0x80)[..0x3f].to_vec(), None),
            ("another build", TOOL, image(0x80, 8, 0x0822), None),
            ("no image", TOOL, vec![0; 0x200], None),
            ("no NT headers", TOOL, patched(&header(0x80), 0x80, b"NE"), None),
            ("an offset beyond all", TOOL, patched(&header(0x80), 0x3c, &[0xff; 4]), None),
            ("behind the base", TOOL + 1, header(0x80), None),
            ("just before the base", TOOL - 0x300, vec![0; 0x300], None),
            ("nothing", TOOL, none, None),
        ] {
            for is_full in [false, true] {
                let dump = Synthesized {
                    modules: vec![Loaded::new(TOOL, 7, "a.exe")],
                    memory: vec![(start, memory.clone())],
                    is_full,
                    ..share_lost()
                };
                let crash = read(&dump.bytes()).unwrap();
                assert_eq!(crash.modules[0].characteristics, expected, "{name}");
            }
        }
    }

    #[test]
    fn first_stream_or_region_of_a_kind_is_used() {
        let bytes = share_lost().bytes();
        // The system information becomes a second exception: first after the real one, then before
        // it.
        let entry = bytes[SYSTEM..EXCEPTIONS].to_vec();
        let second = [&6_u32.to_le_bytes(), &entry[4..]].concat();
        let behind = patched(&bytes, MEMORY, &second);
        assert_eq!(read(&behind).unwrap().exception.code, IN_PAGE_ERROR);
        let before = patched(&bytes, SYSTEM, &6_u32.to_le_bytes());
        assert!(matches!(read(&before), Err(CrashError::Malformed(EXCEPTION))));
        let empty = patched(&before, SYSTEM + 4, &[0; 4]);
        assert_eq!(read(&empty).unwrap().exception.code, IN_PAGE_ERROR);

        let twice = vec![(TOOL, image(0x80, 7, 1)), (TOOL, image(0x80, 7, 2))];
        let modules = vec![Loaded::new(TOOL, 7, "a.exe"), Loaded::new(TOOL, 7, "b.exe")];
        let crash = read(&Synthesized { modules, memory: twice, ..share_lost() }.bytes()).unwrap();
        for module in crash.modules {
            assert_eq!(module.characteristics, Some(1));
        }
    }

    #[test]
    fn kind_of_memory_comes_from_the_region() {
        let regions = vec![
            (0, 0x1_0000, 0),
            (0x1_0000, 0x1000, 0x2_0000),
            (0x1_1000, 0x1000, 0x4_0000),
            (0x1_2000, 0x1000, 0x100_0000),
            (0x1_3000, 0x1000, 0x6_0000),
            (0x1_4000, 0x1000, 0x8_0000),
            (0x1_4000, 0x1000, 0x2_0000),
            (0x8000_0000, 0x1_0000, 0x4_0000),
        ];
        for (architecture, address, expected) in [
            (X64, 0, None),
            (X64, 0x1_0000, Some(MemoryKind::Private)),
            (X64, 0x1_0fff, Some(MemoryKind::Private)),
            (X64, 0x1_1000, Some(MemoryKind::Mapped)),
            (X64, 0x1_2abc, Some(MemoryKind::Image)),
            (X64, 0x1_3000, None),
            (X64, 0x1_4000, None),
            (X64, 0x1_5000, None),
            (X64, u64::MAX, None),
            // Addresses are truncated to 32 bits.
            (X86, 0xffff_ffff_8000_1234, Some(MemoryKind::Mapped)),
        ] {
            let exception = Some((IN_PAGE_ERROR, vec![0, address, 0xc000_020c]));
            let regions = regions.clone();
            let dump = Synthesized { architecture, exception, regions, ..share_lost() };
            assert_eq!(read(&dump.bytes()).unwrap().memory, expected, "{address:#x}");
        }
    }

    #[test]
    fn regions_with_another_entry_size_are_ignored() {
        let dump =
            Synthesized { regions: vec![(TOOL, 0x1_0000, 0x4_0000)], ..share_lost() }.bytes();
        let list = u32_at(&dump, REGIONS + 8) as usize;
        assert_eq!(read(&dump).unwrap().memory, Some(MemoryKind::Mapped));
        assert_eq!(read(&patched(&dump, list + 4, &[56])).unwrap().memory, None);
    }

    #[test]
    fn truncated_dump_is_read_as_far_as_possible() {
        let regions = vec![(TOOL, 0x1_0000, 0x4_0000)];
        for is_full in [false, true] {
            let dump = Synthesized { is_full, regions: regions.clone(), ..share_lost() };
            let bytes = dump.bytes();
            let memory = u32_at(&bytes, MEMORY + 8) as usize;
            let whole = read(&bytes).unwrap();
            assert!(!whole.is_cut_off);
            for length in 0..bytes.len() {
                let cut = &bytes[..length];
                // The claimed length may be outdated when the file is read.
                for claimed in [length, bytes.len()] {
                    match super::read(cut, claimed as u64) {
                        Ok(crash) if crash.is_cut_off => {
                            // The two bytes before the memory are the zero after the last name,
                            // which is not needed.
                            assert!(length + 2 >= memory, "{length}");
                            let mut known = whole.clone();
                            known.is_cut_off = true;
                            for (known, module) in known.modules.iter_mut().zip(&crash.modules) {
                                known.characteristics =
                                    module.characteristics.and(known.characteristics);
                            }
                            assert_eq!(crash, known, "{length}");
                            let is_lost = |module: &Module| module.characteristics.is_none();
                            assert!(crash.modules.iter().any(is_lost), "{length}");
                        }
                        // The missing part was not needed.
                        Ok(crash) => assert_eq!(crash, whole, "{length}"),
                        Err(CrashError::UnknownFormat) => assert!(length < 4),
                        Err(CrashError::Truncated(_)) => assert!(length >= 4),
                        Err(error) => panic!("{length}: {error}"),
                    }
                }
            }
        }
    }

    #[test]
    fn any_wrong_byte_is_handled_with_little_memory() {
        for is_full in [false, true] {
            let bytes = Synthesized { is_full, ..share_lost() }.bytes();
            for at in 0..bytes.len() {
                for wrong in [0, 1, 0x7f, 0x80, 0xff] {
                    let file = Sparse::new([(0, patched(&bytes, at, &[wrong]))], 0x2000);
                    let _ = super::read(&file, file.length);
                    assert!(file.bytes.get() < 1 << 20 && file.largest.get() <= 64 << 10);
                }
            }
        }
    }

    #[test]
    fn wrong_counts_and_offsets_are_errors() {
        let dump = Synthesized { regions: vec![(0, 0x1000, 0x2_0000); 2], ..share_lost() };
        let (mini, full) = (dump.bytes(), Synthesized { is_full: true, ..dump }.bytes());
        let kinds = u32_at(&mini, REGIONS + 8) as usize;
        let modules = u32_at(&mini, MODULE_ENTRY + 8) as usize;
        let list = |bytes| u32_at(bytes, MEMORY + 8) as usize;
        let name = u32_at(&mini, modules + 4 + 20) as usize;
        let (most, all): (&[u8], &[u8]) = (&[0xff; 4], &[0xff; 8]);
        for (name, file, at, with) in [
            ("streams", &mini, 8, most),
            ("directory beyond the end", &mini, 12, most),
            ("system information beyond the end", &mini, SYSTEM + 8, most),
            ("exception beyond the end", &mini, EXCEPTIONS + 8, most),
            ("exception's size", &mini, EXCEPTIONS + 4, most),
            ("exception's size, too small", &mini, EXCEPTIONS + 4, &[167, 0, 0, 0]),
            ("modules beyond the end", &mini, MODULE_ENTRY + 8, most),
            ("modules' size", &mini, MODULE_ENTRY + 4, most),
            ("modules' size, too small", &mini, MODULE_ENTRY + 4, &[219, 0, 0, 0]),
            ("modules", &mini, modules, most),
            ("one module more", &mini, modules, &[3, 0, 0, 0]),
            ("name beyond the end", &mini, modules + 4 + 20, most),
            ("name's length", &mini, name, most),
            ("name's length, odd", &mini, name, &[3, 0, 0, 0]),
            ("name's length, beyond the end", &mini, name, &[0xfe, 0xff, 0, 0]),
            ("kinds of memory, their size, too small", &mini, REGIONS + 4, &[15, 0, 0, 0]),
            ("kinds of memory", &mini, kinds + 8, all),
            ("one kind of memory more", &mini, kinds + 8, &[3]),
            ("their start", &mini, kinds, most),
            ("regions", &mini, list(&mini), most),
            ("regions of a full dump", &full, list(&full), all),
            ("one region more", &full, list(&full), &[4, 0, 0, 0]),
            ("memory beyond all", &full, list(&full) + 8, all),
            ("region's size", &full, list(&full) + 16 + 8, all),
            ("size of the list of a full dump", &full, MEMORY + 4, &[15, 0, 0, 0]),
        ] {
            let bytes = patched(file, at, with);
            let file = Sparse::new([(0, bytes)], file.len() as u64);
            let read = super::read(&file, file.length);
            let is_right = matches!(read, Err(CrashError::Truncated(_) | CrashError::Malformed(_)));
            assert!(is_right, "{name}: {read:?}");
            // Each allocated buffer is filled by a read, so the largest read shows the largest
            // allocation.
            assert!(file.largest.get() <= 64 << 10, "{name}: {}", file.largest.get());
        }
    }

    #[test]
    fn oversized_lists_are_refused_without_reading_them() {
        const END: u64 = 4 << 30;
        let lies = |at: usize, with: &[u8], list: Option<(u64, Vec<u8>)>| {
            let bytes = patched(&share_lost().bytes(), at, with);
            let file = Sparse::new([(0, bytes)].into_iter().chain(list), END);
            let read = super::read(&file, END);
            assert!(matches!(read, Err(CrashError::Malformed(_))), "{read:?}");
            assert!(file.bytes.get() < 64 << 10, "{}", file.bytes.get());
        };
        // Lists that fit into the file, but are longer than any real list.
        let entry = |kind: u32| [kind, 0xf000_0000, 0x1000].map(u32::to_le_bytes).concat();
        let count = |count: u64| Some((0x1000, count.to_le_bytes().to_vec()));
        lies(MODULE_ENTRY, &entry(4), count(0x0020_0000));
        lies(MEMORY, &entry(5), count(0x0e00_0000));
        lies(MEMORY, &entry(9), count(0x0e00_0000));

        // Modules that share one name.
        let modules = vec![Loaded { path: vec![0x78; MAX_NAME_LENGTH], ..Loaded::default() }];
        let bytes = Synthesized { modules, ..share_lost() }.bytes();
        let module = &bytes[MODULE_LIST + 4..][..108];
        let list = [&10_000_u32.to_le_bytes()[..], &module.repeat(10_000)].concat();
        let at = bytes.len();
        let entry = [4, u32::try_from(list.len()).unwrap(), u32::try_from(at).unwrap()];
        let bytes = patched(&bytes, MODULE_ENTRY, &entry.map(u32::to_le_bytes).concat());
        let shared = read(&[bytes, list].concat());
        assert!(matches!(shared, Err(CrashError::Malformed(NAMES))), "{shared:?}");
    }

    #[test]
    fn an_8_gb_dump_needs_less_than_64_kib_of_reads() {
        const PADDING: u64 = 80 << 20;
        let base = |index: u64| DLL + index * (PADDING + (1 << 20));
        let modules = (0..50).map(|index| {
            Loaded::new(base(index), 7, &format!(r"C:\Program Files\Some Tool\library{index}.dll"))
        });
        let images = (0..50).flat_map(|index| {
            let before = base(index) - PADDING - 16;
            [(before, vec![0; 16]), (base(index), image(0x108, 7, 0x2022))]
        });
        // The regions after the last module are never read.
        let others = (0..100_000).map(|index| (base(100) + index * 0x1000, Vec::new()));
        let dump = Synthesized {
            modules: modules.collect(),
            memory: images.chain(others).collect(),
            is_full: true,
            padding: PADDING,
            ..share_lost()
        };
        let (length, parts) = dump.parts();
        let file = Sparse::new(parts.into_iter().take(101), length);
        let (last, _) = file.parts[100];
        assert!(last > 8_000_000_000, "{last}");
        let crash = super::read(&file, length).unwrap();
        assert_eq!(crash.modules.len(), 50);
        assert!(crash.modules.iter().all(|module| module.characteristics == Some(0x2022)));
        let (reads, bytes) = (file.reads.get(), file.bytes.get());
        assert!(reads < 70 && bytes < 64 << 10, "{reads} reads, {bytes} bytes");
    }

    #[test]
    fn single_byte_reads_give_the_same_result() {
        struct Slow(Vec<u8>);
        impl ReadAt for Slow {
            fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
                let length = buffer.len().min(1);
                self.0.read_at(&mut buffer[..length], offset)
            }

            fn length(&self) -> io::Result<u64> {
                self.0.length()
            }
        }
        let bytes = share_lost().bytes();
        let slow = super::read(&Slow(bytes.clone()), bytes.len() as u64).unwrap();
        assert_eq!(slow, read(&bytes).unwrap());
    }
}
