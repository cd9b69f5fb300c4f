//! `cargo xtask prepare`: fetches and compiles what the checks need, so that they need not wait for it.
//!
//! `cargo xtask test` runs it at its side. Compilers leave processors idle now and then, and the network
//! leaves them idle all the time.

use std::fs::{self, File};
use std::process::{Child, Command, ExitCode, Stdio};

use crate::corpus::{self, Selection};
use crate::fuzz::{Fuzzer, TARGETS};
use crate::process::scratch;
use crate::tools;
use crate::windows;

/// What is prepared, and how.
type Step = (&'static str, fn() -> Result<(), String>);

/// In the order in which the checks need it.
const STEPS: [Step; 4] = [
    ("the tools", tools::fetch),
    ("the images of the corpus", || corpus::fetch(Selection::Small).map(drop)),
    ("the fuzz targets", || Fuzzer::find()?.build(&TARGETS)),
    ("the standard library for Windows", windows::prepare),
];

/// Runs all steps. One that fails does not stop the others.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if !arguments.is_empty() {
        eprintln!("usage: cargo xtask prepare");
        return ExitCode::from(2);
    }
    let mut code = ExitCode::SUCCESS;
    for (name, step) in STEPS {
        println!("== {name}");
        if let Err(why) = step() {
            eprintln!("error: {name}: {why}");
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Starts it beside other work, which it does not slow down: it gets the time that is left.
///
/// A check that needs what is not ready waits for it, and makes it itself where that has failed. So what
/// goes wrong here is told by the check.
pub(crate) fn begin() -> Option<Child> {
    let log = scratch("prepare.log");
    let file = fs::create_dir_all(scratch("")).and_then(|()| File::create(&log)).ok()?;
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
