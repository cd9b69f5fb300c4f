//! `netswap inspect`.

pub(crate) mod inspection;
mod report;

use std::path::PathBuf;

use clap::Args;
use netswap::ExitCode;
use netswap::output::{Out, print_error};

use crate::Error;
use crate::arguments::{Format, WalkArguments, inputs, warn_unmatched};
use crate::files_from::FilesFrom;
use crate::inspect::inspection::inspect;
use crate::inspect::report::InspectReport;
use crate::interrupt::stop_flag;

/// Show what an image's headers say
///
/// Shows the kind, the machine, both run-from-swap bits, and the memory that the image needs if they
/// are set. Also shows the vendor, the signer, whether the checksum is valid, the strong name, and the
/// imported DLLs in the same folder. Shows what `netswap patch` would refuse or warn about. Reads the
/// whole file to compute the checksum.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, group = inputs().required(true))]
pub(super) struct Inspect {
    /// Files and folders to search for images
    paths: Vec<PathBuf>,
    #[command(flatten)]
    files_from: FilesFrom,
    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
  0    every image was read
  1    a file is not an image, or is malformed
  2    wrong usage, or an unreadable file
  3    no image found
  130  interrupted";

impl Inspect {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let paths = self.files_from.resolve(self.paths)?;
        let walk = self.walk.options(stop_flag())?;
        let format = netswap::Format::from(self.format);
        let mut out = Out::to_file(format == netswap::Format::Human, self.output.as_deref())?;
        let mut report = InspectReport::new(format, &mut out);
        let code = inspect(&paths, &walk, &mut |inspected| {
            report.image(inspected)?;
            Ok(report.out().flush_if_due()?)
        })?;
        let summary = report.summary();
        report.end(code == ExitCode::Interrupted)?;
        out.finish((!self.quiet).then_some(&summary))?;
        if code == ExitCode::NothingToVerify {
            print_error(
                &"nothing to inspect: no Windows image found in the given files and folders",
            );
        }
        if code != ExitCode::Interrupted {
            warn_unmatched(&walk.exclude);
        }
        Ok(code)
    }
}
