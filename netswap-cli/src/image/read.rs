//! Reading a file's headers: one read of 4 KiB, a second one only where they lie beyond.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Header, Malformed};

/// What is read at once: more than the headers of any linker take, and one page.
const WINDOW: usize = 4096;

/// No linker puts the NT headers behind a quarter of a gigabyte; an offset beyond is no offset, but
/// text or code that happens to stand there.
const FARTHEST: u32 = 256 << 20;

/// Where the DOS header holds the offset of the NT headers (PE format, "MS-DOS Stub").
const E_LFANEW: usize = 0x3c;

/// What a file is, by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A PE image.
    Image(Header),
    /// Something else: a document, an ELF program, a DOS or 16-bit Windows program.
    Other,
}

/// Why it can't be told what a file's header says.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused to open or read it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It begins as an image does and ends before its headers do.
    #[error("the file ends inside its headers")]
    Truncated,
    /// It has NT headers, but not of an image that Windows loads.
    #[error("its optional header has the unknown magic number {0:#06x}")]
    Magic(u16),
}

impl From<Malformed> for ReadError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Truncated => ReadError::Truncated,
            Malformed::Magic(magic) => ReadError::Magic(magic),
        }
    }
}

/// Reads the header of the file at `path`.
///
/// # Errors
///
/// When the file can't be read, or begins as an image does and then is none.
pub fn read(path: &Path) -> Result<Content, ReadError> {
    from_reader(&mut File::open(path)?)
}

fn from_reader(file: &mut (impl Read + Seek)) -> Result<Content, ReadError> {
    let mut buffer = [0; WINDOW];
    let start = fill(file, &mut buffer)?;
    if !start.starts_with(b"MZ") {
        return Ok(Content::Other);
    }
    let Some(e_lfanew) = u32_at(start, E_LFANEW) else {
        // A DOS header holds zeros; so short a text holds none.
        return if start.contains(&0) { Err(ReadError::Truncated) } else { Ok(Content::Other) };
    };
    if e_lfanew == 0 || e_lfanew >= FARTHEST {
        return Ok(Content::Other);
    }
    let nt = start.get(e_lfanew as usize..).unwrap_or_default();
    // Only what the first read holds as a whole can be judged by it.
    match parse(nt) {
        Err(ReadError::Truncated) => {}
        parsed => return parsed,
    }
    let behind_the_end =
        if is_plain_dos(start) { Ok(Content::Other) } else { Err(ReadError::Truncated) };
    if start.len() < WINDOW {
        return if nt.is_empty() { behind_the_end } else { Err(ReadError::Truncated) };
    }
    file.seek(SeekFrom::Start(u64::from(e_lfanew)))?;
    let mut buffer = [0; Header::MOST_BYTES];
    match fill(file, &mut buffer)? {
        [] => behind_the_end,
        nt => parse(nt),
    }
}

/// Reads what stands at `e_lfanew`, which is `PE\0\0` for an image and anything else for a DOS,
/// 16-bit Windows or OS/2 program.
fn parse(nt: &[u8]) -> Result<Content, ReadError> {
    const SIGNATURE: &[u8] = b"PE\0\0";
    let common = nt.len().min(SIGNATURE.len());
    match nt.get(..common) {
        Some(start) if SIGNATURE.starts_with(start) => Ok(Content::Image(Header::parse(nt)?)),
        _ => Ok(Content::Other),
    }
}

/// Whether this is the header of a DOS program that knows of no other: its relocation table begins
/// where newer headers have `e_lfanew`.
fn is_plain_dos(start: &[u8]) -> bool {
    let relocation_table = start.get(0x18..).and_then(|bytes| bytes.first_chunk());
    relocation_table.is_some_and(|at| u16::from_le_bytes(*at) < 0x40)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

/// Reads until the buffer is full or the file ends: one call, but for the last bytes of a file.
fn fill<'a>(file: &mut impl Read, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..length).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::header::tests::nt_headers;
    use std::io::Cursor;

    /// An image with its NT headers at `e_lfanew`.
    fn image(e_lfanew: u32) -> Vec<u8> {
        let mut bytes = b"MZ".to_vec();
        bytes.resize(0x40, 0);
        bytes[0x18] = 0x40;
        bytes[E_LFANEW..].copy_from_slice(&e_lfanew.to_le_bytes());
        bytes.resize(e_lfanew as usize, 0);
        bytes.extend(nt_headers(0x0822));
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Content, ReadError> {
        from_reader(&mut Cursor::new(bytes))
    }

    /// Counts the calls, since each is a round trip on a share.
    struct Counted<T>(T, usize);

    impl<T: Read> Read for Counted<T> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            self.0.read(buffer)
        }
    }

    impl<T: Seek> Seek for Counted<T> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_header_in_the_first_page_costs_one_read_and_one_beyond_two() {
        for (e_lfanew, reads) in [(0x80, 1), (3800, 1), (3833, 2), (4096, 2), (100_000, 2)] {
            let mut bytes = image(e_lfanew);
            bytes.resize(200_000, 0);
            let mut file = Counted(Cursor::new(bytes), 0);
            let content = from_reader(&mut file).unwrap();
            assert!(matches!(content, Content::Image(header) if header.has(crate::SwapRun::Net)));
            assert_eq!(file.1, reads, "e_lfanew {e_lfanew}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_inside_its_headers_is_truncated() {
        for e_lfanew in [0x80, 4000, 5000] {
            let whole = image(e_lfanew);
            assert!(matches!(read(&whole), Ok(Content::Image(_))));
            for length in 3..whole.len() {
                let cut = read(&whole[..length]);
                assert!(matches!(cut, Err(ReadError::Truncated)), "{e_lfanew} {length}: {cut:?}");
            }
        }
    }

    #[test]
    fn what_is_no_image_is_told_by_its_bytes() {
        let mut dos = vec![0; 0x200];
        dos[..2].copy_from_slice(b"MZ");
        dos[0x18] = 0x1c;
        dos[E_LFANEW..0x40].copy_from_slice(&0xffff_ffff_u32.to_le_bytes());
        let mut new_executable = image(0x80);
        new_executable[0x80..0x84].copy_from_slice(b"NE\x05\x01");
        let text = b"MZ begins this text, which is longer than a DOS header, and no image at all.";
        for bytes in [&b""[..], b"M", b"\x7fELF", b"MZ", text, &text[..20], &dos, &new_executable] {
            assert!(matches!(read(bytes), Ok(Content::Other)));
        }
    }

    #[test]
    fn an_offset_beyond_all_files_is_truncated_and_allocates_nothing() {
        let mut bytes = image(0x80);
        bytes[E_LFANEW..0x40].copy_from_slice(&(FARTHEST - 8).to_le_bytes());
        assert!(matches!(read(&bytes), Err(ReadError::Truncated)));
        bytes[E_LFANEW..0x40].copy_from_slice(&FARTHEST.to_le_bytes());
        assert!(matches!(read(&bytes), Ok(Content::Other)));
    }

    #[test]
    fn a_reader_that_hands_out_single_bytes_gives_the_same() {
        struct Slow(Cursor<Vec<u8>>);
        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0.read(&mut buffer[..1])
            }
        }
        impl Seek for Slow {
            fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
                self.0.seek(to)
            }
        }
        let slow = from_reader(&mut Slow(Cursor::new(image(5000)))).unwrap();
        assert_eq!(slow, read(&image(5000)).unwrap());
    }
}
