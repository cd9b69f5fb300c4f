//! How Windows programs with std are built here: by Debian's Rust, linkers and libraries.

use std::path::Path;
use std::process::Command;

use super::debian::{CLANG, Debian, GCC, LD, LLD, RUSTC, compile_by};
use crate::process::output;

pub(crate) const MSVC: &str = "x86_64-pc-windows-msvc";
pub(crate) const GNULLVM: &str = "x86_64-pc-windows-gnullvm";
pub(crate) const GNU: &str = "x86_64-pc-windows-gnu";

/// Returns the arguments that make Cargo also build std for the target. To save compile time, dependencies get no debug
/// information, and std no backtraces: those need a dozen crates.
pub(crate) fn with_std(target: &str) -> [&str; 6] {
    const STD: &str = "-Zbuild-std=std,panic_abort";
    const NO_BACKTRACES: &str = "-Zbuild-std-features=panic-unwind";
    const NO_DEBUG: &str = "profile.dev.package.'*'.debug=false";
    ["--target", target, STD, NO_BACKTRACES, "--config", NO_DEBUG]
}

/// Runs an xtask that is compiled without debug information, which saves compile time.
pub(crate) const XTASK: [&str; 3] = ["--config", "profile.dev.debug=false", "xtask"];

/// How Windows programs are built here.
pub(crate) struct Toolchain {
    /// What there is for each target.
    pub(crate) debian: Debian,
}

impl Toolchain {
    /// `Err` says why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        if cfg!(windows) {
            // `cargo xtask verify` builds the examples there.
            return Err("it runs Windows programs by Wine, which is not for Windows".to_owned());
        }
        Ok(Toolchain { debian: Debian::find()? })
    }

    /// The versions of what is used.
    pub(crate) fn versions(&self) -> Vec<String> {
        let debian = [RUSTC, LLD, CLANG, GCC, LD].map(|program| self.debian.tree.version(program));
        let at_hand = output(Command::new("rustc").arg("--version")).ok();
        let at_hand = at_hand.map(|version| format!("{} and its LLD, without std", version.trim()));
        debian.into_iter().flatten().chain(at_hand).collect()
    }

    /// Cargo as it builds for the target in the folder. What it builds for the host is built as ever.
    pub(crate) fn cargo(&self, target: &str, folder: &Path) -> Command {
        let mut command = self.debian.cargo(target);
        let compiler = if target == MSVC { "clang-cl" } else { "x86_64-w64-mingw32-clang" };
        let script = self.debian.script(compiler);
        compile_by(&mut command, target, compiler, &script);
        command.current_dir(folder);
        command
    }
}

/// The variable of Cargo for a target.
pub(super) fn in_cargo(target: &str, name: &str) -> String {
    format!("CARGO_TARGET_{}_{name}", target.to_uppercase().replace('-', "_"))
}
