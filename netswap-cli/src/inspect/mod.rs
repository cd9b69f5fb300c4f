//! `netswap inspect`.

mod inspection;
mod report;

use std::path::PathBuf;

use clap::Args;
use netswap::ExitCode;
use netswap::output::Out;

use crate::Error;
use crate::arguments::Format;
use crate::arguments::WalkArguments;
use crate::cli::nothing_to;
use crate::inspect::inspection::inspect;
use crate::inspect::report::InspectReport;
use crate::named::resolve;

/// Tell all that the headers of images say
///
/// Kind and machine, both run-from-swap bits, what running it from a share costs, the checksum and
/// whether it is right, the certificate table, the strong name, and the DLLs beside it that it
/// imports. Each file is read from its start to its end, for the checksum.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Inspect {
    /// Files, and folders with all images below them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    walk: WalkArguments,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every image was read
  1  a file is no image, or at fault
  2  wrong usage, or a file that could not be read
  3  there was no image to inspect";

impl Inspect {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let paths = resolve(self.paths)?;
        let walk = self.walk.options()?;
        let format = netswap::Format::from(self.format);
        let mut report = InspectReport::new(format, Out::new(format == netswap::Format::Human));
        let code = inspect(&paths, &walk, &mut |inspected| {
            report.image(inspected)?;
            Ok(report.out().flush_now_and_then()?)
        })?;
        report.end()?;
        if code == ExitCode::NothingToVerify {
            nothing_to("inspect", "there is no Windows image in what was named");
        }
        Ok(code)
    }
}
