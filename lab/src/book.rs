//! Builds the book.

use std::process::Command;

use crate::NotPassed;
use crate::process::{everything, root, scratch};
use crate::tools::crates::program;

/// Builds the book. mdBook only logs a broken link or include, so this searches the log.
///
/// # Errors
///
/// Returns an error if mdBook fails or warns.
pub fn check() -> Result<(), NotPassed> {
    let mut build = Command::new(program("mdbook")?);
    build.arg("build").arg(root().join("docs")).arg("--dest-dir").arg(scratch("book"));
    let log = everything(&mut build)?;
    let has_warning = log.lines().any(|line| line.contains("WARN") || line.contains("ERROR"));
    if has_warning { Err(NotPassed::Failed(log)) } else { Ok(()) }
}
