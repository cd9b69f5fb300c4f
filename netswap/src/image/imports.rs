//! The DLLs that an image loads, from its import table and its delay-load import table.
//!
//! Source: PE format, "The .idata Section" and "Delay-Load Import Tables (Image Only)".

use object::LittleEndian as LE;
use object::pe::{ImageDelayloadDescriptor, ImageImportDescriptor};

use super::layout::DirectoryEntry;
use super::table::{TableError, WindowedReader};
use super::{Layout, ReadAt};

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

/// Reads the names of the DLLs that an image imports, in the order of its tables.
///
/// # Errors
///
/// Fails if the file can't be read. Also fails if a table is not in the file, has no end, or has an
/// entry without a name.
pub fn imports(file: &(impl ReadAt + ?Sized), layout: &Layout) -> Result<Vec<Import>, TableError> {
    let reader = WindowedReader::new(file);
    let mut imports = Vec::new();
    if let Some(directory) = layout.directory(DirectoryEntry::Import) {
        for index in 0.. {
            let descriptor: ImageImportDescriptor = nth(&reader, layout, directory.address, index)?
                .ok_or(TableError::Malformed("the import table is outside the file"))?;
            // For the loader, a descriptor without a name or without an address table is the end.
            let name = descriptor.name.get(LE);
            if name == 0 || descriptor.first_thunk.get(LE) == 0 {
                break;
            }
            imports.push(import(&reader, layout, name, false)?);
        }
    }
    if let Some(directory) = layout.directory(DirectoryEntry::DelayImport) {
        for index in 0.. {
            let descriptor: ImageDelayloadDescriptor =
                nth(&reader, layout, directory.address, index)?.ok_or(TableError::Malformed(
                    "the delay-load import table is outside the file",
                ))?;
            let name = match descriptor.dll_name_rva.get(LE) {
                0 => break,
                name if descriptor.attributes.get(LE) & RVA_BASED != 0 => name,
                name => layout.relative(name),
            };
            imports.push(import(&reader, layout, name, true)?);
        }
    }
    Ok(imports)
}

/// Reads the descriptor with this index in a table.
fn nth<T: object::pod::Pod>(
    reader: &WindowedReader<'_, impl ReadAt + ?Sized>,
    layout: &Layout,
    table: u32,
    index: u32,
) -> Result<Option<T>, TableError> {
    if index == MAX_IMPORTS {
        return Err(TableError::Malformed("an import table has no end"));
    }
    let size = u32::try_from(size_of::<T>()).unwrap_or(u32::MAX);
    let address = index.checked_mul(size).and_then(|into| table.checked_add(into));
    match address {
        Some(address) => Ok(reader.record(layout, address)?),
        None => Ok(None),
    }
}

fn import(
    reader: &WindowedReader<'_, impl ReadAt + ?Sized>,
    layout: &Layout,
    name: u32,
    is_delayed: bool,
) -> Result<Import, TableError> {
    let name = reader
        .text(layout, name, MAX_NAME_LENGTH)?
        .filter(|name| !name.is_empty())
        .ok_or(TableError::Malformed("an import has no name in the file"))?;
    Ok(Import { name: String::from_utf8_lossy(&name).into_owned(), is_delayed })
}
