//! Small, complete Windows images made by hand from the PE format, with only the parts that a test
//! needs.
//!
//! Sources: [PE format](https://learn.microsoft.com/windows/win32/debug/pe-format), and ECMA-335,
//! II.25.3.3 for the CLR runtime header. The tests of `inspect` compare the images with an
//! independent reader.

/// `IMAGE_FILE_NET_RUN_FROM_SWAP`.
pub(crate) const NET: u16 = 0x0800;
/// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`.
pub(crate) const CD: u16 = 0x0400;

/// Indices of data directories.
pub(crate) const IMPORT: usize = 1;
pub(crate) const CERTIFICATE: usize = 4;
pub(crate) const DELAY_IMPORT: usize = 13;
pub(crate) const CLR: usize = 14;

/// Offsets of these fields from the start of the NT headers.
pub(crate) const CHARACTERISTICS: usize = 22;
pub(crate) const MAGIC: usize = 24;
pub(crate) const CHECKSUM: usize = 88;

const FILE_ALIGNMENT: usize = 0x200;
const PAGE: usize = 0x1000;

/// The value of `CheckSum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// 0: no checksum.
    None,
    /// The correct checksum of the file.
    Right,
    /// A wrong checksum, as after a change that did not update it.
    Stale,
}

/// The strong name of an assembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strong {
    /// No strong name.
    None,
    /// Space reserved for a strong name.
    Delayed,
    /// A strong name.
    Signed,
}

/// A builder for an image: headers, one section with the requested tables, and certificates.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    is_pe32_plus: bool,
    machine: u16,
    e_lfanew: usize,
    characteristics: u16,
    subsystem: u16,
    imports: Vec<String>,
    delayed: Vec<String>,
    assembly: Option<Strong>,
    certificates: Vec<usize>,
    overlay: usize,
    sum: Sum,
}

impl Image {
    /// Creates a console program for x64 without imports, checksum, signature, or either bit.
    pub(crate) fn exe() -> Self {
        Image {
            is_pe32_plus: true,
            machine: 0x8664,
            e_lfanew: 0x80,
            characteristics: 0x0022,
            subsystem: 3,
            imports: Vec::new(),
            delayed: Vec::new(),
            assembly: None,
            certificates: Vec::new(),
            overlay: 0,
            sum: Sum::None,
        }
    }

    /// Creates the same image as a DLL.
    pub(crate) fn dll() -> Self {
        Image { characteristics: 0x2022, ..Image::exe() }
    }

    /// Makes the image a PE32 image for x86.
    pub(crate) fn x86(mut self) -> Self {
        (self.is_pe32_plus, self.machine) = (false, 0x014c);
        self.characteristics = self.characteristics & !0x0020 | 0x0100;
        self
    }

    /// Makes the image a UEFI program.
    pub(crate) fn efi(mut self) -> Self {
        self.subsystem = 10;
        self
    }

    /// Sets these bits in Characteristics.
    pub(crate) fn with(mut self, bits: u16) -> Self {
        self.characteristics |= bits;
        self
    }

    /// Puts the NT headers at this offset, 0x40 or more.
    pub(crate) fn e_lfanew(mut self, offset: usize) -> Self {
        self.e_lfanew = offset;
        self
    }

    /// Adds this DLL to the import table.
    pub(crate) fn import(mut self, dll: &str) -> Self {
        self.imports.push(dll.to_owned());
        self
    }

    /// Adds this DLL to the delay-load import table.
    pub(crate) fn delay_import(mut self, dll: &str) -> Self {
        self.delayed.push(dll.to_owned());
        self
    }

    /// Makes the image a .NET assembly.
    pub(crate) fn assembly(mut self, name: Strong) -> Self {
        self.assembly = Some(name);
        self
    }

    /// Adds a certificate of this many bytes to the certificate table. The size includes its header
    /// of eight bytes.
    pub(crate) fn certificate(mut self, size: usize) -> Self {
        self.certificates.push(size);
        self
    }

    /// Adds this many bytes behind the last section.
    pub(crate) fn overlay(mut self, size: usize) -> Self {
        self.overlay = size;
        self
    }

    /// Sets the kind of checksum.
    pub(crate) fn sum(mut self, sum: Sum) -> Self {
        self.sum = sum;
        self
    }

    /// Returns the bytes of the file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let size_of_optional = if self.is_pe32_plus { 240 } else { 224 };
        let end_of_headers = self.e_lfanew + 24 + size_of_optional + 40;
        let size_of_headers = end_of_headers.next_multiple_of(FILE_ALIGNMENT);
        let address = size_of_headers.next_multiple_of(PAGE);
        let (section, directories) = self.section(address);
        let raw_size = section.len().next_multiple_of(FILE_ALIGNMENT);
        let size_of_image = (address + section.len()).next_multiple_of(PAGE);

        let mut bytes = dos_header(self.e_lfanew);
        bytes.extend(b"PE\0\0");
        extend16(&mut bytes, &[self.machine, 1]);
        extend32(&mut bytes, &[0x6000_0000, 0, 0]);
        extend16(&mut bytes, &[fit16(size_of_optional), self.characteristics]);
        bytes.resize(size_of_headers, 0);
        let nt = self.e_lfanew;
        put16(&mut bytes, nt + MAGIC, if self.is_pe32_plus { 0x20b } else { 0x10b });
        put32(&mut bytes, nt + 24 + if self.is_pe32_plus { 24 } else { 28 }, 0x1000_0000);
        put32(&mut bytes, nt + 24 + 32, PAGE); // SectionAlignment
        put32(&mut bytes, nt + 24 + 36, FILE_ALIGNMENT);
        put16(&mut bytes, nt + 24 + 40, 6); // MajorOperatingSystemVersion
        put16(&mut bytes, nt + 24 + 48, 6); // MajorSubsystemVersion
        put32(&mut bytes, nt + 24 + 56, size_of_image);
        put32(&mut bytes, nt + 24 + 60, size_of_headers);
        put16(&mut bytes, nt + 24 + 68, self.subsystem);
        put32(&mut bytes, nt + 24 + size_of_optional - 132, 16); // NumberOfRvaAndSizes
        for (index, start, size) in directories {
            put_directory(&mut bytes, index, start, size);
        }
        let header = end_of_headers - 40;
        bytes[header..header + 6].copy_from_slice(b".rdata");
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
            put32(&mut section, header + 16, if is_signed { 9 } else { 1 }); // ILONLY, STRONGNAMESIGNED
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

/// Returns two programs with their file names. Only `mindful.exe` has the network bit.
pub(crate) fn two_tools() -> [(&'static str, Vec<u8>); 2] {
    [("forgetful.exe", Image::exe().bytes()), ("mindful.exe", Image::exe().with(NET).bytes())]
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

/// Returns a program for 16-bit Windows (`NE`), or one for OS/2 or a Windows 9x driver (`LE`). It
/// has another header in place of the PE header.
pub(crate) fn other_executable(signature: [u8; 2]) -> Vec<u8> {
    let mut bytes = dos_header(0x80);
    bytes.extend(signature);
    bytes.resize(0x400, 0);
    bytes
}

/// Returns a DOS program, which has no other header.
pub(crate) fn dos() -> Vec<u8> {
    let mut bytes = dos_header(0x40);
    put16(&mut bytes, 0x18, 0x1c);
    bytes.resize(0x400, 0x90);
    put32(&mut bytes, 0x3c, 0x9090_9090);
    bytes
}

/// Returns the offset of the NT headers.
pub(crate) fn nt(bytes: &[u8]) -> usize {
    get32(bytes, 0x3c) as usize
}

/// Returns the checksum stored in an image.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    get32(bytes, nt(bytes) + CHECKSUM)
}

/// Calculates the correct checksum of an image: the sum of its 16-bit words plus its length.
///
/// Each carry is added at once. The checksum field itself is left out.
pub(crate) fn right_checksum(bytes: &[u8]) -> u32 {
    let field = nt(bytes) + CHECKSUM;
    let byte = |at: usize| {
        let is_counted = at < bytes.len() && !(field..field + 4).contains(&at);
        if is_counted { u32::from(bytes[at]) } else { 0 }
    };
    let sum = (0..bytes.len()).step_by(2).fold(0_u32, |sum, at| {
        let sum = sum + byte(at) + (byte(at + 1) << 8);
        (sum & 0xffff) + (sum >> 16)
    });
    sum + u32::try_from(bytes.len()).unwrap()
}

/// Returns the file offset of a data directory's entry.
pub(crate) fn directory(bytes: &[u8], index: usize) -> usize {
    let nt = nt(bytes);
    let directories = if get16(bytes, nt + MAGIC) == 0x20b { 112 } else { 96 };
    nt + 24 + directories + 8 * index
}

/// Makes a data directory point to this address and size.
pub(crate) fn put_directory(bytes: &mut [u8], index: usize, start: usize, size: usize) {
    let entry = directory(bytes, index);
    put32(bytes, entry, start);
    put32(bytes, entry + 4, size);
}

pub(crate) fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put32(bytes: &mut [u8], at: usize, value: usize) {
    bytes[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
}

pub(crate) fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

pub(crate) fn get32(bytes: &[u8], at: usize) -> u32 {
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
