//! `netswap-linker`: runs the real linker, then sets the run-from-swap bits in the output.
//!
//! It is for linkers without an option for the bits: GNU ld and `zig cc`. With `linker =
//! "netswap-linker"` in `.cargo/config.toml`, a file has the bit as soon as `cargo build` has made
//! it.

pub mod arguments;
pub mod real;
pub mod response;
mod set;
mod switch;
pub mod target;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use netswap::Finding;
use netswap::text::{Printable, one_line};

use crate::env;

/// The exit code if netswap-linker fails at its own work, even if the link succeeded.
const FAILED: i32 = 1;

/// The text of `--help`, which is also the man page.
pub(crate) const HELP: &str = "\
Run the real linker, then set the run-from-swap bits in the images that it made.

This is for linkers that have no option for the bits, such as GNU ld. In
.cargo/config.toml:

    [target.x86_64-pc-windows-gnu]
    linker = \"netswap-linker\"

All arguments go to the real linker. `--help` and `--version` show this text and
the version of netswap-linker if there is no other argument.

Environment variables:
  NETSWAP_LINKER_<TARGET>  The real linker for a target, in capitals and with _
                           for -, such as X86_64_PC_WINDOWS_GNU
  NETSWAP_LINKER           The real linker for all targets. The default is the
                           linker that rustc would run
  NETSWAP                  Bits to set: net, cd, net,cd or off [default: net]

Exit codes:
  that of the real linker, or 1 if the bits could not be set
";

/// An error because of which the linked images may lack the bit.
#[derive(Debug, thiserror::Error)]
pub enum LinkerError {
    #[error(
        "the environment variable NETSWAP is {0:?}; set it to one of off, net, cd, net,cd, or unset it"
    )]
    Switch(String),
    #[error(
        "failed to find the linker for {target}: {names} {why}; set NETSWAP_LINKER or {variable} to the real linker"
    )]
    NotFound { target: String, names: String, why: &'static str, variable: String },
    #[error(
        "the environment variable {variable} is {}, which is netswap-linker itself; set it to the real linker",
        Printable(linker)
    )]
    Itself { variable: String, linker: PathBuf },
    #[error("the linker {} has called netswap-linker again; set NETSWAP_LINKER to the real linker", Printable(.0))]
    Loop(PathBuf),
    #[error(
        "failed to run the linker {}: {source}; set NETSWAP_LINKER to one that runs",
        Printable(linker)
    )]
    Run { linker: PathBuf, source: io::Error },
    #[error(
        "failed to read the response file {}: {source}; pass the linker a readable file",
        Printable(path)
    )]
    ResponseFile { path: PathBuf, source: io::Error },
    #[error("linked {}, but failed to set the bit in it: {}; {}", Printable(path), finding.message, one_line(&finding.help))]
    NotSet { path: PathBuf, finding: Finding },
}

/// Runs `netswap-linker` with these arguments. The first is the name by which it is called. Passes
/// the others to the real linker, and sets the bits if the link succeeds. The exit code is the real
/// linker's, or 1 if the bits could not be set.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let mut arguments = arguments.into_iter();
    let called = arguments.next().unwrap_or_default();
    let given: Vec<_> = arguments.collect();
    if let Some(text) = own_text(&called, &given) {
        // A reader that has seen enough is not an error.
        let _ = io::stdout().write_all(text.as_bytes());
        return 0;
    }
    match run(&called, &given) {
        Ok(code) => code,
        Err(error) => {
            // Without standard error, only the exit code shows the failure.
            let _ = writeln!(io::stderr(), "error: netswap-linker: {error}");
            FAILED
        }
    }
}

/// Returns the text for `--help` or `--version`, if it is the only argument. With others, or if the
/// program is called by the name of a linker, the question is for the real linker.
fn own_text(called: &OsStr, given: &[OsString]) -> Option<&'static str> {
    let [argument] = given else { return None };
    if !target::program_name(called).starts_with(target::NAME) {
        return None;
    }
    match argument.to_str()? {
        "--help" => Some(HELP),
        "--version" => Some(concat!("netswap-linker ", env!("CARGO_PKG_VERSION"), "\n")),
        _ => None,
    }
}

fn run(called: &OsStr, given: &[OsString]) -> Result<i32, LinkerError> {
    if let Some(linker) = env::linker_variable(env::LINKING) {
        return Err(LinkerError::Loop(linker.into()));
    }
    let bits = switch::bits(env::linker_variable("NETSWAP").as_deref())?;
    let all = response::expand(given)?;
    let outputs = arguments::outputs(&all);
    let target = target::triple(called, &all, &outputs);
    let choice = real::choose(called, &target, cfg!(windows), &env::linker_variable);
    let linker = real::find(&choice, env::linker_variable("PATH").as_deref())?;
    let status = Command::new(&linker).args(given).env(env::LINKING, &linker).status();
    let status = status.map_err(|source| LinkerError::Run { linker, source })?;
    if status.success() && !bits.is_empty() {
        for path in outputs {
            set::set(&path, bits).map_err(|finding| LinkerError::NotSet { path, finding })?;
        }
    }
    Ok(exit_code(status))
}

/// Returns the linker's own exit code. If a signal ended the linker, there is none. Then returns
/// 128 plus the signal's number, as shells do.
fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    status.code().or(signal.map(|signal: i32| 128 + signal)).unwrap_or(FAILED)
}
