//! The command line of `netswap` and `cargo netswap`.

#![expect(clippy::doc_markdown, reason = "help texts are no Markdown")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::program::{finish, print};
use crate::{Build, Error, ExitCode, Format, explain, verify};

/// Keep Windows programs alive when the network share they run from goes away.
///
/// A program that runs from a share is paged in from it, and dies with 0xC0000006 when the
/// connection breaks. One bit in the image's header, IMAGE_FILE_NET_RUN_FROM_SWAP, makes Windows
/// copy the image to the page file first. netswap tells which images have it.
#[derive(Debug, Parser)]
#[command(name = "netswap", version, max_term_width = 100, subcommand_required = true)]
#[command(after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every image was read and passed
  1  at least one image is at fault
  2  wrong usage or configuration, a failed build, or a file that could not be read
  3  there was no image to verify";

#[derive(Debug, Subcommand)]
enum Command {
    Verify(Verify),
    Explain(Explain),
}

/// Check that images are safe to run from a share
///
/// Without paths, builds the workspace at hand as Cargo would and checks the programs and libraries
/// that Cargo says it has made. With paths, checks those files and all files of those folders, by
/// their bytes, whatever built them.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
struct Verify {
    /// Files and folders to check, instead of building
    paths: Vec<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// What is required, instead of netswap.toml beside the paths or the Cargo.toml's metadata
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    cargo: CargoArguments,
}

/// Given to `cargo build`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "Cargo's switches")]
#[command(next_help_heading = "What to build (without paths)")]
struct CargoArguments {
    /// Build for this target; can be given more than once
    #[arg(long, value_name = "TRIPLE", conflicts_with = "paths")]
    target: Vec<String>,
    /// Build in release mode
    #[arg(short, long, conflicts_with = "paths")]
    release: bool,
    /// Build with this profile
    #[arg(long, value_name = "NAME", conflicts_with = "paths")]
    profile: Option<String>,
    /// Build this package; can be given more than once
    #[arg(short, long, value_name = "SPEC", conflicts_with = "paths")]
    package: Vec<String>,
    /// Build all packages of the workspace
    #[arg(long, conflicts_with = "paths")]
    workspace: bool,
    /// Build all binaries
    #[arg(long, conflicts_with = "paths")]
    bins: bool,
    /// Build all examples
    #[arg(long, conflicts_with = "paths")]
    examples: bool,
    /// Build with these features
    #[arg(short = 'F', long, value_name = "FEATURES", conflicts_with = "paths")]
    features: Vec<String>,
    /// Build the package or workspace of this Cargo.toml
    #[arg(long, value_name = "PATH", conflicts_with = "paths")]
    manifest_path: Option<PathBuf>,
    /// Refuse to change Cargo.lock
    #[arg(long, conflicts_with = "paths")]
    locked: bool,
    /// Build without the network
    #[arg(long, conflicts_with = "paths")]
    offline: bool,
    /// More arguments for cargo build
    #[arg(last = true, value_name = "CARGO ARGUMENTS", conflicts_with = "paths")]
    others: Vec<OsString>,
}

/// Tell what a finding means and what to do
#[derive(Debug, Args)]
struct Explain {
    /// The finding's code, such as not-requested; without one, all are listed
    code: Option<String>,
}

/// What `netswap` does with these arguments, the program's name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    run(Cli::command(), arguments)
}

/// What `cargo-netswap` does: Cargo gives it its own name, `netswap`, as the first argument.
pub fn cargo_main(arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|argument| argument == "netswap") {
        arguments.remove(1);
    }
    run(Cli::command().bin_name("cargo netswap"), arguments)
}

fn run(command: clap::Command, arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    let parsed =
        command.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => finish(|| match cli.command {
            Command::Verify(verify) => verify.run(),
            Command::Explain(explain) => explain.run(),
        }),
        // clap's own exit code of a wrong usage is 2, and of --help and --version 0, as ours.
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::Error } else { ExitCode::Passed };
            let _ = error.print();
            code.into()
        }
    }
}

impl Verify {
    fn run(self) -> Result<ExitCode, Error> {
        let policy = self.policy.as_deref();
        let report = if self.paths.is_empty() {
            verify::build(&self.cargo.build()?, policy)?
        } else {
            verify::paths(&self.paths, policy)?
        };
        print(&report, self.format)
    }
}

impl CargoArguments {
    fn build(self) -> Result<Build, Error> {
        let is_target = |argument: &OsString| {
            let argument = argument.to_string_lossy();
            argument == "--target" || argument.starts_with("--target=")
        };
        if self.others.iter().any(is_target) {
            return Err(Error::Usage(
                "give --target before `--`: each target is a build".to_owned(),
            ));
        }
        let mut build = Build::new();
        if let Some(path) = self.manifest_path {
            build.manifest_path(path);
        }
        for triple in self.target {
            build.target(triple);
        }
        let switches = [
            (self.release, "--release"),
            (self.workspace, "--workspace"),
            (self.bins, "--bins"),
            (self.examples, "--examples"),
            (self.locked, "--locked"),
            (self.offline, "--offline"),
        ];
        build.args(switches.into_iter().filter(|(on, _)| *on).map(|(_, switch)| switch));
        let values = [
            ("--profile", self.profile.into_iter().collect()),
            ("--package", self.package),
            ("--features", self.features),
        ];
        for (option, values) in values {
            for value in values {
                build.arg(option).arg(value);
            }
        }
        build.args(self.others);
        Ok(build)
    }
}

impl Explain {
    fn run(self) -> Result<ExitCode, Error> {
        let out = &mut std::io::stdout().lock();
        match self.code {
            Some(name) => explain::code(&name, out)?,
            None => explain::all(out)?,
        }
        Ok(ExitCode::Passed)
    }
}
