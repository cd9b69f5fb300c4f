//! `netswap patch`.

pub(crate) mod change;
pub mod journal;
mod patcher;
pub(crate) mod report;

use std::path::PathBuf;

use clap::Args;
use netswap::ExitCode;
use netswap::output::{Out, Progress};

use self::patcher::Options;
use crate::Error;
use crate::arguments::{Format, SwapRun, WalkArguments};
use crate::named::resolve;
use crate::patch::change::Changes;
use crate::patch::journal::JournalFile;
use crate::patch::report::{ChangeReport, Verb};
use crate::progress::ProgressBar;

/// Set the bit in finished files, in place
///
/// Sets the bit in the given files and in all images in the given folders. Keeps a valid checksum
/// valid. Refuses signed files and strong-named assemblies. Saves the original bytes to a journal
/// first, for `netswap undo`.
#[derive(Debug, Args)]
#[command(after_help = crate::cli::CHANGE_EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "the command's switches")]
pub(super) struct Patch {
    /// Files and folders to search for images
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The bits to set: net, cd, or both
    #[arg(long, value_name = "BITS", value_enum, value_delimiter = ',', default_value = "net")]
    swap_run: Vec<SwapRun>,
    /// Clear the bits instead
    #[arg(long)]
    clear: bool,
    /// Show what would be changed, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Change signed files too, which invalidates their signatures
    #[arg(long)]
    break_signature: bool,
    /// Change strong-named .NET assemblies too, which invalidates their strong names
    #[arg(long)]
    break_strong_name: bool,
    /// Change read-only files too, and keep them read-only
    #[arg(long)]
    include_read_only: bool,
    /// Compute the checksum from the whole file instead of updating it
    #[arg(long)]
    recompute_checksum: bool,
    /// Write the journal to FILE, which must not exist, instead of this account's own folder
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show only refused files and the summary, and no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    walk: WalkArguments,
}

impl Patch {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let paths = resolve(self.paths)?;
        let options = Options {
            bits: self.swap_run.into_iter().map(Into::into).collect(),
            clear: self.clear,
            recompute_checksum: self.recompute_checksum,
            break_signature: self.break_signature,
            break_strong_name: self.break_strong_name,
            include_read_only: self.include_read_only,
            dry_run: self.dry_run,
            journal: self.journal.map_or(JournalFile::Default, JournalFile::File),
            walk: self.walk.options()?,
            looked_at: std::sync::Arc::default(),
        };
        let progress = if self.quiet {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(options.looked_at.clone())
        };
        let format = netswap::Format::from(self.format);
        let out = Out::for_report(format);
        let mut report = ChangeReport::new(Verb::Patch, format, self.quiet, self.dry_run, out);
        let changes = patcher::patch(&paths, &options, &mut |change| {
            progress.apart(|| {
                report.file(change)?;
                Ok(report.out().flush_if_due()?)
            })
        });
        progress.clear();
        end(report, changes)
    }
}

/// Ends the report, even if an error ended the changes. Returns the exit code.
pub(super) fn end(report: ChangeReport<Out>, changes: Changes) -> Result<ExitCode, Error> {
    let ended = report.end(&changes);
    // If standard error is closed, nobody can read the warning.
    let _ = report::write_warnings(&changes, &mut netswap::output::stderr());
    let code = changes.exit_code();
    let Some(error) = changes.error.or(ended.err().map(Error::Output)) else {
        return Ok(code);
    };
    Err(match (error, changes.journal) {
        (error @ Error::WriteJournal { .. }, _) | (error, None) => error,
        (source, Some(journal)) => Error::Interrupted { journal, source: Box::new(source) },
    })
}
