//! The table of the checks.

use std::process::Command;

use lab::NotPassed;
use lab::examples::EXAMPLES;
use lab::files::{root, scratch};
use lab::process::{BUILDS, NEW_LAYOUT, cargo, cargo_sharing, check, output};

/// A check: the statement that it proves, and its function.
pub(crate) type Check = (&'static str, fn() -> Result<(), NotPassed>);

pub(crate) const CHECKS: [Check; 30] = [
    ("tools have the required version, whatever is installed", lab::tools::check),
    ("the code is formatted", formatted),
    ("clippy prints no warning", clippy),
    ("all tests pass", tests),
    ("real builds have the bit, and images without it are found", builds),
    ("real builds are verified in the build folder of Cargo 1.100", builds_in_new_layout),
    ("clang, clang-cl, MinGW's gcc and GNU ld link images with the bit", lab::compilers::check),
    ("other readers agree with netswap about real images", || lab::differential::run(&small())),
    ("other readers agree with netswap about hand-made images", || lab::crafted::run(&[])),
    ("pefile confirms that real images are patched and restored", || lab::patched::run(&small())),
    ("osslsigncode confirms the digests, and that undo restores a broken signature", || {
        lab::signature::run(&[])
    }),
    ("a share of 20,000 files is verified, patched, restored and watched", || lab::day::run(&[])),
    ("the reports for other programs are valid by their schemas", || lab::formats::run(&[])),
    ("DuckDB answers the questions in the book about many servers", || lab::servers::run(&[])),
    ("the HTML report opens in Chromium, and can be filtered and printed", || lab::html::run(&[])),
    ("no input makes a reader panic", lab::fuzz::check),
    ("faults damage no file that undo can't restore", lab::faults::check),
    ("the examples pass their tests", examples),
    ("programs with std are built for Windows, verified, and run in Wine", || {
        lab::windows::run(&[])
    }),
    ("cargo generate and netswap new create the same projects", || lab::templates::run(&[])),
    ("the completions work in their shells, and the man pages are well-formed", || {
        lab::completions::run(&[])
    }),
    ("the documentation builds without a warning", documentation),
    ("the book builds without a warning", lab::book::check),
    ("editors accept the policy in the book, and find a mistake in it", lab::editor::check),
    ("netswap-build has no dependency", no_dependency),
    ("the published crates build from their packages", lab::packages::check),
    ("netswap-build passes its tests on its oldest Rust", lab::oldest_rust::netswap_build),
    ("netswap passes its tests on its oldest Rust", lab::oldest_rust::netswap),
    ("cargo xtask verify passes", verify),
    ("cargo xtask verify fails when the bit is switched off", verify_without_the_bit),
];

/// The arguments of `cargo clippy` that turn warnings into errors.
const DENY: [&str; 3] = ["--", "--deny", "warnings"];

fn small() -> [String; 1] {
    ["--small".to_owned()]
}

/// Runs Cargo in the folder of each example.
fn in_examples(cargo: impl Fn() -> Command) -> Result<(), NotPassed> {
    for example in &EXAMPLES {
        println!("(in examples/{})", example.name);
        check(cargo().current_dir(example.folder()))?;
    }
    Ok(())
}

fn formatted() -> Result<(), NotPassed> {
    let all = ["fmt", "--all", "--check"];
    check(&mut cargo(&all))?;
    in_examples(|| cargo(&all))?;
    Ok(check(cargo(&all).current_dir(root().join("fuzz")))?)
}

fn clippy() -> Result<(), NotPassed> {
    let all = ["clippy", "--quiet", "--locked", "--workspace", "--all-targets"];
    // `--all-targets` does not include the test `builds`, and neither does `cargo test`.
    let builds = ["clippy", "--quiet", "--locked", "--package", "netswap-cli", "--test", "builds"];
    // The workspace's tests need a feature of netswap-build, so it is also checked by itself.
    let build = ["clippy", "--quiet", "--locked", "--package", "netswap-build", "--all-targets"];
    check(cargo(&all).args(DENY))?;
    check(cargo(&builds).args(DENY))?;
    check(cargo(&build).args(DENY))?;
    in_examples(|| cargo_sharing("examples", &[&all[..], &DENY].concat()))
}

fn tests() -> Result<(), NotPassed> {
    check(&mut cargo(&["test", "--locked", "--workspace"]))?;
    // The workspace's tests need a feature of netswap-build, so it is also tested by itself.
    Ok(check(&mut cargo(&["test", "--locked", "--package", "netswap-build"]))?)
}

/// Runs the tests that build projects with Cargo, which `cargo test` leaves out.
fn builds() -> Result<(), NotPassed> {
    Ok(check(&mut cargo(&BUILDS))?)
}

/// Runs the tests with real builds that depend on where Cargo puts its files. They use the layout
/// of the build folder that Cargo has since 1.100, and that older versions have on request.
fn builds_in_new_layout() -> Result<(), NotPassed> {
    let mut test = cargo(&BUILDS);
    test.args(["--", "fixtures", "docs", "messages"]).env(NEW_LAYOUT, "1");
    Ok(check(&mut test)?)
}

fn examples() -> Result<(), NotPassed> {
    // No shared build folder: Cargo 1.95 adds a build script's library to the library path only
    // below the target folder.
    in_examples(|| {
        let mut test = cargo(&["test", "--locked", "--workspace"]);
        test.env("CARGO_TARGET_DIR", scratch("examples"));
        test
    })
}

fn documentation() -> Result<(), NotPassed> {
    let mut doc =
        cargo(&["doc", "--quiet", "--locked", "--no-deps", "--workspace", "--all-features"]);
    Ok(check(doc.env("RUSTDOCFLAGS", "--deny warnings"))?)
}

fn no_dependency() -> Result<(), NotPassed> {
    let tree =
        output(&mut cargo(&["tree", "--locked", "-p", "netswap-build", "-e", "normal,build"]))?;
    match tree.lines().count() {
        1 => Ok(()),
        _ => Err(NotPassed::Failed(format!("netswap-build has dependencies:\n{tree}"))),
    }
}

fn verify() -> Result<(), NotPassed> {
    Ok(check(&mut cargo_xtask_verify())?)
}

/// Returns the command as a user runs it: with the `CARGO_INCREMENTAL` of the checks, Cargo would
/// compile xtask again.
fn cargo_xtask_verify() -> Command {
    let mut verify = cargo(&["xtask", "verify"]);
    verify.env_remove("CARGO_INCREMENTAL");
    verify
}

/// The negative of the check above: without the bit, the exit code must be that of findings.
fn verify_without_the_bit() -> Result<(), NotPassed> {
    println!("(with NETSWAP=off, so it must fail)");
    let status = cargo_xtask_verify().env("NETSWAP", "off").status();
    match status {
        Ok(status) if status.code() == Some(netswap::ExitCode::Findings as i32) => Ok(()),
        Ok(status) => Err(NotPassed::Failed(format!("cargo xtask verify ended with {status}"))),
        Err(error) => Err(NotPassed::Failed(error.to_string())),
    }
}
