//! `netswap diagnose`.

pub mod crash;
mod diagnosis;
mod report;

use std::path::PathBuf;

use clap::Args;
use netswap::ExitCode;
use netswap::output::{Out, print_error};
use netswap::text::Printable;

use crate::Error;
use crate::arguments::{ReportFormat, WalkArguments, inputs, warn_unmatched};
use crate::diagnose::crash::Images;
use crate::diagnose::diagnosis::diagnose;
use crate::diagnose::report::DiagnoseReport;
use crate::files_from::FilesFrom;
use crate::interrupt::stop_flag;

/// Find out whether a program crashed because it lost a network share
///
/// Reads minidumps of any size and reports of Windows Error Reporting (Report.wer). Shows whether
/// and why Windows failed to read a page (0xC0000006), and which image the page belonged to. Shows
/// whether that image has the bit that prevents the crash, and what to do.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, group = inputs().required(true))]
pub(super) struct Diagnose {
    /// Dumps, reports, and folders to search for them
    paths: Vec<PathBuf>,
    #[command(flatten)]
    files_from: FilesFrom,
    /// File or folder to search for the crashed images, to check whether they have the bit.
    /// Can be repeated
    #[arg(long, value_name = "PATH")]
    images: Vec<PathBuf>,
    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Write the report to FILE and only a summary line to standard output. FILE appears when the
    /// report is complete
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// With --output, print no summary line
    #[arg(short, long, requires = "output")]
    quiet: bool,
    #[command(flatten)]
    walk: WalkArguments,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    crashes were read, and none involves a share
  1    at least one crash involves a share, or may
  2    wrong usage, or an unreadable file
  3    no crash found
  130  interrupted";

impl Diagnose {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let named = self.paths.clone();
        let paths = self.files_from.resolve(self.paths)?;
        let walk = self.walk.options(stop_flag())?;
        let images = Images::collect(&self.images, &walk)?;
        let is_human = self.format == ReportFormat::Human;
        let mut out = Out::to_file(is_human, self.output.as_deref())?;
        let mut report = DiagnoseReport::new(self.format, &mut out, &named);
        for (path, error) in &images.unreadable {
            print_error(&format!("failed to search {} for images: {error}", Printable(path)));
        }
        let mut is_any = false;
        let code = diagnose(&paths, &images, &walk, &mut |diagnosed| {
            is_any = true;
            report.crash(diagnosed)?;
            Ok(report.out().flush_if_due()?)
        })?;
        let summary = report.summary();
        report.end(code == ExitCode::Interrupted)?;
        out.finish((!self.quiet).then_some(&summary))?;
        if !is_any && code != ExitCode::Interrupted {
            print_error(
                &"nothing to diagnose: no crash dump or report found; `netswap explain share-lost` shows where Windows writes them",
            );
        }
        if code != ExitCode::Interrupted {
            warn_unmatched(&walk.exclude);
        }
        Ok(if images.unreadable.is_empty() { code } else { code.worse(ExitCode::Error) })
    }
}
