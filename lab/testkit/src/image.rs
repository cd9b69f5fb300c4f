//! Small, complete Windows images, written as the PE format describes, with only the parts that a
//! test needs.
//!
//! Sources: [PE format](https://learn.microsoft.com/windows/win32/debug/pe-format), and ECMA-335,
//! II.25.3.3 for the CLR runtime header. The tests of `inspect` compare the images with an
//! independent reader.

/// `IMAGE_FILE_NET_RUN_FROM_SWAP`.
pub const NET: u16 = 0x0800;
/// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`.
pub const CD: u16 = 0x0400;

/// Indices of data directories.
pub const IMPORT: usize = 1;
pub const RESOURCE: usize = 2;
pub const CERTIFICATE: usize = 4;
pub const DELAY_IMPORT: usize = 13;
pub const CLR: usize = 14;

/// Offsets of these fields from the start of the NT headers.
pub const CHARACTERISTICS: usize = 22;
pub const MAGIC: usize = 24;
pub const CHECKSUM: usize = 88;

const FILE_ALIGNMENT: usize = 0x200;
const PAGE: usize = 0x1000;

/// The value of `CheckSum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// 0: no checksum.
    None,
    /// The correct checksum of the file.
    Right,
    /// A wrong checksum, as after a change that did not update it.
    Stale,
}

/// The strong name of an assembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strong {
    /// No strong name.
    None,
    /// Space for a strong name, to be signed later.
    Delayed,
    /// A strong name.
    Signed,
}

/// A builder for an image: headers, one section with the requested tables, and certificates.
#[derive(Clone, Debug)]
#[must_use]
pub struct Image {
    is_pe32_plus: bool,
    machine: u16,
    e_lfanew: usize,
    characteristics: u16,
    subsystem: u16,
    dll_characteristics: u16,
    section_name: &'static str,
    is_flat: bool,
    imports: Vec<String>,
    delayed: Vec<String>,
    version: Vec<(String, String)>,
    assembly: Option<Strong>,
    certificates: Vec<usize>,
    overlay: usize,
    sum: Sum,
    /// `TimeDateStamp`, which also fills the section.
    number: u32,
    /// The minimum length of the section.
    section: usize,
}

impl Image {
    /// Creates a console program for x64 without imports, checksum, signature, or either bit.
    pub fn exe() -> Self {
        Image {
            is_pe32_plus: true,
            machine: 0x8664,
            e_lfanew: 0x80,
            characteristics: 0x0022,
            subsystem: 3,
            dll_characteristics: 0,
            section_name: ".rdata",
            is_flat: false,
            imports: Vec::new(),
            delayed: Vec::new(),
            version: Vec::new(),
            assembly: None,
            certificates: Vec::new(),
            overlay: 0,
            sum: Sum::None,
            number: 0x6000_0000,
            section: 0,
        }
    }

    /// Creates the same image as a DLL.
    pub fn dll() -> Self {
        Image { characteristics: 0x2022, ..Image::exe() }
    }

    /// Makes the image a PE32 image for x86.
    pub fn x86(mut self) -> Self {
        (self.is_pe32_plus, self.machine) = (false, 0x014c);
        self.characteristics = self.characteristics & !0x0020 | 0x0100;
        self
    }

    /// Makes the image a UEFI program.
    pub fn efi(self) -> Self {
        self.subsystem(10)
    }

    /// Sets Subsystem, an `IMAGE_SUBSYSTEM_*` value.
    pub fn subsystem(mut self, subsystem: u16) -> Self {
        self.subsystem = subsystem;
        self
    }

    /// Sets the bits in `DllCharacteristics`.
    pub fn dll_characteristics(mut self, bits: u16) -> Self {
        self.dll_characteristics |= bits;
        self
    }

    /// Renames the section. The name has at most eight bytes.
    pub fn section_name(mut self, name: &'static str) -> Self {
        self.section_name = name;
        self
    }

    /// Aligns sections to less than a page, so that each address is an offset in the file.
    pub fn flat(mut self) -> Self {
        self.is_flat = true;
        self
    }

    /// Sets these bits in Characteristics.
    pub fn with(mut self, bits: u16) -> Self {
        self.characteristics |= bits;
        self
    }

    /// Puts the NT headers at this offset, 0x40 or more.
    pub fn e_lfanew(mut self, offset: usize) -> Self {
        self.e_lfanew = offset;
        self
    }

    /// Adds this DLL to the import table.
    pub fn import(mut self, dll: &str) -> Self {
        self.imports.push(dll.to_owned());
        self
    }

    /// Adds this DLL to the delay-load import table.
    pub fn delay_import(mut self, dll: &str) -> Self {
        self.delayed.push(dll.to_owned());
        self
    }

    /// Adds a string to the version resource.
    pub fn version(mut self, key: &str, value: &str) -> Self {
        self.version.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Makes the image a .NET assembly.
    pub fn assembly(mut self, name: Strong) -> Self {
        self.assembly = Some(name);
        self
    }

    /// Adds a certificate of this many bytes to the certificate table. The size includes its header
    /// of eight bytes.
    pub fn certificate(mut self, size: usize) -> Self {
        self.certificates.push(size);
        self
    }

    /// Adds this many bytes after the last section.
    pub fn overlay(mut self, size: usize) -> Self {
        self.overlay = size;
        self
    }

    /// Sets `TimeDateStamp`, so that images with different numbers differ.
    pub fn number(mut self, number: u32) -> Self {
        self.number = number;
        self
    }

    /// Sets the length of an image without an overlay: a multiple of 512, at least 1024.
    pub fn length(mut self, length: usize) -> Self {
        self.section = length - FILE_ALIGNMENT;
        self
    }

    /// Sets the kind of checksum.
    pub fn sum(mut self, sum: Sum) -> Self {
        self.sum = sum;
        self
    }

    /// Returns the bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let size_of_optional = if self.is_pe32_plus { 240 } else { 224 };
        let end_of_headers = self.e_lfanew + 24 + size_of_optional + 40;
        let size_of_headers = end_of_headers.next_multiple_of(FILE_ALIGNMENT);
        let alignment = if self.is_flat { FILE_ALIGNMENT } else { PAGE };
        let address = size_of_headers.next_multiple_of(alignment);
        let (mut section, directories) = self.section(address);
        let fill = self.number.to_le_bytes().into_iter().cycle();
        section.extend(fill.take(self.section.saturating_sub(section.len())));
        let raw_size = section.len().next_multiple_of(FILE_ALIGNMENT);
        let size_of_image = (address + section.len()).next_multiple_of(alignment);

        let mut bytes = dos_header(self.e_lfanew);
        bytes.extend(b"PE\0\0");
        extend16(&mut bytes, &[self.machine, 1]);
        extend32(&mut bytes, &[self.number as usize, 0, 0]);
        extend16(&mut bytes, &[fit16(size_of_optional), self.characteristics]);
        bytes.resize(size_of_headers, 0);
        let nt = self.e_lfanew;
        put16(&mut bytes, nt + MAGIC, if self.is_pe32_plus { 0x20b } else { 0x10b });
        put32(&mut bytes, nt + 24 + if self.is_pe32_plus { 24 } else { 28 }, 0x1000_0000);
        put32(&mut bytes, nt + 24 + 32, alignment); // SectionAlignment
        put32(&mut bytes, nt + 24 + 36, FILE_ALIGNMENT);
        put16(&mut bytes, nt + 24 + 40, 6); // MajorOperatingSystemVersion
        put16(&mut bytes, nt + 24 + 48, 6); // MajorSubsystemVersion
        put32(&mut bytes, nt + 24 + 56, size_of_image);
        put32(&mut bytes, nt + 24 + 60, size_of_headers);
        put16(&mut bytes, nt + 24 + 68, self.subsystem);
        put16(&mut bytes, nt + 24 + 70, self.dll_characteristics);
        put32(&mut bytes, nt + 24 + size_of_optional - 132, 16); // NumberOfRvaAndSizes
        for (index, start, size) in directories {
            put_directory(&mut bytes, index, start, size);
        }
        let header = end_of_headers - 40;
        bytes[header..header + self.section_name.len()]
            .copy_from_slice(self.section_name.as_bytes());
        for (field, value) in [section.len(), address, raw_size, size_of_headers].iter().enumerate()
        {
            put32(&mut bytes, header + 8 + 4 * field, *value);
        }
        put32(&mut bytes, header + 36, 0x4000_0040); // initialized data, readable

        bytes.extend(section);
        bytes.resize(size_of_headers + raw_size, 0);
        bytes.extend((0..self.overlay).map(|n| fit8(n % 251)));
        self.sign(&mut bytes);
        self.put_checksum(&mut bytes);
        bytes
    }

    /// Returns the contents of the section, and the data directories that point into it: index,
    /// address, size.
    fn section(&self, address: usize) -> (Vec<u8>, Vec<(usize, usize, usize)>) {
        let mut section = b"nothing but the tables\0\0".to_vec();
        let mut directories = Vec::new();
        let pointer = if self.is_pe32_plus { 8 } else { 4 };
        let tables = [(IMPORT, 20, &self.imports), (DELAY_IMPORT, 32, &self.delayed)];
        for (index, descriptor, dlls) in tables {
            if dlls.is_empty() {
                continue;
            }
            let table = section.len();
            let size = descriptor * (dlls.len() + 1);
            section.resize(table + size, 0);
            for (number, dll) in dlls.iter().enumerate() {
                // One function by ordinal, both in the lookup table and in the address table.
                let lookup = section.len();
                section.resize(lookup + 4 * pointer, 0);
                for thunk in [lookup, lookup + 2 * pointer] {
                    (section[thunk], section[thunk + pointer - 1]) = (1, 0x80);
                }
                let name = section.len();
                section.extend(dll.as_bytes());
                section.resize((section.len() + 1).next_multiple_of(8), 0);
                let [lookup, addresses, name] =
                    [lookup, lookup + 2 * pointer, name].map(|at| address + at);
                let fields = if index == IMPORT {
                    vec![lookup, 0, 0, name, addresses]
                } else {
                    vec![1, name, 0, addresses, lookup]
                };
                for (field, value) in fields.into_iter().enumerate() {
                    put32(&mut section, table + descriptor * number + 4 * field, value);
                }
            }
            directories.push((index, address + table, size));
        }
        if !self.version.is_empty() {
            section.resize(section.len().next_multiple_of(4), 0);
            let directory = section.len();
            section.extend(resources(address + directory, &version(&self.version)));
            directories.push((RESOURCE, address + directory, section.len() - directory));
        }
        if let Some(strong) = self.assembly {
            let header = section.len();
            section.resize(header + 72, 0);
            let metadata = section.len();
            section.extend(b"BSJB\x01\0\x01\0\0\0\0\0\x0c\0\0\0v4.0.30319\0\0\0\0\0\0");
            let signature = section.len();
            section.resize(signature + 128, 0);
            put32(&mut section, header, 72);
            put16(&mut section, header + 4, 2); // MajorRuntimeVersion
            put16(&mut section, header + 6, 5);
            put32(&mut section, header + 8, address + metadata);
            put32(&mut section, header + 12, signature - metadata);
            let is_signed = strong == Strong::Signed;
            // ILONLY, and STRONGNAMESIGNED if it is signed.
            put32(&mut section, header + 16, if is_signed { 9 } else { 1 });
            if strong != Strong::None {
                put32(&mut section, header + 32, address + signature);
                put32(&mut section, header + 36, 128);
            }
            directories.push((CLR, address + header, 72));
        }
        (section, directories)
    }

    fn sign(&self, bytes: &mut Vec<u8>) {
        if self.certificates.is_empty() {
            return;
        }
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let start = bytes.len();
        for size in &self.certificates {
            let end = (bytes.len() + size).next_multiple_of(8);
            extend32(bytes, &[*size]);
            extend16(bytes, &[0x0200, 2]); // WIN_CERT_REVISION_2_0, PKCS #7
            bytes.resize(end, 0);
        }
        let size = bytes.len() - start;
        put_directory(bytes, CERTIFICATE, start, size);
    }

    fn put_checksum(&self, bytes: &mut [u8]) {
        let field = nt(bytes) + CHECKSUM;
        match self.sum {
            Sum::None => {}
            Sum::Right => put32(bytes, field, right_checksum(bytes) as usize),
            Sum::Stale => put32(bytes, field, right_checksum(bytes) as usize - 5),
        }
    }
}

/// Returns a resource directory at this address with one resource, the version.
fn resources(address: usize, version: &[u8]) -> Vec<u8> {
    const RT_VERSION: usize = 16;
    const ENGLISH: usize = 0x409;
    // Three tables with one entry each, for the type, the name and the language, and the data's
    // place. The high bit marks the offset of a table.
    let tables = [(RT_VERSION, 0x8000_0018), (1, 0x8000_0030), (ENGLISH, 0x48)];
    let mut bytes = Vec::new();
    for (id, offset) in tables {
        extend32(&mut bytes, &[0, 0, 0]);
        extend16(&mut bytes, &[0, 1]);
        extend32(&mut bytes, &[id, offset]);
    }
    extend32(&mut bytes, &[address + 0x58, version.len(), 0, 0]);
    bytes.extend(version);
    bytes
}

/// Returns a version resource
/// ([`VS_VERSIONINFO`](https://learn.microsoft.com/windows/win32/menurc/vs-versioninfo)) with these
/// strings.
fn version(strings: &[(String, String)]) -> Vec<u8> {
    let units = |text: &str| -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    };
    let node = |key: &str, is_text: bool, value: &[u8], children: &[Vec<u8>]| {
        let mut node = vec![0; 6];
        node.extend(units(key));
        for part in [value].into_iter().chain(children.iter().map(Vec::as_slice)) {
            node.resize(node.len().next_multiple_of(4), 0);
            node.extend(part);
        }
        let length = if is_text { value.len() / 2 } else { value.len() };
        let fields = [node.len(), length, usize::from(is_text)];
        for (index, field) in fields.into_iter().enumerate() {
            put16(&mut node, 2 * index, fit16(field));
        }
        node
    };
    let strings: Vec<_> =
        strings.iter().map(|(key, value)| node(key, true, &units(value), &[])).collect();
    let table = node("040904b0", true, &[], &strings);
    let mut fixed = vec![0; 52];
    put32(&mut fixed, 0, 0xfeef_04bd); // dwSignature
    put32(&mut fixed, 4, 0x0001_0000); // dwStrucVersion
    node("VS_VERSION_INFO", false, &fixed, &[node("StringFileInfo", true, &[], &[table])])
}

/// Returns two programs with their file names. Only `with-bit.exe` has the network bit.
pub fn two_tools() -> [(&'static str, Vec<u8>); 2] {
    [("no-bit.exe", Image::exe().bytes()), ("with-bit.exe", Image::exe().with(NET).bytes())]
}

/// Returns an image with the network bit set and its checksum updated, if it has one. Returns
/// `None` for a file that is not an image.
pub fn patched(whole: &[u8]) -> Option<Vec<u8>> {
    let nt = usize::try_from(u32::from_le_bytes(*whole.get(0x3c..)?.first_chunk()?)).ok()?;
    if whole.get(nt..)?.first_chunk() != Some(b"PE\0\0") || whole.len() < nt + CHECKSUM + 4 {
        return None;
    }
    let mut bytes = whole.to_vec();
    let characteristics = get16(&bytes, nt + CHARACTERISTICS) | NET;
    put16(&mut bytes, nt + CHARACTERISTICS, characteristics);
    if get32(&bytes, nt + CHECKSUM) != 0 {
        let checksum = right_checksum(&bytes);
        put32(&mut bytes, nt + CHECKSUM, checksum as usize);
    }
    Some(bytes)
}

/// Returns the range in which a file and its patched version differ: from Characteristics to the
/// end of `CheckSum`.
pub fn patched_range(e_lfanew: usize) -> std::ops::Range<usize> {
    e_lfanew + CHARACTERISTICS..e_lfanew + CHECKSUM + 4
}

/// Returns the NT headers that a linker writes for an x64 console program with these
/// Characteristics.
pub fn nt_headers(characteristics: u16) -> Vec<u8> {
    let mut bytes = b"PE\0\0".to_vec();
    bytes.resize(24 + 240, 0);
    let mut put = |offset: usize, value: &[u8]| {
        bytes[offset..offset + value.len()].copy_from_slice(value);
    };
    put(4, &0x8664_u16.to_le_bytes()); // Machine
    put(8, &0x6000_0001_u32.to_le_bytes()); // TimeDateStamp
    put(20, &240_u16.to_le_bytes()); // SizeOfOptionalHeader
    put(22, &characteristics.to_le_bytes());
    put(24, &0x20b_u16.to_le_bytes()); // Magic
    put(24 + 56, &0x5000_u32.to_le_bytes()); // SizeOfImage
    put(24 + 64, &0x1234_u32.to_le_bytes()); // CheckSum
    put(24 + 68, &3_u16.to_le_bytes()); // Subsystem
    put(24 + 108, &16_u32.to_le_bytes()); // NumberOfRvaAndSizes
    bytes
}

/// Returns an image that consists of headers alone, with its NT headers at `e_lfanew`.
pub fn headers(e_lfanew: u32, characteristics: u16) -> Vec<u8> {
    let mut bytes = b"MZ".to_vec();
    bytes.resize(0x40, 0);
    bytes[0x18] = 0x40;
    put32(&mut bytes, 0x3c, e_lfanew as usize);
    bytes.resize(e_lfanew as usize, 0);
    bytes.extend(nt_headers(characteristics));
    bytes
}

/// Returns a DOS header that points to this offset, and its stub.
fn dos_header(e_lfanew: usize) -> Vec<u8> {
    let mut bytes = b"MZ".to_vec();
    bytes.resize(0x40, 0);
    put16(&mut bytes, 0x18, 0x40);
    put32(&mut bytes, 0x3c, e_lfanew);
    bytes.resize(e_lfanew, b'.');
    bytes
}

/// Returns an executable with this signature instead of a PE header, such as `NE` for 16-bit
/// Windows or `LE` for OS/2 and Windows 9x drivers.
pub fn other_executable(signature: [u8; 2]) -> Vec<u8> {
    let mut bytes = dos_header(0x80);
    bytes.extend(signature);
    bytes.resize(0x400, 0);
    bytes
}

/// Returns a DOS program, which has only a DOS header.
pub fn dos() -> Vec<u8> {
    let mut bytes = dos_header(0x40);
    put16(&mut bytes, 0x18, 0x1c);
    bytes.resize(0x400, 0x90);
    put32(&mut bytes, 0x3c, 0x9090_9090);
    bytes
}

/// Returns the offset of the NT headers.
pub fn nt(bytes: &[u8]) -> usize {
    get32(bytes, 0x3c) as usize
}

/// Returns the checksum stored in an image.
pub fn checksum(bytes: &[u8]) -> u32 {
    get32(bytes, nt(bytes) + CHECKSUM)
}

/// Calculates the correct checksum of an image: the sum of its 16-bit words plus its length.
///
/// Each carry is added at once. The checksum field itself is left out.
pub fn right_checksum(bytes: &[u8]) -> u32 {
    let field = nt(bytes) + CHECKSUM;
    let add = |sum: u32, at: usize, word: u32| {
        let is_counted = |at| u32::from(!(field..field + 4).contains(&at));
        let sum = sum + (word & 0xff) * is_counted(at) + (word & 0xff00) * is_counted(at + 1);
        (sum & 0xffff) + (sum >> 16)
    };
    let words = bytes.chunks(2).enumerate().map(|(index, word)| {
        (2 * index, u32::from(word[0]) | u32::from(word.get(1).copied().unwrap_or(0)) << 8)
    });
    let sum = words.fold(0, |sum, (at, word)| add(sum, at, word));
    sum + u32::try_from(bytes.len()).unwrap()
}

/// Returns the file offset of a data directory's entry.
pub fn directory(bytes: &[u8], index: usize) -> usize {
    let nt = nt(bytes);
    let directories = if get16(bytes, nt + MAGIC) == 0x20b { 112 } else { 96 };
    nt + 24 + directories + 8 * index
}

/// Makes a data directory point to this address and size.
pub fn put_directory(bytes: &mut [u8], index: usize, start: usize, size: usize) {
    let entry = directory(bytes, index);
    put32(bytes, entry, start);
    put32(bytes, entry + 4, size);
}

pub fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

pub fn put32(bytes: &mut [u8], at: usize, value: usize) {
    bytes[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
}

pub fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

pub fn get32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn extend16(bytes: &mut Vec<u8>, values: &[u16]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn extend32(bytes: &mut Vec<u8>, values: &[usize]) {
    bytes.extend(values.iter().flat_map(|value| u32::try_from(*value).unwrap().to_le_bytes()));
}

fn fit16(value: usize) -> u16 {
    u16::try_from(value).unwrap()
}

fn fit8(value: usize) -> u8 {
    u8::try_from(value).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_reader_sees_each_part() {
        for e_lfanew in [0x40, 0x80, 0x81, 4000, 100_000] {
            for (is_64, image) in [(true, Image::dll()), (false, Image::dll().x86())] {
                let image = image.with(NET | CD).e_lfanew(e_lfanew).sum(Sum::Right).overlay(5);
                let image = image.import("a.dll").import("b.dll").delay_import("c.dll");
                let bytes = image.assembly(Strong::Delayed).certificate(100).certificate(8).bytes();
                let pe = goblin::pe::PE::parse(&bytes).unwrap();
                let optional = pe.header.optional_header.unwrap();
                assert_eq!(pe.header.coff_header.characteristics & 0x2c00, 0x2c00);
                assert_eq!(
                    (pe.is_64, pe.is_lib, &*pe.libraries),
                    (is_64, true, &["a.dll", "b.dll"][..])
                );
                assert_eq!(optional.windows_fields.check_sum, right_checksum(&bytes));
                assert_eq!(pe.sections.len(), 1);
                let sizes: Vec<_> = pe.certificates.iter().map(|entry| entry.length).collect();
                assert_eq!(sizes, [100, 8]);
                let cor20 = pe.clr_data.unwrap().cor20_header;
                assert_eq!(cor20.strong_name_signature.size, 128);
                assert!(optional.data_directories.get_delay_import_descriptor().is_some());
            }
        }
    }

    #[test]
    fn patched_image_equals_image_built_with_bit() {
        for image in [Image::exe(), Image::dll().x86()] {
            for e_lfanew in [0x80, 4006, 4073] {
                for sum in [Sum::None, Sum::Right] {
                    let image = image.clone().e_lfanew(e_lfanew).overlay(11).sum(sum);
                    let (old, new) = (image.bytes(), image.with(NET).bytes());
                    assert_eq!(patched(&old), Some(new.clone()));
                    let differ = |at: &usize| old[*at] != new[*at];
                    let range = patched_range(e_lfanew);
                    assert!((0..old.len()).filter(differ).all(|at| range.contains(&at)));
                }
            }
        }
        for other in [&b""[..], b"MZ", &[0; 100], &Image::exe().bytes()[..0x60]] {
            assert_eq!(patched(other), None);
        }
    }

    #[test]
    fn image_has_the_requested_length() {
        for length in [1024, 20 << 10] {
            assert_eq!(Image::exe().length(length).bytes().len(), length);
        }
    }
}
