//! A program that crashes on a share, and the dumps that it leaves.

mod compare;
mod story;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use self::compare::compare_all;
use super::wine::{SHARE, windows};
use super::{Ran, Setup, ran};
use crate::process::{check, output, root};
use crate::released::released;

pub(super) use self::story::story;
pub(super) use self::table::dumps;

/// The folder of drive `C:` for the dumps.
const DUMPS: &str = "crash";

const PROGRAM: &str = "ledger.exe";
const LIBRARY: &str = "rates.dll";
const DATA: &str = "data.bin";

/// `EXCEPTION_IN_PAGE_ERROR` and `EXCEPTION_ACCESS_VIOLATION`.
const IN_PAGE_ERROR: u64 = 0xc000_0006;
const ACCESS_VIOLATION: u64 = 0xc000_0005;

/// Which images have the bit; each is a folder of the share with a program, a DLL and a file of data.
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

/// What happens to the program.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// An in-page error: one of [`PLACES`], so many bytes behind where that begins for `crash.c`, one of
    /// [`ACCESSES`], and the status beneath.
    InPage { place: &'static str, offset: u32, access: &'static str, status: u32 },
    /// It writes to the null pointer.
    AccessViolation,
    /// Nothing.
    None,
}

/// A crash, and which dump is left of it.
#[derive(Clone, Copy, Debug)]
struct Crash {
    bits: Bits,
    kind: Kind,
    /// All memory, not just what a small dump holds.
    full: bool,
}

/// A crash that has happened, and its dump.
struct Dump {
    crash: Crash,
    file: PathBuf,
    /// What the program said that it would fail to get at.
    address: u64,
}

/// Compiles the program and the DLL, and puts them onto the share, with the bit and without.
fn build(setup: &Setup<'_>) -> Result<(), String> {
    let share = setup.wine.share();
    let failed = |error: std::io::Error| error.to_string();
    let folder = share.join(Bits::Neither.folder());
    for bits in Bits::ALL {
        fs::create_dir_all(share.join(bits.folder())).map_err(failed)?;
    }
    compile(setup, "crash.c", &folder.join(PROGRAM), &["-municode"], &["-ldbghelp"])?;
    compile(setup, "rates.c", &folder.join(LIBRARY), &["-shared"], &[])?;
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
    // Each test here builds, and a journal is not written over.
    let _ = fs::remove_file(&journal);
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

/// Makes all dumps, which are to have these names, and compares each with what an independent reader and
/// `netswap diagnose` see in it. Wine takes a second of a processor for a small one, and twenty for one with all
/// memory.
fn dumps_of(setup: &Setup<'_>, crashes: &[(String, Crash)]) -> Result<Vec<Dump>, String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut dumps = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, crash)) = crashes.get(index) else {
                return Ok::<_, String>(dumps);
            };
            let dump = crash.dump(setup, name).map_err(|why| format!("{crash:?}: {why}"))?;
            dumps.push((index, dump));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let by_thread: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(ScopedJoinHandle::join).collect()
    });
    let mut dumps = BTreeMap::new();
    for made in by_thread {
        dumps.extend(made.map_err(|_| "a thread panicked".to_owned())??);
    }
    let dumps: Vec<_> = dumps.into_values().collect();
    compare_all(setup, &dumps)?;
    Ok(dumps)
}

impl Crash {
    /// What the program is told.
    fn arguments(self) -> Vec<String> {
        match self.kind {
            Kind::InPage { place, offset, access, status } => {
                vec![format!("{place}+{offset:X}"), access.to_owned(), format!("{status:X}")]
            }
            Kind::AccessViolation => vec!["access-violation".to_owned()],
            Kind::None => vec!["none".to_owned()],
        }
    }

    /// Runs the program by its path on the share to this end; the dump lies below [`DUMPS`].
    fn dump(self, setup: &Setup<'_>, name: &str) -> Result<Dump, String> {
        let below = Path::new(DUMPS).join(name);
        let file = setup.wine.drive().join(&below);
        let folder = file.parent().unwrap_or(&file);
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let mut command = setup.wine.command(&windows(SHARE, &self.bits.folder().join(PROGRAM)));
        command.args(self.arguments()).arg(windows("C:", &below));
        if self.full {
            command.arg("full");
        }
        let ran = ran(&mut command)?;
        // Outside of Wine there is only the low byte of its exit code.
        ran.expect(i32::from(self.code().unwrap_or(0).to_le_bytes()[0]), &[])?;
        let address = self.address(&ran)?;
        Ok(Dump { crash: self, file, address })
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
