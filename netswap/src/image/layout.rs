//! The positions of an image's parts in its file: sections and data directories.
//!
//! Source: [PE format](https://learn.microsoft.com/windows/win32/debug/pe-format), "Optional Header
//! Data Directories" and "Section Table".

use std::ops::Range;

use object::LittleEndian as LE;
use object::pe;
use object::pod;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader};

use super::checksum::CHECKSUM;
use super::{Directory, Header, Malformed, edit};

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
    /// `DllCharacteristics`: `IMAGE_DLLCHARACTERISTICS_*` flags.
    pub dll_characteristics: u16,
    section_alignment: u32,
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

/// A data directory that netswap reads. The value is its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum DirectoryEntry {
    /// The import table.
    Import = pe::IMAGE_DIRECTORY_ENTRY_IMPORT,
    /// The resources, among them the version.
    Resource = pe::IMAGE_DIRECTORY_ENTRY_RESOURCE,
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
    name: [u8; 8],
    address: u32,
    virtual_size: u32,
    offset: u32,
    raw_size: u32,
}

/// The smallest `FileAlignment` with which Windows reads sections from whole sectors.
const SECTOR: u32 = 0x200;

impl Layout {
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
                name: section.name,
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
            dll_characteristics: optional.dll_characteristics().0,
            section_alignment: optional.section_alignment(),
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
        if self.is_flat() {
            let length = self.header.size_of_image.checked_sub(address).filter(|rest| *rest > 0)?;
            return Some(Mapped { offset: address.into(), in_file: length, length });
        }
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

    /// Whether Windows maps the file as it is, so that each address is an offset in the file. It
    /// does so if sections are aligned to less than a page.
    pub fn is_flat(&self) -> bool {
        self.section_alignment < PAGE
    }

    /// Whether a file of this length is too short for Windows to load the image.
    ///
    /// Windows checks only the last section, and none in a flat image. The bytes that pad this
    /// section to `FileAlignment` may be missing.
    ///
    /// Source: RetDec's model of the loader, `src/pelib/ImageLoader.cpp`.
    pub fn is_cut(&self, length: u64) -> bool {
        let Some(last) = self.sections.last().filter(|_| !self.is_flat()) else {
            return false;
        };
        let end = u64::from(last.offset) + u64::from(last.in_file());
        // FileAlignment is a power of two up to 64 KiB. A crafted one must not excuse everything.
        let padding = u64::from(self.file_alignment.clamp(1, 0x1_0000)) - 1;
        last.in_file() > 0 && end > length.saturating_add(padding)
    }

    /// Returns the offset of `CheckSum` in the file.
    pub fn checksum_offset(&self) -> u64 {
        u64::from(self.nt_headers) + u64::from(CHECKSUM)
    }

    /// Returns the offset in the file of the certificate table's entry in the data directories, if
    /// there are enough directories.
    pub fn certificate_entry_offset(&self) -> Option<u64> {
        let index = DirectoryEntry::Certificate as usize;
        let headers = if self.header.is_pe32_plus {
            size_of::<pe::ImageNtHeaders64>()
        } else {
            size_of::<pe::ImageNtHeaders32>()
        };
        let offset = headers + index * size_of::<pe::ImageDataDirectory>();
        (self.directories.len() > index).then(|| u64::from(self.nt_headers) + offset as u64)
    }

    /// Returns the names of the sections, without the zeros at their ends.
    pub fn section_names(&self) -> impl Iterator<Item = &[u8]> {
        self.sections.iter().map(|section| {
            let end = section.name.iter().position(|byte| *byte == 0);
            section.name.get(..end.unwrap_or(section.name.len())).unwrap_or_default()
        })
    }

    /// Whether Windows loads the image only with a valid signature, embedded or in a catalog:
    /// `IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY`.
    pub fn requires_signature(&self) -> bool {
        self.dll_characteristics & pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY.0 != 0
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

#[cfg(test)]
mod tests {
    use testkit::image::Image;

    use super::*;

    fn layout(bytes: &[u8]) -> Layout {
        Layout::read(bytes).unwrap().unwrap()
    }

    #[test]
    fn flat_image_maps_addresses_to_offsets() {
        let bytes = Image::dll().flat().import("a.dll").bytes();
        let flat = layout(&bytes);
        assert!(flat.is_flat() && !layout(&Image::dll().bytes()).is_flat());
        for address in [0, 1, 0x1ff, 0x200, 0x3ff] {
            let mapped = flat.mapped(address).unwrap();
            assert_eq!(mapped.offset, u64::from(address));
        }
        assert_eq!(flat.mapped(flat.header.size_of_image), None);
    }

    #[test]
    fn only_the_last_section_can_be_cut() {
        // Two sections: the first ends at 0x600, the last at 0x1000.
        let image = |alignment: u32| {
            let section = |offset, raw_size| Section {
                name: [0; 8],
                address: 0x1000 + offset,
                virtual_size: raw_size,
                offset,
                raw_size,
            };
            Layout {
                section_alignment: alignment,
                file_alignment: 0x200,
                sections: vec![section(0x400, 0x200), section(0x800, 0x800)],
                ..layout(&Image::exe().bytes())
            }
        };
        for (length, expected) in
            [(0x1000, false), (0xfff, false), (0xe01, false), (0xe00, true), (0x100, true)]
        {
            assert_eq!(image(PAGE).is_cut(length), expected, "{length:#x}");
            assert!(!image(0x200).is_cut(length), "flat, {length:#x}");
        }
        let mut image = image(PAGE);
        image.sections.reverse();
        for (length, expected) in [(0x600, false), (0x400, true)] {
            assert_eq!(image.is_cut(length), expected, "the last in the table, {length:#x}");
        }
        image.sections[1].raw_size = 0;
        assert!(!image.is_cut(0x400), "a section without data");
    }
}
