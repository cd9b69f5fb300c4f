//! `netswap undo`.

mod restore;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use netswap::{ExitCode, WalkOptions};

use netswap::text::Printable;

use crate::Error;
use crate::arguments::{Format, jobs};
use crate::patch::report::{ChangeReport, Verb};
use crate::patch::{EXIT_CODES, end};

/// Undo a `netswap patch`
///
/// Restores the original bytes from the journal. Refuses files that have changed since the patch.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Undo {
    /// The journal whose path `netswap patch` printed
    journal: PathBuf,
    /// Show what would be restored, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show only refused files and the summary
    #[arg(short, long)]
    quiet: bool,
    /// Restore this many files at once
    #[arg(short, long, value_name = "NUMBER", value_parser = jobs, default_value_t = WalkOptions::default().jobs)]
    jobs: NonZeroUsize,
}

impl Undo {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let (format, is_dry_run) = (self.format.into(), self.dry_run);
        let mut report = ChangeReport::new(Verb::Undo, format, self.quiet, is_dry_run);
        let on_change = &mut |change: &_| Ok(report.file(change)?);
        let changes = restore::undo(&self.journal, self.jobs, is_dry_run, on_change)?;
        let journal = Printable(&self.journal);
        end(report, changes, &format!("nothing to undo: the journal {journal} has no entries"))
    }
}
