//! `netswap init`.

mod add_xtask;
mod diff;
mod files;
mod manifest;
mod package;
mod placement;
pub(crate) mod plan;
mod program;
mod project;
mod report;
mod run;
mod rust;
mod rustfmt;
mod text;
mod write;
mod xtask;

use std::path::PathBuf;

use clap::Args;
use netswap::ExitCode;

use self::run::{Allow, Options};
use crate::Error;
use crate::init::plan::Wanted;
use crate::init::report::{Mode, print};
use crate::new::project::clone_path;

/// Add netswap to an existing project
///
/// Adds netswap-build and its line in build.rs to each package with a program or a cdylib. Keeps
/// everything else as you wrote it. Lists what you have to do by hand.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "the command's switches")]
pub(super) struct Init {
    /// Convert this package. Can be repeated [default: all but the xtask]
    #[arg(short, long, value_name = "NAME")]
    package: Vec<String>,
    /// Also add `cargo xtask verify`
    #[arg(long)]
    xtask: bool,
    /// Print the changes as a diff, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Convert despite uncommitted changes
    #[arg(long)]
    allow_dirty: bool,
    /// Convert despite staged changes
    #[arg(long)]
    allow_staged: bool,
    /// Convert without version control
    #[arg(long)]
    allow_no_vcs: bool,
    /// Convert the project of this Cargo.toml
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Build with the crates of a local clone of netswap
    #[arg(long, value_name = "DIR")]
    netswap_path: Option<PathBuf>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  all packages ask for the bit
  1  some changes have to be made by hand
  2  wrong usage, or an unreadable or unwritable file; nothing was changed
  3  no package with a program or a cdylib";

impl Init {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let options = Options {
            manifest_path: self.manifest_path,
            wanted: Wanted {
                packages: self.package,
                xtask: self.xtask,
                netswap_path: self.netswap_path.as_deref().map(clone_path).transpose()?,
            },
            dry_run: self.dry_run,
            allow: Allow {
                dirty: self.allow_dirty,
                staged: self.allow_staged,
                no_vcs: self.allow_no_vcs,
            },
        };
        let result = run::init(&options)?;
        let mode = if self.dry_run { Mode::DryRun } else { Mode::Applied };
        print(&result, mode)
    }
}
