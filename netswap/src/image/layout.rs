//! The positions of an image's parts in its file: sections and data directories.
//!
//! Source: [PE format](https://learn.microsoft.com/windows/win32/debug/pe-format), "Optional Header
//! Data Directories" and "Section Table".

use std::ops::Range;

use object::LittleEndian as LE;
use object::pe;
use object::pod;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader};

use super::read::nt_headers;
use super::{Header, Malformed, ReadAt, ReadError, edit};

/// An image's header and the positions of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The fields of the header.
    pub header: Header,
    /// Offset of the NT headers in the file: `e_lfanew`.
    pub nt_headers: u32,
    /// The low 32 bits of `ImageBase`, which old delay-load descriptors add to their addresses.
    image_base: u32,
    size_of_headers: u32,
    file_alignment: u32,
    directories: Vec<Directory>,
    sections: Vec<Section>,
    /// The NT headers, with zeros in the fields that an edit changes.
    pub fixed_headers: Vec<u8>,
    /// Whether the fields that an edit changes overlap nothing else. In a crafted file, one header
    /// can overlap another, and the section table can overlap the optional header.
    pub can_be_edited: bool,
    /// The bytes from Characteristics to `CheckSum`, as they are in the file.
    pub(super) editable: [u8; edit::EDITABLE_LENGTH],
}

/// An entry of the data directories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Relative virtual address of the data. For the certificate table, its offset in the file.
    pub address: u32,
    /// Size of the data in bytes.
    pub size: u32,
}

/// A data directory that netswap reads. The value is its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum DirectoryEntry {
    /// The import table.
    Import = pe::IMAGE_DIRECTORY_ENTRY_IMPORT,
    /// The attribute certificate table.
    Certificate = pe::IMAGE_DIRECTORY_ENTRY_SECURITY,
    /// The delay-load import table.
    DelayImport = pe::IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT,
    /// The CLR runtime header.
    ClrRuntimeHeader = pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR,
}

/// The position of a section in memory and in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Section {
    address: u32,
    virtual_size: u32,
    offset: u32,
    raw_size: u32,
}

/// The smallest `FileAlignment` with which Windows reads sections from whole sectors.
const SECTOR: u32 = 0x200;

impl Layout {
    /// Reads the headers of a file. Returns `None` if the file is not an image.
    ///
    /// # Errors
    ///
    /// Fails if the file can't be read, or if it begins like an image but is not one.
    pub fn read(file: &(impl ReadAt + ?Sized)) -> Result<Option<Self>, ReadError> {
        nt_headers(file, Layout::parse)
    }

    /// Parses NT headers that were read from the offset `e_lfanew`.
    pub(super) fn parse(e_lfanew: u32, bytes: &[u8]) -> Result<Self, Malformed> {
        let header = Header::parse(bytes)?;
        if header.is_pe32_plus {
            Self::parse_as::<pe::ImageNtHeaders64>(header, e_lfanew, bytes)
        } else {
            Self::parse_as::<pe::ImageNtHeaders32>(header, e_lfanew, bytes)
        }
    }

    fn parse_as<Nt: ImageNtHeaders>(
        header: Header,
        e_lfanew: u32,
        bytes: &[u8],
    ) -> Result<Self, Malformed> {
        let (nt, after) = pod::from_bytes::<Nt>(bytes).map_err(|()| Malformed::Truncated)?;
        let optional = nt.optional_header();
        let count = usize::try_from(optional.number_of_rva_and_sizes()).unwrap_or(usize::MAX);
        let directories = records::<pe::ImageDataDirectory>(after)
            .take(count.min(pe::IMAGE_NUMBEROF_DIRECTORY_ENTRIES))
            .map(|entry| Directory {
                address: entry.virtual_address.get(LE),
                size: entry.size.get(LE),
            });
        let file = nt.file_header();
        let table = size_of::<u32>()
            + size_of::<pe::ImageFileHeader>()
            + usize::from(file.size_of_optional_header.get(LE));
        let sections = records::<pe::ImageSectionHeader>(bytes.get(table..).unwrap_or_default())
            .take(usize::from(file.number_of_sections.get(LE)).min(Header::MAX_SECTIONS))
            .map(|section| Section {
                address: section.virtual_address.get(LE),
                virtual_size: section.virtual_size.get(LE),
                offset: section.pointer_to_raw_data.get(LE),
                raw_size: section.size_of_raw_data.get(LE),
            });
        let headers = bytes.get(..header.size).unwrap_or(bytes);
        let editable =
            bytes.get(edit::CHARACTERISTICS as usize..).and_then(|from| from.first_chunk());
        Ok(Layout {
            editable: *editable.ok_or(Malformed::Truncated)?,
            fixed_headers: without_edited_fields(headers),
            can_be_edited: can_be_edited(e_lfanew, table..header.size),
            nt_headers: e_lfanew,
            #[expect(clippy::cast_possible_truncation, reason = "only the low half is needed")]
            image_base: optional.image_base() as u32,
            size_of_headers: optional.size_of_headers(),
            file_alignment: optional.file_alignment(),
            directories: directories.collect(),
            sections: sections.collect(),
            header,
        })
    }

    /// Returns a data directory if the image has it. Like Windows, checks only its address.
    pub fn directory(&self, entry: DirectoryEntry) -> Option<Directory> {
        self.directories.get(entry as usize).copied().filter(|directory| directory.address != 0)
    }

    /// Returns the part of the file that Windows maps at a relative virtual address, or `None` if
    /// it maps nothing there.
    pub fn mapped(&self, address: u32) -> Option<Mapped> {
        if address < self.size_of_headers {
            let length = self.size_of_headers - address;
            return Some(Mapped { offset: address.into(), in_file: length, length });
        }
        // Sections less than a page apart overlap. The one that begins last takes precedence.
        let mapped = self.sections.iter().filter_map(|section| {
            Some((section.address, section.mapped(address, self.file_alignment)?))
        });
        mapped.max_by_key(|(start, _)| *start).map(|(_, mapped)| mapped)
    }

    /// Returns the offset after the last byte that any section has in the file.
    pub fn end_of_sections(&self) -> u64 {
        let end = |section: &Section| match section.in_file() {
            0 => 0,
            size => u64::from(section.start(self.file_alignment)) + u64::from(size),
        };
        self.sections.iter().map(end).max().unwrap_or(0)
    }

    /// Converts the virtual address in an old delay-load descriptor to a relative one.
    pub(super) fn relative(&self, virtual_address: u32) -> u32 {
        virtual_address.wrapping_sub(self.image_base)
    }
}

impl Section {
    /// Returns the section's offset in the file. Windows reads a section from the start of the
    /// sector that contains its offset, unless `FileAlignment` is smaller than a sector.
    fn start(&self, file_alignment: u32) -> u32 {
        if file_alignment < SECTOR { self.offset } else { self.offset & !(SECTOR - 1) }
    }

    /// Returns the number of bytes that the section has in the file. Without an offset it has none,
    /// whatever size the header claims.
    fn in_file(&self) -> u32 {
        if self.offset == 0 { 0 } else { self.raw_size }
    }

    fn mapped(&self, address: u32, file_alignment: u32) -> Option<Mapped> {
        let into = address.checked_sub(self.address)?;
        // Old linkers left VirtualSize 0. Windows maps whole pages.
        let size = if self.virtual_size == 0 { self.raw_size } else { self.virtual_size };
        let size = size.checked_next_multiple_of(PAGE).unwrap_or(u32::MAX);
        let length = size.checked_sub(into).filter(|length| *length > 0)?;
        Some(Mapped {
            offset: u64::from(self.start(file_alignment)) + u64::from(into),
            in_file: self.in_file().saturating_sub(into).min(length),
            length,
        })
    }
}

/// A mapped part of a section: its bytes in the file, and the zeros after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Offset of the part in the file, in bytes.
    pub offset: u64,
    /// Number of bytes of the section that the file contains from there.
    pub in_file: u32,
    /// Number of bytes of the section that are mapped from there. Those beyond `in_file` are zeros.
    pub length: u32,
}

/// Size of a page in bytes, on every machine that Windows runs on today. Windows maps whole pages.
const PAGE: u32 = 0x1000;

/// Whether the fields that an edit changes overlap neither `e_lfanew` nor the section table.
/// `e_lfanew` is at 0x3c in the file. `table` is relative to the start of the NT headers.
fn can_be_edited(e_lfanew: u32, table: Range<usize>) -> bool {
    let nt_headers = e_lfanew as usize;
    let overlap = |a: Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
    edit::EDITED_FIELDS.iter().all(|&(start, length)| {
        let field = nt_headers + start..nt_headers + start + length;
        !overlap(field, &(0x3c..0x40)) && !overlap(start..start + length, &table)
    })
}

/// Returns the headers with zeros in the fields that an edit changes.
fn without_edited_fields(headers: &[u8]) -> Vec<u8> {
    let mut headers = headers.to_vec();
    for &(start, length) in &edit::EDITED_FIELDS {
        if let Some(field) = headers.get_mut(start..start + length) {
            field.fill(0);
        }
    }
    headers
}

/// Iterates over the records of type `T` in `bytes`.
fn records<T: pod::Pod>(mut bytes: &[u8]) -> impl Iterator<Item = &T> {
    std::iter::from_fn(move || {
        let (one, rest) = pod::from_bytes::<T>(bytes).ok()?;
        bytes = rest;
        Some(one)
    })
}
