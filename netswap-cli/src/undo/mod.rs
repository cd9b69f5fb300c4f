//! `netswap undo`.

mod journals;
mod restore;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use netswap::output::{Out, print_error, stderr};
use netswap::text::Printable;
use netswap::{ExitCode, Format, WalkOptions};

use self::journals::StoredJournals;
use crate::Error;
use crate::arguments;
use crate::interrupt::stop_flag;
use crate::patch::end;
use crate::patch::report::{ChangeReport, Verb, write_journal};

/// Undo a `netswap patch`
///
/// Restores the original bytes from the journal. Refuses files that have changed since the patch.
/// Ctrl-C ends after the files at hand. The same command then restores the rest.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Undo {
    #[command(flatten)]
    source: Source,
    /// Show what would be restored, and change nothing
    #[arg(short = 'n', long, conflicts_with = "list")]
    dry_run: bool,
    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: arguments::Format,
    /// Write the report to FILE and only a summary line to standard output. FILE appears when the
    /// report is complete
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    output: Option<PathBuf>,
    /// Show only refused files and the summary
    #[arg(short, long, conflicts_with = "list")]
    quiet: bool,
    /// List the files that need no change, too
    #[arg(short, long, conflicts_with_all = ["quiet", "list"])]
    verbose: bool,
    /// Restore this many files at once
    #[arg(short, long, value_name = "NUMBER", value_parser = arguments::jobs, conflicts_with = "list", default_value_t = WalkOptions::default().jobs)]
    jobs: NonZeroUsize,
}

/// The journal to undo, or the list of all.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// The journal whose path `netswap patch` printed
    journal: Option<PathBuf>,
    /// List the journals in this account's own folder, the newest last, and change nothing
    #[arg(long)]
    list: bool,
    /// Undo the newest of these journals, even if it was undone before
    #[arg(long)]
    last: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    all files have their original bytes
  1    some files were refused
  2    wrong usage, an unusable journal, or an unreadable file
  3    no journal found, or it has no entries
  130  interrupted";

impl Undo {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let format = self.format.into();
        if let Some(journal) = &self.source.journal {
            return self.restore(format, journal);
        }
        let stored = StoredJournals::read()?;
        stored.errors.iter().for_each(|error| print_error(error));
        if stored.exit_code() == ExitCode::NothingToVerify {
            print_error(&"nothing to undo: this account's own folder has no journal");
        }
        if self.source.list {
            stored.print(format)?;
            return Ok(stored.exit_code());
        }
        if !stored.errors.is_empty() {
            // A journal of a newer netswap is unreadable, and is likely to be the newest.
            print_error(&"the newest journal is unknown: name the journal to undo");
            return Ok(ExitCode::Error);
        }
        let Some(newest) = stored.journals.last() else {
            return Ok(stored.exit_code());
        };
        print_journal(format, &newest.path)?;
        self.restore(format, &newest.path)
    }

    fn restore(&self, format: Format, path: &Path) -> Result<ExitCode, Error> {
        let out = Out::to_file(format == Format::Human, self.output.as_deref())?;
        let detail = arguments::detail(self.quiet, self.verbose);
        let mut report =
            ChangeReport::new(Verb::Undo, self.format.into(), detail, self.dry_run, out, &[]);
        let on_change = &mut |change: &_| Ok(report.file(change)?);
        let stop = stop_flag();
        let changes = restore::undo(path, self.jobs, self.dry_run, &stop, on_change)?;
        let path = Printable(path);
        end(report, changes, &format!("nothing to undo: the journal {path} has no entries"))
    }
}

/// Prints the path of the journal that `--last` selected, in the same way as `netswap patch`.
fn print_journal(format: Format, path: &Path) -> io::Result<()> {
    if format != Format::Human {
        return write_journal(path, &mut stderr());
    }
    let mut out = Out::new(format == Format::Human);
    write_journal(path, &mut out)?;
    out.flush()
}
