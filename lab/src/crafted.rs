//! `cargo xtask crafted`: compares netswap with the other readers on hand-made images.
//!
//! Each image has a property that decides whether netswap judges and patches it, or about which
//! readers disagree. The table records netswap's report, and every difference in what another
//! reader says. Any other difference fails.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::image::{
    CERTIFICATE, DELAY_IMPORT, IMPORT, Image, Strong, directory, get32, nt, put_directory, put16,
    put32,
};

use crate::corpus::Corpus;
use crate::differential;
use crate::fields::INSPECT;
use crate::files::{empty_folder, scratch, write};
use crate::outcome::Outcome;
use crate::{NotPassed, no_arguments, programs, readers};

/// A hand-made image.
#[derive(Clone)]
struct Crafted {
    /// Its path below the folder of all images.
    path: &'static str,
    bytes: Vec<u8>,
    /// The report of netswap, as [`summary`] writes it.
    expected: &'static str,
    /// The differences in the reports of other readers: `READER: FIELD: VALUE`.
    others: &'static [&'static str],
}

/// The folder of the images.
const FOLDER: &str = "images";

/// Writes the images, reads them with netswap and the other readers, and patches them.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask crafted")?;
    let corpus =
        Corpus { root: empty_folder(scratch("crafted"))?, folders: vec![FOLDER.to_owned()] };
    let images = table();
    let path = |image: &Crafted| format!("{FOLDER}/{}", image.path);
    for image in &images {
        write(&corpus.root.join(path(image)), &image.bytes)?;
    }
    let ours = differential::ours("inspect", &corpus)?;
    let mut differences = BTreeMap::<_, Vec<_>>::new();
    for (reader, theirs) in differential::others(&corpus).map_err(NotPassed::NotRun)? {
        for difference in differential::compare(&ours, reader, &theirs, &INSPECT).1 {
            differences.entry(difference.path.clone()).or_default().push(difference.to_string());
        }
    }
    let statuses = patch(&corpus.root)?;
    let mut wrong = Vec::new();
    for image in &images {
        let (path, expected) = (path(image), image.expected);
        let report = ours.get(&path).unwrap_or(&Value::Null);
        let found = summary(report, statuses.get(&path).map_or("not reported", String::as_str));
        if found != expected {
            wrong.push(format!("{path}:\n  netswap says {found}\n  instead of   {expected}"));
        }
        let others = differences.remove(&path).unwrap_or_default();
        if others != image.others {
            wrong.push(format!("{path}: the other readers say\n  {}", others.join("\n  ")));
        }
    }
    let recorded: usize = images.iter().map(|image| image.others.len()).sum();
    println!("{} images, {recorded} recorded differences", images.len());
    if wrong.is_empty() { Ok(()) } else { Err(NotPassed::Failed(wrong.join("\n"))) }
}

/// Patches the images, and returns the status of each.
fn patch(root: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut netswap = Command::new(programs::debug("netswap")?);
    netswap.args(["patch", "--format", "ndjson", "--journal", "journal", FOLDER]);
    let rows = readers::lines(&Outcome::run(netswap.current_dir(root))?.text())?;
    let text = |row: &Value, field: &str| Some(row.get(field)?.as_str()?.replace('\\', "/"));
    Ok(rows.iter().filter_map(|row| Some((text(row, "path")?, text(row, "status")?))).collect())
}

/// Describes an image in one line: its kind, its imports, its problems and hazards, and the status
/// of the patch. An import is marked if its file is beside the image.
fn summary(report: &Value, status: &str) -> String {
    let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let list =
        |pointer: &str| report.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let mut parts = vec![text("/kind").unwrap_or_else(|| "no image".to_owned())];
    parts.extend(list("/imports").map(|import| {
        let name = import.get("name").and_then(Value::as_str).unwrap_or_default();
        let is_beside = import.pointer("/beside/0").is_some();
        format!("{name}{}", if is_beside { " (beside)" } else { "" })
    }));
    parts.extend(text("/import_problem").map(|why| format!("imports: {why}")));
    parts.extend(text("/delay_import_problem").map(|why| format!("delayed imports: {why}")));
    parts.extend(
        text("/certificate_table/state")
            .filter(|state| state != "absent")
            .map(|state| format!("certificates {state}")),
    );
    parts.extend(
        list("/hazards").filter_map(|hazard| Some(hazard.get("code")?.as_str()?.to_owned())),
    );
    parts.push(status.to_owned());
    parts.join(", ")
}

/// Returns all images.
fn table() -> Vec<Crafted> {
    [tables(), subsystems(), cut_files(), flat_images(), siblings(), hazards()].concat()
}

fn row(
    path: &'static str,
    bytes: Vec<u8>,
    expected: &'static str,
    others: &'static [&'static str],
) -> Crafted {
    Crafted { path, bytes, expected, others }
}

/// Tables that can't be read, or only in part. Windows does not read the delay-load table when
/// it loads an image, and ends the import table at an entry without an address table. pefile
/// and lief agree about everything else; llvm-readobj stops at the first malformed entry.
fn tables() -> Vec<Crafted> {
    vec![
        row(
            "delayed/far.exe",
            delayed_at(0xffff_fff0, 0x40),
            "exe, a.dll, delayed imports: it is outside the file, patched",
            &["llvm-readobj: is an image: false"],
        ),
        row(
            "delayed/headers.exe",
            delayed_at(0xff, 0),
            "exe, a.dll, delayed imports: an entry has no name in the file, patched",
            &["llvm-readobj: is an image: false"],
        ),
        row(
            "imports/name.exe",
            with_descriptor(12, 0x00ff_0000),
            "exe, a.dll, c.dll, imports: an entry has no name in the file, patched",
            &[r#"llvm-readobj: imports: ["a.dll"]"#],
        ),
        row(
            "imports/thunk.exe",
            with_descriptor(16, 0),
            "exe, a.dll, patched",
            &[
                r#"pefile: imports: ["a.dll","b.dll","c.dll"]"#,
                r#"lief: imports: ["a.dll","b.dll","c.dll"]"#,
                r#"llvm-readobj: imports: ["a.dll","b.dll","c.dll"]"#,
            ],
        ),
        row(
            "certificates/behind.exe",
            certificates_at(0x1000, 0x100),
            "exe, certificates outside-file, patched",
            &[],
        ),
    ]
}

/// Subsystems. llvm-readobj does not know boot applications.
fn subsystems() -> Vec<Crafted> {
    vec![
        row(
            "native/driver.sys",
            Image::exe().subsystem(1).import("ntoskrnl.exe").import("HAL.dll").bytes(),
            "driver, ntoskrnl.exe, HAL.dll, skipped",
            &[],
        ),
        row(
            "native/program.exe",
            Image::exe().subsystem(1).import("ntdll.dll").bytes(),
            "exe, ntdll.dll, patched",
            &[],
        ),
        row(
            "subsystem/boot.exe",
            Image::exe().import("a.dll").subsystem(16).bytes(),
            "boot, a.dll, skipped",
            &["llvm-readobj: subsystem: null"],
        ),
        row(
            "subsystem/xbox.exe",
            Image::exe().import("a.dll").subsystem(14).bytes(),
            "xbox, a.dll, skipped",
            &[],
        ),
        row(
            "subsystem/ce.exe",
            Image::exe().import("a.dll").subsystem(9).bytes(),
            "windows-ce, a.dll, skipped",
            &[],
        ),
        row(
            "subsystem/uefi.efi",
            Image::exe().import("a.dll").efi().bytes(),
            "efi, a.dll, skipped",
            &[],
        ),
    ]
}

/// Files that end early. Windows needs only the content of the last section, and not what pads
/// it to `FileAlignment`.
fn cut_files() -> Vec<Crafted> {
    vec![
        row("end/padding.exe", cut(0x201), "exe, patched", &[]),
        row("end/earlier.exe", with_earlier_section_behind_the_end(), "exe, patched", &[]),
        row("end/cut.exe", cut(0x200), "exe, truncated-image, refused", &[]),
    ]
}

/// Alignments below a page: Windows maps the file as it is. pefile agrees with netswap about
/// everything; the other two find no address without a section.
fn flat_images() -> Vec<Crafted> {
    vec![
        row(
            "flat/16.exe",
            without_sections(16),
            "exe, a.dll, b.dll, patched",
            &[
                "lief: checksum.computed: 22554",
                "lief: delayed imports: []",
                "llvm-readobj: is an image: false",
            ],
        ),
        row(
            "flat/512.exe",
            without_sections(512),
            "exe, a.dll, b.dll, patched",
            &[
                "lief: checksum.computed: 24538",
                "lief: delayed imports: []",
                "llvm-readobj: is an image: false",
            ],
        ),
    ]
}

/// Files beside a program with the names of known DLLs and API sets, and with other names.
fn siblings() -> Vec<Crafted> {
    vec![
        row(
            "beside/tool.exe",
            [
                "KERNEL32.dll",
                "api-ms-win-crt-runtime-l1-1-0.dll",
                "ext-ms-win-a-l1-1-0.dll",
                "own.dll",
            ]
            .into_iter()
            .fold(Image::exe(), Image::import)
            .bytes(),
            "exe, KERNEL32.dll, api-ms-win-crt-runtime-l1-1-0.dll (beside), ext-ms-win-a-l1-1-0.dll, own.dll (beside), patched",
            &[],
        ),
        row("beside/kernel32.dll", Image::dll().bytes(), "dll, patched", &[]),
        row("beside/ext-ms-win-a-l1-1-0.dll", Image::dll().bytes(), "dll, patched", &[]),
        row("beside/own.dll", Image::dll().bytes(), "dll, patched", &[]),
        row("beside/ucrtbase.dll", Image::dll().bytes(), "dll, patched", &[]),
    ]
}

/// Assemblies, and images with a signature or with the section of a protector.
fn hazards() -> Vec<Crafted> {
    vec![
        row("net/plain.dll", Image::dll().assembly(Strong::None).bytes(), "dll, patched", &[]),
        row(
            "net/delay-signed.dll",
            Image::dll().assembly(Strong::Delayed).bytes(),
            "dll, patched",
            &[],
        ),
        row(
            "net/strong-name.dll",
            Image::dll().assembly(Strong::Signed).bytes(),
            "dll, strong-name-would-break, refused",
            &[],
        ),
        row(
            "hazard/integrity.dll",
            Image::dll().dll_characteristics(0x80).bytes(),
            "dll, integrity-required, refused",
            &[],
        ),
        row(
            "hazard/signed.dll",
            Image::dll().certificate(100).bytes(),
            "dll, certificates well-formed, signature-would-break, refused",
            &[],
        ),
        row(
            "hazard/vmprotect.exe",
            Image::exe().import("a.dll").section_name(".vmp0").bytes(),
            "exe, a.dll, protected-image, patched",
            &[],
        ),
        row(
            "hazard/themida.exe",
            Image::exe().import("a.dll").section_name(".themida").bytes(),
            "exe, a.dll, protected-image, patched",
            &[],
        ),
        row(
            "hazard/enigma.exe",
            Image::exe().import("a.dll").section_name(".enigma1").bytes(),
            "exe, a.dll, protected-image, patched",
            &[],
        ),
    ]
}

/// Returns a program with an import, and with this entry for the delay-load import table.
fn delayed_at(start: usize, size: usize) -> Vec<u8> {
    let mut bytes = Image::exe().import("a.dll").bytes();
    put_directory(&mut bytes, DELAY_IMPORT, start, size);
    bytes
}

/// Returns a program with three imports, and with this value in a field of the second descriptor.
fn with_descriptor(field: usize, value: usize) -> Vec<u8> {
    let image = Image::exe().import("a.dll").import("b.dll").import("c.dll");
    let mut bytes = image.bytes();
    // The section has the address 0x1000, and the offset 0x200 in the file.
    let table = get32(&bytes, directory(&bytes, IMPORT)) as usize - 0x1000 + 0x200;
    put32(&mut bytes, table + 20 + field, value);
    bytes
}

/// Returns a program with this entry for the certificate table.
fn certificates_at(start: usize, size: usize) -> Vec<u8> {
    let mut bytes = Image::exe().bytes();
    put_directory(&mut bytes, CERTIFICATE, start, size);
    bytes
}

/// Returns the first bytes of a program, whose headers and section have 0x200 bytes each.
fn cut(length: usize) -> Vec<u8> {
    let mut bytes = Image::exe().bytes();
    bytes.truncate(length);
    bytes
}

/// Returns a program with two sections, of which the first has its bytes behind the end of the
/// file.
fn with_earlier_section_behind_the_end() -> Vec<u8> {
    let mut bytes = Image::exe().bytes();
    let nt = nt(&bytes);
    let first = nt + 24 + 240;
    put16(&mut bytes, nt + 6, 2); // NumberOfSections
    put32(&mut bytes, nt + 24 + 56, 0x3000); // SizeOfImage
    bytes.copy_within(first..first + 40, first + 40);
    put32(&mut bytes, first + 40 + 12, 0x2000); // VirtualAddress
    put32(&mut bytes, first + 20, 0x10_0000); // PointerToRawData
    bytes
}

/// Returns a program without sections, which has its imports behind its headers, with this
/// alignment.
fn without_sections(alignment: usize) -> Vec<u8> {
    let mut bytes = Image::exe().x86().flat().import("a.dll").delay_import("b.dll").bytes();
    let nt = nt(&bytes);
    put16(&mut bytes, nt + 6, 0); // NumberOfSections
    put32(&mut bytes, nt + 24 + 32, alignment); // SectionAlignment
    put32(&mut bytes, nt + 24 + 36, alignment); // FileAlignment
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn summary_contains_each_property() {
        let beside = json!([{"path": "b.dll"}]);
        let report = json!({
            "kind": "exe",
            "imports": [{"name": "a.dll", "beside": []}, {"name": "b.dll", "beside": beside}],
            "import_problem": "x", "delay_import_problem": "y",
            "certificate_table": {"state": "malformed"},
            "hazards": [{"code": "signature-would-break"}],
        });
        assert_eq!(
            summary(&report, "refused"),
            "exe, a.dll, b.dll (beside), imports: x, delayed imports: y, certificates malformed, \
             signature-would-break, refused"
        );
        let plain = json!({"kind": "dll", "certificate_table": {"state": "absent"}});
        assert_eq!(summary(&plain, "patched"), "dll, patched");
        assert_eq!(summary(&Value::Null, "not reported"), "no image, not reported");
    }

    #[test]
    fn each_image_has_its_own_path() {
        let images = table();
        let paths: std::collections::BTreeSet<_> = images.iter().map(|image| image.path).collect();
        assert_eq!(paths.len(), images.len());
    }
}
