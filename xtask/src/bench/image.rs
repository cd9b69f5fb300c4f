//! Images made for a bench: headers that every reader takes, and as many bytes behind them as wanted.
//!
//! Source: [PE format](https://learn.microsoft.com/windows/win32/debug/pe-format).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// The bytes before the one section: `SizeOfHeaders`.
pub(crate) const HEADERS: u32 = 512;

const FILE_ALIGNMENT: u32 = 512;

/// Executable image, large address aware, run from swap if on the net, DLL.
const CHARACTERISTICS: u16 = 0x0002 | 0x0020 | 0x0800 | 0x2000;

/// The headers of an x64 DLL of `length` bytes, a multiple of 512, told from others by its time stamp.
pub(crate) fn headers(number: u32, length: u32) -> Vec<u8> {
    with_checksum(number, length, 0)
}

fn with_checksum(number: u32, length: u32, checksum: u32) -> Vec<u8> {
    let section = length.saturating_sub(HEADERS) / FILE_ALIGNMENT * FILE_ALIGNMENT;
    let mut bytes = b"MZ".to_vec();
    bytes.resize(0x18, 0);
    u16s(&mut bytes, &[0x40]); // where the relocations of a DOS program would be
    bytes.resize(0x3c, 0);
    u32s(&mut bytes, &[0x80]); // e_lfanew
    bytes.resize(0x80, 0);

    bytes.extend(b"PE\0\0");
    u16s(&mut bytes, &[0x8664, 1]); // Machine, NumberOfSections
    u32s(&mut bytes, &[number, 0, 0]); // TimeDateStamp, the symbol table
    u16s(&mut bytes, &[240, CHARACTERISTICS]);

    u16s(&mut bytes, &[0x20b, 14]); // PE32+, the linker's version
    u32s(&mut bytes, &[section, 0, 0, 0, 0x1000]); // SizeOfCode, data, entry point, BaseOfCode
    u64s(&mut bytes, &[0x1_8000_0000]); // ImageBase
    u32s(&mut bytes, &[0x1000, FILE_ALIGNMENT]);
    u16s(&mut bytes, &[6, 0, 0, 0, 6, 0]); // versions
    u32s(&mut bytes, &[0, 0x1000 + section.next_multiple_of(0x1000), HEADERS, checksum]);
    u16s(&mut bytes, &[3, 0x160]); // Subsystem: console; DllCharacteristics
    u64s(&mut bytes, &[0x10_0000, 0x1000, 0x10_0000, 0x1000]); // stack and heap
    u32s(&mut bytes, &[0, 16]);
    bytes.resize(bytes.len() + 16 * 8, 0); // data directories

    bytes.extend(b".text\0\0\0");
    u32s(&mut bytes, &[section, 0x1000, section, HEADERS, 0, 0, 0, 0x6000_0020]);
    bytes.resize(HEADERS as usize, 0);
    bytes
}

/// Writes a DLL of `length` bytes with a `CheckSum` that is right. All behind its headers is zeros,
/// which take no space on the disk.
pub(crate) fn write_dll(path: &Path, length: u32) -> io::Result<()> {
    let checksum = sum_of_words(&headers(1, length)) + length;
    let mut file = File::create(path)?;
    file.write_all(&with_checksum(1, length, checksum))?;
    file.set_len(length.into())
}

/// The sum that `CheckSum` is made of, together with the file's length: of 16-bit words, with each
/// carry added again.
fn sum_of_words(bytes: &[u8]) -> u32 {
    let (words, _) = bytes.as_chunks();
    words.iter().fold(0, |sum, word| {
        let sum = sum + u32::from(u16::from_le_bytes(*word));
        (sum & 0xffff) + (sum >> 16)
    })
}

fn u16s(bytes: &mut Vec<u8>, values: &[u16]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn u32s(bytes: &mut Vec<u8>, values: &[u32]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn u64s(bytes: &mut Vec<u8>, values: &[u64]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::scratch;
    use netswap::Content;

    #[test]
    fn a_made_dll_is_read_as_one_with_the_bit_and_a_checksum() {
        let folder = scratch("test-image");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("made.dll");
        write_dll(&path, 20 << 10).unwrap();
        let Content::Image(header) = netswap::image::read(&path).unwrap() else {
            panic!("it is no image");
        };
        assert_eq!(header.characteristics, CHARACTERISTICS);
        assert_eq!(header.size_of_image, 0x1000 + 0x5000);
        assert!(header.checksum > 20 << 10);
    }

    #[test]
    fn images_differ_by_their_number() {
        assert_eq!(headers(1, 1024).len(), HEADERS as usize);
        assert_ne!(headers(1, 1024), headers(2, 1024));
    }
}
