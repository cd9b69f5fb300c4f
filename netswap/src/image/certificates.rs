//! The attribute certificate table, which holds an Authenticode signature.
//!
//! Source: PE format, "The Attribute Certificate Table (Image Only)". The signature itself is not
//! checked, because that needs a trust store. Windows' `signtool verify` and osslsigncode have one.

use std::io;

use serde_core::ser::{Serialize, SerializeMap, Serializer};

use super::header::Directory;
use super::table::WindowedReader;
use super::{Layout, ReadAt};

/// The state of an image's certificate table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateTable {
    /// The file has no certificate table, so it is not signed.
    Absent,
    /// The headers point outside the file, so it is not signed.
    Outside {
        /// The table's offset in the file, according to the headers.
        offset: u32,
        /// The table's size in bytes, according to the headers.
        size: u32,
    },
    /// The entries follow one another and fill the table.
    WellFormed {
        /// The table's offset in the file.
        offset: u32,
        /// The table's size in bytes.
        size: u32,
        /// The number of entries.
        entries: u32,
    },
    /// The table violates the PE format.
    Malformed {
        /// The table's offset in the file, according to the headers.
        offset: u32,
        /// The table's size in bytes, according to the headers.
        size: u32,
        /// A description of the violation.
        why: &'static str,
    },
}

/// Size in bytes of an entry's header: `dwLength`, `wRevision` and `wCertificateType`. The
/// certificate follows it.
const ENTRY_HEADER: u32 = 8;

/// Maximum number of entries, more than any signer writes. `signtool /as` adds its signatures
/// inside the one entry.
const MAX_ENTRIES: u32 = 256;

impl CertificateTable {
    /// Reads the certificate table of a file of `length` bytes. Reads only the entries' headers,
    /// not the certificates.
    ///
    /// # Errors
    ///
    /// Fails if the system can't read the file. A malformed table is not an error; see
    /// [`CertificateTable::Malformed`].
    pub fn read(file: &(impl ReadAt + ?Sized), layout: &Layout, length: u64) -> io::Result<Self> {
        let Some(table) = layout.header.certificate_table else {
            return Ok(CertificateTable::Absent);
        };
        let Directory { address: offset, size } = table;
        if table.end() > length {
            return Ok(CertificateTable::Outside { offset, size });
        }
        Ok(match entries(file, table)? {
            Ok(entries) => CertificateTable::WellFormed { offset, size, entries },
            Err(why) => CertificateTable::Malformed { offset, size, why },
        })
    }
}

/// An object with the field `state`, and the fields of that state.
impl Serialize for CertificateTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        match self {
            CertificateTable::Absent => object.serialize_entry("state", "absent")?,
            CertificateTable::Outside { offset, size } => {
                object.serialize_entry("state", "outside-file")?;
                object.serialize_entry("offset", offset)?;
                object.serialize_entry("size", size)?;
            }
            CertificateTable::WellFormed { offset, size, entries } => {
                object.serialize_entry("state", "well-formed")?;
                object.serialize_entry("offset", offset)?;
                object.serialize_entry("size", size)?;
                object.serialize_entry("entries", entries)?;
            }
            CertificateTable::Malformed { offset, size, why } => {
                object.serialize_entry("state", "malformed")?;
                object.serialize_entry("offset", offset)?;
                object.serialize_entry("size", size)?;
                object.serialize_entry("why", why)?;
            }
        }
        object.end()
    }
}

fn entries(
    file: &(impl ReadAt + ?Sized),
    table: Directory,
) -> io::Result<Result<u32, &'static str>> {
    if table.address % 8 != 0 {
        return Ok(Err("it does not begin at a multiple of 8 bytes"));
    }
    let reader = WindowedReader::new(file);
    let (mut at, mut count, end) = (u64::from(table.address), 0, table.end());
    while at < end {
        let bytes = reader.bytes(at, ENTRY_HEADER as usize)?;
        let size = bytes.first_chunk().map_or(0, |size| u32::from_le_bytes(*size));
        if bytes.len() < ENTRY_HEADER as usize || size < ENTRY_HEADER {
            return Ok(Err("an entry is shorter than its header"));
        }
        if at + u64::from(size) > end {
            return Ok(Err("an entry reaches beyond the table"));
        }
        count += 1;
        if count > MAX_ENTRIES {
            return Ok(Err("it has more than 256 entries"));
        }
        at += u64::from(size).next_multiple_of(8);
    }
    Ok(Ok(count))
}
