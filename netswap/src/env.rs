//! The only reader of environment variables.

use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the `Cargo.toml` of the package that this program belongs to, if Cargo runs the program.
pub(crate) fn own_manifest() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    let folder = std::env::var_os("CARGO_MANIFEST_DIR")?;
    Some(PathBuf::from(folder).join("Cargo.toml"))
}

/// Returns the Cargo that runs this program, if there is one, else the Cargo in `PATH`
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/environment-variables.html#environment-variables-cargo-sets-for-3rd-party-subcommands)).
pub fn cargo() -> OsString {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Returns the compiler that `RUSTC` sets for Cargo, else the one in `PATH`.
pub(crate) fn rustc() -> OsString {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// Returns the value that a variable has after these changes. A change without a value removes the
/// variable.
pub(crate) fn changed(name: &str, changes: &[(OsString, Option<OsString>)]) -> Option<OsString> {
    match changes.iter().rev().find(|(changed, _)| changed == name) {
        Some((_, value)) => value.clone(),
        #[expect(clippy::disallowed_methods, reason = "the one reader")]
        None => std::env::var_os(name),
    }
}
