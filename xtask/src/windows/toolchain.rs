//! A Rust with std for Windows, a linker, and what it links with: what is installed, else Debian's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::{CLANG, Debian, GCC, LD, LLD, RUSTC, compile_by};
use crate::process::{cargo, output, variable};
use crate::verify::has_std;

pub(crate) const MSVC: &str = "x86_64-pc-windows-msvc";
pub(crate) const GNULLVM: &str = "x86_64-pc-windows-gnullvm";
pub(crate) const GNU: &str = "x86_64-pc-windows-gnu";

/// How Windows programs are built here.
pub(crate) struct Toolchain {
    /// What there is for each target.
    pub(crate) debian: Debian,
    /// The folders of the Windows SDK's libraries, where they and std for msvc are installed: they are
    /// taken rather than Debian's.
    sdk: Option<OsString>,
}

impl Toolchain {
    /// `Err` says why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        if cfg!(windows) {
            // `cargo xtask verify` builds the examples there.
            return Err("it runs Windows programs by Wine, which is not for Windows".to_owned());
        }
        let sdk = if has_std(MSVC) { set("LIB").map(Into::into).or_else(xwin) } else { None };
        Ok(Toolchain { debian: Debian::find()?, sdk })
    }

    /// What is used, for whoever reads the report.
    pub(crate) fn versions(&self) -> Vec<String> {
        let installed = self.sdk.as_ref().map(|folders| {
            format!("std for {MSVC} as installed, rust-lld, and {}", folders.to_string_lossy())
        });
        let at_hand = output(Command::new("rustc").arg("--version")).ok();
        let at_hand = at_hand.map(|version| format!("{} and its LLD, without std", version.trim()));
        let debian = [RUSTC, LLD, CLANG, GCC, LD].map(|program| self.debian.version(program));
        installed.into_iter().chain(debian.into_iter().flatten()).chain(at_hand).collect()
    }

    /// Cargo as it builds for the target in the folder. What it builds for the host is built as ever.
    pub(crate) fn cargo(&self, target: &str, folder: &Path) -> Command {
        let mut command = match &self.sdk {
            Some(folders) if target == MSVC => {
                let mut command = cargo(&[]);
                command.env("LIB", folders).env(in_cargo(MSVC, "LINKER"), "rust-lld");
                command
            }
            _ => self.debian.cargo(target),
        };
        let compiler = if target == MSVC { "clang-cl" } else { "x86_64-w64-mingw32-clang" };
        let script = self.debian.script(compiler);
        compile_by(&mut command, target, compiler, &script);
        command.current_dir(folder);
        command
    }

    /// The arguments of a build for the target.
    pub(crate) fn arguments<'a>(&self, target: &'a str) -> Vec<&'a str> {
        let mut arguments = vec!["--target", target];
        if self.sdk.is_none() || target != MSVC {
            arguments.push("-Zbuild-std=std,panic_abort");
        }
        arguments
    }
}

/// The variable of Cargo for a target.
pub(super) fn in_cargo(target: &str, name: &str) -> String {
    format!("CARGO_TARGET_{}_{name}", target.to_uppercase().replace('-', "_"))
}

/// A path in the environment.
fn set(name: &str) -> Option<PathBuf> {
    variable(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The folders of the Windows SDK's libraries in the cache of cargo-xwin.
fn xwin() -> Option<OsString> {
    let cache = set("XWIN_CACHE_DIR")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("cargo-xwin")))
        .or_else(|| Some(set("HOME")?.join(".cache").join("cargo-xwin")))?;
    let folders = ["crt/lib/x86_64", "sdk/lib/um/x86_64", "sdk/lib/ucrt/x86_64"]
        .map(|folder| cache.join("xwin").join(folder));
    let are_there = folders.iter().all(|folder| folder.is_dir());
    // The variable's form is that of Windows.
    let folders = folders.map(|folder| folder.to_string_lossy().into_owned());
    are_there.then(|| folders.join(";").into())
}
