//! What every program does at its end: prints, and turns what came out into an exit code.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::commands::verify::OnImage;
use crate::progress::Progress;
use crate::report::{Report, Verification};
use crate::{Error, ExitCode, Format};

/// Standard output: in colour on a terminal if it is for people, line by line there, and in larger
/// pieces elsewhere. A reader that went away has seen what it wanted, and stops nothing.
pub(crate) struct Out {
    to: Box<dyn Write>,
    is_gone: bool,
    flushed: Instant,
}

/// What is written at once where nobody looks on.
const BUFFER: usize = 64 * 1024;

/// Who reads along need not wait longer for what is there.
const PATIENCE: Duration = Duration::from_millis(200);

impl Out {
    pub(crate) fn new(is_for_people: bool) -> Self {
        let to: Box<dyn Write> = if io::stdout().is_terminal() && is_for_people {
            Box::new(anstream::stdout())
        } else if is_for_people {
            Box::new(BufWriter::with_capacity(BUFFER, anstream::stdout()))
        } else {
            Box::new(BufWriter::with_capacity(BUFFER, io::stdout()))
        };
        Out { to, is_gone: false, flushed: Instant::now() }
    }

    fn unless_gone<T>(
        &mut self,
        otherwise: T,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.is_gone {
            return Ok(otherwise);
        }
        match write(&mut self.to) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_gone = true;
                Ok(otherwise)
            }
            written => written,
        }
    }

    /// Lets the reader have what is there, now and then.
    pub(crate) fn flush_now_and_then(&mut self) -> io::Result<()> {
        if self.flushed.elapsed() > PATIENCE {
            self.flush()?;
            self.flushed = Instant::now();
        }
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_gone(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone((), |to| to.flush())
    }
}

/// Prints the images of a verification as they come, and what is known at the end; its warnings go
/// to standard error.
pub(crate) fn print(
    format: Format,
    is_quiet: bool,
    progress: &Progress,
    verify: impl FnOnce(&mut OnImage<'_>) -> Result<Verification, Error>,
) -> Result<ExitCode, Error> {
    let mut report = Report::new(format, is_quiet, Out::new(format == Format::Human));
    let outcome = verify(&mut |image| {
        progress.apart(|| {
            report.image(image)?;
            Ok(report.out().flush_now_and_then()?)
        })
    });
    progress.clear();
    let outcome = outcome?;
    report.end(&outcome)?;
    // Without standard error there is nobody to warn.
    let _ = outcome.write_warnings(&mut anstream::stderr().lock());
    Ok(outcome.exit_code())
}

/// Runs a command, prints its error and turns either into an exit code.
pub(crate) fn finish(command: impl FnOnce() -> Result<ExitCode, Error>) -> ExitCode {
    match command() {
        Ok(code) => code,
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::Passed,
        Err(error) => {
            let red = anstyle::AnsiColor::Red.on_default().bold();
            // Without standard error the exit code must do.
            let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {error}");
            ExitCode::from(&error)
        }
    }
}
