//! Compares the contents of a dump with the actual crash, as an independent reader and `netswap
//! diagnose` read them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::wine::{SHARE, windows_path};
use super::super::{Setup, run_program};
use super::{Bits, Crash, Dump, Kind, LIBRARY, NETWORK, PROGRAM};
use crate::files::root;
use crate::process::output;
use crate::programs;
use crate::readers;
use crate::tools::Python;

/// The share as Wine's dumps name it. Windows' dumps have two backslashes for `UNC\`.
const SHARE_IN_DUMPS: &str = r"UNC\fileserver\tools";

/// `IMAGE_FILE_NET_RUN_FROM_SWAP`.
const NET: u64 = 0x0800;

/// The underlying statuses, and the causes that `netswap diagnose` reports for them.
pub(super) const CAUSES: [(u32, &str); 6] = [
    (NETWORK, "share-lost"),
    (0xc000_009c, "disk-failed"),
    (0xc000_0013, "medium-failed"),
    (0xc000_009a, "no-progress"),
    (0xc000_0120, "cause-unclear"),
    (0xc000_1234, "cause-unclear"),
];

/// Checks that both readers report the actual crash for every dump.
pub(super) fn compare_all(setup: &Setup<'_>, dumps: &[Dump]) -> Result<(), String> {
    let netswap = programs::release("netswap")?;
    for (dump, read) in dumps.iter().zip(&read(dumps)?) {
        let add_crash = |why| format!("{:?}: {why}", dump.crash);
        compare(dump.crash, dump.address, read).map_err(add_crash)?;
        check_diagnosis(setup, &netswap, dump).map_err(add_crash)?;
    }
    Ok(())
}

/// Reads the dumps with skelsec's minidump. Returns the objects that `dumps.py` prints.
pub(super) fn read(dumps: &[Dump]) -> Result<Vec<Value>, String> {
    let mut reader = Python::find()?.command();
    reader.arg(root().join("lab/windows/dumps.py"));
    let read = readers::lines(&output(reader.args(dumps.iter().map(|dump| &dump.file)))?)?;
    if read.len() == dumps.len() {
        Ok(read)
    } else {
        Err(format!("dumps.py read {} of {} dumps", read.len(), dumps.len()))
    }
}

/// Returns the path of an image as a dump contains it.
pub(super) fn path_in_dump(bits: Bits, image: &str) -> String {
    windows_path(SHARE_IN_DUMPS, &bits.folder().join(image))
}

/// Checks what the independent reader read from a dump.
fn compare(crash: Crash, address: u64, read: &Value) -> Result<(), String> {
    let (code, parameters) = (crash.code().into(), crash.parameters(address).into());
    ensure!(read.get("code") == Some(&code), "dumps.py reads another exception: {read}");
    ensure!(
        read.get("parameters") == Some(&parameters),
        "dumps.py reads other parameters than those for {address:#x}: {read}"
    );
    let modules = read.get("modules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let number = |module: &Value, field: &str| module.get(field).and_then(Value::as_u64);
    let named = |image: &str| {
        let name = path_in_dump(crash.bits, image);
        modules.iter().find(|module| module.get("name").and_then(Value::as_str) == Some(&name))
    };
    let at_address = modules.iter().find(|module| {
        let offset = number(module, "base").and_then(|base| address.checked_sub(base));
        offset.zip(number(module, "size")).is_some_and(|(offset, size)| offset < size)
    });
    if at_address != crash.image().and_then(named) {
        return Err(format!("according to dumps.py, {address:#x} is in another image: {read}"));
    }
    let loaded: &[&str] = match crash.kind {
        Kind::InPage { .. } => &[PROGRAM, LIBRARY],
        Kind::AccessViolation | Kind::None => &[PROGRAM],
    };
    for image in loaded {
        let module =
            named(image).ok_or_else(|| format!("dumps.py does not find {image}: {read}"))?;
        let bit = number(module, "characteristics").map(|bits| bits & NET != 0);
        let expected = crash.full.then(|| crash.bits.has(image));
        ensure!(
            bit == expected,
            "dumps.py reads {bit:?} instead of {expected:?} for the bit of {image}: {read}"
        );
    }
    Ok(())
}

/// Returns what `netswap diagnose` reports for a file, with the images on the share.
pub(super) fn diagnosis(setup: &Setup<'_>, netswap: &Path, file: &Path) -> Result<Value, String> {
    let mut netswap = Command::new(netswap);
    netswap.args(["diagnose", "--format", "ndjson", "--images"]);
    let outcome = run_program(netswap.arg(setup.wine.share()).arg(file))?;
    let text = outcome.text();
    let first = text.lines().next().unwrap_or_default();
    serde_json::from_str(first).map_err(|error| outcome.error(&error.to_string()))
}

/// Checks that a diagnosis contains each of these strings at its JSON pointer.
pub(super) fn expect(
    diagnosis: &Value,
    expected: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> Result<(), String> {
    for (pointer, expected) in expected {
        if diagnosis.pointer(pointer).and_then(Value::as_str) != expected.as_deref() {
            return Err(format!("{pointer} is not {expected:?}: {diagnosis}"));
        }
    }
    Ok(())
}

/// Checks what `netswap diagnose` reports for a dump.
fn check_diagnosis(setup: &Setup<'_>, netswap: &Path, dump: &Dump) -> Result<(), String> {
    let crash = dump.crash;
    let cause = match crash.kind {
        Kind::InPage { status, .. } => CAUSES.into_iter().find(|row| row.0 == status),
        Kind::AccessViolation => Some((0, "not-an-in-page-error")),
        Kind::None => None,
    };
    let no_exception = "it contains no exception: the program had not crashed";
    let mut expected = vec![
        ("/cause", cause.map(|cause| cause.1.to_owned())),
        ("/error", cause.is_none().then(|| no_exception.to_owned())),
    ];
    if let Kind::InPage { access, status, .. } = crash.kind {
        let place = if crash.image().is_some() { "image" } else { "memory" };
        expected.extend([
            ("/place", Some(place.to_owned())),
            ("/access", Some(access.to_owned())),
            ("/status", Some(format!("0x{status:08X}"))),
            ("/address", Some(format!("0x{:x}", dump.address))),
        ]);
    }
    if let Some(image) = crash.image() {
        let bit = if crash.bits.has(image) { "set" } else { "not-set" };
        let from = if crash.full { "dump" } else { "file" };
        expected.extend([
            ("/image/path", Some(path_in_dump(crash.bits, image))),
            ("/image/origin/share", Some(SHARE.to_owned())),
            ("/image/bit", Some(bit.to_owned())),
            ("/image/bits/from", Some(from.to_owned())),
        ]);
    }
    expect(&diagnosis(setup, netswap, &dump.file)?, expected)
}

#[cfg(test)]
mod tests {
    use super::super::{ACCESS_VIOLATION, IN_PAGE_ERROR};
    use super::*;
    use serde_json::json;

    const ADDRESS: u64 = 0x1_4000_1768;

    fn crash(place: &'static str, full: bool) -> Crash {
        let kind = Kind::InPage { place, offset: 0, access: "execute", status: NETWORK };
        Crash { bits: Bits::Program, kind, full }
    }

    /// Returns what the reader must read from the dump of a crash in the program.
    fn read(full: bool) -> Value {
        let bits = |bits: u64| if full { json!(bits) } else { json!(null) };
        json!({
            "code": IN_PAGE_ERROR,
            "parameters": [8, ADDRESS, 0xffff_ffff_c000_020c_u64],
            "modules": [
                { "name": r"UNC\fileserver\tools\ledger-program\ledger.exe",
                    "base": 0x1_4000_0000_u64, "size": 0x2000, "characteristics": bits(0x0826) },
                { "name": r"UNC\fileserver\tools\ledger-program\rates.dll",
                    "base": 0x1_4000_2000_u64, "size": 0x2000, "characteristics": bits(0x2026) },
            ],
        })
    }

    #[test]
    fn dump_of_another_crash_is_found() {
        for full in [false, true] {
            assert_eq!(compare(crash("exe", full), ADDRESS, &read(full)), Ok(()));
            assert!(compare(crash("exe", !full), ADDRESS, &read(full)).is_err());
            assert!(compare(crash("dll", full), ADDRESS, &read(full)).is_err());
            assert!(compare(crash("private", full), ADDRESS, &read(full)).is_err());
            assert!(compare(crash("exe", full), ADDRESS + 1, &read(full)).is_err());
        }
        for (field, wrong) in [
            ("/code", json!(ACCESS_VIOLATION)),
            ("/parameters/0", json!(0)),
            ("/parameters/2", json!(NETWORK)),
            ("/modules/0/name", json!(r"C:\ledger.exe")),
            ("/modules/0/size", json!(0x1000)),
            ("/modules/1/name", json!(r"C:\rates.dll")),
            ("/modules/1/characteristics", json!(0x2826)),
        ] {
            let mut read = read(true);
            *read.pointer_mut(field).unwrap() = wrong;
            assert!(compare(crash("exe", true), ADDRESS, &read).is_err(), "{field}");
        }
    }

    #[test]
    fn wrong_diagnosis_is_found() {
        let diagnosis = json!({ "cause": "share-lost", "image": null });
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            expect(&diagnosis, [("/cause", text("share-lost")), ("/image/bit", None)]),
            Ok(())
        );
        assert!(expect(&diagnosis, [("/cause", text("disk-failed"))]).is_err());
        assert!(expect(&diagnosis, [("/cause", None)]).is_err());
        assert!(expect(&diagnosis, [("/image/bit", text("set"))]).is_err());
    }
}
