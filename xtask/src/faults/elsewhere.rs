//! The fault tests on other systems, where they can't run: they need Linux' mounts, links, names
//! and signals.

use std::process::ExitCode;

pub(crate) fn run(_: &[String]) -> ExitCode {
    eprintln!("error: the fault tests need Linux");
    ExitCode::FAILURE
}

/// Returns the tests that can't run on this system.
pub(crate) fn all() -> Result<Vec<String>, String> {
    Ok(vec!["they need Linux".to_owned()])
}
