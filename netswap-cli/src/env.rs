//! The only place where the programs read environment variables.

use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the folder for journals. It is in the folder where the system keeps the state of
/// programs.
pub(crate) fn state_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let strategy = etcetera::choose_base_strategy().ok()?;
    // On Windows this is the local application data folder, not the roaming one, because the paths
    // in a journal belong to this machine.
    Some(strategy.state_dir().unwrap_or_else(|| strategy.cache_dir()).join("netswap"))
}

/// The variable that netswap-linker sets to the path of the linker that it runs. If it is already
/// set, that linker has called netswap-linker again.
pub(crate) const LINKING: &str = "NETSWAP_LINKING";

/// Returns a variable that configures which linker netswap-linker runs, or which bits it sets. An
/// empty value counts as unset.
pub(crate) fn linker_variable(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one reader")]
    std::env::var_os(name).filter(|value| !value.is_empty())
}
