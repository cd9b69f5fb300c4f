//! The hazards of changing an image: a signature or strong name that would break, and other files
//! that would no longer match it.
//!
//! Most hazards show in the files beside the image, so each folder is read once.

pub mod authenticode;
pub mod folder;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use netswap::finding::{Code, Finding};
use netswap::image::{Layout, ReadAt, ReadError, StrongName, TableError, strong_name};
use netswap::system::{Recall, is_offline_error};
use netswap::text::one_line;
use schemars::JsonSchema;
use serde::Serialize;

use self::folder::{Folder, Membership};
use crate::maker::Maker;

/// A hazard of changing an image.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Hazard {
    #[serde(flatten)]
    pub(crate) finding: Finding,
    pub(crate) severity: Severity,
}

impl Hazard {
    /// Returns the warning about a change despite this hazard. For an accepted refusal, the help
    /// says what to do after the change, not how to accept it.
    pub(crate) fn into_warning(self) -> Finding {
        let help = match self.finding.code {
            Code::TruncatedImage => {
                "the complete file will lack the bit; copy or build it, and patch it again"
            }
            Code::SignatureWouldBreak => "if something checks the signature, sign it again",
            Code::StrongNameWouldBreak => {
                "if something checks the strong name, sign it again with sn -R"
            }
            Code::FipsModule => "run openssl fipsinstall again",
            Code::ClickOnce => "generate and sign the manifests again",
            Code::MsixPackage => "make and sign the package again",
            Code::CatalogMember => "make and sign the catalog again",
            _ => return self.finding,
        };
        Finding { help: help.into(), ..self.finding }
    }
}

/// How `netswap patch` treats a hazard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// It never changes the file.
    Final,
    /// It changes the file only if the hazard is accepted.
    Refusal,
    /// It changes the file, and reports the hazard.
    Warning,
}

/// The hazards that `--accept` names. Signatures and strong names have options of their own.
pub(crate) const ACCEPTABLE: [Code; 5] = [
    Code::TruncatedImage,
    Code::FipsModule,
    Code::ClickOnce,
    Code::MsixPackage,
    Code::CatalogMember,
];

/// The facts about an image that decide its hazards.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Facts<'a> {
    /// The file's name in lower case.
    name: &'a str,
    is_cut: bool,
    /// Whoever made the image, if it has a signature.
    signed_by: Option<&'a Maker>,
    /// The strong name, or the reason why the CLR header can't be read.
    strong_name: Result<Option<StrongName>, &'static str>,
    requires_signature: bool,
    has_protector: bool,
    /// The files beside the image.
    folder: &'a Folder,
    /// Whether a ClickOnce manifest in a folder above lists the image.
    is_deployed: bool,
    /// Whether a side-by-side manifest has a hash of the image.
    is_hashed: bool,
    membership: Membership,
}

/// Finds hazards, and reads each folder once.
#[derive(Debug, Default)]
pub(crate) struct Hazards {
    folders: Mutex<Folders>,
    recall: Recall,
}

/// The folders read last.
#[derive(Debug, Default)]
struct Folders {
    by_path: HashMap<PathBuf, Arc<Mutex<Option<Arc<Folder>>>>>,
    /// The bytes of memory that they take.
    size: usize,
}

/// How many folders are kept, and how many bytes of memory they take. A tree may have any number.
const MAX_FOLDERS: usize = 1024;
const MAX_BYTES: usize = 256 << 20;

/// How many folders above an image are searched for a manifest that lists it. Satellite assemblies
/// and plug-ins lie one or two folders below.
const FOLDERS_ABOVE: usize = 2;

impl Hazards {
    /// Creates a finder that reads catalogs and manifests in the cloud or on tape only if `recall`
    /// allows it.
    pub(crate) fn new(recall: Recall) -> Self {
        Hazards { recall, ..Hazards::default() }
    }

    /// Returns the hazards of changing the image at `path`. The image's maker is needed only if it
    /// is signed.
    ///
    /// # Errors
    ///
    /// When the image, its folder, or a catalog or manifest in the folder can't be read.
    pub(crate) fn find(
        &self,
        path: &Path,
        file: &(impl ReadAt + ?Sized),
        layout: &Layout,
        maker: &Maker,
    ) -> Result<Vec<Hazard>, ReadError> {
        let path = std::path::absolute(path)?;
        let folder = self.folder(path.parent().unwrap_or(&path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let (mut is_deployed, mut is_hashed) = (false, folder.hashed.contains(&name));
        let mut below = name.clone();
        for above in path.ancestors().skip(1).take(FOLDERS_ABOVE) {
            let (Some(name), Some(above)) = (above.file_name(), above.parent()) else { break };
            below = format!("{}/{below}", name.to_string_lossy().to_lowercase());
            match self.folder(above) {
                Ok(above) => {
                    is_deployed |= above.deployed.contains(&below);
                    is_hashed |= above.hashed.contains(&below);
                }
                Err(error) if is_offline_error(&error) => return Err(error.into()),
                // A folder above may not be listable. Then its manifest can't be used either.
                Err(_) => {}
            }
        }
        let strong_name = match strong_name(file, layout) {
            Ok(strong_name) => Ok(strong_name),
            Err(TableError::Malformed(why)) => Err(why),
            Err(TableError::Io(error)) => return Err(error.into()),
        };
        Ok(decide(&Facts {
            name: &name,
            is_cut: layout.is_cut(file.length()?),
            signed_by: layout.header.signed.then_some(maker),
            strong_name,
            requires_signature: layout.requires_signature(),
            has_protector: layout.section_names().any(is_of_protector),
            membership: folder.membership(|| authenticode::digests(file, layout))?,
            folder: &folder,
            is_deployed,
            is_hashed,
        }))
    }

    /// Returns a folder, and reads it if it was not read before. Other folders can be read
    /// meanwhile.
    fn folder(&self, path: &Path) -> io::Result<Arc<Folder>> {
        let lock = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = {
            let mut folders = lock();
            if folders.by_path.len() > MAX_FOLDERS || folders.size > MAX_BYTES {
                *folders = Folders::default();
            }
            folders.by_path.entry(path.to_owned()).or_default().clone()
        };
        let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = &*cell {
            return Ok(folder.clone());
        }
        let folder = Arc::new(Folder::read(path, self.recall)?);
        lock().size += folder.size();
        Ok(cell.insert(folder).clone())
    }
}

/// Returns the hazards (pure).
fn decide(facts: &Facts<'_>) -> Vec<Hazard> {
    use Severity::{Final, Refusal, Warning};
    let Facts { name, folder, .. } = facts;
    let is_deployed = name.strip_suffix(".deploy").is_some()
        || folder.has_clickonce_manifest
        || facts.is_deployed;
    let nss = ["softokn3", "freebl3", "nssdbm3"];
    let nss = nss.iter().find(|module| name.strip_suffix(".dll") == Some(*module));
    let has_check_file = nss.is_some_and(|module| folder.has(&format!("{module}.chk")));
    let has_strong_name = facts.strong_name == Ok(Some(StrongName::Signed));
    let table = [
        (facts.requires_signature, Code::IntegrityRequired, Final),
        (facts.strong_name.is_err(), Code::MalformedImage, Final),
        (facts.is_cut, Code::TruncatedImage, Refusal),
        (facts.signed_by.is_some(), Code::SignatureWouldBreak, Refusal),
        (has_strong_name, Code::StrongNameWouldBreak, Refusal),
        (*name == "fips.dll" && folder.has("fipsmodule.cnf"), Code::FipsModule, Refusal),
        (is_deployed, Code::ClickOnce, Refusal),
        (folder.is_in_package, Code::MsixPackage, Refusal),
        (facts.membership == Membership::Member, Code::CatalogMember, Refusal),
        (facts.membership == Membership::NoMember, Code::CatalogBeside, Warning),
        (facts.is_hashed, Code::ManifestHash, Warning),
        (has_check_file, Code::NssCheckFile, Warning),
        (facts.has_protector, Code::ProtectedImage, Warning),
    ];
    let rows = table.into_iter().filter(|(is_there, ..)| *is_there);
    rows.map(|(_, code, severity)| Hazard { finding: finding(code, facts), severity }).collect()
}

fn finding(code: Code, facts: &Facts<'_>) -> Finding {
    let (message, help) = match code {
        Code::SignatureWouldBreak => return signature(facts.signed_by.unwrap_or(&Maker::NONE)),
        Code::MalformedImage => {
            return ReadError::Table(facts.strong_name.err().unwrap_or_default()).into();
        }
        Code::IntegrityRequired => (
            "Windows loads it only with a valid signature (/INTEGRITYCHECK)",
            "ask the vendor for a build with /SWAPRUN:NET",
        ),
        Code::TruncatedImage => (
            "the file ends before its last section does",
            "copy or build the file again; Windows does not load this one\nor pass --accept truncated-image, and keep in mind that a new copy lacks the bit",
        ),
        Code::StrongNameWouldBreak => (
            "it is a .NET assembly with a strong name",
            "ask the vendor for a build with the bit, or pass --break-strong-name",
        ),
        Code::FipsModule => (
            "it is an OpenSSL FIPS module, and fipsmodule.cnf has its checksum",
            "pass --accept fips-module, and then run openssl fipsinstall again",
        ),
        Code::ClickOnce => (
            "it belongs to a ClickOnce deployment, whose manifest has its hash",
            "set the bit in the build, before the manifest is generated\nor pass --accept clickonce, and then generate and sign the manifests again",
        ),
        Code::MsixPackage => (
            "it belongs to an MSIX package, whose block map has its hashes",
            "set the bit in the build, before the package is made\nor pass --accept msix-package, and then make and sign the package again",
        ),
        Code::CatalogMember => (
            "a catalog in its folder signs it",
            "ask the vendor for a build with /SWAPRUN:NET and a new catalog\nor pass --accept catalog-member if nothing checks the catalog",
        ),
        Code::CatalogBeside => (
            "there is a catalog in its folder, which does not list it",
            "check that no other catalog signs it",
        ),
        Code::ManifestHash => (
            "a manifest has a hash of it",
            "if the assembly is installed, write the hash again: mt -hashupdate",
        ),
        Code::NssCheckFile => (
            "the .chk file beside it has its signature, which NSS checks in FIPS mode",
            "if the program uses FIPS mode, run shlibsign on it",
        ),
        _ => {
            ("a protector has changed it, so it may check itself", "start it once after the change")
        }
    };
    Finding { code, message: message.into(), help: help.into() }
}

/// Returns the finding for a signed image. It names the vendor too if somebody else signed the file.
fn signature(maker: &Maker) -> Finding {
    let (signer, vendor) = (maker.signer.as_deref(), maker.vendor.as_deref());
    let by = signer.map(|name| format!(" by {}", one_line(name))).unwrap_or_default();
    let vendor = vendor.filter(|vendor| !signer.is_some_and(|signer| signer.contains(*vendor)));
    let vendor = vendor.map(|name| format!(" (vendor: {})", one_line(name))).unwrap_or_default();
    Finding {
        code: Code::SignatureWouldBreak,
        message: format!("it is signed{by}{vendor}").into(),
        help: "the choices are:\n- ask the vendor for a build with /SWAPRUN:NET\n- pass --break-signature, and sign again with a certificate of your own\n- run from a local disk\n- pass --break-signature, if nothing checks the signature".into(),
    }
}

/// Whether a section has the name that a protector gives it: VMProtect, Themida, WinLicense and
/// Enigma.
fn is_of_protector(section: &[u8]) -> bool {
    let names: [&[u8]; 7] =
        [b".vmp0", b".vmp1", b".vmp2", b".themida", b".winlice", b".enigma1", b".enigma2"];
    names.iter().any(|name| section.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(name: &'a str, folder: &'a Folder) -> Facts<'a> {
        Facts {
            name,
            is_cut: false,
            signed_by: None,
            strong_name: Ok(None),
            requires_signature: false,
            has_protector: false,
            folder,
            is_deployed: false,
            is_hashed: false,
            membership: Membership::NoCatalog,
        }
    }

    fn codes(facts: &Facts<'_>) -> Vec<Code> {
        decide(facts).into_iter().map(|hazard| hazard.finding.code).collect()
    }

    #[test]
    fn files_beside_an_image_decide_its_hazards() {
        let with = |names: &[&str]| Folder {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Folder::default()
        };
        let table: &[(&str, Folder, &[Code])] = &[
            ("tool.exe", with(&[]), &[]),
            ("fips.dll", with(&[]), &[]),
            ("fips.dll", with(&["fipsmodule.cnf"]), &[Code::FipsModule]),
            ("legacy.dll", with(&["fipsmodule.cnf"]), &[]),
            ("softokn3.dll", with(&["softokn3.chk"]), &[Code::NssCheckFile]),
            ("softokn3.dll", with(&["freebl3.chk"]), &[]),
            ("nss3.dll", with(&["nss3.chk"]), &[]),
            ("tool.exe.deploy", with(&[]), &[Code::ClickOnce]),
            ("tool.exe", Folder { has_clickonce_manifest: true, ..with(&[]) }, &[Code::ClickOnce]),
            ("tool.exe", Folder { is_in_package: true, ..with(&[]) }, &[Code::MsixPackage]),
        ];
        for (name, folder, expected) in table {
            assert_eq!(codes(&facts(name, folder)), *expected, "{name} {folder:?}");
        }
    }

    #[test]
    fn each_fact_about_an_image_is_a_hazard() {
        use Severity::{Final, Refusal, Warning};
        let (folder, maker) = (Folder::default(), Maker::default());
        let none = facts("a.exe", &folder);
        assert!(codes(&none).is_empty());
        let table = [
            (Facts { requires_signature: true, ..none }, Code::IntegrityRequired, Final),
            (Facts { strong_name: Err("why"), ..none }, Code::MalformedImage, Final),
            (Facts { is_cut: true, ..none }, Code::TruncatedImage, Refusal),
            (Facts { signed_by: Some(&maker), ..none }, Code::SignatureWouldBreak, Refusal),
            (
                Facts { strong_name: Ok(Some(StrongName::Signed)), ..none },
                Code::StrongNameWouldBreak,
                Refusal,
            ),
            (Facts { is_deployed: true, ..none }, Code::ClickOnce, Refusal),
            (Facts { membership: Membership::Member, ..none }, Code::CatalogMember, Refusal),
            (Facts { membership: Membership::NoMember, ..none }, Code::CatalogBeside, Warning),
            (Facts { is_hashed: true, ..none }, Code::ManifestHash, Warning),
            (Facts { has_protector: true, ..none }, Code::ProtectedImage, Warning),
        ];
        for (facts, code, severity) in table {
            let hazards = decide(&facts);
            assert_eq!(hazards.len(), 1, "{code}");
            assert_eq!((hazards[0].finding.code, hazards[0].severity), (code, severity));
        }
        for strong_name in [StrongName::None, StrongName::DelaySigned] {
            assert!(codes(&Facts { strong_name: Ok(Some(strong_name)), ..none }).is_empty());
        }
    }

    #[test]
    fn help_says_how_to_accept_a_hazard() {
        let folder = Folder::default();
        let facts = facts("a.exe", &folder);
        let mut texts = std::collections::HashSet::new();
        for code in ACCEPTABLE {
            let finding = finding(code, &facts);
            assert!(finding.help.contains(&format!("pass --accept {code}")), "{finding:?}");
            assert!(texts.insert(finding.message));
        }
    }

    #[test]
    fn warning_does_not_say_how_to_accept_it() {
        let (folder, maker) = (Folder::default(), Maker::default());
        let facts = Facts { signed_by: Some(&maker), ..facts("a.exe", &folder) };
        let options = [Code::SignatureWouldBreak, Code::StrongNameWouldBreak];
        for code in ACCEPTABLE.into_iter().chain(options) {
            let hazard = Hazard { finding: finding(code, &facts), severity: Severity::Refusal };
            let warning = hazard.into_warning();
            assert!(!warning.help.contains("pass --"), "{warning:?}");
        }
    }

    #[test]
    fn signature_names_signer_and_vendor() {
        let maker = Maker {
            signer: Some("Contoso\x1b[1m".to_owned()),
            vendor: Some("Contoso Ltd".to_owned()),
            product: None,
        };
        let finding = signature(&maker);
        assert_eq!(finding.message, "it is signed by Contoso\\u{1b}[1m (vendor: Contoso Ltd)");
        let same = Maker { signer: maker.vendor.clone(), ..maker };
        assert_eq!(signature(&same).message, "it is signed by Contoso Ltd");
        assert_eq!(signature(&Maker::default()).message, "it is signed");
    }

    #[test]
    fn section_names_reveal_a_protector() {
        for name in [".vmp0", ".VMP1", ".themida", ".winlice", ".enigma1"] {
            assert!(is_of_protector(name.as_bytes()), "{name}");
        }
        for name in [".text", ".vmp", "vmp0", ""] {
            assert!(!is_of_protector(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn folder_is_read_once() {
        use testkit::image::Image;
        let dir = tempfile::tempdir().unwrap();
        let bytes = Image::dll().bytes();
        let layout = Layout::read(&*bytes).unwrap().unwrap();
        let hazards = Hazards::default();
        let has_hazard = |hazards: &Hazards, name: &str| {
            let path = dir.path().join(name);
            !hazards.find(&path, &*bytes, &layout, &Maker::NONE).unwrap().is_empty()
        };
        assert!(!has_hazard(&hazards, "a.dll"));
        std::fs::write(dir.path().join("App.application"), "").unwrap();
        assert!(!has_hazard(&hazards, "b.dll"));
        assert!(has_hazard(&Hazards::default(), "b.dll"));
    }

    #[test]
    fn manifest_in_a_folder_above_lists_the_image() {
        use testkit::image::Image;
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("App/DE");
        std::fs::create_dir_all(&below).unwrap();
        let bytes = Image::dll().bytes();
        let layout = Layout::read(&*bytes).unwrap().unwrap();
        let codes = |name: &str| {
            let path = below.join(name);
            let found = Hazards::default().find(&path, &*bytes, &layout, &Maker::default());
            let codes = found.unwrap().into_iter().map(|hazard| hazard.finding.code);
            codes.collect::<Vec<_>>()
        };
        std::fs::write(
            dir.path().join("App/tool.exe.manifest"),
            "<dependentAssembly codebase='de\\a.dll'><DigestValue>x</DigestValue>",
        )
        .unwrap();
        std::fs::write(dir.path().join("tool.manifest"), "<file name='app/de/b.dll' hash='00'/>")
            .unwrap();
        assert_eq!(codes("A.dll"), [Code::ClickOnce]);
        assert_eq!(codes("b.dll"), [Code::ManifestHash]);
        assert!(codes("c.dll").is_empty());
    }
}
