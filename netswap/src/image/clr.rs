//! The CLR runtime header of a .NET assembly, and its strong name.
//!
//! Source: PE format, "CLR Runtime Header"; ECMA-335, II.25.3.3 "CLI header".

use object::LittleEndian as LE;
use object::pe;

use super::layout::DirectoryEntry;
use super::table::{TableError, WindowedReader};
use super::{Layout, ReadAt};
use crate::json::write_name;

/// The state of a .NET assembly's strong name, a signature that covers its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrongName {
    /// The assembly has no strong name.
    None,
    /// The assembly has space for a strong name that is added later.
    DelaySigned,
    /// The assembly has a strong name.
    Signed,
}

write_name!(StrongName);

impl StrongName {
    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            StrongName::None => "none",
            StrongName::DelaySigned => "delay-signed",
            StrongName::Signed => "signed",
        }
    }
}

impl Layout {
    /// Whether the image is a .NET assembly.
    pub fn is_managed(&self) -> bool {
        self.directory(DirectoryEntry::ClrRuntimeHeader).is_some()
    }
}

/// Reads the state of an image's strong name. Returns `None` if the image is not a .NET assembly.
///
/// # Errors
///
/// Fails if the file can't be read or does not contain the CLR runtime header.
pub fn strong_name(
    file: &(impl ReadAt + ?Sized),
    layout: &Layout,
) -> Result<Option<StrongName>, TableError> {
    let Some(directory) = layout.directory(DirectoryEntry::ClrRuntimeHeader) else {
        return Ok(None);
    };
    let header: pe::ImageCor20Header = WindowedReader::new(file)
        .record(layout, directory.address)?
        .ok_or(TableError::Malformed("the CLR runtime header is outside the file"))?;
    let signature = header.strong_name_signature;
    let has_room = signature.virtual_address.get(LE) != 0 && signature.size.get(LE) != 0;
    let is_signed = header.flags.get(LE).0 & pe::COMIMAGE_FLAGS_STRONGNAMESIGNED.0 != 0;
    Ok(Some(match (has_room, is_signed) {
        (false, _) => StrongName::None,
        (true, false) => StrongName::DelaySigned,
        (true, true) => StrongName::Signed,
    }))
}
