//! The only reader of environment variables in the programs.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder for journals: where the system keeps what programs remember of their work.
pub(crate) fn state_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let strategy = etcetera::choose_base_strategy().ok()?;
    // On Windows, the local one of the two: the paths in a journal are those of this machine.
    Some(strategy.state_dir().unwrap_or_else(|| strategy.cache_dir()).join("netswap"))
}

/// What netswap-linker sets for the linker that it runs: the path of that. So it knows when it is called
/// by it.
pub(crate) const LINKING: &str = "NETSWAP_LINKING";

/// A variable that tells netswap-linker what to run or what to set; empty is as good as unset.
pub(crate) fn of_linker(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    std::env::var_os(name).filter(|value| !value.is_empty())
}
