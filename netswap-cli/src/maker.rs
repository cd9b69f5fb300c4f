//! The maker of a file: the signer of its Authenticode signature, and the vendor and product in its
//! version resource. None of this is verified.

use std::io;

use goblin::pe::resource::ResourceString;
use netswap::image::{Directory, DirectoryEntry, Layout, Mapped, ReadAt, read_full};
use object::LittleEndian as LE;
use object::read::pe::{ResourceDirectory, ResourceDirectoryEntryData};
use serde::Serialize;
use x509_cert::der::asn1::{Any, AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::name::Name;

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

/// Returns the name in the certificate that belongs to the signature (RFC 5652, "`SignedData` Type").
///
/// Reads only the fields on the way to the name, because real signatures violate DER: some contain a
/// certificate twice.
fn subject(signature: &[u8]) -> Option<String> {
    const CERTIFICATES: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
    let content_info = elements(signature).next()?;
    let content = elements(content_info.value()).nth(1)?;
    let signed_data = elements(content.value()).next()?;
    let certificates = elements(signed_data.value()).find(|field| field.tag() == CERTIFICATES)?;
    let signer_infos = elements(signed_data.value()).last()?;
    let signer_info = elements(signer_infos.value()).next()?;
    let mut id = elements(elements(signer_info.value()).nth(1)?.value());
    let (issuer, serial_number) = (id.next()?, id.next()?);
    elements(certificates.value()).find_map(|certificate| {
        let fields = elements(certificate.value()).next()?;
        // The first field is the version, unless it is the default.
        let mut fields = elements(fields.value()).skip_while(|field| field.tag() != Tag::Integer);
        let is_signers = fields.next()? == serial_number && fields.nth(1)? == issuer;
        let subject = fields.nth(1).filter(|_| is_signers)?;
        subject.decode_as().ok().map(|subject| name(&subject))
    })
}

/// Returns the elements in the contents of a constructed element, up to the first invalid one.
fn elements(contents: &[u8]) -> impl Iterator<Item = AnyRef<'_>> {
    let mut reader = SliceReader::new(contents).ok();
    std::iter::from_fn(move || AnyRef::decode(reader.as_mut()?).ok())
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
    use x509_cert::der::Encode;

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

    /// Returns an element with this tag.
    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        let [high, low] = u16::try_from(contents.len()).unwrap().to_be_bytes();
        let length = match (high, low) {
            (0, 0..0x80) => vec![low],
            (0, _) => vec![0x81, low],
            _ => vec![0x82, high, low],
        };
        [vec![tag], length, contents].concat()
    }

    /// Returns a signature by this signer, with certificates for these subjects. The serial number
    /// of each is its position.
    fn signature(subjects: &[&str], signer: u8) -> Vec<u8> {
        const SEQUENCE: u8 = 0x30;
        const SET: u8 = 0x31;
        const CONTEXT: u8 = 0xa0;
        let name = |text: &str| Name::from_str(text).unwrap().to_der().unwrap();
        let (issuer, serial) = (name("CN=Root"), |number| element(0x02, &[&[number]]));
        let empty = element(SEQUENCE, &[]);
        let certificates = subjects.iter().zip(0..).map(|(subject, number)| {
            let version = element(CONTEXT, &[&serial(2)]);
            let version = if number % 2 == 0 { version } else { Vec::new() };
            let fields = [version, serial(number), empty.clone(), issuer.clone(), empty.clone()];
            let fields = element(SEQUENCE, &[&fields.concat(), &name(subject)]);
            element(SEQUENCE, &[&fields, &empty])
        });
        let certificates: Vec<u8> =
            certificates.flat_map(|bytes| [bytes.clone(), bytes].concat()).collect();
        let id = element(SEQUENCE, &[&issuer, &serial(signer)]);
        let signer_info = element(SEQUENCE, &[&serial(1), &id]);
        let signed_data = element(
            SEQUENCE,
            &[
                &serial(1),
                &element(SET, &[]),
                &empty,
                &element(CONTEXT, &[&certificates]),
                &element(SET, &[&signer_info]),
            ],
        );
        let content = element(CONTEXT, &[&signed_data]);
        [element(SEQUENCE, &[&element(0x06, &[&[42]]), &content]), vec![0; 5]].concat()
    }

    #[test]
    fn certificate_of_the_signer_is_found() {
        let subjects = ["CN=A", "CN=B,O=Contoso", "O=C"];
        for (signer, expected) in [(0, Some("A")), (1, Some("B")), (2, Some("C")), (3, None)] {
            let signature = signature(&subjects, signer);
            assert_eq!(subject(&signature).as_deref(), expected);
            for length in 0..signature.len() - 5 {
                assert_eq!(subject(&signature[..length]), None);
            }
        }
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
