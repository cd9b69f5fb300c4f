//! The kinds of targets, from Cargo's `CARGO_CFG_TARGET_*` (pure).

use crate::BuildEnv;

/// A kind of target. Each kind has its own linkers.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) enum Target {
    /// `*-windows-msvc`, including the win7, UWP and ARM64EC targets.
    Msvc,
    /// `*-windows-gnullvm`: LLVM's MinGW toolchain.
    GnuLlvm,
    /// `*-windows-gnu`: the GNU MinGW toolchain.
    Gnu,
    /// A Windows target with an unknown environment.
    OtherWindows,
    /// A target without Windows programs: another system, UEFI, Cygwin.
    NotWindows,
}

impl Target {
    pub(crate) fn from_env(env: &BuildEnv) -> Self {
        // Cargo sets CARGO_CFG_TARGET_ABI since Rust 1.78. Before, only the triple has the ABI.
        let llvm = match &env.target_abi {
            Some(abi) => abi == "llvm",
            None => env.target.ends_with("-gnullvm"),
        };
        match (env.target_os.as_str(), env.target_env.as_str()) {
            ("windows", "msvc") => Target::Msvc,
            ("windows", "gnu") if llvm => Target::GnuLlvm,
            ("windows", "gnu") => Target::Gnu,
            ("windows", _) => Target::OtherWindows,
            // UEFI and Cygwin also make PE images, but have other values of CARGO_CFG_TARGET_OS.
            _ => Target::NotWindows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::for_tests;

    #[test]
    fn cfgs_determine_the_kind_of_target() {
        let table = [
            ("x86_64-pc-windows-msvc", "windows", "msvc", Some(""), Target::Msvc),
            ("x86_64-win7-windows-msvc", "windows", "msvc", Some(""), Target::Msvc),
            ("x86_64-uwp-windows-msvc", "windows", "msvc", Some("uwp"), Target::Msvc),
            ("arm64ec-pc-windows-msvc", "windows", "msvc", None, Target::Msvc),
            ("x86_64-pc-windows-gnullvm", "windows", "gnu", Some("llvm"), Target::GnuLlvm),
            ("x86_64-pc-windows-gnullvm", "windows", "gnu", None, Target::GnuLlvm),
            ("x86_64-pc-windows-gnu", "windows", "gnu", Some(""), Target::Gnu),
            ("x86_64-pc-windows-gnu", "windows", "gnu", None, Target::Gnu),
            ("x86_64-pc-windows-new", "windows", "new", Some(""), Target::OtherWindows),
            ("x86_64-unknown-uefi", "uefi", "", Some(""), Target::NotWindows),
            ("x86_64-pc-cygwin", "cygwin", "", Some(""), Target::NotWindows),
            ("x86_64-unknown-linux-gnu", "linux", "gnu", Some(""), Target::NotWindows),
            ("aarch64-apple-darwin", "macos", "", Some(""), Target::NotWindows),
            ("wasm32-unknown-unknown", "unknown", "", Some(""), Target::NotWindows),
        ];
        for (triple, os, env, abi, expected) in table {
            let build = for_tests(triple, os, env, abi);
            assert_eq!(Target::from_env(&build), expected, "{triple}, abi {abi:?}");
        }
    }
}
