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
        let mut out = std::io::stdout().lock();
        let Some(name) = self.code else {
            for code in Code::ALL {
                writeln!(out, "{:<23} {}", code.name(), code.summary())?;
            }
            return Ok(ExitCode::Passed);
        };
        let Some(code) = Code::from_name(&name) else {
            let nearest = nearest(&name, Code::ALL.iter().map(|code| code.name()));
            return Err(Error::UnknownCode { code: name, nearest });
        };
        out.write_all(code.explanation().as_bytes())?;
        Ok(ExitCode::Passed)
    }
}
