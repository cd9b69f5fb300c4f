//! `cargo xtask windows`: programs with std, built for Windows, verified, and run as Windows programs.
//!
//! What is installed is used, else Debian's packages, which are unpacked into the cache and not
//! installed. Wine proves that an image loads and runs and does with files what it should; it does not
//! act on the bit.

mod after_link;
mod examples;
mod netswap;
mod toolchain;
mod wine;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use self::toolchain::{Debian, Toolchain};
use self::wine::Wine;
use crate::process::scratch;

/// What all tests are given.
struct Setup<'a> {
    toolchain: &'a Toolchain,
    debian: &'a Debian,
    wine: Wine<'a>,
    /// Where Cargo builds.
    target_dir: PathBuf,
}

/// A test: the sentence that it proves, and the function that tells in a few words what was done.
type Test = (&'static str, fn(&Setup<'_>) -> Result<String, String>);

const TESTS: [Test; 11] = [
    ("examples with std pass their own cargo xtask verify", examples::verified),
    ("a tool runs from a share, and ends as it should", examples::tool),
    ("a host loads its plug-in from the share, and does without", examples::plugin),
    ("GNU strip and objcopy clear the bit, and verify says that it was lost", after_link::lost),
    ("a profile that strips keeps the bit", after_link::kept),
    ("netswap.exe has the bit itself", netswap::built),
    ("netswap.exe verifies a share, and finds what lacks the bit", netswap::verify),
    ("netswap.exe inspects a file by any form of its path", netswap::inspect),
    ("netswap.exe patches and undoes by any form of the path, to the byte", netswap::patch),
    ("netswap.exe leaves read-only files alone, unless told", netswap::read_only),
    ("netswap.exe says of a file that is open elsewhere that it is in use", netswap::in_use),
];

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if !arguments.is_empty() {
        eprintln!("usage: cargo xtask windows");
        return ExitCode::from(2);
    }
    match all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(NotPassed::Failed(why)) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
        Err(NotPassed::NotRun(why)) => {
            eprintln!("not run: {why}");
            ExitCode::from(2)
        }
    }
}

/// Why not all tests have passed.
pub(crate) enum NotPassed {
    Failed(String),
    /// They could not be run here; why.
    NotRun(String),
}

/// Runs all tests, each to its end.
pub(crate) fn all() -> Result<(), NotPassed> {
    let toolchain = Toolchain::find().map_err(NotPassed::NotRun)?;
    println!("built with {}", toolchain.describe());
    let Toolchain::Debian(debian) = &toolchain else {
        // The programs could be run as they are on Windows, and by an installed Wine elsewhere.
        return Err(NotPassed::NotRun("only Debian's packages are known to run them".to_owned()));
    };
    let wine = Wine::start(debian).map_err(NotPassed::NotRun)?;
    println!("run by {}", wine.version());
    let setup = Setup { toolchain: &toolchain, debian, wine, target_dir: scratch("windows") };
    let mut failed = Vec::new();
    for (name, test) in TESTS {
        let start = Instant::now();
        let result = test(&setup);
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(told) => println!("passed {seconds:7.1} s  {name}: {told}"),
            Err(why) => {
                println!("FAILED {seconds:7.1} s  {name}: {why}");
                failed.push(name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(NotPassed::Failed(failed.join("; "))) }
}

/// What a program printed, and what it ended with.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn ran(command: &mut Command) -> Result<Ran, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    Ok(Ran {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    })
}

impl Ran {
    /// The error that it did not end and print so, if it did not.
    fn expect(&self, code: i32, parts: &[&str]) -> Result<(), String> {
        let has_all =
            parts.iter().all(|part| self.stdout.contains(part) || self.stderr.contains(part));
        if self.code == Some(code) && has_all {
            Ok(())
        } else {
            Err(format!("it should have ended with {code} and printed {parts:?}: {self:#?}"))
        }
    }
}
