//! Where in its file the parts of an image lie: sections and data directories.
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

/// An image's header, and where its parts lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What the header says.
    pub header: Header,
    /// Where the NT headers begin in the file: `e_lfanew`.
    pub nt_headers: u32,
    /// `ImageBase`, in the low 32 bits, which old delay-load descriptors add to their addresses.
    image_base: u32,
    size_of_headers: u32,
    file_alignment: u32,
    directories: Vec<Directory>,
    sections: Vec<Section>,
    /// The NT headers, with zeros in the fields that an edit changes.
    pub fixed_headers: Vec<u8>,
    /// Whether the fields that an edit changes are no part of anything else as well: headers can be
    /// folded into one another, and the section table into the optional header.
    pub can_be_edited: bool,
    /// The bytes from Characteristics to `CheckSum`, as they stand in the file.
    pub(super) reach: [u8; edit::REACH],
}

/// An entry of the data directories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Its relative virtual address; of the certificate table, its offset in the file.
    pub address: u32,
    /// In bytes.
    pub size: u32,
}

/// A data directory that netswap reads, by its index.
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

/// Where a section lies in memory and in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Section {
    address: u32,
    virtual_size: u32,
    offset: u32,
    raw_size: u32,
}

/// The least `FileAlignment` with which sections are read from whole sectors.
const SECTOR: u32 = 0x200;

impl Layout {
    /// Reads the headers of a file. `None`: it is no image.
    ///
    /// # Errors
    ///
    /// When it can't be read, or begins as an image does and then is none.
    pub fn read(file: &(impl ReadAt + ?Sized)) -> Result<Option<Self>, ReadError> {
        nt_headers(file, Layout::parse)
    }

    /// Parses the NT headers that were read from the offset `e_lfanew` on.
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
        let directories = many::<pe::ImageDataDirectory>(after)
            .take(count.min(pe::IMAGE_NUMBEROF_DIRECTORY_ENTRIES))
            .map(|entry| Directory {
                address: entry.virtual_address.get(LE),
                size: entry.size.get(LE),
            });
        let file = nt.file_header();
        let table = size_of::<u32>()
            + size_of::<pe::ImageFileHeader>()
            + usize::from(file.size_of_optional_header.get(LE));
        let sections = many::<pe::ImageSectionHeader>(bytes.get(table..).unwrap_or_default())
            .take(usize::from(file.number_of_sections.get(LE)).min(Header::MOST_SECTIONS))
            .map(|section| Section {
                address: section.virtual_address.get(LE),
                virtual_size: section.virtual_size.get(LE),
                offset: section.pointer_to_raw_data.get(LE),
                raw_size: section.size_of_raw_data.get(LE),
            });
        let headers = bytes.get(..header.size).unwrap_or(bytes);
        let reach = bytes.get(edit::CHARACTERISTICS as usize..).and_then(|from| from.first_chunk());
        Ok(Layout {
            reach: *reach.ok_or(Malformed::Truncated)?,
            fixed_headers: without_edited_fields(headers),
            can_be_edited: can_be_edited(e_lfanew, table..header.size),
            nt_headers: e_lfanew,
            #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
            image_base: optional.image_base() as u32,
            size_of_headers: optional.size_of_headers(),
            file_alignment: optional.file_alignment(),
            directories: directories.collect(),
            sections: sections.collect(),
            header,
        })
    }

    /// A data directory, if the image has it. Windows asks for the address alone.
    pub fn directory(&self, entry: DirectoryEntry) -> Option<Directory> {
        self.directories.get(entry as usize).copied().filter(|directory| directory.address != 0)
    }

    /// What Windows maps at a relative virtual address. `None`: nothing.
    pub fn mapped(&self, address: u32) -> Option<Mapped> {
        if address < self.size_of_headers {
            let length = self.size_of_headers - address;
            return Some(Mapped { offset: address.into(), in_file: length, length });
        }
        // Sections closer than a page overlap: the one that begins last is meant.
        let mapped = self.sections.iter().filter_map(|section| {
            Some((section.address, section.mapped(address, self.file_alignment)?))
        });
        mapped.max_by_key(|(start, _)| *start).map(|(_, mapped)| mapped)
    }

    /// The offset behind the last byte that a section has in the file.
    pub fn end_of_sections(&self) -> u64 {
        let end = |section: &Section| match section.in_file() {
            0 => 0,
            size => u64::from(section.start(self.file_alignment)) + u64::from(size),
        };
        self.sections.iter().map(end).max().unwrap_or(0)
    }

    /// The address that an old delay-load descriptor means: they hold virtual addresses, not
    /// relative ones.
    pub(super) fn relative(&self, virtual_address: u32) -> u32 {
        virtual_address.wrapping_sub(self.image_base)
    }
}

impl Section {
    /// Windows reads a section from the sector that holds its offset.
    fn start(&self, file_alignment: u32) -> u32 {
        if file_alignment < SECTOR { self.offset } else { self.offset & !(SECTOR - 1) }
    }

    /// How many bytes it has in the file. Without an offset it has none, whatever its size says.
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

/// What of the file lies at an address, and how much behind it is zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// How many bytes of the section the file holds from there on.
    pub in_file: u32,
    /// How many bytes of the section are mapped from there on: behind those of the file, zeros.
    pub length: u32,
}

/// What Windows maps at once, on every machine that it runs on today.
const PAGE: u32 = 0x1000;

/// Whether neither `e_lfanew`, at 0x3c of the file, nor the section table lies where an edit changes
/// bytes. `table` begins and ends as the NT headers count.
fn can_be_edited(e_lfanew: u32, table: Range<usize>) -> bool {
    let nt_headers = e_lfanew as usize;
    let overlap = |a: Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
    edit::EDITED.iter().all(|&(start, length)| {
        let field = nt_headers + start..nt_headers + start + length;
        !overlap(field, &(0x3c..0x40)) && !overlap(start..start + length, &table)
    })
}

/// Returns the headers with zeros in the fields that an edit changes.
fn without_edited_fields(headers: &[u8]) -> Vec<u8> {
    let mut headers = headers.to_vec();
    for &(start, length) in &edit::EDITED {
        if let Some(field) = headers.get_mut(start..start + length) {
            field.fill(0);
        }
    }
    headers
}

/// As many of these as the bytes hold.
fn many<T: pod::Pod>(mut bytes: &[u8]) -> impl Iterator<Item = &T> {
    std::iter::from_fn(move || {
        let (one, rest) = pod::from_bytes::<T>(bytes).ok()?;
        bytes = rest;
        Some(one)
    })
}
