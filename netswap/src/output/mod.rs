//! Prints reports and errors, and returns exit codes, for every program.

mod file;
mod styles;

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use self::file::ReportFile;
pub use self::file::remove_incomplete;
pub use self::styles::{Color, color, set_color, stderr};
use self::styles::{Styled, stdout};
use crate::report::{Report, summary, write_warnings};
use crate::style::{WARNING, write_error};
use crate::verify::{OnImage, Verification};
use crate::{Error, ExitCode};

/// Standard output, or the file of `--output`.
///
/// Output for people on a terminal is coloured and written line by line. Other output is written in
/// larger blocks. A closed pipe is not an error, because the reader has seen enough.
pub struct Out {
    to: Destination,
    is_closed: bool,
    flushed: Instant,
}

enum Destination {
    Stream(Box<dyn Write + Send>),
    File(Styled<ReportFile>),
}

/// Bytes per write, unless people watch the output on a terminal.
const BUFFER: usize = 64 * 1024;

/// Time after which buffered output is flushed, for users who read along.
const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

impl Out {
    /// Opens standard output for a report for people or for programs.
    pub fn new(is_for_people: bool) -> Self {
        let stdout = if is_for_people { stdout() } else { Box::new(io::stdout()) };
        let to: Box<dyn Write + Send> = if is_for_people && io::stdout().is_terminal() {
            stdout
        } else {
            Box::new(BufWriter::with_capacity(BUFFER, stdout))
        };
        Out { to: Destination::Stream(to), is_closed: false, flushed: Instant::now() }
    }

    /// Opens the file of `--output`, or standard output if there is none. The file appears when
    /// [`finish`](Out::finish) is called.
    ///
    /// # Errors
    ///
    /// Fails if the file can't be created.
    pub fn to_file(is_for_people: bool, output: Option<&Path>) -> io::Result<Self> {
        let Some(path) = output else {
            return Ok(Out::new(is_for_people));
        };
        let to = Destination::File(Styled::new(ReportFile::create(path)?));
        Ok(Out { to, is_closed: false, flushed: Instant::now() })
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        matches!(self.to, Destination::File(_))
    }

    /// Writes what is buffered. Gives a file its name, and prints `summary`, which then is the only
    /// output for people.
    ///
    /// # Errors
    ///
    /// Fails if the file or standard output can't be written.
    pub fn finish(mut self, summary: Option<&str>) -> io::Result<()> {
        match self.to {
            Destination::Stream(_) => self.flush(),
            Destination::File(file) => {
                file.into_inner().finish()?;
                summary.map_or(Ok(()), print_summary)
            }
        }
    }

    fn unless_closed<T>(
        &mut self,
        otherwise: T,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.is_closed {
            return Ok(otherwise);
        }
        let to: &mut dyn Write = match &mut self.to {
            Destination::Stream(to) => to,
            Destination::File(to) => to,
        };
        match write(to) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(otherwise)
            }
            written => written,
        }
    }

    /// Flushes the output if the last flush was more than `FLUSH_INTERVAL` ago.
    pub fn flush_if_due(&mut self) -> io::Result<()> {
        if self.flushed.elapsed() > FLUSH_INTERVAL {
            self.flush()?;
            self.flushed = Instant::now();
        }
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), |to| to.flush())
    }
}

/// Prints the summary of a report that is in a file.
pub fn print_summary(summary: &str) -> io::Result<()> {
    let mut out = Out::new(true);
    writeln!(out, "{summary}")?;
    out.flush()
}

/// Prints the images of a verification as they are judged, and the summary at the end. With a file
/// as `out`, writes them to it, and prints only a line unless `is_quiet`. Prints warnings to standard
/// error.
///
/// # Errors
///
/// Fails if `verify` does, or if the report can't be written.
pub fn print(
    mut report: Box<dyn Report>,
    mut out: Out,
    is_quiet: bool,
    progress: &impl Progress,
    verify: impl FnOnce(&mut OnImage<'_>) -> Result<Verification, Error>,
) -> Result<ExitCode, Error> {
    let outcome = verify(&mut |image| {
        progress.apart(|| {
            report.image(image, &mut out)?;
            Ok(out.flush_if_due()?)
        })
    });
    progress.clear();
    let outcome = outcome?;
    report.end(&outcome, &mut out)?;
    out.finish((!is_quiet).then(|| summary(&outcome)).as_deref())?;
    // Without standard error there is nobody to warn.
    let _ = write_warnings(&outcome, &mut stderr());
    Ok(outcome.exit_code())
}

/// A progress display on the terminal. `()` displays nothing.
pub trait Progress {
    /// Hides the display while `write` prints.
    fn apart<T>(&self, write: impl FnOnce() -> T) -> T {
        write()
    }

    fn clear(&self) {}
}

impl Progress for () {}

/// Prints an error to standard error, after a red `error:`.
pub fn print_error(error: &dyn Display) {
    // If standard error is closed, the exit code has to be enough.
    let _ = write_error(&mut stderr(), error);
}

/// Prints a warning to standard error, after a yellow `warning:`.
pub fn print_warning(warning: &dyn Display) {
    let _ = writeln!(stderr(), "{WARNING}warning:{WARNING:#} {warning}");
}

/// Runs a command, prints its error and returns the exit code.
pub(crate) fn finish(command: impl FnOnce() -> Result<ExitCode, Error>) -> ExitCode {
    match command() {
        Ok(code) => code,
        Err(error) if error.is_closed_pipe() => ExitCode::Passed,
        Err(error) => {
            print_error(&error);
            ExitCode::Error
        }
    }
}
