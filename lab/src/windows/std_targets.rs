//! The targets of the builds with std, and Cargo's arguments and variables for them.

pub(crate) const MSVC: &str = "x86_64-pc-windows-msvc";
pub(crate) const GNULLVM: &str = "x86_64-pc-windows-gnullvm";
pub(crate) const GNU: &str = "x86_64-pc-windows-gnu";

/// Returns the arguments that make Cargo also build std for the target.
///
/// To save compile time, dependencies get no debug information. std gets no backtraces, which need
/// a dozen crates.
pub(crate) fn with_std(target: &str) -> [&str; 6] {
    const STD: &str = "-Zbuild-std=std,panic_abort";
    const NO_BACKTRACES: &str = "-Zbuild-std-features=panic-unwind";
    const NO_DEBUG: &str = "profile.dev.package.'*'.debug=false";
    ["--target", target, STD, NO_BACKTRACES, "--config", NO_DEBUG]
}

/// The arguments that run an xtask, compiled without debug information to save time.
pub(crate) const XTASK: [&str; 3] = ["--config", "profile.dev.debug=false", "xtask"];

/// Returns the name of Cargo's environment variable for a target.
pub(super) fn cargo_variable(target: &str, name: &str) -> String {
    format!("CARGO_TARGET_{}_{name}", target.to_uppercase().replace('-', "_"))
}
