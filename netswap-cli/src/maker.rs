//! The maker of a file: the signer of its Authenticode signature, and the vendor and product in its
//! version resource. None of this is verified.

use std::io;

use cms::cert::CertificateChoices;
use cms::cert::x509::der::asn1::{Any, ObjectIdentifier};
use cms::cert::x509::der::{Decode, SliceReader, Tag, Tagged};
use cms::cert::x509::name::Name;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier};
use goblin::pe::resource::ResourceString;
use netswap::image::{Directory, DirectoryEntry, Layout, Mapped, ReadAt, read_full};
use object::LittleEndian as LE;
use object::read::pe::{ResourceDirectory, ResourceDirectoryEntryData};
use serde::Serialize;

/// The maker of a file, as far as the file names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Maker {
    /// The name of the signer: the common name in the subject of its certificate, or else the
    /// organization or the whole subject.
    pub signer: Option<String>,
    /// `CompanyName` in the version resource.
    pub vendor: Option<String>,
    /// `ProductName` in the version resource.
    pub product: Option<String>,
}

/// The largest certificate table to read, in bytes.
const MAX_TABLE_SIZE: u32 = 1 << 20;

/// The bytes of the resource directory that are read. Its tables come first, the data after them.
const RESOURCES: u32 = 64 << 10;

/// The largest version resource, in bytes: its length is a 16-bit field.
const MAX_VERSION_SIZE: u32 = 64 << 10;

/// The longest name that is kept, in characters.
pub const MAX_NAME_LENGTH: usize = 200;

impl Maker {
    pub(crate) const NONE: Maker = Maker { signer: None, vendor: None, product: None };

    /// Reads the maker of an image.
    ///
    /// # Errors
    ///
    /// When the file can't be read. A malformed part names nobody.
    pub fn read(file: &(impl ReadAt + ?Sized), layout: &Layout) -> io::Result<Self> {
        let (vendor, product) = version(file, layout)?;
        let table = layout.header.certificate_table.filter(|_| layout.header.signed);
        let signer = table.map(|table| signer(file, table)).transpose()?.flatten();
        Ok(Maker { signer, vendor, product })
    }
}

/// Returns the name of the signer. `table` is the place of the certificate table.
///
/// # Errors
///
/// When the file can't be read.
pub fn signer(file: &(impl ReadAt + ?Sized), table: Directory) -> io::Result<Option<String>> {
    /// `wCertificateType` of a signature in PKCS #7 form.
    const PKCS_SIGNED_DATA: [u8; 2] = [2, 0];
    if table.size > MAX_TABLE_SIZE {
        return Ok(None);
    }
    let bytes = read(file, table.address.into(), table.size)?;
    // The first entry: its length, revision and type, and the signature.
    let Some((head, _)) = bytes.split_first_chunk::<8>() else {
        return Ok(None);
    };
    let [a, b, c, d, _, _, kind @ ..] = *head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let signature = bytes.get(8..length.min(bytes.len())).unwrap_or_default();
    let is_signature = kind == PKCS_SIGNED_DATA;
    Ok(if is_signature { subject(signature) } else { None })
}

/// Returns the name in the certificate that belongs to the signature.
fn subject(signature: &[u8]) -> Option<String> {
    // Zeros pad the signature to a multiple of eight bytes.
    let mut reader = SliceReader::new(signature).ok()?;
    let content = ContentInfo::decode(&mut reader).ok()?;
    let signed = content.content.decode_as::<SignedData>().ok()?;
    let SignerIdentifier::IssuerAndSerialNumber(id) = &signed.signer_infos.0.get(0)?.sid else {
        return None;
    };
    signed.certificates.as_ref()?.0.iter().find_map(|certificate| match certificate {
        CertificateChoices::Certificate(certificate) => {
            let certificate = &certificate.tbs_certificate;
            let is_signers =
                certificate.issuer == id.issuer && certificate.serial_number == id.serial_number;
            is_signers.then(|| name(&certificate.subject))
        }
        CertificateChoices::Other(_) => None,
    })
}

/// Returns the common name of a subject, or else its organization, or else all of it.
fn name(subject: &Name) -> String {
    const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
    const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
    let value = |key: ObjectIdentifier| {
        let mut attributes = subject.0.iter().flat_map(|part| part.0.iter());
        attributes.find_map(|attribute| text(&attribute.value).filter(|_| attribute.oid == key))
    };
    let name = value(COMMON_NAME).or_else(|| value(ORGANIZATION));
    shortened(&name.unwrap_or_else(|| subject.to_string()))
}

/// Decodes a string of ASN.1. Returns `None` if it is of another type, or empty.
fn text(value: &Any) -> Option<String> {
    let bytes = value.value();
    let text = match value.tag() {
        Tag::BmpString => {
            let units: Vec<_> =
                bytes.as_chunks().0.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            String::from_utf16_lossy(&units)
        }
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        // In practice the characters are those of Latin-1.
        Tag::TeletexString => bytes.iter().copied().map(char::from).collect(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// Returns `CompanyName` and `ProductName`.
fn version(
    file: &(impl ReadAt + ?Sized),
    layout: &Layout,
) -> io::Result<(Option<String>, Option<String>)> {
    let Some(data) = version_resource(file, layout)? else {
        return Ok((None, None));
    };
    let (mut at, mut vendor, mut product) = (0, None, None);
    while let Ok(Some(string)) = ResourceString::parse(&data, &mut at) {
        let value = || string.value_string().map(|value| shortened(value.trim()));
        match string.key_string().as_deref() {
            Some("CompanyName") => vendor = vendor.or_else(value),
            Some("ProductName") => product = product.or_else(value),
            _ => {}
        }
        if at >= data.len() {
            break;
        }
    }
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok((filled(vendor), filled(product)))
}

/// Reads the version resource.
fn version_resource(file: &(impl ReadAt + ?Sized), layout: &Layout) -> io::Result<Option<Vec<u8>>> {
    const RT_VERSION: u16 = 16;
    let Some(directory) = layout.directory(DirectoryEntry::Resource) else {
        return Ok(None);
    };
    let resources = read_mapped(file, layout, directory.address, RESOURCES)?;
    let resources = ResourceDirectory::new(&resources);
    let entry = || {
        let root = resources.root().ok()?;
        let is_version = |entry: &&object::pe::ImageResourceDirectoryEntry| {
            entry.name_or_id().id() == Some(RT_VERSION)
        };
        let mut data = root.entries.iter().find(is_version)?.data(resources).ok()?;
        // Below the type there are a name and a language.
        for _ in 0..2 {
            data = match data {
                ResourceDirectoryEntryData::Table(table) => {
                    table.entries.first()?.data(resources).ok()?
                }
                data @ ResourceDirectoryEntryData::Data(_) => data,
            };
        }
        match data {
            ResourceDirectoryEntryData::Data(data) => {
                Some((data.offset_to_data.get(LE), data.size.get(LE)))
            }
            ResourceDirectoryEntryData::Table(_) => None,
        }
    };
    match entry() {
        Some((address, size)) => {
            read_mapped(file, layout, address, size.min(MAX_VERSION_SIZE)).map(Some)
        }
        None => Ok(None),
    }
}

/// Reads up to `most` bytes at a relative virtual address.
fn read_mapped(
    file: &(impl ReadAt + ?Sized),
    layout: &Layout,
    address: u32,
    most: u32,
) -> io::Result<Vec<u8>> {
    match layout.mapped(address) {
        Some(Mapped { offset, in_file, .. }) => read(file, offset, most.min(in_file)),
        None => Ok(Vec::new()),
    }
}

fn read(file: &(impl ReadAt + ?Sized), offset: u64, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length as usize];
    let length = read_full(file, &mut bytes, offset)?;
    bytes.truncate(length);
    Ok(bytes)
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_NAME_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use testkit::image::Image;

    use super::*;

    #[test]
    fn common_name_names_the_signer() {
        for (subject, expected) in [
            ("C=DE,O=Contoso,CN=Contoso Tools", "Contoso Tools"),
            ("CN=Contoso\\, Ltd.,O=Contoso", "Contoso, Ltd."),
            ("CN=Jürgen+O=Contoso", "Jürgen"),
            ("CN=\\ C\\=x\\\\,O=Contoso", " C=x\\"),
            ("C=DE,O=Contoso\\, Ltd.", "Contoso, Ltd."),
            ("OU=Tools,C=DE", "OU=Tools,C=DE"),
        ] {
            assert_eq!(name(&Name::from_str(subject).unwrap()), expected, "{subject}");
        }
        let long = format!("CN={}", "x".repeat(MAX_NAME_LENGTH + 1));
        assert_eq!(name(&Name::from_str(&long).unwrap()).len(), MAX_NAME_LENGTH);
    }

    #[test]
    fn every_type_of_string_is_decoded() {
        for (tag, bytes, expected) in [
            (Tag::Utf8String, &b"J\xc3\xbcrgen"[..], Some("Jürgen")),
            (Tag::PrintableString, b"Contoso", Some("Contoso")),
            (Tag::TeletexString, b"J\xfcrgen", Some("Jürgen")),
            (Tag::BmpString, b"\0J\0\xfc\0r", Some("Jür")),
            (Tag::Utf8String, b"", None),
            (Tag::Integer, b"\x01", None),
        ] {
            let value = Any::new(tag, bytes).unwrap();
            assert_eq!(text(&value).as_deref(), expected, "{tag}");
        }
    }

    #[test]
    fn version_resource_names_vendor_and_product() {
        let maker = |image: Image| {
            let bytes = image.bytes();
            let layout = Layout::read(&*bytes).unwrap().unwrap();
            let Maker { signer, vendor, product } = Maker::read(&*bytes, &layout).unwrap();
            assert_eq!(signer, None);
            (vendor, product)
        };
        let image = Image::exe().version("Comments", "a").version("CompanyName", " Jürgen Ltd ");
        for image in [image.clone(), image.x86().flat()] {
            assert_eq!(maker(image.clone()), (Some("Jürgen Ltd".to_owned()), None));
            let image = image.version("CompanyName", "other").version("ProductName", "Ledger");
            let expected = (Some("Jürgen Ltd".to_owned()), Some("Ledger".to_owned()));
            assert_eq!(maker(image), expected);
        }
        let empty = Image::exe().version("CompanyName", " ").version("ProductName", "");
        assert_eq!(maker(empty), (None, None));
        assert_eq!(maker(Image::exe()), (None, None));
    }
}
