//! A minidump: its directory, and the records and lists in its streams.
//!
//! The dump reader does not map files. If a mapped dump is on a share and the share is lost, access
//! to a page of the dump raises an exception. It is the very exception that the reader diagnoses
//! (0xC0000006).

use std::ops::ControlFlow;

use minidump_common::format::{
    MINIDUMP_DIRECTORY, MINIDUMP_HEADER, MINIDUMP_STREAM_TYPE, MINIDUMP_SYSTEM_INFO,
    MINIDUMP_VERSION, ProcessorArchitecture,
};
use netswap::image::{ReadAt, WindowedReader, read_full};
use scroll::ctx::{SizeWith, TryFromCtx};
use scroll::{Endian, LE, Pread};

use super::{CrashError, Result, is_kernel_dump, is_minidump};

/// The maximum number of streams in a dump. Writers have some twenty kinds of streams, and users may add their
/// own.
const MAX_STREAMS: u32 = 1024;

/// The sizes in bytes of the first and of the largest read of a list. Most lists are short. For long
/// lists the size doubles with each read.
const READ_SIZES: (usize, usize) = (4 << 10, 64 << 10);

/// The names of these parts in error messages.
const HEADER: &str = "header";
const DIRECTORY: &str = "stream directory";
const SYSTEM: &str = "system information";

/// The processors with 32-bit addresses.
const PROCESSORS_32_BIT: [u16; 3] = [
    ProcessorArchitecture::PROCESSOR_ARCHITECTURE_INTEL as u16,
    ProcessorArchitecture::PROCESSOR_ARCHITECTURE_ARM as u16,
    ProcessorArchitecture::PROCESSOR_ARCHITECTURE_IA32_ON_WIN64 as u16,
];

/// A structure of the minidump format, as it is in the file.
pub(super) trait Record:
    for<'a> TryFromCtx<'a, Endian, Error = scroll::Error> + SizeWith<Endian>
{
    fn size() -> usize {
        Self::size_with(&LE)
    }
}

impl<T> Record for T where
    T: for<'a> TryFromCtx<'a, Endian, Error = scroll::Error> + SizeWith<Endian>
{
}

/// A part of the file that does not reach beyond its end.
#[derive(Clone, Copy)]
pub(super) struct Stream {
    pub(super) offset: u64,
    pub(super) size: u64,
    /// Its name in error messages.
    what: &'static str,
}

/// A number of records, starting at an offset.
#[derive(Clone, Copy)]
pub(super) struct List {
    offset: u64,
    count: u64,
    /// Its name in error messages.
    what: &'static str,
}

impl List {
    /// Returns the list, unless it has more than `max` records.
    pub(super) fn new(offset: u64, count: u64, max: u64, what: &'static str) -> Result<Self> {
        if count > max {
            Err(CrashError::Malformed(what))
        } else {
            Ok(List { offset, count, what })
        }
    }
}

/// A minidump whose directory was read.
pub(super) struct Dump<'a, R: ?Sized> {
    /// When it was written, in seconds since 1970.
    pub(super) time: u32,
    file: &'a R,
    length: u64,
    window: WindowedReader<'a, R>,
    directory: Vec<MINIDUMP_DIRECTORY>,
    has_32_bits: bool,
}

impl<'a, R: ReadAt + ?Sized> Dump<'a, R> {
    pub(super) fn open(file: &'a R, length: u64) -> Result<Self> {
        let window = WindowedReader::new(file);
        let start = window.bytes(0, MINIDUMP_HEADER::size())?;
        if is_kernel_dump(&start) {
            return Err(CrashError::KernelDump);
        }
        if !is_minidump(&start) {
            return Err(CrashError::UnknownFormat);
        }
        let directory = Vec::new();
        let mut dump = Dump { time: 0, file, length, window, directory, has_32_bits: false };
        let header: MINIDUMP_HEADER = dump.record(0, HEADER)?;
        // The upper half of the version belongs to the writer.
        if header.version & 0xffff != MINIDUMP_VERSION || header.stream_count > MAX_STREAMS {
            return Err(CrashError::Malformed(HEADER));
        }
        dump.time = header.time_date_stamp;
        let mut offset = u64::from(header.stream_directory_rva);
        for _ in 0..header.stream_count {
            let entry = dump.record(offset, DIRECTORY)?;
            dump.directory.push(entry);
            offset += MINIDUMP_DIRECTORY::size() as u64;
        }
        let kind = MINIDUMP_STREAM_TYPE::SystemInfoStream;
        let system: Option<MINIDUMP_SYSTEM_INFO> = dump.stream_record(kind, SYSTEM)?;
        let processor = system.map(|system| system.processor_architecture);
        dump.has_32_bits =
            processor.is_some_and(|processor| PROCESSORS_32_BIT.contains(&processor));
        Ok(dump)
    }

    /// Returns an address as the program had it. Some writers sign-extend 32-bit addresses.
    pub(super) fn address(&self, address: u64) -> u64 {
        if self.has_32_bits { address & u64::from(u32::MAX) } else { address }
    }

    /// Finds the first stream of a kind that is not empty.
    pub(super) fn stream(
        &self,
        kind: MINIDUMP_STREAM_TYPE,
        what: &'static str,
    ) -> Result<Option<Stream>> {
        let entries = self.directory.iter().filter(|entry| entry.stream_type == kind as u32);
        let mut locations = entries.map(|entry| entry.location);
        let Some(location) = locations.find(|location| location.data_size > 0) else {
            return Ok(None);
        };
        let (offset, size) = (u64::from(location.rva), u64::from(location.data_size));
        if offset + size > self.length {
            return Err(CrashError::Truncated(what));
        }
        Ok(Some(Stream { offset, size, what }))
    }

    /// Reads a stream that consists of one record.
    pub(super) fn stream_record<T: Record>(
        &self,
        kind: MINIDUMP_STREAM_TYPE,
        what: &'static str,
    ) -> Result<Option<T>> {
        let Some(stream) = self.stream(kind, what)? else {
            return Ok(None);
        };
        if stream.size < T::size() as u64 {
            return Err(CrashError::Malformed(what));
        }
        self.record(stream.offset, what).map(Some)
    }

    pub(super) fn record<T: Record>(&self, offset: u64, what: &'static str) -> Result<T> {
        let bytes = self.window.bytes(offset, T::size())?;
        bytes.pread_with(0, LE).map_err(|_| CrashError::Truncated(what))
    }

    pub(super) fn bytes(&self, offset: u64, count: usize, what: &'static str) -> Result<Vec<u8>> {
        let part = self.window.bytes(offset, count)?;
        if part.len() == count {
            return Ok(part);
        }
        // The bytes do not fit into the reader's window, or the file is cut off.
        let mut bytes = vec![0; count];
        self.fill(&mut bytes, offset, what)?;
        Ok(bytes)
    }

    pub(super) fn fill(&self, buffer: &mut [u8], offset: u64, what: &'static str) -> Result<()> {
        // Systems refuse to read at offsets that are too large for them.
        if offset > self.length || read_full(self.file, buffer, offset)? < buffer.len() {
            return Err(CrashError::Truncated(what));
        }
        Ok(())
    }

    /// Finds the list in a stream that begins with the number of records, which is at most `max`.
    pub(super) fn list<T: Record>(&self, stream: Stream, max: u64) -> Result<List> {
        let Stream { offset, size, what } = stream;
        let count: u32 = self.record(offset, what)?;
        let start = size_of::<u32>() as u64;
        let list = List::new(offset + start, count.into(), max, what)?;
        if start + list.count * T::size() as u64 > size {
            return Err(CrashError::Malformed(what));
        }
        Ok(list)
    }

    /// Passes the records of a list to `each`, until `each` stops.
    pub(super) fn records<T: Record>(
        &self,
        list: List,
        mut each: impl FnMut(T) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let List { mut offset, mut count, what } = list;
        let (mut at_once, max) = READ_SIZES;
        let mut chunk = Vec::new();
        while count > 0 {
            let fitting = at_once / T::size();
            let number = usize::try_from(count).map_or(fitting, |count| count.min(fitting));
            chunk.resize(number * T::size(), 0);
            self.fill(&mut chunk, offset, what)?;
            for record in chunk.chunks_exact(T::size()) {
                let record = record.pread_with(0, LE).map_err(|_| CrashError::Malformed(what))?;
                if each(record)?.is_break() {
                    return Ok(());
                }
            }
            offset += chunk.len() as u64;
            count -= number as u64;
            at_once = max.min(2 * at_once);
        }
        Ok(())
    }
}
