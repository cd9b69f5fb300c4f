//! Tests that netswap.exe patches only the files of a tree that no signature, manifest, catalog or
//! package vouches for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::image::{CERTIFICATE, CHECKSUM, Image, Strong, directory, nt};

use super::netswap::netswap;
use super::offline::contents;
use super::wine::SHARE;
use super::{Evidence, Setup, parse_report};
use crate::files::{empty_folder, remove_folder, scratch, write};
use crate::outcome::Outcome;
use crate::process::output;

/// Each image with its status, and the code of its first finding or warning.
const EXPECTED: [(&str, &str, &str); 16] = [
    ("catalog/listed.dll", "refused", "catalog-member"),
    ("catalog/other.dll", "patched", "catalog-beside"),
    ("clickonce/DE/Tool.resources.dll", "refused", "clickonce"),
    ("clickonce/tool.exe", "refused", "clickonce"),
    ("clickonce/tool.exe.deploy", "refused", "clickonce"),
    ("fips/FIPS.dll", "refused", "fips-module"),
    ("fips/other.dll", "patched", ""),
    ("msix/VFS/tool.exe", "refused", "msix-package"),
    ("nss/softokn3.dll", "patched", "nss-check-file"),
    ("plain/integrity.dll", "refused", "integrity-required"),
    ("plain/lib.dll", "patched", ""),
    ("plain/signed.exe", "refused", "signature-would-break"),
    ("plain/strong.dll", "refused", "strong-name-would-break"),
    ("plain/tool.exe", "patched", ""),
    ("sxs/hashed.dll", "patched", "manifest-hash"),
    ("sxs/packed.exe", "patched", "protected-image"),
];

pub(super) fn patch(setup: &Setup<'_>) -> Result<Evidence, String> {
    const NAME: &str = "mixed";
    let (drive, share) = (setup.wine.drive().join(NAME), setup.wine.share().join(NAME));
    let forms = [
        (&drive, format!(r"C:\{NAME}")),
        (&drive, format!(r"\\?\C:\{NAME}")),
        (&drive, format!(r".\{NAME}")),
        (&share, format!(r"{SHARE}\{NAME}")),
    ];
    for folder in [&drive, &share] {
        write_tree(&empty_folder(folder.clone())?)?;
    }
    for (index, (folder, path)) in forms.iter().enumerate() {
        patch_and_undo(setup, folder, path, &format!(r"C:\mixed-{index}.jsonl"))
            .map_err(|why| format!("{path}: {why}"))?;
    }
    // Other tests verify all of the share.
    remove_folder(&share)?;
    let patched = EXPECTED.iter().filter(|(_, status, _)| *status == "patched").count();
    let refused = EXPECTED.len() - patched;
    Ok(format!("{patched} patched and {refused} refused, in {} forms of a path", forms.len())
        .into())
}

fn patch_and_undo(
    setup: &Setup<'_>,
    folder: &Path,
    named: &str,
    journal: &str,
) -> Result<(), String> {
    let before = contents(folder)?;
    let patch = netswap(setup, &["patch", named, "--format", "json", "--journal", journal])?;
    let patch = patch.expect_code(1)?;
    let results = results(&patch)?;
    let expected = EXPECTED.map(|(name, status, code)| (name.to_owned(), (status, code)));
    let expected: BTreeMap<_, _> = expected.into_iter().collect();
    let is_expected = results.len() == expected.len()
        && results.iter().all(|(name, (status, code))| {
            let ending = |(expected, _): &(&String, _)| name.ends_with(expected.as_str());
            expected.iter().find(ending).is_some_and(|(_, row)| *row == (status, code))
        });
    if !is_expected {
        return Err(format!("{results:#?} instead of {expected:#?}"));
    }
    let after = contents(folder)?;
    let is_patched = |name: &PathBuf| {
        let name = name.to_string_lossy();
        expected.get(&*name).is_some_and(|(status, _)| *status == "patched")
    };
    let is_changed = |name: &PathBuf| before.get(name) != after.get(name);
    if let Some(name) = before.keys().find(|name| is_changed(name) != is_patched(name)) {
        return Err(patch.error(&format!("{} is changed, or is not", name.display())));
    }
    netswap(setup, &["undo", journal])?.expect(0, &["restored"])?;
    if contents(folder)? != before {
        return Err("undo did not restore all files".to_owned());
    }
    Ok(())
}

/// Returns the path, status and code of each file in a report. The separator in the paths is `/`.
fn results(patch: &Outcome) -> Result<BTreeMap<String, (String, String)>, String> {
    let report = parse_report(patch)?;
    let files = report.get("files").and_then(Value::as_array).ok_or("the report has no files")?;
    let text = |file: &Value, pointer| {
        file.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let result = |file| {
        let code = text(file, "/findings/0/code") + &text(file, "/warnings/0/code");
        (text(file, "/path").replace('\\', "/"), (text(file, "/status"), code))
    };
    Ok(files.iter().map(result).collect())
}

fn write_tree(folder: &Path) -> Result<(), String> {
    let listed = Image::dll().number(1).bytes();
    let catalog = [b"a catalog ".to_vec(), digest(&listed)?, b" with a digest".to_vec()].concat();
    // Visual Studio writes manifests of ClickOnce as UTF-8 with a byte order mark.
    let clickonce = "\u{feff}<asmv1:assembly><dependentAssembly codebase=\"DE\\Tool.resources.dll\">\
                     <hash><dsig:DigestValue>AA==</dsig:DigestValue></hash></dependentAssembly>";
    let side_by_side = r#"<assembly><file name="Hashed.dll" hash="00ff"/></assembly>"#;
    let (exe, dll) = (Image::exe().bytes(), Image::dll().bytes());
    let files = [
        ("catalog/listed.dll", listed),
        ("catalog/other.dll", dll.clone()),
        ("catalog/Driver.CAT", catalog),
        ("clickonce/tool.exe", exe.clone()),
        ("clickonce/tool.exe.deploy", exe.clone()),
        ("clickonce/Tool.exe.manifest", clickonce.into()),
        ("clickonce/DE/Tool.resources.dll", dll.clone()),
        ("fips/FIPS.dll", dll.clone()),
        ("fips/fipsmodule.cnf", b"module-mac = 00".to_vec()),
        ("fips/other.dll", dll.clone()),
        ("msix/AppxBlockMap.xml", b"<BlockMap/>".to_vec()),
        ("msix/VFS/tool.exe", exe.clone()),
        ("nss/softokn3.dll", dll.clone()),
        ("nss/softokn3.chk", b"a signature".to_vec()),
        ("plain/integrity.dll", Image::dll().dll_characteristics(0x80).bytes()),
        ("plain/lib.dll", dll.clone()),
        ("plain/signed.exe", Image::exe().certificate(64).bytes()),
        ("plain/strong.dll", Image::dll().assembly(Strong::Signed).bytes()),
        ("plain/tool.exe", exe),
        ("plain/readme.txt", b"no image".to_vec()),
        ("sxs/hashed.dll", dll),
        ("sxs/packed.exe", Image::exe().section_name(".vmp0").bytes()),
        ("sxs/Contoso.Controls.manifest", side_by_side.into()),
    ];
    files.into_iter().try_for_each(|(name, bytes)| write(&folder.join(name), bytes))
}

/// Returns the SHA-256 digest that a catalog has of an unsigned image: that of all bytes but the
/// checksum and the entry of the certificate table.
fn digest(image: &[u8]) -> Result<Vec<u8>, String> {
    let (checksum, entry) = (nt(image) + CHECKSUM, directory(image, CERTIFICATE));
    let parts = [0..checksum, checksum + 4..entry, entry + 8..image.len()];
    let parts: Vec<_> = parts.into_iter().filter_map(|part| image.get(part)).collect();
    let file = scratch("windows").join("without-checksum.bin");
    write(&file, parts.concat())?;
    let text = output(Command::new("sha256sum").arg(&file))?;
    let digits = text.get(..64).ok_or("sha256sum printed no digest")?;
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2).unwrap_or_default(), 16);
    let bytes: Result<_, _> = (0..64).step_by(2).map(byte).collect();
    bytes.map_err(|error| error.to_string())
}
