//! The oldest Rust that netswap-build promises, wherever it can be had.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{check, is_there, scratch};

/// `rust-version` of netswap-build; Debian 12 ships it.
pub(crate) const VERSION: &str = "1.63";

/// Debian 12's packages of that Rust, of the Cargo that goes with it, and what they load.
const DEBIAN_PACKAGES: [&str; 11] = [
    "rustc",
    "libstd-rust-1.63",
    "libstd-rust-dev",
    "cargo",
    "libllvm14",
    "libgit2-1.5",
    "libssh2-1",
    "libhttp-parser2.9",
    "libmbedcrypto7",
    "libmbedtls14",
    "libmbedx509-1",
];

/// A Cargo of that version.
pub(crate) enum Oldest {
    /// A toolchain of rustup's.
    Rustup,
    /// Debian's packages, unpacked below this folder; nothing is installed.
    Unpacked(PathBuf),
}

impl Oldest {
    /// The one that is installed, else Debian's. `Err` says why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let mut rustup = Command::new("rustup");
        rustup.args(["run", VERSION, "cargo", "--version"]);
        rustup.stdout(Stdio::null()).stderr(Stdio::null());
        if rustup.status().is_ok_and(|status| status.success()) {
            return Ok(Oldest::Rustup);
        }
        let unpacked = Oldest::Unpacked(scratch("oldest-rust").join("root"));
        if !unpacked.is_right() {
            unpack(&scratch("oldest-rust"))?;
        }
        if unpacked.is_right() {
            Ok(unpacked)
        } else {
            Err(format!("Debian's packages here are not Rust {VERSION}"))
        }
    }

    /// Its Cargo.
    pub(crate) fn cargo(&self) -> Command {
        match self {
            Oldest::Rustup => {
                let mut command = Command::new("rustup");
                command.args(["run", VERSION, "cargo"]);
                command
            }
            Oldest::Unpacked(root) => {
                let usr = root.join("usr");
                let mut command = Command::new(usr.join("bin").join("cargo"));
                command.env("RUSTC", usr.join("bin").join("rustc"));
                command.env("RUSTDOC", usr.join("bin").join("rustdoc"));
                command.env("LD_LIBRARY_PATH", library_path(&usr));
                command
            }
        }
    }

    /// Whether its compiler is there and of that version.
    fn is_right(&self) -> bool {
        let Oldest::Unpacked(root) = self else {
            return true;
        };
        let usr = root.join("usr");
        let mut rustc = Command::new(usr.join("bin").join("rustc"));
        rustc.arg("--version").env("LD_LIBRARY_PATH", library_path(&usr));
        let is_version = |text: &[u8]| text.starts_with(format!("rustc {VERSION}.").as_bytes());
        rustc.output().is_ok_and(|output| is_version(&output.stdout))
    }
}

/// Where the unpacked programs find their libraries.
fn library_path(usr: &Path) -> std::ffi::OsString {
    let lib = usr.join("lib");
    let mut folders = vec![lib.clone()];
    let of_machine = fs::read_dir(&lib).into_iter().flatten().flatten().map(|entry| entry.path());
    folders.extend(of_machine.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")));
    std::env::join_paths(folders).unwrap_or_default()
}

/// Fetches Debian's packages with apt and unpacks them into `dir/root`.
fn unpack(dir: &Path) -> Result<(), String> {
    if !is_there("apt-get") || !is_there("dpkg") {
        return Err(format!("neither `rustup run {VERSION}` nor Debian's apt-get is there"));
    }
    let packages = dir.join("packages");
    fs::create_dir_all(&packages).map_err(|error| error.to_string())?;
    let download = || {
        let mut apt = Command::new("apt-get");
        // Root's files are not open to apt's own user, and need not be.
        apt.args(["-qq", "--option", "APT::Sandbox::User=root", "download"]);
        apt.args(DEBIAN_PACKAGES).current_dir(&packages);
        check(apt.stdout(Stdio::null()))
    };
    // A machine that never asked has no lists of packages yet, or old ones.
    if download().is_err() {
        check(Command::new("apt-get").args(["-qq", "update"]))?;
        download()?;
    }
    let files = fs::read_dir(&packages).map_err(|error| error.to_string())?;
    for file in files {
        let file = file.map_err(|error| error.to_string())?.path();
        check(Command::new("dpkg").arg("-x").arg(file).arg(dir.join("root")))?;
    }
    Ok(())
}
