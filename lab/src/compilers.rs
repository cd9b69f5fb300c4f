//! Runs the tests that link with clang, clang-cl, MinGW's gcc and GNU ld.

use crate::NotPassed;
use crate::process::{self, BUILDS, NEW_LAYOUT, cargo};
use crate::windows::Debian;

/// Runs these tests with fetched compilers, and those of build folders with both layouts.
pub fn check() -> Result<(), NotPassed> {
    let debian = Debian::find().map_err(NotPassed::NotRun)?;
    let test = |filter: &[&str], new_layout: &str| {
        let mut test = cargo(&BUILDS);
        test.args(["--", "--ignored"]).args(filter).env("NETSWAP_TEST_TOOLS", debian.scripts());
        process::check(test.env(NEW_LAYOUT, new_layout))
    };
    test(&[], "")?;
    Ok(test(&["changed_linker"], "1")?)
}
