//! The oldest Rust that netswap-build promises, wherever it can be had.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::debian::Unpacked;
use crate::process::{cargo, check, scratch};

/// `rust-version` of netswap-build; Debian 12 ships it.
pub(crate) const VERSION: &str = "1.63";

/// The oldest `cc` that netswap-build's feature `cc` takes. New ones ask for a newer Rust than that.
const CC: &str = "1.0.90";

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

/// Lets a Cargo without an index find the oldest `cc`, and no other crate, for an unpacked package.
pub(crate) fn provide_cc(package: &Path) -> Result<(), String> {
    let folder = scratch("cc");
    let write = |file: &Path, text: &str| {
        fs::create_dir_all(file.parent().unwrap_or(file))
            .and_then(|()| fs::write(file, text))
            .map_err(|error| format!("{}: {error}", file.display()))
    };
    let manifest = format!(
        "[package]\nname = \"vendor\"\nversion = \"0.0.0\"\n\n[workspace]\n\n[dependencies]\ncc = {{ version = \"={CC}\", default-features = false }}\n"
    );
    write(&folder.join("Cargo.toml"), &manifest)?;
    write(&folder.join("src").join("lib.rs"), "")?;
    let mut vendor = cargo(&["vendor", "--quiet", "vendor"]);
    check(vendor.current_dir(&folder).stdout(Stdio::null()))?;
    let config = format!(
        "[source.crates-io]\nreplace-with = \"vendor\"\n\n[source.vendor]\ndirectory = {:?}\n",
        folder.join("vendor").to_string_lossy()
    );
    write(&package.join(".cargo").join("config.toml"), &config)?;
    // It names the newest cc, which that Rust may not compile.
    match fs::remove_file(package.join("Cargo.lock")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
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
