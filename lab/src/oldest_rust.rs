//! The oldest Rust that each library supports, from Debian 12.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::NotPassed;
use crate::files::{at, remove_file, root, scratch, write};
use crate::packages;
use crate::process::{cargo, check};
use crate::tools::{OLDEST_RUST, OLDEST_RUST_OF_NETSWAP, Tree};

/// The oldest `cc` that netswap-build's feature `cc` accepts. Newer versions need a newer Rust.
const CC: &str = "1.0.90";

/// Tests the package of netswap-build as it is published, unpacked outside any workspace.
pub fn netswap_build() -> Result<(), NotPassed> {
    let tree = Tree::find(OLDEST_RUST.tree).map_err(NotPassed::NotRun)?;
    let package = packages::netswap_build(&scratch("packages"))?;
    check_rust_version(&package, OLDEST_RUST.version)?;
    // Cargo must find a package's optional dependency even if it is not used.
    provide_cc(&package)?;
    let test = ["test", "--quiet", "--offline"];
    check(oldest_cargo(&tree).args(test).current_dir(&package))?;
    Ok(check(oldest_cargo(&tree).args(test).args(["--features", "cc"]).current_dir(&package))?)
}

/// Tests netswap in its workspace, with the versions of its dependencies that the lock file names.
pub fn netswap() -> Result<(), NotPassed> {
    let tree = Tree::find(OLDEST_RUST_OF_NETSWAP.tree).map_err(NotPassed::NotRun)?;
    check_rust_version(&root().join("netswap"), OLDEST_RUST_OF_NETSWAP.version)?;
    let mut test = oldest_cargo(&tree);
    test.args(["test", "--quiet", "--locked", "--package", "netswap"]);
    Ok(check(test.env("CARGO_TARGET_DIR", scratch("oldest-rust")).current_dir(root()))?)
}

fn check_rust_version(package: &Path, version: &str) -> Result<(), String> {
    let manifest = package.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(at(&manifest))?;
    let line = format!("rust-version = \"{version}\"");
    ensure!(text.contains(&line), "{}: `{line}` is missing", manifest.display());
    Ok(())
}

fn oldest_cargo(tree: &Tree) -> Command {
    let mut command = tree.command("usr/bin/cargo");
    command.env("RUSTC", tree.path("usr/bin/rustc"));
    command.env("RUSTDOC", tree.path("usr/bin/rustdoc"));
    // rustup sets these for the Cargo that runs the checks.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command
}

/// Makes only the oldest `cc` available to an unpacked package, whose Cargo has no index.
fn provide_cc(package: &Path) -> Result<(), String> {
    let folder = scratch("cc");
    let manifest = format!(
        "[package]\nname = \"vendor\"\nversion = \"0.0.0\"\n\n[workspace]\n\n[dependencies]\ncc = {{ version = \"={CC}\", default-features = false }}\n"
    );
    write(&folder.join("Cargo.toml"), manifest)?;
    write(&folder.join("src").join("lib.rs"), "")?;
    let mut vendor = cargo(&["vendor", "--quiet", "vendor"]);
    check(vendor.current_dir(&folder).stdout(Stdio::null()))?;
    let config = format!(
        "[source.crates-io]\nreplace-with = \"vendor\"\n\n[source.vendor]\ndirectory = {:?}\n",
        folder.join("vendor").to_string_lossy()
    );
    write(&package.join(".cargo").join("config.toml"), config)?;
    // The lock file names the newest cc, which that Rust may not compile.
    remove_file(&package.join("Cargo.lock"))
}
