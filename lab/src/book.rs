//! Builds the book.

use std::process::Command;

use crate::NotPassed;
use crate::files::{root, scratch};
use crate::process::all_output;
use crate::tools::crates::program;

/// Builds the book. mdBook does not fail at a broken link or include, so this searches its log.
pub fn check() -> Result<(), NotPassed> {
    let mut build = Command::new(program("mdbook")?);
    build.arg("build").arg(root().join("docs")).arg("--dest-dir").arg(scratch("book"));
    let log = all_output(&mut build)?;
    if log.contains("WARN") || log.contains("ERROR") {
        return Err(NotPassed::Failed(log));
    }
    Ok(())
}
