//! The smallest images that contain a given table: headers, one section and its content.
//!
//! Source: [PE format](https://learn.microsoft.com/windows/win32/debug/pe-format).

use netswap::image::Layout;

/// The fields of an image that differ between seeds.
pub(super) struct Image {
    pub(super) is_pe32_plus: bool,
    /// `e_lfanew`.
    pub(super) nt_headers: u32,
    pub(super) characteristics: u16,
    pub(super) section_alignment: u32,
    pub(super) file_alignment: u32,
    /// The index, address and size of each data directory that is present.
    pub(super) directories: Vec<(usize, u32, u32)>,
    /// The content of the only section.
    pub(super) section: Vec<u8>,
}

pub(super) const IMPORTS: usize = 1;
pub(super) const CERTIFICATES: usize = 4;
pub(super) const DELAY_IMPORTS: usize = 13;
pub(super) const CLR: usize = 14;

/// The relative virtual address of the section.
pub(super) const SECTION: u32 = 0x1000;

pub(super) const IMAGE_BASE: u32 = 0x40_0000;

impl Image {
    pub(super) fn pe32() -> Self {
        Image {
            is_pe32_plus: false,
            nt_headers: 0x40,
            characteristics: 0x0122,
            section_alignment: 0x1000,
            // Smaller than linkers write, to keep the seeds small.
            file_alignment: 0x10,
            directories: Vec::new(),
            section: b"\xc3".to_vec(),
        }
    }

    pub(super) fn pe32_plus() -> Self {
        Image { is_pe32_plus: true, characteristics: 0x0022, ..Image::pe32() }
    }

    pub(super) fn with(mut self, directory: usize, address: u32, size: usize) -> Self {
        self.directories.push((directory, address, number(size)));
        self
    }

    /// Returns the image with this section content.
    pub(super) fn holding(self, section: Vec<u8>) -> Self {
        Image { section, ..self }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"MZ".to_vec();
        if self.nt_headers >= 0x40 {
            bytes.resize(0x3c, 0);
            u32s(&mut bytes, &[self.nt_headers]);
        }
        bytes.resize(self.nt_headers as usize, 0);
        bytes.extend(self.headers());
        bytes.resize(self.size_of_headers() as usize, 0);
        bytes.extend(&self.section);
        bytes
    }

    /// Returns the NT headers and the section table.
    fn headers(&self) -> Vec<u8> {
        let mut bytes = b"PE\0\0".to_vec();
        let machine: u16 = if self.is_pe32_plus { 0x8664 } else { 0x014c };
        u16s(&mut bytes, &[machine, 1]);
        u32s(&mut bytes, &[0, 0, 0]);
        u16s(&mut bytes, &[self.size_of_optional_header(), self.characteristics]);

        u16s(&mut bytes, &[if self.is_pe32_plus { 0x20b } else { 0x10b }, 0]);
        u32s(&mut bytes, &[0, 0, 0, SECTION, SECTION]);
        // In PE32+, ImageBase is 64 bits wide, and its upper half replaces BaseOfData.
        u32s(&mut bytes, if self.is_pe32_plus { &[IMAGE_BASE, 0] } else { &[0, IMAGE_BASE] });
        u32s(&mut bytes, &[self.section_alignment, self.file_alignment]);
        u16s(&mut bytes, &[6, 0, 0, 0, 6, 0]);
        u32s(&mut bytes, &[0, 2 * SECTION, self.size_of_headers(), 0]);
        u16s(&mut bytes, &[3, 0]);
        let sizes: &[u32] = if self.is_pe32_plus { &[0; 8] } else { &[0; 4] };
        u32s(&mut bytes, sizes);
        u32s(&mut bytes, &[0, 16]);
        for index in 0..16 {
            let mut directories = self.directories.iter();
            let directory = directories.find(|directory| directory.0 == index);
            let (_, address, size) = directory.copied().unwrap_or_default();
            u32s(&mut bytes, &[address, size]);
        }

        bytes.extend(b".rdata\0\0");
        let size = number(self.section.len());
        u32s(&mut bytes, &[size, SECTION, size, self.size_of_headers(), 0, 0, 0, 0x6000_0020]);
        bytes
    }

    fn size_of_optional_header(&self) -> u16 {
        if self.is_pe32_plus { 240 } else { 224 }
    }

    fn size_of_headers(&self) -> u32 {
        let size = self.nt_headers + 24 + u32::from(self.size_of_optional_header()) + 40;
        size.next_multiple_of(self.file_alignment)
    }
}

/// Appends 32-bit fields.
pub(super) fn u32s(bytes: &mut Vec<u8>, fields: &[u32]) {
    bytes.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
}

/// Appends 16-bit fields.
pub(super) fn u16s(bytes: &mut Vec<u8>, fields: &[u16]) {
    bytes.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
}

pub(super) fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Returns the image with its correct `CheckSum` plus `off`.
pub(super) fn with_checksum(mut bytes: Vec<u8>, off: u32) -> Vec<u8> {
    if let Ok(Some(layout)) = Layout::read(&*bytes) {
        let right = layout.checksum(&*bytes, bytes.len() as u64).unwrap_or(0);
        let field = (layout.nt_headers as usize + 88..).zip((right + off).to_le_bytes());
        for (at, byte) in field {
            bytes.get_mut(at).into_iter().for_each(|place| *place = byte);
        }
    }
    bytes
}
