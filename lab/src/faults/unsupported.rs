//! The fault tests on other systems, where they can't run: they need Linux' mounts, links, names
//! and signals.

use crate::NotPassed;

/// Returns the reason why no test runs.
pub fn run(_: &[String]) -> Result<(), NotPassed> {
    Err(NotPassed::NotRun("the fault tests need Linux".to_owned()))
}

/// Returns the reason why no test runs.
pub fn check() -> Result<(), NotPassed> {
    run(&[])
}
