//! The oldest Rust that netswap-build promises, wherever it can be had.

use std::process::{Command, Stdio};

use crate::debian::Unpacked;

/// `rust-version` of netswap-build; Debian 12 ships it.
pub(crate) const VERSION: &str = "1.63";

/// Debian 12's packages of that Rust and of the Cargo that goes with it.
const PACKAGES: [&str; 2] = ["rustc", "cargo"];

/// A Cargo of that version.
pub(crate) enum Oldest {
    /// A toolchain of rustup's.
    Rustup,
    /// Debian's packages.
    Debian(Unpacked),
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
        let debian = Unpacked::tree("oldest-rust");
        if !is_right(&debian) {
            let why = |error| format!("there is no `rustup run {VERSION} cargo`, and {error}");
            debian.fetch(&PACKAGES).map_err(why)?;
        }
        if is_right(&debian) {
            Ok(Oldest::Debian(debian))
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
            Oldest::Debian(debian) => {
                let mut command = debian.command("usr/bin/cargo");
                command.env("RUSTC", debian.path("usr/bin/rustc"));
                command.env("RUSTDOC", debian.path("usr/bin/rustdoc"));
                command
            }
        }
    }
}

/// Whether its compiler and its Cargo start, and the compiler is of that version.
fn is_right(debian: &Unpacked) -> bool {
    let starts_with = |program: &str, start: &str| {
        let output = debian.command(program).arg("--version").output();
        output.is_ok_and(|output| output.stdout.starts_with(start.as_bytes()))
    };
    starts_with("usr/bin/rustc", &format!("rustc {VERSION}."))
        && starts_with("usr/bin/cargo", "cargo ")
}
