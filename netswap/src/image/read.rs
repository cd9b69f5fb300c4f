//! Reads a file's headers with one read of 4 KiB. Needs a second read only if they are beyond it.

use std::fmt;
use std::io;
use std::path::Path;

use object::pe;

use super::imports::is_kernel_module;
use super::source::read_once;
use super::{
    Header, Layout, Malformed, ReadAt, StrongName, SwapRun, TableError, imports, strong_name,
};
use crate::system;

/// Bytes of the first read: one page, and more than the headers of any linker need.
const WINDOW: usize = 4096;

/// The first value that is too large for `e_lfanew`: 256 MiB. No linker puts the NT headers beyond
/// that. A larger value is not an offset, but text or code that happens to be there.
const FARTHEST: u32 = 256 << 20;

/// Offset of `e_lfanew` in the DOS header. The field contains the offset of the NT headers (PE
/// format, "MS-DOS Stub").
const E_LFANEW: usize = 0x3c;

/// The type of a file, determined by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A PE image.
    Image(Header),
    /// Something else: a document, an ELF program, a DOS or 16-bit Windows program.
    Other,
}

/// The reason why a file's header can't be read.
#[derive(Debug)]
pub enum ReadError {
    /// The system refused to open or read the file.
    Io(io::Error),
    /// The file begins like an image but ends before its headers do.
    Truncated,
    /// The file has NT headers, but not those of an image that Windows loads. The value is their
    /// magic number.
    Magic(u16),
    /// A table that the headers point to violates the PE format. The value describes the violation.
    Table(&'static str),
    /// A section reaches beyond the end of the file.
    SectionPastEnd,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => error.fmt(f),
            ReadError::Truncated => f.write_str("the file ends inside its headers"),
            ReadError::Magic(magic) => {
                write!(f, "its optional header has the unknown magic number {magic:#06x}")
            }
            ReadError::Table(why) => f.write_str(why),
            ReadError::SectionPastEnd => f.write_str("the file ends before its last section does"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Io(error)
    }
}

impl From<TableError> for ReadError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Io(error) => ReadError::Io(error),
            TableError::Malformed(why) => ReadError::Table(why),
        }
    }
}

impl From<Malformed> for ReadError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Truncated => ReadError::Truncated,
            Malformed::Magic(magic) => ReadError::Magic(magic),
        }
    }
}

/// Reads the header of the file at `path`. Opens the file, usually reads once, and closes it.
///
/// # Errors
///
/// Fails if the file can't be read, or if it begins like an image but is not one.
pub fn read(path: &Path) -> Result<Content, ReadError> {
    read_from(&system::open(path)?)
}

/// Reads the header from an open file or from its bytes.
///
/// # Errors
///
/// Fails like [`read`].
pub fn read_from(file: &(impl ReadAt + ?Sized)) -> Result<Content, ReadError> {
    let Some(mut header) = nt_headers(file, |_, bytes| Header::parse(bytes))? else {
        return Ok(Content::Other);
    };
    resolve(&mut header, file, None)?;
    Ok(Content::Image(header))
}

impl Layout {
    /// Reads the headers of a file. Returns `None` if the file is not an image.
    ///
    /// # Errors
    ///
    /// Fails if the file can't be read, or if it begins like an image but is not one.
    pub fn read(file: &(impl ReadAt + ?Sized)) -> Result<Option<Self>, ReadError> {
        let Some(mut layout) = nt_headers(file, Layout::parse)? else {
            return Ok(None);
        };
        let mut header = layout.header;
        resolve(&mut header, file, Some(&layout))?;
        layout.header = header;
        Ok(Some(layout))
    }
}

/// Completes the fields that the headers alone don't determine. This needs no further read, except
/// for an image with the native subsystem, and for an unsigned .NET assembly without the network
/// bit.
fn resolve(
    header: &mut Header,
    file: &(impl ReadAt + ?Sized),
    layout: Option<&Layout>,
) -> Result<(), ReadError> {
    if let Some(table) = header.certificate_table {
        header.signed = table.end() <= file.length()?;
    }
    let is_native = pe::Subsystem(header.subsystem) == pe::IMAGE_SUBSYSTEM_NATIVE;
    // Only the advice about a missing bit depends on the strong name.
    let needs_strong_name = header.is_managed && !header.has(SwapRun::Net) && !header.signed;
    if !is_native && !needs_strong_name {
        return Ok(());
    }
    let read = if layout.is_none() { nt_headers(file, Layout::parse)? } else { None };
    let Some(layout) = layout.or(read.as_ref()) else {
        return Ok(());
    };
    if is_native {
        header.is_kernel = imports(file, layout)?.dlls.iter().any(is_kernel_module);
    }
    if needs_strong_name {
        header.has_strong_name = match strong_name(file, layout) {
            Ok(name) => name == Some(StrongName::Signed),
            Err(TableError::Malformed(_)) => false,
            Err(TableError::Io(error)) => return Err(error.into()),
        };
    }
    Ok(())
}

/// Finds the NT headers and parses them with `parse`. Returns `None` if the file is not an image.
///
/// `parse` takes the offset of the NT headers in the file, and the bytes read from there. It may be
/// called again with more bytes if those were too few.
pub(super) fn nt_headers<T>(
    file: &(impl ReadAt + ?Sized),
    parse: impl Fn(u32, &[u8]) -> Result<T, Malformed>,
) -> Result<Option<T>, ReadError> {
    let mut window = Window::<WINDOW>::at(0);
    let e_lfanew = loop {
        window.read(file)?;
        let step = look(window.bytes(), &parse)?;
        match step {
            Step::Done(parsed) => return Ok(parsed),
            Step::Beyond(e_lfanew) if window.is_full() => break e_lfanew,
            Step::More | Step::Beyond(_) if !window.is_at_end => {}
            Step::More => return at_end(window.bytes(), None),
            Step::Beyond(e_lfanew) => return at_end(window.bytes(), Some(e_lfanew)),
        }
    };
    let mut beyond = Window::<{ Header::MAX_SIZE }>::at(e_lfanew.into());
    loop {
        beyond.read(file)?;
        match signed(e_lfanew, beyond.bytes(), &parse) {
            Err(Malformed::Truncated) if !beyond.is_at_end && !beyond.is_full() => {}
            Err(Malformed::Truncated) if beyond.bytes().is_empty() => {
                return at_end(window.bytes(), Some(e_lfanew));
            }
            parsed => return Ok(parsed?),
        }
    }
}

/// The result of looking at the first bytes of a file.
enum Step<T> {
    /// The parsed headers, or `None` if the file is not an image.
    Done(Option<T>),
    /// The bytes are too few to decide.
    More,
    /// The NT headers begin or end beyond the bytes. The value is their offset.
    Beyond(u32),
}

fn look<T>(
    start: &[u8],
    parse: &impl Fn(u32, &[u8]) -> Result<T, Malformed>,
) -> Result<Step<T>, Malformed> {
    if !start.starts_with(b"MZ") {
        return Ok(if b"MZ".starts_with(start) { Step::More } else { Step::Done(None) });
    }
    let Some(e_lfanew) = u32_at(start, E_LFANEW) else {
        return Ok(Step::More);
    };
    if e_lfanew == 0 || e_lfanew >= FARTHEST {
        return Ok(Step::Done(None));
    }
    let nt = start.get(e_lfanew as usize..).unwrap_or_default();
    // Truncated headers can't be judged yet: the file may have more bytes.
    match signed(e_lfanew, nt, parse) {
        Err(Malformed::Truncated) => Ok(Step::Beyond(e_lfanew)),
        parsed => parsed.map(Step::Done),
    }
}

/// Parses the bytes at `e_lfanew`. They begin with `PE\0\0` in an image, and with anything else in
/// a DOS, 16-bit Windows or OS/2 program.
fn signed<T>(
    e_lfanew: u32,
    nt: &[u8],
    parse: &impl Fn(u32, &[u8]) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    const SIGNATURE: &[u8] = b"PE\0\0";
    let common = nt.len().min(SIGNATURE.len());
    match nt.get(..common) {
        Some(start) if SIGNATURE.starts_with(start) => parse(e_lfanew, nt).map(Some),
        _ => Ok(None),
    }
}

/// Classifies a file that ends before its NT headers do. Either `start` is the whole file, or the
/// file ends before the offset `e_lfanew`.
fn at_end<T>(start: &[u8], e_lfanew: Option<u32>) -> Result<Option<T>, ReadError> {
    let is_other = match e_lfanew {
        // A DOS header contains zeros; a text this short contains none.
        None => !start.contains(&0),
        Some(e_lfanew) => is_plain_dos(start) && start.len() <= e_lfanew as usize,
    };
    if is_other { Ok(None) } else { Err(ReadError::Truncated) }
}

/// Whether this is the header of a DOS program without a newer header. Its relocation table begins
/// where newer headers have `e_lfanew`.
fn is_plain_dos(start: &[u8]) -> bool {
    let relocation_table = start.get(0x18..).and_then(|bytes| bytes.first_chunk());
    relocation_table.is_some_and(|at| u16::from_le_bytes(*at) < 0x40)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

/// A part of a file, read from its start.
struct Window<const SIZE: usize> {
    offset: u64,
    buffer: [u8; SIZE],
    length: usize,
    is_at_end: bool,
}

impl<const SIZE: usize> Window<SIZE> {
    fn at(offset: u64) -> Self {
        Window { offset, buffer: [0; SIZE], length: 0, is_at_end: false }
    }

    /// Reads once more. A short read does not prove that the file ends; only a read of no bytes
    /// does. Such a read is made only if the bytes so far are too few.
    fn read(&mut self, file: &(impl ReadAt + ?Sized)) -> io::Result<()> {
        let rest = self.buffer.get_mut(self.length..).unwrap_or_default();
        let count = read_once(file, rest, self.offset + self.length as u64)?;
        self.length += count;
        self.is_at_end = count == 0;
        Ok(())
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.length == SIZE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Kind;
    use std::cell::Cell;

    fn image(e_lfanew: u32) -> Vec<u8> {
        testkit::image::headers(e_lfanew, 0x0822)
    }

    /// A reader that counts its reads, since each is a round trip on a share. Each read returns up
    /// to `at_most` bytes.
    struct Reader {
        bytes: Vec<u8>,
        at_most: usize,
        reads: Cell<usize>,
    }

    impl Reader {
        fn new(bytes: Vec<u8>) -> Self {
            Reader { bytes, at_most: usize::MAX, reads: Cell::new(0) }
        }
    }

    impl ReadAt for Reader {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.reads.set(self.reads.get() + 1);
            let length = buffer.len().min(self.at_most);
            self.bytes.read_at(&mut buffer[..length], offset)
        }

        fn length(&self) -> io::Result<u64> {
            self.bytes.length()
        }
    }

    #[test]
    fn header_needs_at_most_two_reads() {
        for (e_lfanew, reads) in [(0x80, 1), (3800, 1), (3833, 2), (4096, 2), (100_000, 2)] {
            let mut bytes = image(e_lfanew);
            bytes.resize(200_000, 0);
            let file = Reader::new(bytes);
            let content = read_from(&file).unwrap();
            assert!(matches!(content, Content::Image(header) if header.has(crate::SwapRun::Net)));
            assert_eq!(file.reads.get(), reads, "e_lfanew {e_lfanew}");
        }
    }

    #[test]
    fn short_file_needs_one_read() {
        let text = b"MZ begins this text, which is longer than a DOS header, and no image at all.";
        for (bytes, reads) in [(image(0x80), 1), (b"\x7fELF".to_vec(), 1), (text.to_vec(), 1)] {
            let file = Reader::new(bytes);
            read_from(&file).unwrap();
            assert_eq!(file.reads.get(), reads);
        }
        let empty = Reader::new(Vec::new());
        assert_eq!(read_from(&empty).unwrap(), Content::Other);
        assert_eq!(empty.reads.get(), 1);
    }

    #[test]
    fn file_cut_inside_its_headers_is_truncated() {
        for e_lfanew in [0x80, 4000, 5000] {
            let whole = image(e_lfanew);
            assert!(matches!(read_from(&*whole), Ok(Content::Image(_))));
            for length in 3..whole.len() {
                let cut = read_from(&whole[..length]);
                assert!(matches!(cut, Err(ReadError::Truncated)), "{e_lfanew} {length}: {cut:?}");
            }
        }
    }

    #[test]
    fn non_images_are_recognized_by_their_bytes() {
        let mut dos = vec![0; 0x200];
        dos[..2].copy_from_slice(b"MZ");
        dos[0x18] = 0x1c;
        dos[E_LFANEW..0x40].copy_from_slice(&0xffff_ffff_u32.to_le_bytes());
        let mut dos_with_plausible_offset = dos.clone();
        dos_with_plausible_offset[E_LFANEW..0x40].copy_from_slice(&0x1000_u32.to_le_bytes());
        let mut new_executable = image(0x80);
        new_executable[0x80..0x84].copy_from_slice(b"NE\x05\x01");
        let text = b"MZ begins this text, which is longer than a DOS header, and no image at all.";
        for bytes in [
            &b""[..],
            b"M",
            b"\x7fELF",
            b"MZ",
            text,
            &text[..20],
            &dos,
            &dos_with_plausible_offset,
            &new_executable,
        ] {
            assert!(matches!(read_from(bytes), Ok(Content::Other)), "{bytes:?}");
        }
    }

    #[test]
    fn header_offset_past_the_end_is_not_an_image() {
        let mut bytes = image(0x80);
        bytes[E_LFANEW..0x40].copy_from_slice(&(FARTHEST - 8).to_le_bytes());
        assert!(matches!(read_from(&*bytes), Err(ReadError::Truncated)));
        bytes[E_LFANEW..0x40].copy_from_slice(&FARTHEST.to_le_bytes());
        assert!(matches!(read_from(&*bytes), Ok(Content::Other)));
    }

    #[test]
    fn one_byte_reads_give_the_same_result() {
        for e_lfanew in [0x80, 4000, 5000] {
            let slow = Reader { at_most: 1, ..Reader::new(image(e_lfanew)) };
            assert_eq!(read_from(&slow).unwrap(), read_from(&*image(e_lfanew)).unwrap());
        }
    }

    fn header(bytes: &[u8]) -> Header {
        let Ok(Content::Image(header)) = read_from(bytes) else { panic!("no image") };
        assert_eq!(Layout::read(bytes).unwrap().unwrap().header, header);
        header
    }

    #[test]
    fn table_outside_the_file_is_no_signature() {
        use testkit::image::{CERTIFICATE, Image, put_directory};
        let signed = Image::exe().certificate(100).bytes();
        assert!(header(&signed).signed);
        assert!(!header(&signed[..signed.len() - 1]).signed);
        for (start, size) in [(0xffff_fff8, 8), (0x1000, 0x1000), (0, 8), (8, 0)] {
            let mut bytes = Image::exe().bytes();
            put_directory(&mut bytes, CERTIFICATE, start, size);
            assert!(!header(&bytes).signed, "{start:#x} {size:#x}");
        }
    }

    #[test]
    fn kernel_imports_make_a_native_image_a_driver() {
        use testkit::image::Image;
        let native = |dll: &str| Image::exe().subsystem(1).import(dll).bytes();
        for dll in ["ntoskrnl.exe", "HAL.dll", "NDIS.SYS", "wdfldr.sys"] {
            assert_eq!(header(&native(dll)).kind(), Kind::Driver, "{dll}");
            let program = Image::exe().import(dll).bytes();
            assert_eq!(header(&program).kind(), Kind::Exe, "{dll}");
        }
        assert_eq!(header(&native("ntdll.dll")).kind(), Kind::Exe);
        assert_eq!(header(&Image::dll().subsystem(1).bytes()).kind(), Kind::Dll);
    }

    #[test]
    fn subsystem_decides_the_other_kinds() {
        use testkit::image::Image;
        let kinds = [
            (2, Kind::Exe),
            (3, Kind::Exe),
            (9, Kind::WindowsCe),
            (10, Kind::Efi),
            (11, Kind::Efi),
            (12, Kind::Efi),
            (13, Kind::Efi),
            (14, Kind::Xbox),
            (16, Kind::Boot),
        ];
        for (subsystem, kind) in kinds {
            assert_eq!(header(&Image::exe().subsystem(subsystem).bytes()).kind(), kind);
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
    }
}
