//! The fault tests where they can't be run: they need Linux' mounts, links, names and signals.

use std::process::ExitCode;

pub(crate) fn run(_: &[String]) -> ExitCode {
    eprintln!("error: the fault tests need Linux");
    ExitCode::FAILURE
}

/// Those that could not be run here.
pub(crate) fn all() -> Result<Vec<String>, String> {
    Ok(vec!["they need Linux".to_owned()])
}
