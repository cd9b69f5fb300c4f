//! What every program does at its end: prints, and turns what came out into an exit code.

use std::io::{self, ErrorKind, Write};
use std::process;

use crate::{Error, ExitCode, Format, Report};

/// Prints a report on standard output and its warnings on standard error. What is for people is in
/// colour on a terminal; what is for programs goes out as it is.
pub(crate) fn print(report: &Report, format: Format) -> Result<ExitCode, Error> {
    let written = match format {
        Format::Human => report.write(format, &mut anstream::stdout().lock()),
        Format::Json | Format::Ndjson => report.write(format, &mut io::stdout().lock()),
    };
    match written {
        // A reader that went away has seen what it wanted; the verdict stands.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    // Without standard error there is nobody to warn.
    let _ = report.write_warnings(&mut anstream::stderr().lock());
    Ok(report.exit_code())
}

/// Runs a command, prints its error and turns either into an exit code.
pub(crate) fn finish(command: impl FnOnce() -> Result<ExitCode, Error>) -> process::ExitCode {
    let code = match command() {
        Ok(code) => code,
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::Passed,
        Err(error) => {
            let red = anstyle::AnsiColor::Red.on_default().bold();
            // Without standard error the exit code must do.
            let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {error}");
            ExitCode::from(&error)
        }
    };
    code.into()
}
