//! The only reader of environment variables.

use std::ffi::OsString;

/// The Cargo that runs this program, if one does, else the one in `PATH`
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/environment-variables.html#environment-variables-cargo-sets-for-3rd-party-subcommands)).
pub(crate) fn cargo() -> OsString {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
