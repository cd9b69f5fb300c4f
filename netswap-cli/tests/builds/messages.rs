//! Messages of `netswap verify` about builds that fail.

#[cfg(unix)]
use std::fs;

use crate::check_stderr;
use crate::seed::fixture;
use testkit::{Run, X64};

/// Verifies with a Cargo whose messages about artifacts are changed by this sed command.
#[cfg(unix)]
fn verify_with_newer_cargo(change: &str) -> Run {
    use std::os::unix::fs::PermissionsExt;

    let project = fixture("bin-only");
    let script = format!(
        "#!/bin/sh\n'{}' \"$@\" | sed '/^{{\"reason\":\"compiler-artifact/{change}'\n",
        env!("CARGO")
    );
    project.write("newer-cargo", &script);
    let cargo = project.root.join("newer-cargo");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netswap"));
    command.args(["verify", "--offline", "--manifest-path", "Cargo.toml", "--target", X64]);
    project.env("CARGO", cargo.to_str().unwrap()).run(&mut command)
}

#[cfg(unix)]
#[test]
fn unknown_cargo_message_is_an_error() {
    let run = verify_with_newer_cargo("s/\"filenames\":/\"files\":/");
    assert_eq!(run.stdout, "", "{run:#?}");
    let message = "failed to read the messages of cargo build: unknown message `{\"reason\":\"compiler-artifact";
    check_stderr(&run, 2, &[message]);
}

/// netswap reads nothing that depends on the edition.
#[cfg(unix)]
#[test]
fn unknown_edition_is_no_error() {
    let run = verify_with_newer_cargo("s/\"edition\":\"2021\"/\"edition\":\"2033\"/");
    assert_eq!(run.code, 0, "{run:#?}");
}

#[test]
fn failed_build_follows_cargos_own_message() {
    let project = fixture("bin-only");
    project.write("src/main.rs", "fn main() { this is no Rust }");
    let run = project.verify(&["--target", X64]);
    assert_eq!((run.code, &*run.stdout), (2, ""), "{run:#?}");
    let (cargos, ours) = run.stderr.trim_end().rsplit_once('\n').unwrap();
    assert!(cargos.contains("error: could not compile `bin-only`"), "{run:#?}");
    assert!(ours.starts_with("error: failed to build: "), "{run:#?}");
}

#[test]
fn missing_std_names_what_to_install() {
    let project = fixture("bin-only");
    project.write("src/main.rs", "fn main() {}");
    // Rust ships no standard library for this target.
    let without = "thumbv7a-pc-windows-msvc";
    let run = project.verify(&["--target", without]);
    assert_eq!(run.stdout, "", "{run:#?}");
    let said = format!("there is no standard library for {without} here; `rustup target add");
    check_stderr(&run, 2, &[&said]);

    project.write("src/main.rs", "fn main() { this is no Rust }");
    let mut rustc = std::process::Command::new("rustc");
    let host = Run::capture(rustc.args(["--print", "host-tuple"])).stdout;
    let run = project.verify(&["--target", host.trim_end()]);
    check_stderr(&run, 2, &["nothing was verified; its messages say why"]);
}
