//! The DLLs that an image loads, from its import table and its delay-load import table.
//!
//! Source: PE format, "The .idata Section" and "Delay-Load Import Tables (Image Only)".

use std::io;

use object::LittleEndian as LE;
use object::pe::{ImageDelayloadDescriptor, ImageImportDescriptor};
use object::pod::Pod;

use super::layout::DirectoryEntry;
use super::table::WindowedReader;
use super::{Layout, ReadAt};

/// The DLLs that an image imports, as far as its tables can be read. One table never hides the
/// other, and an entry without a name hides no other entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// The DLLs, in the order of the tables.
    pub dlls: Vec<Import>,
    /// The first violation of the PE format in the import table. Windows does not load such an
    /// image.
    pub problem: Option<&'static str>,
    /// The first violation in the delay-load import table. Windows does not read this table when it
    /// loads the image, so the image starts.
    pub delay_problem: Option<&'static str>,
}

/// A DLL that an image imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The DLL's name as the image stores it. Bytes that are not UTF-8 are replaced.
    pub name: String,
    /// Whether the DLL is loaded at the first call of one of its functions, and not with the image.
    pub is_delayed: bool,
}

/// Maximum number of entries in a table, more than any linker writes. Reading a table without an
/// end stops here.
const MAX_IMPORTS: u32 = 4096;

/// Maximum length of a DLL name in bytes. It exceeds the limit of Windows for file names, 255
/// characters.
const MAX_NAME_LENGTH: usize = 1024;

/// `RvaBased`, a bit in a delay-load descriptor's Attributes. New descriptors have it set.
const RVA_BASED: u32 = 1;

/// Reads the names of the DLLs that an image imports.
///
/// # Errors
///
/// Fails if the file can't be read.
pub fn imports(file: &(impl ReadAt + ?Sized), layout: &Layout) -> io::Result<Imports> {
    let reader = WindowedReader::new(file);
    let mut imports = Imports::default();
    // For the loader, a descriptor without a name or without an address table is the end.
    let name = |descriptor: ImageImportDescriptor| match descriptor.first_thunk.get(LE) {
        0 => 0,
        _ => descriptor.name.get(LE),
    };
    let (dlls, problem) = table(&reader, layout, DirectoryEntry::Import, name)?;
    imports.add(dlls, false);
    imports.problem = problem;
    let name = |descriptor: ImageDelayloadDescriptor| match descriptor.dll_name_rva.get(LE) {
        0 => 0,
        name if descriptor.attributes.get(LE) & RVA_BASED != 0 => name,
        name => layout.relative(name),
    };
    let (dlls, problem) = table(&reader, layout, DirectoryEntry::DelayImport, name)?;
    imports.add(dlls, true);
    imports.delay_problem = problem;
    Ok(imports)
}

impl Imports {
    fn add(&mut self, names: Vec<String>, is_delayed: bool) {
        self.dlls.extend(names.into_iter().map(|name| Import { name, is_delayed }));
    }
}

/// Modules of the kernel that drivers import from, besides other drivers (`*.sys`). Programs can't
/// load them.
const KERNEL_MODULES: [&str; 8] = [
    "bootvid.dll",
    "ci.dll",
    "hal.dll",
    "kdcom.dll",
    "ntkrnlmp.exe",
    "ntkrnlpa.exe",
    "ntoskrnl.exe",
    "pshed.dll",
];

/// Whether an image that imports this module runs in the kernel.
pub(super) fn is_kernel_module(import: &Import) -> bool {
    let name = import.name.to_ascii_lowercase();
    name.strip_suffix(".sys").is_some() || KERNEL_MODULES.contains(&name.as_str())
}

/// Reads the names in a table of descriptors, and the first violation of the format. `name` returns
/// the address of a descriptor's name, or 0 if the descriptor ends the table.
fn table<T: Pod>(
    reader: &WindowedReader<'_, impl ReadAt + ?Sized>,
    layout: &Layout,
    entry: DirectoryEntry,
    name: impl Fn(T) -> u32,
) -> io::Result<(Vec<String>, Option<&'static str>)> {
    let (mut names, mut problem) = (Vec::new(), None);
    let Some(directory) = layout.directory(entry) else {
        return Ok((names, problem));
    };
    for index in 0..MAX_IMPORTS {
        let size = u32::try_from(size_of::<T>()).unwrap_or(u32::MAX);
        let address = index.checked_mul(size).and_then(|into| directory.address.checked_add(into));
        let descriptor = match address {
            Some(address) => reader.record(layout, address)?,
            None => None,
        };
        let address = match descriptor.map(&name) {
            Some(0) => return Ok((names, problem)),
            Some(address) => address,
            None => return Ok((names, problem.or(Some("it is outside the file")))),
        };
        let text = reader.text(layout, address, MAX_NAME_LENGTH)?.filter(|text| !text.is_empty());
        match text {
            Some(text) => names.push(String::from_utf8_lossy(&text).into_owned()),
            None => problem = problem.or(Some("an entry has no name in the file")),
        }
    }
    Ok((names, Some("it has no end")))
}

#[cfg(test)]
mod tests {
    use testkit::image::{DELAY_IMPORT, IMPORT, Image, directory, get32, put_directory, put32};

    use super::*;

    fn read(bytes: &[u8]) -> (Vec<String>, Option<&'static str>, Option<&'static str>) {
        let layout = Layout::read(bytes).unwrap().unwrap();
        let Imports { dlls, problem, delay_problem } = imports(bytes, &layout).unwrap();
        (dlls.into_iter().map(|import| import.name).collect(), problem, delay_problem)
    }

    fn image() -> Vec<u8> {
        Image::exe().import("a.dll").import("b.dll").delay_import("c.dll").bytes()
    }

    #[test]
    fn unreadable_table_does_not_hide_the_other() {
        assert_eq!(
            read(&image()),
            (["a.dll", "b.dll", "c.dll"].map(str::to_owned).into(), None, None)
        );
        for (start, size) in [(0xffff_fff0, 0x40), (0x00ff_0000, 0), (0xffff, 1)] {
            let mut bytes = image();
            put_directory(&mut bytes, DELAY_IMPORT, start, size);
            let (names, problem, delay_problem) = read(&bytes);
            assert_eq!((names, problem), (["a.dll", "b.dll"].map(str::to_owned).into(), None));
            assert!(delay_problem.is_some(), "{start:#x}");
            let mut bytes = image();
            put_directory(&mut bytes, IMPORT, start, size);
            let (names, problem, delay_problem) = read(&bytes);
            assert_eq!((names, delay_problem), (vec!["c.dll".to_owned()], None));
            assert!(problem.is_some(), "{start:#x}");
        }
    }

    #[test]
    fn nameless_entry_hides_no_other() {
        let mut bytes = image();
        let table = get32(&bytes, directory(&bytes, IMPORT)) as usize;
        // The section is at the address 0x1000 and at the offset 0x200.
        let descriptor = table - 0x1000 + 0x200;
        put32(&mut bytes, descriptor + 12, 0x00ff_0000);
        let (names, problem, delay_problem) = read(&bytes);
        assert_eq!(names, ["b.dll", "c.dll"]);
        assert_eq!((problem, delay_problem), (Some("an entry has no name in the file"), None));
    }

    #[test]
    fn entry_without_an_address_table_is_the_end() {
        let mut bytes = image();
        let table = get32(&bytes, directory(&bytes, IMPORT)) as usize;
        put32(&mut bytes, table - 0x1000 + 0x200 + 20 + 16, 0);
        assert_eq!(read(&bytes), (["a.dll", "c.dll"].map(str::to_owned).into(), None, None));
    }

    #[test]
    fn flat_image_has_its_imports() {
        let bytes = Image::dll().flat().import("a.dll").delay_import("b.dll").bytes();
        assert_eq!(read(&bytes), (["a.dll", "b.dll"].map(str::to_owned).into(), None, None));
    }
}
