//! The oldest Rust that netswap-build supports, from Debian 12.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{cargo, check, scratch};
use crate::tools::Tree;

/// The oldest `cc` that netswap-build's feature `cc` accepts. Newer versions need a newer Rust.
const CC: &str = "1.0.90";

/// Returns a command for the Cargo of that Rust.
pub(crate) fn oldest_cargo(tree: &Tree) -> Command {
    let mut command = tree.command("usr/bin/cargo");
    command.env("RUSTC", tree.path("usr/bin/rustc"));
    command.env("RUSTDOC", tree.path("usr/bin/rustdoc"));
    command
}

/// Makes the oldest `cc`, and no other crate, available to an unpacked package whose Cargo has no
/// index.
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
    // The lock file names the newest cc, which that Rust may not compile.
    match fs::remove_file(package.join("Cargo.lock")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}
