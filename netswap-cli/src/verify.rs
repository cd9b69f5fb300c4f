//! `netswap verify`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use netswap::output::{Color, Out, color, print};
use netswap::verify::OnImage;
use netswap::{Build, ExitCode, PolicySource, verify};

use crate::Error;
use crate::arguments::{INPUTS, OtherKind, WalkArguments, detail, inputs, warn_unmatched};
use crate::files_from::FilesFrom;
use crate::interrupt::stop_flag;
use crate::maker::signer;
use crate::progress::ProgressBar;
use crate::report::VerifyFormat;

/// Check that programs and DLLs are safe to run from a network share
///
/// Without PATHS, builds the current workspace with Cargo and checks the programs and DLLs that Cargo
/// reports, except for the workspace's xtask. With PATHS, checks those files and all files in those
/// folders.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, group = inputs())]
#[expect(clippy::struct_excessive_bools, reason = "the command's switches")]
pub(super) struct Verify {
    /// Files and folders to check. Without them, builds the workspace
    paths: Vec<PathBuf>,
    #[command(flatten)]
    files_from: FilesFrom,
    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: VerifyFormat,
    /// Write the report to FILE and only a summary line to standard output. FILE appears when the
    /// report is complete
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Policy to use. Without PATHS, the default is the workspace's Cargo.toml and netswap.toml
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Use no policy: require the network bit, without exceptions
    #[arg(long, conflicts_with = "policy")]
    no_policy: bool,
    /// Accept the failures listed in FILE; warn about entries that no longer occur
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Record the failures in FILE, for --baseline, and accept them. Keeps entries of other paths
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Also check images of this kind. By default they are only listed, because the bit has no effect
    /// on them. Can be repeated
    #[arg(long, value_name = "KIND", value_enum)]
    include_kind: Vec<OtherKind>,
    /// Don't fail on unreadable files
    #[arg(long)]
    ignore_unreadable: bool,
    /// Show only failures and the summary, and no progress
    #[arg(short, long)]
    quiet: bool,
    /// List the images that passed or are allowed, too. Without PATHS, they are always listed
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    #[command(flatten)]
    walk: WalkArguments,
    #[command(flatten)]
    cargo: CargoArguments,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    all images passed
  1    at least one image failed
  2    wrong usage or configuration, a failed build, or an unreadable file
  3    no image found
  130  interrupted";

/// The arguments for `cargo build`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "Cargo's switches")]
#[command(next_help_heading = "Building (without PATHS)")]
pub(super) struct CargoArguments {
    /// Build for TRIPLE. Can be repeated
    #[arg(long, value_name = "TRIPLE", conflicts_with = INPUTS)]
    target: Vec<String>,
    /// Build in release mode
    #[arg(short, long, conflicts_with = INPUTS)]
    release: bool,
    /// Build with this profile
    #[arg(long, value_name = "NAME", conflicts_with = INPUTS)]
    profile: Option<String>,
    /// Build this package. Can be repeated
    #[arg(short, long, value_name = "SPEC", conflicts_with = INPUTS)]
    package: Vec<String>,
    /// Build all packages of the workspace
    #[arg(long, conflicts_with = INPUTS)]
    workspace: bool,
    /// Build all binaries
    #[arg(long, conflicts_with = INPUTS)]
    bins: bool,
    /// Build all examples
    #[arg(long, conflicts_with = INPUTS)]
    examples: bool,
    /// Build with these features
    #[arg(short = 'F', long, value_name = "FEATURES", conflicts_with = INPUTS)]
    features: Vec<String>,
    /// Build the package or workspace of this Cargo.toml
    #[arg(long, value_name = "PATH", conflicts_with = INPUTS)]
    manifest_path: Option<PathBuf>,
    /// Refuse to change Cargo.lock
    #[arg(long, conflicts_with = INPUTS)]
    locked: bool,
    /// Build without the network
    #[arg(long, conflicts_with = INPUTS)]
    offline: bool,
    /// More arguments for cargo build
    #[arg(last = true, value_name = "CARGO ARGUMENTS", conflicts_with = INPUTS)]
    others: Vec<OsString>,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let options = verify::Options {
            policy: match self.policy {
                Some(file) => PolicySource::File(file),
                None if self.no_policy => PolicySource::None,
                None => PolicySource::Default,
            },
            baseline: self.baseline,
            write_baseline: self.write_baseline,
            ignore_unreadable: self.ignore_unreadable,
            include_kinds: self.include_kind.into_iter().map(Into::into).collect(),
            signer: Some(|file, table| signer(file, table).ok().flatten()),
            walk: self.walk.options(stop_flag())?,
            ..verify::Options::default()
        };
        let output = self.output.as_deref();
        let is_build = self.paths.is_empty() && !self.files_from.is_given();
        // A build has few images, and its report shows which ones were checked.
        let detail = detail(self.quiet, self.verbose || is_build);
        let report = self.format.report(detail, &self.paths);
        let out = Out::to_file(self.format == VerifyFormat::Human, output)?;
        if is_build {
            let mut build = self.cargo.build()?;
            if self.quiet {
                build.arg("--quiet");
            }
            if color() != Color::Auto {
                build.args(["--color", color().name()]);
            }
            let verify = |on_image: &mut OnImage<'_>| verify::build(&build, &options, on_image);
            return Ok(print(report, out, self.quiet, &(), verify)?);
        }
        let paths = self.files_from.resolve(self.paths)?;
        let progress = ProgressBar::new(options.looked_at.clone(), self.quiet);
        let verify = |on_image: &mut OnImage<'_>| verify::paths(&paths, &options, on_image);
        let code = print(report, out, self.quiet, &progress, verify)?;
        if code != ExitCode::Interrupted {
            warn_unmatched(&options.walk.exclude);
        }
        Ok(code)
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
                "pass --target before `--`: each target is a separate build".to_owned(),
            ));
        }
        let mut build = Build::new();
        // Leave out the xtask unless --package is given: it stays on the machine that builds it.
        if self.package.is_empty() {
            build.leave_out_xtask();
        }
        if let Some(path) = &self.manifest_path {
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
