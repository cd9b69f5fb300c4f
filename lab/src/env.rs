//! The only reader of the environment.

use std::ffi::OsString;

/// Returns an environment variable.
pub fn variable(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the only function that reads the environment")]
    std::env::var_os(name)
}

/// Whether this runs in CI, where no check may be skipped.
pub fn in_ci() -> bool {
    variable("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
