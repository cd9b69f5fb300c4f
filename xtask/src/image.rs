//! Images created for benches and faults: of both formats, with or without a checksum, and with NT
//! headers at any offset. Also computes each image with the bit set, from the PE format and without
//! netswap.
//!
//! Source: [PE format](https://learn.microsoft.com/windows/win32/debug/pe-format).

/// `IMAGE_FILE_EXECUTABLE_IMAGE` and `IMAGE_FILE_LARGE_ADDRESS_AWARE` (addresses above 2 GiB).
pub(crate) const EXECUTABLE: u16 = 0x0022;

/// `IMAGE_FILE_NET_RUN_FROM_SWAP`.
pub(crate) const NET: u16 = 0x0800;

/// `IMAGE_FILE_DLL`.
pub(crate) const DLL: u16 = 0x2000;

/// `SizeOfHeaders` of an image whose NT headers begin where linkers put them.
const HEADERS: usize = 512;

/// The description of an image to create.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    /// The offset of the NT headers.
    pub(crate) e_lfanew: usize,
    pub(crate) is_pe32_plus: bool,
    /// Whether `CheckSum` is valid; otherwise it is 0.
    pub(crate) has_checksum: bool,
    /// The Characteristics field.
    pub(crate) characteristics: u16,
    /// The length of the only section in bytes, a multiple of 512.
    pub(crate) section: usize,
    /// The number of bytes after the section.
    pub(crate) overlay: usize,
    /// A number that distinguishes the image from others.
    pub(crate) number: u32,
}

impl Image {
    /// Returns a short x64 program as linkers create it, with a checksum and without the bit.
    pub(crate) fn usual(number: u32) -> Self {
        Image {
            e_lfanew: 0x80,
            is_pe32_plus: true,
            has_checksum: true,
            characteristics: EXECUTABLE,
            section: 512,
            overlay: 0,
            number,
        }
    }

    /// Returns the image with this length, a multiple of 512 and at least 1024.
    pub(crate) fn with_length(self, length: usize) -> Self {
        Image { section: length - HEADERS, ..self }
    }

    /// Returns the image's bytes: the headers, the section and the overlay.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let nt = self.e_lfanew;
        let optional = nt + 24;
        let length_of_optional = if self.is_pe32_plus { 240 } else { 224 };
        let table = optional + length_of_optional;
        let headers = (table + 40).next_multiple_of(512);
        let mut bytes = vec![0; headers];
        let mut put = |at: usize, field: &[u8]| put(&mut bytes, at, field);
        put(0, b"MZ");
        put(0x18, &[0x40]);
        put(0x3c, &u32_of(nt));
        put(nt, b"PE\0\0");
        put(nt + 4, if self.is_pe32_plus { &[0x64, 0x86] } else { &[0x4c, 0x01] });
        put(nt + 6, &[1]); // NumberOfSections
        put(nt + 8, &self.number.to_le_bytes()); // TimeDateStamp
        put(nt + 20, &u32_of(length_of_optional));
        put(nt + 22, &self.characteristics.to_le_bytes());
        put(optional, if self.is_pe32_plus { &[0x0b, 0x02] } else { &[0x0b, 0x01] });
        put(optional + 4, &u32_of(self.section)); // SizeOfCode
        put(optional + 16, &u32_of(0x2000)); // AddressOfEntryPoint
        put(optional + 20, &u32_of(0x2000)); // BaseOfCode
        let base = if self.is_pe32_plus { 24 } else { 28 };
        put(optional + base, &u32_of(0x40_0000));
        put(optional + 32, &u32_of(0x1000)); // SectionAlignment
        put(optional + 36, &u32_of(512)); // FileAlignment
        put(optional + 40, &[6]);
        put(optional + 48, &[6]);
        put(optional + 56, &u32_of(0x2000 + self.section.next_multiple_of(0x1000))); // SizeOfImage
        put(optional + 60, &u32_of(headers));
        put(optional + 68, &[3]); // Subsystem: console
        let count = if self.is_pe32_plus { 108 } else { 92 };
        put(optional + count, &u32_of(16)); // NumberOfRvaAndSizes
        put(table, b".text\0\0\0");
        for (index, field) in [self.section, 0x2000, self.section, headers].into_iter().enumerate()
        {
            put(table + 8 + 4 * index, &u32_of(field));
        }
        put(table + 36, &u32_of(0x6000_0020));
        let behind = self.number.to_le_bytes().into_iter().cycle();
        bytes.extend(behind.take(self.section + self.overlay));
        if self.has_checksum {
            write_checksum(&mut bytes, nt);
        }
        bytes
    }
}

/// Returns an image with the bit set. Updates the checksum if there is one. Returns `None` for
/// anything that is not an image created here.
pub(crate) fn patched(whole: &[u8]) -> Option<Vec<u8>> {
    let nt = usize::try_from(u32::from_le_bytes(*whole.get(0x3c..)?.first_chunk()?)).ok()?;
    if whole.get(nt..)?.first_chunk() != Some(b"PE\0\0") {
        return None;
    }
    let mut bytes = whole.to_vec();
    let characteristics = bytes.get_mut(nt + 22..)?.first_chunk_mut()?;
    *characteristics = (u16::from_le_bytes(*characteristics) | NET).to_le_bytes();
    if bytes.get(nt + 88..nt + 92)? != [0; 4] {
        write_checksum(&mut bytes, nt);
    }
    Some(bytes)
}

/// Returns the range in which a file and its patched version differ: from Characteristics to the
/// end of `CheckSum`.
pub(crate) fn reach(e_lfanew: usize) -> std::ops::Range<usize> {
    e_lfanew + 22..e_lfanew + 92
}

fn write_checksum(bytes: &mut [u8], nt: usize) {
    put(bytes, nt + 88, &[0; 4]);
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let checksum = sum_of_words(bytes) + length;
    put(bytes, nt + 88, &checksum.to_le_bytes());
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    for (place, byte) in bytes.iter_mut().skip(at).zip(field) {
        *place = *byte;
    }
}

/// Returns the sum of the 16-bit words, with each carry added back.
fn sum_of_words(bytes: &[u8]) -> u32 {
    let (words, last) = bytes.as_chunks();
    let last = last.first().map(|byte| [*byte, 0]);
    words.iter().chain(&last).fold(0, |sum, word| {
        let sum = sum + u32::from(u16::from_le_bytes(*word));
        (sum & 0xffff) + (sum >> 16)
    })
}

fn u32_of(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netswap::image::{Content, Layout, read_from};

    fn images() -> Vec<Image> {
        let mut images = Vec::new();
        for e_lfanew in [0x80, 4006, 4040, 4072, 4073, 5000] {
            for overlay in [0, 11] {
                let image = Image { e_lfanew, overlay, ..Image::usual(7) };
                let without_checksum = Image { has_checksum: false, ..image };
                let both = [image, without_checksum];
                images.extend(both);
                images.extend(both.map(|image| Image { is_pe32_plus: false, ..image }));
            }
        }
        images
    }

    fn header(bytes: &[u8]) -> netswap::Header {
        match read_from(bytes) {
            Ok(Content::Image(header)) => header,
            other => panic!("it is read as {other:?}"),
        }
    }

    #[test]
    fn a_made_image_is_read_as_one_and_its_checksum_is_right_with_the_bit_and_without() {
        for image in images() {
            let old = image.bytes();
            let new = patched(&old).unwrap();
            let with_bit = Image { characteristics: EXECUTABLE | NET, ..image }.bytes();
            assert_eq!(new, with_bit);
            for (bytes, characteristics) in [(&old, 0x22), (&new, 0x822)] {
                let layout = Layout::read(&**bytes).unwrap().unwrap();
                let right = layout.checksum(&**bytes, bytes.len() as u64).unwrap();
                let header = header(bytes);
                assert_eq!(header.characteristics, characteristics);
                assert_eq!(header.checksum, if image.has_checksum { right } else { 0 });
                assert_eq!(header.is_pe32_plus, image.is_pe32_plus);
                assert!(layout.end_of_sections() <= bytes.len() as u64);
            }
            let differ = |at: &usize| old.get(*at) != new.get(*at);
            let reach = reach(image.e_lfanew);
            assert!((0..old.len()).filter(differ).all(|at| reach.contains(&at)));
        }
    }

    #[test]
    fn an_image_has_the_length_that_was_asked_for() {
        for length in [1024, 20 << 10] {
            let bytes = Image::usual(7).with_length(length).bytes();
            assert_eq!(bytes.len(), length);
            assert_eq!(
                header(&bytes).size_of_image as usize,
                0x2000 + (length - 512).next_multiple_of(0x1000)
            );
        }
    }

    #[test]
    fn what_is_no_image_has_no_twin() {
        for bytes in [&b""[..], b"MZ", &[0; 100], &Image::usual(7).bytes()[..0x60]] {
            assert_eq!(patched(bytes), None);
        }
    }
}
