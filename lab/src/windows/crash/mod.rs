//! Tests of a program that crashes on a share, and of the dumps that it leaves.

mod compare;
mod story;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use self::compare::compare_all;
use super::wine::{SHARE, windows_path};
use super::{Setup, run_program};
use crate::files::{at, create_folder, remove_file, root, write};
use crate::outcome::Outcome;
use crate::process::{check, in_threads, processors};
use crate::programs;

pub(super) use self::story::story;
pub(super) use self::table::dumps;

/// The folder on drive `C:` for the dumps.
const DUMPS: &str = "crash";

const PROGRAM: &str = "ledger.exe";
const LIBRARY: &str = "rates.dll";
const DATA: &str = "data.bin";

/// `EXCEPTION_IN_PAGE_ERROR` and `EXCEPTION_ACCESS_VIOLATION`.
const IN_PAGE_ERROR: u64 = 0xc000_0006;
const ACCESS_VIOLATION: u64 = 0xc000_0005;

/// The images with the bit. Each variant has its folder with a program, a DLL and data.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bits {
    Neither,
    Program,
    Both,
}

impl Bits {
    const ALL: [Bits; 3] = [Bits::Neither, Bits::Program, Bits::Both];

    fn folder(self) -> &'static Path {
        Path::new(match self {
            Bits::Neither => "ledger",
            Bits::Program => "ledger-program",
            Bits::Both => "ledger-both",
        })
    }

    /// Whether the image with this file name has the bit.
    fn has(self, image: &str) -> bool {
        match self {
            Bits::Neither => false,
            Bits::Program => image == PROGRAM,
            Bits::Both => true,
        }
    }
}

/// The places of the unreadable page in `crash.c`, and the images that contain them.
const PLACES: [(&str, Option<&str>); 4] =
    [("exe", Some(PROGRAM)), ("dll", Some(LIBRARY)), ("mapped", None), ("private", None)];

/// The kinds of access, and their values in the exception's parameters.
const ACCESSES: [(&str, u64); 3] = [("read", 0), ("write", 1), ("execute", 8)];

/// The underlying status of an in-page error on a share.
const NETWORK: u32 = 0xc000_020c;

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// An in-page error at one of [`PLACES`], with one of [`ACCESSES`] and the underlying status.
    /// `offset` counts bytes from the place's start in `crash.c`.
    InPage { place: &'static str, offset: u32, access: &'static str, status: u32 },
    /// The program writes to the null pointer.
    AccessViolation,
    /// The program does not crash.
    None,
}

/// A crash, and the kind of dump that it leaves.
#[derive(Clone, Copy, Debug)]
struct Crash {
    bits: Bits,
    kind: Kind,
    /// Whether the dump contains all memory, and not only the contents of a small dump.
    full: bool,
}

struct Dump {
    crash: Crash,
    file: PathBuf,
    /// The address that the program printed before it failed to access it.
    address: u64,
}

/// Compiles the program and the DLL, and copies them to the share with and without the bit.
fn build(setup: &Setup<'_>) -> Result<(), String> {
    let share = setup.wine.share();
    let folder = share.join(Bits::Neither.folder());
    for bits in Bits::ALL {
        create_folder(share.join(bits.folder()))?;
    }
    compile(setup, "crash.c", &folder.join(PROGRAM), &["-municode"], &["-ldbghelp"])?;
    compile(setup, "rates.c", &folder.join(LIBRARY), &["-shared"], &[])?;
    // Two pages. `crash.c` uses the second.
    write(&folder.join(DATA), [0; 0x2000])?;
    let mut patched = Vec::new();
    for bits in [Bits::Program, Bits::Both] {
        for name in [PROGRAM, LIBRARY, DATA] {
            let to = share.join(bits.folder()).join(name);
            fs::copy(folder.join(name), &to).map_err(at(&to))?;
            if name != DATA && bits.has(name) {
                patched.push(to);
            }
        }
    }
    let journal = setup.wine.drive().join("crash.jsonl");
    // Each test builds, and netswap does not overwrite an existing journal.
    remove_file(&journal)?;
    let mut netswap = Command::new(programs::release("netswap")?);
    netswap.arg("patch").args(&patched).arg("--journal").arg(journal);
    run_program(&mut netswap)?.expect_code(0).map(drop)
}

fn compile(
    setup: &Setup<'_>,
    source: &str,
    image: &Path,
    options: &[&str],
    libraries: &[&str],
) -> Result<(), String> {
    let mut gcc = setup.debian.gcc();
    gcc.args(["-O1", "-Wall", "-Wextra"]).args(options).arg("-o").arg(image);
    check(gcc.arg(root().join("lab/windows").join(source)).args(libraries))
}

/// Makes the program crash in each of these ways. Returns the dumps with these names, after an
/// independent reader and `netswap diagnose` have read them correctly.
///
/// Wine takes one second of processor time for a small dump, and 20 for one with all memory.
fn create_dumps(setup: &Setup<'_>, crashes: &[(String, Crash)]) -> Result<Vec<Dump>, String> {
    let dumps = Mutex::new(BTreeMap::new());
    in_threads(
        processors(),
        crashes.iter().enumerate().rev().collect(),
        |(index, (name, crash))| {
            let dump = crash.create_dump(setup, name).map_err(|why| format!("{crash:?}: {why}"))?;
            dumps.lock().map_err(|error| error.to_string())?.insert(index, dump);
            Ok(())
        },
    )?;
    let dumps = dumps.into_inner().map_err(|error| error.to_string())?;
    let dumps: Vec<_> = dumps.into_values().collect();
    compare_all(setup, &dumps)?;
    Ok(dumps)
}

impl Crash {
    fn arguments(self) -> Vec<String> {
        match self.kind {
            Kind::InPage { place, offset, access, status } => {
                vec![format!("{place}+{offset:X}"), access.to_owned(), format!("{status:X}")]
            }
            Kind::AccessViolation => vec!["access-violation".to_owned()],
            Kind::None => vec!["none".to_owned()],
        }
    }

    /// Runs the program by its path on the share. Returns its dump, which is below [`DUMPS`].
    fn create_dump(self, setup: &Setup<'_>, name: &str) -> Result<Dump, String> {
        let below = Path::new(DUMPS).join(name);
        let file = setup.wine.drive().join(&below);
        create_folder(file.parent().unwrap_or(&file).to_owned())?;
        let mut command =
            setup.wine.command(&windows_path(SHARE, &self.bits.folder().join(PROGRAM)));
        command.args(self.arguments()).arg(windows_path("C:", &below));
        if self.full {
            command.arg("full");
        }
        // Wine passes only the low byte of the exit code to Linux.
        let code = i32::from(self.code().unwrap_or(0).to_le_bytes()[0]);
        let outcome = run_program(&mut command)?.expect_code(code)?;
        let address = self.address(&outcome)?;
        Ok(Dump { crash: self, file, address })
    }

    /// Returns the address that the program printed.
    fn address(self, outcome: &Outcome) -> Result<u64, String> {
        let Kind::InPage { .. } = self.kind else { return Ok(0) };
        let address = u64::from_str_radix(outcome.text().trim(), 16);
        address.map_err(|error| outcome.error(&error.to_string()))
    }

    fn code(self) -> Option<u64> {
        match self.kind {
            Kind::InPage { .. } => Some(IN_PAGE_ERROR),
            Kind::AccessViolation => Some(ACCESS_VIOLATION),
            Kind::None => None,
        }
    }

    /// Returns the exception's parameters for this address.
    fn parameters(self, address: u64) -> Option<Vec<u64>> {
        match self.kind {
            Kind::InPage { access, status, .. } => {
                let access = ACCESSES.into_iter().find(|(name, _)| *name == access)?.1;
                // Windows sign-extends the status to 64 bits.
                let status = u64::from(status) | 0xffff_ffff_0000_0000;
                Some(vec![access, address, status])
            }
            Kind::AccessViolation => Some(vec![1, address]),
            Kind::None => None,
        }
    }

    /// Returns the image that contains the address.
    fn image(self) -> Option<&'static str> {
        let Kind::InPage { place, .. } = self.kind else { return None };
        PLACES.into_iter().find(|(name, _)| *name == place)?.1
    }
}
