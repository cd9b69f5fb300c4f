//! `cargo xtask prepare`: fetches and compiles what the checks need.
//!
//! `cargo xtask test` runs it in the background at low priority. It uses the processor time that
//! the first checks leave idle while they compile a single crate or wait for a test.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use crate::corpus::{self, Selection};
use crate::files::{create_folder, lock_cache, scratch};
use crate::fuzz::{Fuzzer, TARGETS};
use crate::tools;
use crate::windows;
use crate::{NotPassed, no_arguments};

/// A step: its name and its function.
type Step = (&'static str, fn() -> Result<(), String>);

/// All steps, in the order in which the checks need them.
const STEPS: [Step; 4] = [
    ("the tools", tools::fetch),
    ("the images of the corpus", || corpus::fetch(Selection::Small).map(drop)),
    ("the fuzz targets", || Fuzzer::find()?.build(&TARGETS)),
    ("programs and the standard library for Windows", windows::prepare),
];

/// Runs all steps, even if one fails.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask prepare")?;
    let _lock = lock();
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        println!("== {name}");
        failed.extend(step().err().map(|why| format!("{name}: {why}")));
    }
    if failed.is_empty() { Ok(()) } else { Err(NotPassed::Failed(failed.join("\n"))) }
}

/// Waits until no `cargo xtask prepare` is running. The next one starts when the file is dropped.
///
/// Measurements need this: on a busy machine a scan of a million files uses 2 MiB more memory,
/// because threads wait for one another.
pub(crate) fn lock() -> Result<File, String> {
    lock_cache("prepare")
}

/// Starts `cargo xtask prepare` in the background at low priority.
///
/// A check that needs something unfinished waits for it. If a step failed, the check repeats it and
/// reports the error, so this function ignores errors.
pub fn begin() -> Option<Child> {
    let log = create_folder(scratch("")).ok()?.join("prepare.log");
    let file = File::create(log).ok()?;
    let xtask = std::env::current_exe().ok()?;
    let mut prepare = if cfg!(unix) {
        let mut nice = Command::new("nice");
        nice.args(["-n", "19"]).arg(xtask);
        nice
    } else {
        Command::new(xtask)
    };
    prepare.arg("prepare").stdin(Stdio::null());
    prepare.stdout(file.try_clone().ok()?).stderr(file).spawn().ok()
}
