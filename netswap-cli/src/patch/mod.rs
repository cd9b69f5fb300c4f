//! `netswap patch`.

pub(crate) mod change;
mod html;
pub mod journal;
mod patcher;
pub(crate) mod report;
mod row;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use netswap::ExitCode;
use netswap::output::{Out, Progress, print_error};

use self::patcher::Options;
use crate::Error;
use crate::arguments::{ReportFormat, WalkArguments, detail, inputs, warn_unmatched};
use crate::files_from::FilesFrom;
use crate::interrupt::stop_flag;
use crate::patch::change::Changes;
use crate::patch::report::{ChangeReport, Verb};
use crate::progress::ProgressBar;

/// Set the bit in finished files, in place
///
/// Sets the bit in the given files and in all images in the given folders. Keeps a valid checksum
/// valid. Refuses files that the change would break, such as signed files, and says which option
/// changes them anyway. Saves the original bytes to a journal first, for `netswap undo`, and prints
/// its path. Ctrl-C ends after the files at hand and shows what was done.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, group = inputs().required(true))]
pub(super) struct Patch {
    /// Files and folders to search for images
    paths: Vec<PathBuf>,
    #[command(flatten)]
    files_from: FilesFrom,
    #[command(flatten)]
    options: Options,
    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Write the report to FILE and only a summary line to standard output. FILE appears when the
    /// report is complete
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show only refused files and the summary, and no progress
    #[arg(short, long)]
    quiet: bool,
    /// List the files that need no change, too
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    #[command(flatten)]
    walk: WalkArguments,
}

const NOTHING: &str = "nothing to change: no Windows image found in the given files and folders";

const EXIT_CODES: &str = "\
Exit codes:
  0    all images now have the requested bits
  1    some files were refused
  2    wrong usage, an unusable journal, or an unreadable file
  3    no image found
  130  interrupted";

impl Patch {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let named = self.paths.clone();
        let paths = self.files_from.resolve(self.paths)?;
        let (walk, looked_at) = (self.walk.options(stop_flag())?, Arc::default());
        let progress = ProgressBar::new(Arc::clone(&looked_at), self.quiet);
        let (format, is_dry_run) = (self.format, self.options.dry_run);
        let detail = detail(self.quiet, self.verbose);
        let out = Out::to_file(format == ReportFormat::Human, self.output.as_deref())?;
        let report = ChangeReport::new(Verb::Patch, format, detail, is_dry_run, out, &named);
        // The thread that creates the journal prints its path.
        let report = Mutex::new(report);
        let lock = || report.lock().unwrap_or_else(PoisonError::into_inner);
        // An error occurs again when the next line is written.
        let on_journal = |path: &Path| drop(progress.apart(|| lock().journal(path)));
        let on_change = &mut |change: &_| Ok(progress.apart(|| lock().file(change))?);
        let changes =
            patcher::patch(&paths, &walk, &self.options, &looked_at, &on_journal, on_change);
        progress.clear();
        let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
        let code = end(report, changes, &NOTHING)?;
        if code != ExitCode::Interrupted {
            warn_unmatched(&walk.exclude);
        }
        Ok(code)
    }
}

/// Ends the report, even if an error ended the changes. Returns the exit code. `nothing` is the
/// message if there was nothing to change.
pub(super) fn end(
    report: ChangeReport,
    changes: Changes,
    nothing: &dyn Display,
) -> Result<ExitCode, Error> {
    let ended = report.end(&changes);
    let code = changes.exit_code();
    if code == ExitCode::NothingToVerify {
        print_error(nothing);
    }
    let Some(error) = changes.error.or(ended.err().map(Error::Output)) else {
        return Ok(code);
    };
    if code == ExitCode::Interrupted {
        print_error(&error);
        return Ok(code);
    }
    Err(match (error, changes.journal) {
        (error @ Error::WriteJournal { .. }, _) | (error, None) => error,
        (source, Some(journal)) => Error::AfterChanges { journal, source: Box::new(source) },
    })
}
