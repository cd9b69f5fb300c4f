//! Builds Windows programs with std, using Debian's Rust, linkers and libraries.

use std::path::Path;
use std::process::Command;

use super::debian::{CLANG, Debian, GCC, LD, LLD, RUSTC, set_cc_compiler};
use crate::process::output;

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

/// The arguments that run an xtask. It is compiled without debug information, which saves compile
/// time.
pub(crate) const XTASK: [&str; 3] = ["--config", "profile.dev.debug=false", "xtask"];

/// The tools that build Windows programs.
pub(crate) struct Toolchain {
    /// The tools for all targets.
    pub(crate) debian: Debian,
}

impl Toolchain {
    /// Finds the toolchain. `Err` gives the reason if there is none.
    pub(crate) fn find() -> Result<Self, String> {
        if cfg!(windows) {
            // On Windows, `cargo xtask verify` builds the examples.
            return Err("the tests run Windows programs with Wine, which does not run on Windows"
                .to_owned());
        }
        Ok(Toolchain { debian: Debian::find()? })
    }

    /// Returns the versions of the tools.
    pub(crate) fn versions(&self) -> Vec<String> {
        let debian = [RUSTC, LLD, CLANG, GCC, LD].map(|program| self.debian.tree.version(program));
        let current = output(Command::new("rustc").arg("--version")).ok();
        let current = current.map(|version| format!("{} and its LLD, without std", version.trim()));
        debian.into_iter().flatten().chain(current).collect()
    }

    /// Returns a Cargo command that builds for the target in the folder. Builds for the host are
    /// unchanged.
    pub(crate) fn cargo(&self, target: &str, folder: &Path) -> Command {
        let mut command = self.debian.cargo(target);
        let compiler = if target == MSVC { "clang-cl" } else { "x86_64-w64-mingw32-clang" };
        let script = self.debian.script(compiler);
        set_cc_compiler(&mut command, target, compiler, &script);
        command.current_dir(folder);
        command
    }
}

/// Returns the name of Cargo's environment variable for a target.
pub(super) fn cargo_variable(target: &str, name: &str) -> String {
    format!("CARGO_TARGET_{}_{name}", target.to_uppercase().replace('-', "_"))
}
