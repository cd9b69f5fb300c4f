//! A program that crashes on a share, the dumps that it leaves, and what an independent reader sees in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::wine::{SHARE, windows};
use super::{Ran, Setup, Told, ran};
use crate::process::{check, output, root};
use crate::readers;
use crate::released::released;

/// The folder of the share that the programs lie in, and the one of drive `C:` for their dumps.
const FOLDER: &str = "crash";

const PROGRAM: &str = "crash.exe";
const LIBRARY: &str = "victim.dll";
const DATA: &str = "data.bin";

/// The share as Wine's loader names it, and so its dumps; Windows' have two backslashes for `UNC\`.
const SHARE_IN_DUMPS: &str = r"UNC\fileserver\tools";

/// `EXCEPTION_IN_PAGE_ERROR` and `EXCEPTION_ACCESS_VIOLATION`.
const IN_PAGE_ERROR: u64 = 0xc000_0006;
const ACCESS_VIOLATION: u64 = 0xc000_0005;

/// `IMAGE_FILE_NET_RUN_FROM_SWAP`.
const NET: u64 = 0x0800;

/// Which images have the bit; each is a folder with a program, a DLL and a file of data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bits {
    Neither,
    Program,
    Both,
}

impl Bits {
    const ALL: [Bits; 3] = [Bits::Neither, Bits::Program, Bits::Both];

    fn folder(self) -> PathBuf {
        let name = match self {
            Bits::Neither => "neither",
            Bits::Program => "program",
            Bits::Both => "both",
        };
        Path::new(FOLDER).join(name)
    }

    /// Whether an image has it, by its name.
    fn has(self, image: &str) -> bool {
        match self {
            Bits::Neither => false,
            Bits::Program => image == PROGRAM,
            Bits::Both => true,
        }
    }
}

/// What the page that can't be read belongs to, by the words of `crash.c`, and the image that is.
const PLACES: [(&str, Option<&str>); 4] =
    [("exe", Some(PROGRAM)), ("dll", Some(LIBRARY)), ("mapped", None), ("private", None)];

/// The accesses, and how the exception tells of them.
const ACCESSES: [(&str, u64); 3] = [("read", 0), ("write", 1), ("execute", 8)];

/// The status beneath an in-page error of a share.
const NETWORK: u32 = 0xc000_020c;

/// One of each kind: network, disk, media, no progress, of any of these, and of none.
const STATUSES: [u32; 6] =
    [NETWORK, 0xc000_009c, 0xc000_0013, 0xc000_009a, 0xc000_0120, 0xc000_1234];

/// What happens to the program.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// An in-page error: one of [`PLACES`], one of [`ACCESSES`], and the status beneath.
    InPage { place: &'static str, access: &'static str, status: u32 },
    /// It writes to the null pointer.
    AccessViolation,
    /// Nothing.
    None,
}

/// A crash, and which dump is left of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crash {
    pub(super) bits: Bits,
    pub(super) kind: Kind,
    /// All memory, not just what a small dump holds.
    pub(super) full: bool,
}

/// A dump.
pub(super) struct Dump {
    pub(super) file: PathBuf,
    /// What the program said that it would fail to get at.
    pub(super) address: u64,
}

/// Compiles the program and the DLL, and puts them onto the share, with the bit and without.
pub(super) fn build(setup: &Setup<'_>) -> Result<(), String> {
    let share = setup.wine.share();
    let failed = |error: std::io::Error| error.to_string();
    fs::create_dir_all(setup.wine.drive().join(FOLDER)).map_err(failed)?;
    let folder = share.join(Bits::Neither.folder());
    for bits in Bits::ALL {
        fs::create_dir_all(share.join(bits.folder())).map_err(failed)?;
    }
    compile(setup, "crash.c", &folder.join(PROGRAM), &["-municode"], &["-ldbghelp"])?;
    compile(setup, "victim.c", &folder.join(LIBRARY), &["-shared"], &[])?;
    // Two pages, of which `crash.c` takes the second.
    fs::write(folder.join(DATA), [0; 0x2000]).map_err(failed)?;
    let mut patched = Vec::new();
    for bits in [Bits::Program, Bits::Both] {
        for name in [PROGRAM, LIBRARY, DATA] {
            let to = share.join(bits.folder()).join(name);
            fs::copy(folder.join(name), &to).map_err(failed)?;
            if name != DATA && bits.has(name) {
                patched.push(to);
            }
        }
    }
    let journal = setup.wine.drive().join("crash.jsonl");
    let mut netswap = Command::new(released("netswap")?);
    output(netswap.arg("patch").args(&patched).arg("--journal").arg(journal)).map(drop)
}

fn compile(
    setup: &Setup<'_>,
    source: &str,
    image: &Path,
    options: &[&str],
    libraries: &[&str],
) -> Result<(), String> {
    let mut gcc = setup.debian().gcc();
    gcc.args(["-O1", "-Wall", "-Wextra"]).args(options).arg("-o").arg(image);
    check(gcc.arg(root().join("xtask/windows").join(source)).args(libraries))
}

impl Crash {
    /// What the program is told.
    fn arguments(self) -> Vec<String> {
        match self.kind {
            Kind::InPage { place, access, status } => {
                vec![place.to_owned(), access.to_owned(), format!("{status:X}")]
            }
            Kind::AccessViolation => vec!["access-violation".to_owned()],
            Kind::None => vec!["none".to_owned()],
        }
    }

    /// A name of its own.
    fn name(self) -> String {
        let size = if self.full { "full" } else { "mini" };
        let folder = self.bits.folder();
        let bits = folder.file_name().unwrap_or_default().to_string_lossy();
        format!("{size}-{bits}-{}.dmp", self.arguments().join("-"))
    }

    /// Runs the program by its path on the share to this end.
    pub(super) fn dump(self, setup: &Setup<'_>) -> Result<Dump, String> {
        let below = Path::new(FOLDER).join(self.name());
        let mut command = setup.wine.command(&windows(SHARE, &self.bits.folder().join(PROGRAM)));
        command.args(self.arguments()).arg(windows("C:", &below));
        if self.full {
            command.arg("full");
        }
        let ran = ran(&mut command)?;
        // Outside of Wine there is only the low byte of its exit code.
        ran.expect(i32::from(self.code().unwrap_or(0).to_le_bytes()[0]), &[])?;
        let address = self.address(&ran)?;
        Ok(Dump { file: setup.wine.drive().join(below), address })
    }

    fn address(self, ran: &Ran) -> Result<u64, String> {
        match self.kind {
            Kind::InPage { .. } => u64::from_str_radix(ran.stdout.trim(), 16)
                .map_err(|error| format!("{error}: {ran:?}")),
            Kind::AccessViolation | Kind::None => Ok(0),
        }
    }

    /// The exception's code.
    fn code(self) -> Option<u64> {
        match self.kind {
            Kind::InPage { .. } => Some(IN_PAGE_ERROR),
            Kind::AccessViolation => Some(ACCESS_VIOLATION),
            Kind::None => None,
        }
    }

    /// The exception's parameters, for this address.
    fn parameters(self, address: u64) -> Option<Vec<u64>> {
        match self.kind {
            Kind::InPage { access, status, .. } => {
                let access = ACCESSES.into_iter().find(|(name, _)| *name == access)?.1;
                // Windows widens a status as a signed number.
                let status = u64::from(status) | 0xffff_ffff_0000_0000;
                Some(vec![access, address, status])
            }
            Kind::AccessViolation => Some(vec![1, address]),
            Kind::None => None,
        }
    }

    /// The image that the address lies in.
    fn image(self) -> Option<&'static str> {
        match self.kind {
            Kind::InPage { place, .. } => PLACES.into_iter().find(|(name, _)| *name == place)?.1,
            Kind::AccessViolation | Kind::None => None,
        }
    }
}

/// What `netswap diagnose` calls the cause, by the status beneath.
const CAUSES: [(u32, &str); 6] = [
    (NETWORK, "share-lost"),
    (0xc000_009c, "disk-failed"),
    (0xc000_0013, "medium-failed"),
    (0xc000_009a, "no-progress"),
    (0xc000_0120, "cause-unclear"),
    (0xc000_1234, "cause-unclear"),
];

impl Crash {
    /// Compares what `netswap diagnose` says of the dump, where it finds the images on the share.
    fn diagnosed(self, setup: &Setup<'_>, netswap: &Path, dump: &Dump) -> Result<(), String> {
        let mut netswap = Command::new(netswap);
        netswap.args(["diagnose", "--format", "ndjson", "--images"]);
        netswap.arg(setup.wine.share().join(FOLDER)).arg(&dump.file);
        let ran = ran(&mut netswap)?;
        let first = ran.stdout.lines().next().unwrap_or_default();
        let said: Value =
            serde_json::from_str(first).map_err(|error| format!("{error}: {ran:?}"))?;
        let text = |pointer: &str| said.pointer(pointer).and_then(Value::as_str);
        let cause = match self.kind {
            Kind::InPage { status, .. } => CAUSES.into_iter().find(|row| row.0 == status),
            Kind::AccessViolation => Some((0, "not-an-in-page-error")),
            Kind::None => None,
        };
        let mut expected = vec![("/cause", cause.map(|cause| cause.1.to_owned()))];
        if let Kind::InPage { access, status, .. } = self.kind {
            let place = if self.image().is_some() { "image" } else { "memory" };
            expected.extend([
                ("/place", Some(place.to_owned())),
                ("/access", Some(access.to_owned())),
                ("/status", Some(format!("0x{status:08X}"))),
                ("/address", Some(format!("0x{:x}", dump.address))),
            ]);
        }
        if let Some(image) = self.image() {
            let path = windows(SHARE_IN_DUMPS, &self.bits.folder().join(image));
            let bit = if self.bits.has(image) { "set" } else { "not-set" };
            let from = if self.full { "dump" } else { "file" };
            expected.extend([
                ("/image/path", Some(path)),
                ("/image/origin/share", Some(SHARE.to_owned())),
                ("/image/bit", Some(bit.to_owned())),
                ("/image/bits/from", Some(from.to_owned())),
            ]);
        }
        for (pointer, expected) in expected {
            if text(pointer) != expected.as_deref() {
                return Err(format!("{pointer} should be {expected:?}: {said}"));
            }
        }
        Ok(())
    }
}

/// Each place with each access, and with them each status; the images with the bit; what is no in-page
/// error; and one with all memory. Wine takes two seconds for each, and twenty for that.
fn table() -> Vec<Crash> {
    let pairs = PLACES.iter().flat_map(|place| ACCESSES.iter().map(move |access| (place, access)));
    let statuses = STATUSES.into_iter().cycle();
    let of = |bits, kind| Crash { bits, kind, full: false };
    let mut table: Vec<_> = pairs
        .zip(statuses)
        .map(|(((place, _), (access, _)), status)| {
            of(Bits::Neither, Kind::InPage { place, access, status })
        })
        .collect();
    for (place, _) in PLACES.into_iter().filter(|(_, image)| image.is_some()) {
        let kind = Kind::InPage { place, access: "read", status: NETWORK };
        table.extend([Bits::Program, Bits::Both].map(|bits| of(bits, kind)));
    }
    table.extend([Kind::AccessViolation, Kind::None].map(|kind| of(Bits::Neither, kind)));
    let kind = Kind::InPage { place: "dll", access: "execute", status: NETWORK };
    table.push(Crash { bits: Bits::Program, kind, full: true });
    table
}

/// Makes all dumps, and compares with the table what a reader sees in them.
pub(super) fn dumps(setup: &Setup<'_>) -> Result<Told, String> {
    build(setup)?;
    let table = table();
    let dump = |crash: &Crash| crash.dump(setup).map_err(|why| format!("{crash:?}: {why}"));
    let dumps = table.iter().map(dump).collect::<Result<Vec<_>, _>>()?;
    let mut reader = Command::new(readers::python()?);
    reader.arg(root().join("xtask/windows/dumps.py"));
    let read = readers::lines(&output(reader.args(dumps.iter().map(|dump| &dump.file)))?)?;
    if read.len() != dumps.len() {
        return Err(format!("{} of {} dumps were read", read.len(), dumps.len()));
    }
    for ((crash, dump), read) in table.iter().zip(&dumps).zip(&read) {
        compare(*crash, dump.address, read).map_err(|why| format!("{crash:?}: {why}"))?;
    }
    let netswap = released("netswap")?;
    for (crash, dump) in table.iter().zip(&dumps) {
        crash.diagnosed(setup, &netswap, dump).map_err(|why| format!("{crash:?}: {why}"))?;
    }
    let full: Vec<_> = table.iter().zip(&dumps).filter(|(crash, _)| crash.full).collect();
    for (_, dump) in &full {
        // They are of 100 MB.
        fs::remove_file(&dump.file).map_err(|error| error.to_string())?;
    }
    Ok(format!("{} dumps, {} of them with all memory", dumps.len(), full.len()).into())
}

/// What is wrong with a dump as it was read.
fn compare(crash: Crash, address: u64, read: &Value) -> Result<(), String> {
    if read.get("code") != Some(&crash.code().into()) {
        return Err(format!("another exception: {read}"));
    }
    if read.get("parameters") != Some(&crash.parameters(address).into()) {
        return Err(format!("not the parameters for {address:#x}: {read}"));
    }
    let modules = read.get("modules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let number = |module: &Value, field: &str| module.get(field).and_then(Value::as_u64);
    let named = |image: &str| {
        let name = windows(SHARE_IN_DUMPS, &crash.bits.folder().join(image));
        modules.iter().find(|module| module.get("name").and_then(Value::as_str) == Some(&name))
    };
    let at_address = modules.iter().find(|module| {
        let behind_base = number(module, "base").and_then(|base| address.checked_sub(base));
        behind_base.zip(number(module, "size")).is_some_and(|(offset, size)| offset < size)
    });
    if at_address != crash.image().and_then(named) {
        return Err(format!("{address:#x} is in another image: {read}"));
    }
    let loaded: &[&str] = match crash.kind {
        Kind::InPage { .. } => &[PROGRAM, LIBRARY],
        Kind::AccessViolation | Kind::None => &[PROGRAM],
    };
    for image in loaded {
        let module = named(image).ok_or_else(|| format!("{image} is not in it: {read}"))?;
        let bit = number(module, "characteristics").map(|bits| bits & NET != 0);
        let expected = crash.full.then(|| crash.bits.has(image));
        if bit != expected {
            return Err(format!("{image}: its header should tell {expected:?}: {read}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ADDRESS: u64 = 0x1_4000_1768;

    fn crash(place: &'static str, full: bool) -> Crash {
        let kind = Kind::InPage { place, access: "execute", status: NETWORK };
        Crash { bits: Bits::Program, kind, full }
    }

    /// What is to be read of the dump of a crash in the program.
    fn read(full: bool) -> Value {
        let bits = |bits: u64| if full { json!(bits) } else { json!(null) };
        json!({
            "code": IN_PAGE_ERROR,
            "parameters": [8, ADDRESS, 0xffff_ffff_c000_020c_u64],
            "modules": [
                { "name": r"UNC\fileserver\tools\crash\program\crash.exe",
                    "base": 0x1_4000_0000_u64, "size": 0x2000, "characteristics": bits(0x0826) },
                { "name": r"UNC\fileserver\tools\crash\program\victim.dll",
                    "base": 0x1_4000_2000_u64, "size": 0x2000, "characteristics": bits(0x2026) },
            ],
        })
    }

    #[test]
    fn each_place_is_in_the_table_with_each_access_and_each_status_is() {
        let (mut pairs, mut statuses) = (Vec::new(), Vec::new());
        for crash in table() {
            if let Kind::InPage { place, access, status } = crash.kind {
                pairs.push((place, access));
                statuses.push(status);
            }
        }
        for (access, _) in ACCESSES {
            assert!(PLACES.into_iter().all(|(place, _)| pairs.contains(&(place, access))));
        }
        assert!(STATUSES.into_iter().all(|status| statuses.contains(&status)));
    }

    #[test]
    fn each_dump_has_a_name_of_its_own() {
        let names: Vec<_> = table().into_iter().map(Crash::name).collect();
        let mut distinct = names.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }

    #[test]
    fn a_dump_that_holds_something_else_is_found() {
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
            ("/modules/0/name", json!(r"C:\crash.exe")),
            ("/modules/0/size", json!(0x1000)),
            ("/modules/1/name", json!(r"C:\victim.dll")),
            ("/modules/1/characteristics", json!(0x2826)),
        ] {
            let mut read = read(true);
            *read.pointer_mut(field).unwrap() = wrong;
            assert!(compare(crash("exe", true), ADDRESS, &read).is_err(), "{field}");
        }
    }
}
