//! Builds with the real Cargo, rustc and linkers, whose images are then verified.
//!
//! `cargo test` skips these tests. `cargo test -p netswap-cli --test builds` runs them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::Run;
use testkit::image::{CHARACTERISTICS, NET, get16, nt, put16};

#[cfg(unix)]
mod changed_linker;
mod companion;
mod docs;
mod empty_mingw;
mod examples;
mod fixtures;
mod init;
#[cfg(unix)]
mod linker;
mod messages;
mod mingw;
mod new;
mod seed;

/// Returns a command that runs `netswap` in a folder, with a clean environment.
fn netswap(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netswap"));
    testkit::clean_environment(command.args(arguments).current_dir(folder));
    command
}

/// Runs a program and checks its exit code.
fn run(command: &mut Command, code: i32) -> Run {
    let run = Run::capture(command);
    assert_eq!(run.code, code, "{command:?}: {run:#?}");
    run
}

/// Checks the exit code of a program, and that its messages contain these parts.
fn check_stderr(run: &Run, code: i32, parts: &[&str]) {
    assert_eq!(run.code, code, "{run:#?}");
    for part in parts {
        assert!(run.stderr.contains(part), "{part}: {run:#?}");
    }
}

/// Returns a `PATH` that begins with the folder of rustup's LLD, for compilers that search for it.
fn path_with_lld() -> OsString {
    #[expect(clippy::disallowed_methods, reason = "it is set for a child process")]
    let path = std::env::var_os("PATH").unwrap();
    let folders = std::iter::once(testkit::rustup_lld()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap()
}

/// Replaces a text in a file of a project.
fn edit(project: &Path, file: &str, from: &str, to: &str) {
    let before = fs::read_to_string(project.join(file)).unwrap();
    let after = before.replace(from, to);
    assert_ne!(before, after, "{file} has no `{from}`");
    fs::write(project.join(file), after).unwrap();
}

fn clear_bit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let field = nt(&bytes) + CHARACTERISTICS;
    let cleared = get16(&bytes, field) & !NET;
    put16(&mut bytes, field, cleared);
    fs::write(path, bytes).unwrap();
}
