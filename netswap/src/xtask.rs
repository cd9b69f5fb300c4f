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

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process;

use pico_args::Arguments;

use crate::output::{Color, Out, finish, print, set_color};
use crate::report::Detail;
use crate::{Build, Error, ExitCode, Format, PolicySource, verify};

/// The text that `verify --help` prints.
const HELP: &str = "\
Build, and check that the programs and DLLs are safe to run from a share.

Usage: cargo xtask verify [OPTIONS] [ARGUMENTS OF cargo build]

Options:
      --format <FORMAT>        human, json or ndjson [default: human]
      --output <FILE>          Write the report to FILE, and print only a line
      --policy <FILE>          Policy to use instead of the one in Cargo.toml
      --no-policy              Use no policy
      --baseline <FILE>        Accept the failures listed in FILE; warn about
                               entries that no longer occur
      --write-baseline <FILE>  Record the failures in FILE, and accept them
  -q, --quiet                  Show only failures and the summary
      --color <WHEN>           auto, always or never [default: auto]
  -h, --help                   Print help

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
/// The options of netswap are `--format human|json|ndjson`, `--output FILE`, `--policy FILE`,
/// `--no-policy`, `--baseline FILE`, `--write-baseline FILE`, `--quiet` and `--color
/// auto|always|never`. Cargo gets `--quiet` and `--color` too, and all other arguments, such as
/// `--release` and `--target x86_64-pc-windows-msvc`. `--target` can be repeated.
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
        let report = Format::Human.report(Detail::Verbose);
        print(report, Out::new(true), false, &(), |on_image| {
            verify::paths(&paths, &options, on_image)
        })
    })
    .into()
}

fn exit_code(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    finish(|| {
        let Some(mut task) = Task::parse(arguments)? else {
            io::stdout().write_all(HELP.as_bytes())?;
            return Ok(ExitCode::Passed);
        };
        if let Some(own) = crate::env::own_manifest() {
            task.build.leave_out(own);
        }
        set_color(task.color);
        let Task { build, options, format, output, is_quiet, .. } = &task;
        let detail = if *is_quiet { Detail::Quiet } else { Detail::Verbose };
        let out = Out::to_file(*format == Format::Human, output.as_deref())?;
        print(format.report(detail), out, *is_quiet, &(), |on_image| {
            verify::build(build, options, on_image)
        })
    })
}

/// The content of a command line.
#[derive(Debug)]
struct Task {
    build: Build,
    options: verify::Options,
    format: Format,
    output: Option<PathBuf>,
    is_quiet: bool,
    color: Color,
}

impl Task {
    /// Takes the options of netswap, and leaves all other arguments to Cargo. Returns `None` if the
    /// user asked for help.
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Self>, Error> {
        let arguments = arguments.into_iter().flat_map(split_path_option).collect();
        let mut arguments = Arguments::from_vec(arguments);
        if arguments.contains(["-h", "--help"]) {
            return Ok(None);
        }
        let usage = |error: pico_args::Error| Error::Usage(error.to_string());
        let mut path = |option: &'static str| {
            let path = |text: &OsStr| Ok::<_, String>(PathBuf::from(text));
            arguments.opt_value_from_os_str(option, path).map_err(usage)
        };
        let (output, policy) = (path("--output")?, path("--policy")?);
        let (baseline, write_baseline) = (path("--baseline")?, path("--write-baseline")?);
        let manifest = path("--manifest-path")?;
        let format = arguments.opt_value_from_str("--format").map_err(usage)?;
        let color: Option<Color> = arguments.opt_value_from_str("--color").map_err(usage)?;
        let is_quiet = arguments.contains(["-q", "--quiet"]);
        let policy = match (policy, arguments.contains("--no-policy")) {
            (Some(_), true) => {
                return Err(Error::Usage("pass either --policy or --no-policy".to_owned()));
            }
            (Some(file), false) => PolicySource::File(file),
            (None, true) => PolicySource::None,
            (None, false) => PolicySource::Default,
        };
        let mut build = Build::new();
        if let Some(manifest) = manifest {
            build.manifest_path(manifest);
        }
        let targets: Vec<String> = arguments.values_from_str("--target").map_err(usage)?;
        for triple in targets {
            build.target(triple);
        }
        // Cargo has these options too.
        if let Some(color) = color {
            build.args(["--color", color.name()]);
        }
        if is_quiet {
            build.arg("--quiet");
        }
        // `netswap verify` takes further arguments for Cargo after `--`. Here the `--` is optional.
        build.args(arguments.finish().into_iter().filter(|argument| argument != "--"));
        let options =
            verify::Options { policy, baseline, write_baseline, ..verify::Options::default() };
        let (format, color) = (format.unwrap_or_default(), color.unwrap_or_default());
        Ok(Some(Task { build, options, format, output, is_quiet, color }))
    }
}

/// The options whose value is a path.
const PATH_OPTIONS: [&str; 5] =
    ["--baseline", "--manifest-path", "--output", "--policy", "--write-baseline"];

/// Splits `--policy=FILE` in two. pico-args does not do it for values that may be invalid Unicode.
fn split_path_option(argument: OsString) -> Vec<OsString> {
    let split = argument.to_str().and_then(|argument| argument.split_once('='));
    match split.filter(|(option, _)| PATH_OPTIONS.contains(option)) {
        Some((option, value)) => vec![option.into(), value.into()],
        None => vec![argument],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Option<Task>, String> {
        let arguments = arguments.split_whitespace().map(OsString::from);
        Task::parse(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn options_of_netswap_do_not_go_to_cargo() {
        let task = parse(
            "--release --format json --output a --policy=b --baseline c --write-baseline d -p tool",
        );
        let Task { build, options, format, output, is_quiet, color } = task.unwrap().unwrap();
        assert_eq!((format, output, is_quiet), (Format::Json, Some("a".into()), false));
        assert_eq!(options.policy, PolicySource::File("b".into()));
        assert_eq!(options.baseline, Some("c".into()));
        assert_eq!(options.write_baseline, Some("d".into()));
        assert_eq!((build.arguments(), color), ("--release -p tool".to_owned(), Color::Auto));
    }

    #[test]
    fn quiet_and_color_go_to_cargo_too() {
        for (arguments, is_quiet, color, cargo) in [
            ("-q --color=never", true, Color::Never, "--color never --quiet"),
            ("--quiet --no-policy", true, Color::Auto, "--quiet"),
            ("--color always -- -v", false, Color::Always, "--color always -v"),
        ] {
            let task = parse(arguments).unwrap().unwrap();
            let parsed = (task.is_quiet, task.color, task.build.arguments());
            assert_eq!(parsed, (is_quiet, color, cargo.to_owned()), "{arguments}");
        }
    }

    #[test]
    fn invalid_values_are_refused() {
        for (arguments, why) in [
            ("--format xml", "--format takes human, json or ndjson"),
            ("--color red", "--color takes auto, always or never"),
            ("--baseline", "the '--baseline' option doesn't have an associated value"),
            ("--policy a --no-policy", "pass either --policy or --no-policy"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn help_names_each_option() {
        assert!(parse("--release --help").unwrap().is_none());
        for option in [
            "--format",
            "--output",
            "--policy",
            "--no-policy",
            "--baseline",
            "--write-baseline",
            "--quiet",
            "--color",
        ] {
            assert!(HELP.contains(&format!("{option} ")), "{option}");
        }
    }
}
