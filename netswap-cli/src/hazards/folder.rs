//! The files in a folder that a change of an image could make invalid.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io::{self, Read};
use std::path::Path;

use netswap::system::{self, Offline, Recall};
use netswap::text::Printable;

use crate::text::decode_utf_16;

/// The facts about a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// The names of the files that matter, in lower case. A folder may have a million others.
    pub(super) names: BTreeSet<String>,
    /// The bytes of the catalogs.
    pub(super) catalogs: Vec<Vec<u8>>,
    /// Whether a manifest of a ClickOnce deployment is in the folder.
    pub has_clickonce_manifest: bool,
    /// The files that such a manifest lists, as paths from here in lower case with `/`.
    pub deployed: BTreeSet<String>,
    /// The files that a side-by-side manifest has a hash of, as such paths.
    pub hashed: BTreeSet<String>,
    /// Whether the folder is part of an MSIX package.
    pub(super) is_in_package: bool,
}

/// Whether a catalog in the folder lists an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    NoCatalog,
    NoMember,
    Member,
}

/// How many bytes of catalogs and manifests are read in a folder. Catalogs of Windows have up to
/// 10 MiB.
const MAX_BYTES: u64 = 64 << 20;

/// The files in the root folder of an MSIX or AppX package.
const PACKAGE: [&str; 2] = ["AppxBlockMap.xml", "AppxSignature.p7x"];

impl Folder {
    /// Lists the folder, and reads its catalogs and manifests.
    ///
    /// # Errors
    ///
    /// When the folder, a catalog or a manifest can't be read, or is too large.
    pub(super) fn read(path: &Path, recall: Recall) -> io::Result<Self> {
        let (mut folder, mut left) = (Folder::default(), MAX_BYTES);
        let mut read = |entry: &DirEntry| contents(&entry.path(), recall, &mut left);
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().to_lowercase();
            match name.rsplit_once('.') {
                Some((_, "cat")) => folder.catalogs.extend(read(&entry)?),
                Some((_, "manifest")) => {
                    let manifest = read(&entry)?;
                    folder.add_manifest(&manifest.unwrap_or_default());
                }
                Some((_, "application")) => folder.has_clickonce_manifest = true,
                Some((_, "chk") | ("fipsmodule", "cnf")) => {
                    folder.names.insert(name);
                }
                _ => {}
            }
        }
        let is_root = |folder: &Path| PACKAGE.iter().any(|name| folder.join(name).is_file());
        folder.is_in_package = path.ancestors().any(is_root);
        Ok(folder)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Returns about how many bytes of memory the folder takes.
    pub(super) fn size(&self) -> usize {
        let sets = [&self.names, &self.deployed, &self.hashed];
        let names = sets.into_iter().flatten().map(|name| size_of::<String>() + name.len());
        names.chain(self.catalogs.iter().map(Vec::len)).sum()
    }

    /// Looks for an image in the catalogs. `digests` returns its Authenticode digests.
    pub(super) fn membership(
        &self,
        digests: impl FnOnce() -> io::Result<Vec<Vec<u8>>>,
    ) -> io::Result<Membership> {
        if self.catalogs.is_empty() {
            return Ok(Membership::NoCatalog);
        }
        let digests = digests()?;
        let lists = |catalog: &Vec<u8>| {
            digests.iter().any(|digest| memchr::memmem::find(catalog, digest).is_some())
        };
        let is_member = self.catalogs.iter().any(lists);
        Ok(if is_member { Membership::Member } else { Membership::NoMember })
    }

    /// Adds what a manifest says about hashes.
    ///
    /// A manifest of ClickOnce has `DigestValue` elements; it names files with `<file name="…">`
    /// and `<dependentAssembly codebase="…">`
    /// ([application manifest](https://learn.microsoft.com/visualstudio/deployment/clickonce-application-manifest)).
    /// A side-by-side manifest has `<file name="…" hash="…">`
    /// ([assembly manifests](https://learn.microsoft.com/windows/win32/sbscs/assembly-manifests)).
    pub fn add_manifest(&mut self, manifest: &[u8]) {
        let text = text(manifest);
        let has_digests = text.contains("DigestValue");
        self.has_clickonce_manifest |= has_digests;
        for element in text.split('<').skip(1) {
            let element = element.split('>').next().unwrap_or_default();
            let tag = element.split_whitespace().next().unwrap_or_default();
            let tag = tag.rsplit(':').next().unwrap_or_default();
            let key = match tag {
                "file" => "name",
                "dependentAssembly" => "codebase",
                _ => continue,
            };
            let Some(path) = attribute(element, key) else { continue };
            let path = path.to_lowercase().replace('\\', "/");
            if attribute(element, "hash").is_some() {
                self.hashed.insert(path.clone());
            }
            if has_digests {
                self.deployed.insert(path);
            }
        }
    }
}

/// Returns the value of an XML attribute.
fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let start = element.match_indices(name).find_map(|(at, name)| {
        let is_word = element.get(..at)?.ends_with(|c: char| c.is_whitespace());
        let rest = element.get(at + name.len()..)?.trim_start().strip_prefix('=')?.trim_start();
        Some(rest).filter(|_| is_word)
    })?;
    let quote = start.chars().next().filter(|c| ['"', '\''].contains(c))?;
    start.get(1..)?.split(quote).next()
}

/// Decodes a manifest: UTF-8, or UTF-16 with a byte order mark.
fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => decode_utf_16(rest),
        [0xfe, 0xff, rest @ ..] => {
            let swapped: Vec<_> =
                rest.as_chunks().0.iter().flat_map(|[high, low]| [*low, *high]).collect();
            decode_utf_16(&swapped)
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Reads a file of up to `left` bytes, and subtracts its length. Returns `None` if it is not a
/// file: a pipe might never end.
fn contents(path: &Path, recall: Recall, left: &mut u64) -> io::Result<Option<Vec<u8>>> {
    let named = |error: io::Error| {
        let text = format!("failed to read {}: {error}", Printable(path));
        if system::is_offline_error(&error) {
            Offline(text.into()).into()
        } else {
            io::Error::new(error.kind(), text)
        }
    };
    let metadata = fs::metadata(path).map_err(named)?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let file = system::open_with(path, recall).map_err(named)?;
    let count = file.take(*left + 1).read_to_end(&mut bytes).map_err(named)? as u64;
    if count > *left {
        return Err(named(io::Error::other("it is too large for a catalog or manifest")));
    }
    *left -= count;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(manifest: impl AsRef<[u8]>) -> Folder {
        let mut folder = Folder::default();
        folder.add_manifest(manifest.as_ref());
        folder
    }

    #[test]
    fn manifest_lists_the_files_with_a_hash() {
        let folder = with(
            "<assembly><file name=\"A.dll\" hashalg='SHA1' hash=\"00ff\"/>\n\
             <file\n hash = '00' name = 'Sub\\b.dll'></file><file name=\"c.dll\"/>\
             <asm:file hash=\"00\" name=\"d.dll\"/><file hash=\"00\"/></assembly>",
        );
        assert_eq!(folder.hashed.iter().collect::<Vec<_>>(), ["a.dll", "d.dll", "sub/b.dll"]);
        assert!(!folder.has_clickonce_manifest && folder.deployed.is_empty());
    }

    #[test]
    fn digests_make_a_manifest_one_of_clickonce() {
        let manifest = "<dependentAssembly codebase=\"de\\A.dll\"><hash><dsig:DigestValue>x\
                        </hash></dependentAssembly><file name=\"b.txt\" size=\"1\">";
        let folder = with(manifest);
        assert!(folder.has_clickonce_manifest && folder.hashed.is_empty());
        assert_eq!(folder.deployed.iter().collect::<Vec<_>>(), ["b.txt", "de/a.dll"]);
        for (mark, units) in [
            ([0xff, 0xfe], manifest.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
            ([0xfe, 0xff], manifest.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ] {
            assert!(with([&mark[..], &units].concat()).has_clickonce_manifest);
        }
        assert!(!with("<assembly manifestVersion=\"1.0\"/>").has_clickonce_manifest);
    }

    #[test]
    fn folder_below_a_package_belongs_to_it() {
        for name in PACKAGE {
            let dir = tempfile::tempdir().unwrap();
            let below = dir.path().join("a/b");
            fs::create_dir_all(&below).unwrap();
            assert!(!Folder::read(&below, Recall::Never).unwrap().is_in_package);
            fs::write(dir.path().join(name), "").unwrap();
            for folder in [&below, &dir.path().to_owned()] {
                assert!(
                    Folder::read(folder, Recall::Never).unwrap().is_in_package,
                    "{}",
                    folder.display()
                );
            }
        }
    }

    #[test]
    fn catalog_lists_a_digest() {
        let folder = Folder { catalogs: vec![b"..digest..".to_vec()], ..Folder::default() };
        let membership = |digest: &[u8]| folder.membership(|| Ok(vec![digest.to_vec()])).unwrap();
        assert_eq!(membership(b"digest"), Membership::Member);
        assert_eq!(membership(b"other"), Membership::NoMember);
        let none = Folder::default().membership(|| panic!("no digest is needed")).unwrap();
        assert_eq!(none, Membership::NoCatalog);
    }

    #[test]
    fn everything_that_is_kept_counts() {
        assert_eq!(Folder::default().size(), 0);
        let manifest = "<file name='a.dll' hash='00'/>".repeat(2);
        let one = with(&manifest).size();
        assert!(one > "a.dll".len());
        assert_eq!(with(manifest.clone() + "DigestValue").size(), 2 * one);
        let folder = Folder { catalogs: vec![vec![0; 1000]], ..with(manifest) };
        assert_eq!(folder.size(), one + 1000);
    }

    #[test]
    fn unreadable_catalog_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.cat");
        fs::create_dir(&path).unwrap();
        assert_eq!(Folder::read(dir.path(), Recall::Never).unwrap().size(), 0);
        fs::remove_dir(&path).unwrap();
        let file = fs::File::create(&path).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        let error = Folder::read(dir.path(), Recall::Never).unwrap_err().to_string();
        assert!(error.contains("a.cat: it is too large"), "{error}");
    }
}
