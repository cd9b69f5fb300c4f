//! `netswap init`.

mod chores;
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
use crate::init::report::{Display, print};
use crate::new::project::clone_path;

/// Add netswap to a project that is there
///
/// Adds netswap-build and the line in build.rs to each package that makes a program or a cdylib, and
/// leaves all else as it is written. What can't be done surely is left to you, line by line.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "the command's switches")]
pub(super) struct Init {
    /// Convert this package; can be given more than once [default: all but the xtask]
    #[arg(short, long, value_name = "NAME")]
    package: Vec<String>,
    /// Add cargo xtask verify as well
    #[arg(long)]
    xtask: bool,
    /// Print what would be changed as a diff, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Convert even if there are uncommitted changes
    #[arg(long)]
    allow_dirty: bool,
    /// Convert even if there are staged changes
    #[arg(long)]
    allow_staged: bool,
    /// Convert even if it is not under version control
    #[arg(long)]
    allow_no_vcs: bool,
    /// Convert the project of this Cargo.toml, not the one at hand
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Build with the crates of this clone of netswap, not with the published ones
    #[arg(long, value_name = "DIR")]
    netswap_path: Option<PathBuf>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every package asks for the bit
  1  something is left to do by hand
  2  wrong usage, or a file that could not be read or written; nothing was changed
  3  no package makes a program or a cdylib";

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
        let done = run::init(&options)?;
        let display = if self.dry_run { Display::Diff } else { Display::Done };
        print(&done, display)
    }
}
