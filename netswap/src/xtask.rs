//! The functions that a project's own `cargo xtask verify` calls.
//!
//! ```no_run
//! // xtask/src/main.rs
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     let mut arguments = std::env::args_os().skip(1);
//!     match arguments.next() {
//!         Some(task) if task == "verify" => netswap::xtask::verify(arguments),
//!         _ => {
//!             eprintln!("usage: cargo xtask verify [ARGUMENTS OF cargo build]");
//!             ExitCode::from(2)
//!         }
//!     }
//! }
//! ```
//!
//! An xtask that selects its tasks in another way can call [`verify_if_asked`] first.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process;

use pico_args::Arguments;

use crate::output::{finish, print};
use crate::report::Detail;
use crate::{Build, Error, ExitCode, Format, PolicySource, verify};

/// The text that `verify --help` prints.
const HELP: &str = "\
Build, and check that the programs and DLLs are safe to run from a network share.

Usage: cargo xtask verify [OPTIONS] [ARGUMENTS OF cargo build]

Options:
      --format <FORMAT>  human, json or ndjson [default: human]
      --policy <FILE>    Policy to use instead of the one in Cargo.toml
      --no-policy        Use no policy
  -h, --help             Print help

All other arguments go to `cargo build`, such as --release, --workspace or
--target TRIPLE, which can be repeated. `cargo build --help` lists them. The
xtask's own package is not verified, and not built with --workspace.

Exit codes:
  0  all images passed
  1  at least one image failed
  2  wrong usage or configuration, a failed build, or an unreadable file
  3  no image found
";

/// Builds with `cargo build`, verifies the resulting images and prints the report.
///
/// `--format human|json|ndjson` and `--policy FILE` are options of netswap. All other arguments go
/// to Cargo, such as `--release` and `--target x86_64-pc-windows-msvc`. `--target` can be repeated.
///
/// Skips the package of the calling program, because an xtask stays on the machine that builds.
pub fn verify(arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    exit_code(arguments).into()
}

/// Calls [`verify()`] and ends the process if the program's first argument is `verify`. Does
/// nothing otherwise.
///
/// ```no_run
/// // At the start of main in xtask/src/main.rs:
/// netswap::xtask::verify_if_asked();
/// // All other tasks.
/// ```
pub fn verify_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|task| task == "verify") {
        process::exit(exit_code(arguments) as i32);
    }
}

/// Verifies files and all files in folders, whatever built them, and prints the report.
///
/// This is for an xtask that assembles the files to ship.
///
/// The policy is that of the workspace: `[workspace.metadata.netswap]` and `netswap.toml`.
///
/// ```no_run
/// // In a task of xtask/src/main.rs, when the folder is complete:
/// # fn task() -> std::process::ExitCode {
/// netswap::xtask::verify_paths(["dist"])
/// # }
/// ```
pub fn verify_paths<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> process::ExitCode {
    let paths: Vec<PathBuf> = paths.into_iter().map(Into::into).collect();
    let options = verify::Options { policy: PolicySource::Workspace, ..verify::Options::default() };
    finish(|| {
        print(Format::Human, Detail::Normal, &(), |on_image| {
            verify::paths(&paths, &options, on_image)
        })
    })
    .into()
}

fn exit_code(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    finish(|| {
        let mut arguments = Arguments::from_vec(arguments.into_iter().collect());
        if arguments.contains(["-h", "--help"]) {
            io::stdout().write_all(HELP.as_bytes())?;
            return Ok(ExitCode::Passed);
        }
        let usage = |error: pico_args::Error| Error::Usage(error.to_string());
        let path = |text: &std::ffi::OsStr| Ok::<_, String>(PathBuf::from(text));
        let format = arguments.opt_value_from_str("--format").map_err(usage)?;
        let policy = arguments.opt_value_from_os_str("--policy", path).map_err(usage)?;
        let policy = match (policy, arguments.contains("--no-policy")) {
            (Some(_), true) => {
                return Err(Error::Usage("pass either --policy or --no-policy".to_owned()));
            }
            (Some(file), false) => PolicySource::File(file),
            (None, true) => PolicySource::None,
            (None, false) => PolicySource::Default,
        };
        let mut build = Build::new();
        if let Some(own) = crate::env::own_manifest() {
            build.leave_out(own);
        }
        let manifest = arguments.opt_value_from_os_str("--manifest-path", path).map_err(usage)?;
        if let Some(manifest) = manifest {
            build.manifest_path(manifest);
        }
        let targets: Vec<String> = arguments.values_from_str("--target").map_err(usage)?;
        for triple in targets {
            build.target(triple);
        }
        // `netswap verify` takes further arguments for Cargo after `--`. Here the `--` is optional.
        build.args(arguments.finish().into_iter().filter(|argument| argument != "--"));
        let options = verify::Options { policy, ..verify::Options::default() };
        let format = format.unwrap_or_default();
        print(format, Detail::Verbose, &(), |on_image| verify::build(&build, &options, on_image))
    })
}
