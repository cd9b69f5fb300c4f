//! Finds the kind of memory at an address. Writers record it only with the option
//! `MiniDumpWithFullMemoryInfo`.
//!
//! Source:
//! [`MINIDUMP_MEMORY_INFO_LIST`](https://learn.microsoft.com/windows/win32/api/minidumpapiset/ns-minidumpapiset-minidump_memory_info_list).

use std::ops::ControlFlow;

use minidump_common::format::{
    MINIDUMP_MEMORY_INFO, MINIDUMP_MEMORY_INFO_LIST, MINIDUMP_STREAM_TYPE, MemoryType,
};
use netswap::image::ReadAt;

use super::dump::{Dump, List, Record};
use super::{CrashError, MAX_REGIONS, MemoryKind, Result};

/// The name of this part in error messages.
const REGIONS: &str = "list of memory regions";

/// Returns the kind of memory at an address. Returns `None` if the dump does not record it, or
/// there is no memory.
pub(super) fn memory_at(
    dump: &Dump<'_, impl ReadAt + ?Sized>,
    address: u64,
) -> Result<Option<MemoryKind>> {
    let Some(stream) = dump.stream(MINIDUMP_STREAM_TYPE::MemoryInfoListStream, REGIONS)? else {
        return Ok(None);
    };
    if stream.size < MINIDUMP_MEMORY_INFO_LIST::size() as u64 {
        return Err(CrashError::Malformed(REGIONS));
    }
    let head: MINIDUMP_MEMORY_INFO_LIST = dump.record(stream.offset, REGIONS)?;
    let (start, entry) = (u64::from(head.size_of_header), u64::from(head.size_of_entry));
    // Another version of Windows may have longer entries, whose content is unknown.
    if entry != MINIDUMP_MEMORY_INFO::size() as u64 {
        return Ok(None);
    }
    let count = head.number_of_entries;
    let list = List::new(stream.offset + start, count, MAX_REGIONS, REGIONS)?;
    if start + count * entry > stream.size {
        return Err(CrashError::Malformed(REGIONS));
    }
    let mut found = None;
    dump.records(list, |region: MINIDUMP_MEMORY_INFO| {
        let before = address.checked_sub(dump.address(region.base_address));
        if before.is_none_or(|before| before >= region.region_size) {
            return Ok(ControlFlow::Continue(()));
        }
        found = match MemoryType::from_bits(region._type) {
            Some(MemoryType::MEM_IMAGE) => Some(MemoryKind::Image),
            Some(MemoryType::MEM_MAPPED) => Some(MemoryKind::Mapped),
            Some(MemoryType::MEM_PRIVATE) => Some(MemoryKind::Private),
            _ => None,
        };
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}
