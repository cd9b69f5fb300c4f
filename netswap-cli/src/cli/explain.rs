//! `netswap explain`.

use clap::Args;
use netswap::ExitCode;

use crate::Error;
use crate::commands::explain;

/// Tell what a finding means and what to do
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The finding's code, such as not-requested; without one, all are listed
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let out = &mut std::io::stdout().lock();
        match self.code {
            Some(name) => explain::code(&name, out)?,
            None => explain::all(out)?,
        }
        Ok(ExitCode::Passed)
    }
}
