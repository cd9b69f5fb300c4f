//! Which DLLs an image loads: its import table and its delay-load import table.
//!
//! Source: PE format, "The .idata Section" and "Delay-Load Import Tables (Image Only)".

use object::LittleEndian as LE;
use object::pe::{ImageDelayloadDescriptor, ImageImportDescriptor};

use super::layout::DirectoryEntry;
use super::table::{TableError, WindowedReader};
use super::{Layout, ReadAt};

/// A DLL that an image names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The DLL's name as the image has it; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// Whether it is loaded when a function of it is first called, and not with the image.
    pub is_delayed: bool,
}

/// More than any linker writes; a table without an end stops here.
const MOST_IMPORTS: u32 = 4096;

/// Longer than any file name on Windows, whose limit is 255 characters.
const LONGEST_NAME: usize = 1024;

/// `RvaBased`, the bit of a delay-load descriptor's Attributes that new ones have.
const RVA_BASED: u32 = 1;

/// Reads the names of the DLLs that an image imports, in the order of its tables.
///
/// # Errors
///
/// When the file can't be read, or a table does not lie in it, has no end, or names nothing.
pub fn imports(file: &(impl ReadAt + ?Sized), layout: &Layout) -> Result<Vec<Import>, TableError> {
    let pieces = WindowedReader::of(file);
    let mut imports = Vec::new();
    if let Some(directory) = layout.directory(DirectoryEntry::Import) {
        for index in 0.. {
            let descriptor: ImageImportDescriptor = nth(&pieces, layout, directory.address, index)?
                .ok_or(TableError::Malformed("the import table does not lie in the file"))?;
            // The loader takes a descriptor without a name or without an address table for the end.
            let name = descriptor.name.get(LE);
            if name == 0 || descriptor.first_thunk.get(LE) == 0 {
                break;
            }
            imports.push(import(&pieces, layout, name, false)?);
        }
    }
    if let Some(directory) = layout.directory(DirectoryEntry::DelayImport) {
        for index in 0.. {
            let descriptor: ImageDelayloadDescriptor =
                nth(&pieces, layout, directory.address, index)?.ok_or(TableError::Malformed(
                    "the delay-load import table does not lie in the file",
                ))?;
            let name = match descriptor.dll_name_rva.get(LE) {
                0 => break,
                name if descriptor.attributes.get(LE) & RVA_BASED != 0 => name,
                name => layout.relative(name),
            };
            imports.push(import(&pieces, layout, name, true)?);
        }
    }
    Ok(imports)
}

/// The descriptor of this index in a table.
fn nth<T: object::pod::Pod>(
    pieces: &WindowedReader<'_, impl ReadAt + ?Sized>,
    layout: &Layout,
    table: u32,
    index: u32,
) -> Result<Option<T>, TableError> {
    if index == MOST_IMPORTS {
        return Err(TableError::Malformed("a table of imports has no end"));
    }
    let size = u32::try_from(size_of::<T>()).unwrap_or(u32::MAX);
    let address = index.checked_mul(size).and_then(|into| table.checked_add(into));
    match address {
        Some(address) => Ok(pieces.record(layout, address)?),
        None => Ok(None),
    }
}

fn import(
    pieces: &WindowedReader<'_, impl ReadAt + ?Sized>,
    layout: &Layout,
    name: u32,
    is_delayed: bool,
) -> Result<Import, TableError> {
    let name = pieces
        .text(layout, name, LONGEST_NAME)?
        .filter(|name| !name.is_empty())
        .ok_or(TableError::Malformed("an import has no name in the file"))?;
    Ok(Import { name: String::from_utf8_lossy(&name).into_owned(), is_delayed })
}
