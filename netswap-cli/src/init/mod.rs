//! `netswap init`.

mod add_xtask;
mod converted;
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

use clap::{Args, ValueHint};
use netswap::ExitCode;

use self::run::Allow;
use crate::Error;
use crate::init::plan::Wanted;
use crate::init::report::print;
use crate::new::project::clone_path;

/// Add netswap to an existing project
///
/// Adds netswap-build and its line in build.rs to each package with a program or a cdylib. Keeps
/// everything else as you wrote it. Lists what you have to do by hand.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
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
    #[command(flatten)]
    allow: Allow,
    /// Convert the project of this Cargo.toml
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Build with the crates of a local clone of netswap
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
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
        let wanted = Wanted {
            packages: self.package,
            xtask: self.xtask,
            netswap_path: self.netswap_path.as_deref().map(clone_path).transpose()?,
        };
        let allow = (!self.dry_run).then_some(self.allow);
        let result = run::init(self.manifest_path.as_deref(), &wanted, allow)?;
        print(&result, self.dry_run)
    }
}

/// Returns a text without its parts in `«»`, and with them.
#[cfg(test)]
fn without_and_with(marked: &str) -> (String, String) {
    let without = marked.split('»').map(|part| part.split('«').next().unwrap()).collect();
    (without, marked.replace(['«', '»'], ""))
}
