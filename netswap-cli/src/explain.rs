//! `netswap explain`: prints the explanation of a code, or a list of all codes.

use std::io::Write;

use clap::Args;
use netswap::text::nearest;
use netswap::{Code, ExitCode};

use crate::Error;

/// Explain a finding and how to fix it
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Code of the finding, such as not-requested. Without it, lists all codes
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let out = &mut std::io::stdout().lock();
        match self.code {
            Some(name) => write_code(&name, out)?,
            None => write_all_codes(out)?,
        }
        Ok(ExitCode::Passed)
    }
}

/// Writes the meaning of the code with this name, its causes and its fixes.
///
/// # Errors
///
/// When there is no such code, or `out` can't be written.
fn write_code(name: &str, out: &mut dyn Write) -> Result<(), Error> {
    let Some(code) = Code::from_name(name) else {
        return Err(Error::UnknownCode {
            code: name.to_owned(),
            nearest: nearest(name, Code::ALL.iter().map(|code| code.name())),
        });
    };
    Ok(out.write_all(code.explanation().as_bytes())?)
}

/// Writes every code with its summary.
///
/// # Errors
///
/// When `out` can't be written.
fn write_all_codes(out: &mut dyn Write) -> Result<(), Error> {
    for &code in Code::ALL {
        writeln!(out, "{:<23} {}", code.name(), code.summary())?;
    }
    Ok(())
}
