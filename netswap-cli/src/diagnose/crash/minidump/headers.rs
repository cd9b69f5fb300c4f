//! Reads the images' headers from a minidump. They are in the program's memory. The dump may
//! contain all of it, parts of it, or none.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use minidump_common::format::{
    MINIDUMP_MEMORY_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR64, MINIDUMP_STREAM_TYPE,
};
use netswap::image::ReadAt;
use object::LittleEndian;
use object::pe;
use object::pod;

use super::dump::{Dump, List, Record};
use super::{CrashError, MAX_REGIONS, Module, Result, unless_truncated};

/// Bytes read at the start of an image. With nearly every linker, the NT headers begin within them.
const FIRST_READ: usize = 512;

/// Bytes of the NT headers that are read: the signature and the file header.
const NT_HEADERS: usize = size_of::<u32>() + size_of::<pe::ImageFileHeader>();

/// The names of these parts in error messages.
const REGIONS: &str = "memory list";
const MEMORY: &str = "memory";

/// The part of the dump that holds the memory from an image's first address on.
#[derive(Clone, Copy)]
struct MemoryRange {
    offset: u64,
    size: u64,
}

/// Adds `Characteristics` to the modules whose headers the dump holds. Skips headers that are cut
/// off.
pub(super) fn add_characteristics(
    dump: &Dump<'_, impl ReadAt + ?Sized>,
    modules: &mut [Module],
    is_cut_off: &mut bool,
) -> Result<()> {
    let base = |module: &Module| module.range.map(|(base, _)| base);
    let ranges = find_memory(dump, modules.iter().filter_map(base).collect());
    let ranges = unless_truncated(ranges, is_cut_off)?.unwrap_or_default();
    for module in modules {
        let Some(range) = base(module).and_then(|base| ranges.get(&base)) else {
            continue;
        };
        let header = unless_truncated(file_header(dump, *range), is_cut_off)?.flatten();
        // The memory at this address may belong to another image, or to something else.
        let is_same = |header: &pe::ImageFileHeader| {
            module.time_stamp == Some(header.time_date_stamp.get(LittleEndian))
        };
        let header = header.filter(is_same);
        module.characteristics = header.map(|header| header.characteristics.get(LittleEndian).0);
    }
    Ok(())
}

/// Finds the wanted addresses that the dump holds, and their offsets. Stops reading the lists when
/// all are found.
fn find_memory(
    dump: &Dump<'_, impl ReadAt + ?Sized>,
    mut wanted: BTreeSet<u64>,
) -> Result<BTreeMap<u64, MemoryRange>> {
    let mut found = BTreeMap::new();
    let mut visit = |start: u64, size: u64, offset: u64| {
        let last = start.saturating_add(size.saturating_sub(1));
        // Remove each address when it is found. Otherwise a hostile list of regions could find the
        // same addresses over and over.
        for address in wanted.extract_if(start..=last, |_| size > 0) {
            let before = address - start;
            let offset = offset.saturating_add(before);
            found.insert(address, MemoryRange { offset, size: size - before });
        }
        if wanted.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    if let Some(stream) = dump.stream(MINIDUMP_STREAM_TYPE::MemoryListStream, REGIONS)? {
        let list = dump.list::<MINIDUMP_MEMORY_DESCRIPTOR>(stream, MAX_REGIONS)?;
        dump.records(list, |region: MINIDUMP_MEMORY_DESCRIPTOR| {
            let start = dump.address(region.start_of_memory_range);
            Ok(visit(start, region.memory.data_size.into(), region.memory.rva.into()))
        })?;
    }
    // This list has the offset of the first region only. The others follow it.
    if let Some(stream) = dump.stream(MINIDUMP_STREAM_TYPE::Memory64ListStream, REGIONS)? {
        let before = 2 * u64::size() as u64;
        let record = MINIDUMP_MEMORY_DESCRIPTOR64::size() as u64;
        let room = stream.size.checked_sub(before).ok_or(CrashError::Malformed(REGIONS))? / record;
        let count = dump.record(stream.offset, REGIONS)?;
        let mut offset: u64 = dump.record(stream.offset + before / 2, REGIONS)?;
        let list = List::new(stream.offset + before, count, room.min(MAX_REGIONS), REGIONS)?;
        dump.records(list, |region: MINIDUMP_MEMORY_DESCRIPTOR64| {
            let start = dump.address(region.start_of_memory_range);
            let flow = visit(start, region.data_size, offset);
            let next = offset.checked_add(region.data_size);
            offset = next.ok_or(CrashError::Malformed(REGIONS))?;
            Ok(flow)
        })?;
    }
    Ok(found)
}

/// Reads the file header of the image that begins there. Returns `None` if there is no image, or
/// the dump does not hold its header.
fn file_header(
    dump: &Dump<'_, impl ReadAt + ?Sized>,
    range: MemoryRange,
) -> Result<Option<pe::ImageFileHeader>> {
    let mut start = [0; FIRST_READ];
    let start = bytes(dump, range, &mut start)?;
    let Ok((dos, _)) = pod::from_bytes::<pe::ImageDosHeader>(start) else {
        return Ok(None);
    };
    if dos.e_magic.get(LittleEndian) != pe::IMAGE_DOS_SIGNATURE {
        return Ok(None);
    }
    let e_lfanew = dos.e_lfanew.get(LittleEndian);
    let nt_headers = start.get(e_lfanew as usize..).unwrap_or_default();
    if let Some(header) = nt_file_header(nt_headers) {
        return Ok(Some(header));
    }
    let Some(size) = range.size.checked_sub(e_lfanew.into()) else {
        return Ok(None);
    };
    let rest = MemoryRange { offset: range.offset.saturating_add(e_lfanew.into()), size };
    let mut nt_headers = [0; NT_HEADERS];
    Ok(nt_file_header(bytes(dump, rest, &mut nt_headers)?))
}

/// Reads the file header that follows the signature of NT headers. Returns `None` if these are not
/// NT headers.
fn nt_file_header(nt_headers: &[u8]) -> Option<pe::ImageFileHeader> {
    let (signature, rest) = nt_headers.split_first_chunk()?;
    let is_signed = u32::from_le_bytes(*signature) == pe::IMAGE_NT_SIGNATURE;
    let (header, _) = pod::from_bytes::<pe::ImageFileHeader>(rest).ok()?;
    is_signed.then_some(*header)
}

/// Fills the buffer from a range of memory. Returns fewer bytes if the range is shorter.
fn bytes<'a>(
    dump: &Dump<'_, impl ReadAt + ?Sized>,
    range: MemoryRange,
    buffer: &'a mut [u8],
) -> Result<&'a [u8]> {
    let size = usize::try_from(range.size).map_or(buffer.len(), |size| size.min(buffer.len()));
    let bytes = buffer.get_mut(..size).unwrap_or_default();
    dump.fill(bytes, range.offset, MEMORY)?;
    Ok(bytes)
}
