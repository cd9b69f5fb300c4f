//! The CLR runtime header of a .NET assembly, and whether it has a strong name.
//!
//! Source: PE format, "CLR Runtime Header"; ECMA-335, II.25.3.3 "CLI header".

use object::LittleEndian as LE;
use object::pe;
use serde::Serialize;

use super::layout::DirectoryEntry;
use super::table::{TableError, WindowedReader};
use super::{Layout, ReadAt};

/// Whether a .NET assembly has a strong name, a signature that covers its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrongName {
    /// It has none.
    None,
    /// There is room for one, to be filled later.
    DelaySigned,
    /// It has one.
    Signed,
}

impl Layout {
    /// Whether it is a .NET assembly.
    pub fn is_managed(&self) -> bool {
        self.directory(DirectoryEntry::ClrRuntimeHeader).is_some()
    }
}

/// Reads whether an image has a strong name. `None`: it is no .NET assembly.
///
/// # Errors
///
/// When the file can't be read, or the header does not lie in it.
pub fn strong_name(
    file: &(impl ReadAt + ?Sized),
    layout: &Layout,
) -> Result<Option<StrongName>, TableError> {
    let Some(directory) = layout.directory(DirectoryEntry::ClrRuntimeHeader) else {
        return Ok(None);
    };
    let header: pe::ImageCor20Header = WindowedReader::of(file)
        .record(layout, directory.address)?
        .ok_or(TableError::Malformed("the CLR runtime header does not lie in the file"))?;
    let signature = header.strong_name_signature;
    let has_room = signature.virtual_address.get(LE) != 0 && signature.size.get(LE) != 0;
    let is_signed = header.flags.get(LE).0 & pe::COMIMAGE_FLAGS_STRONGNAMESIGNED.0 != 0;
    Ok(Some(match (has_room, is_signed) {
        (false, _) => StrongName::None,
        (true, false) => StrongName::DelaySigned,
        (true, true) => StrongName::Signed,
    }))
}
