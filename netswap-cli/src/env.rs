//! The only reader of environment variables.

use std::ffi::OsString;
use std::path::PathBuf;

/// The `Cargo.toml` of the package whose program this is, if Cargo runs it.
pub(crate) fn own_manifest() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    let folder = std::env::var_os("CARGO_MANIFEST_DIR")?;
    Some(PathBuf::from(folder).join("Cargo.toml"))
}

/// The Cargo that runs this program, if one does, else the one in `PATH`
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/environment-variables.html#environment-variables-cargo-sets-for-3rd-party-subcommands)).
pub(crate) fn cargo() -> OsString {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The compiler that Cargo is told to run, else the one in `PATH`.
pub(crate) fn rustc() -> OsString {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// All variables, with these changes: a value, or none where the variable is taken away.
pub(crate) fn changed(changes: &[(OsString, Option<OsString>)]) -> Vec<(OsString, OsString)> {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    let mut variables: Vec<_> = std::env::vars_os().collect();
    for (name, value) in changes {
        variables.retain(|(own, _)| own != name);
        variables.extend(value.iter().map(|value| (name.clone(), value.clone())));
    }
    variables
}

/// The folder for journals: where the system keeps what programs remember of their work.
#[cfg(feature = "cli")]
pub(crate) fn state_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let strategy = etcetera::choose_base_strategy().ok()?;
    // On Windows, the local one of the two: the paths in a journal are those of this machine.
    Some(strategy.state_dir().unwrap_or_else(|| strategy.cache_dir()).join("netswap"))
}

/// What netswap-linker sets for the linker that it runs: the path of that. So it knows when it is called
/// by it.
#[cfg(feature = "cli")]
pub(crate) const LINKING: &str = "NETSWAP_LINKING";

/// A variable that tells netswap-linker what to run or what to set; empty is as good as unset.
#[cfg(feature = "cli")]
pub(crate) fn of_linker(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    std::env::var_os(name).filter(|value| !value.is_empty())
}
