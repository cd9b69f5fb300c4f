//! The MinGW targets. LLD sets the bit, and GNU ld has no option for it. rustc calls the linker
//! or clang, with empty libraries in place of MinGW's.

use std::fs;

use crate::empty_mingw::{GNU, gnu_ld, with_empty_mingw};
use testkit::{Project, fetched_tool, rustup_lld};

const GNULLVM: &str = "x86_64-pc-windows-gnullvm";

#[test]
fn lld_for_gnullvm_sets_the_bit() {
    let project = with_empty_mingw("bin-only", GNULLVM, "rust-lld");
    let run = project.verify(&["--target", GNULLVM, "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.rows()["bin-only.exe"].passed(), "{run:#?}");
}

#[test]
fn lld_for_gnullvm_sets_both_bits() {
    let project = with_empty_mingw("both-bits", GNULLVM, "rust-lld");
    let run = project.verify(&["--target", GNULLVM, "--format", "json"]);
    assert_eq!(run.rows()["both-bits.exe"].characteristics & 0x0c00, 0x0c00, "{run:#?}");
}

#[test]
fn lld_for_gnu_sets_the_bit() {
    let project = with_empty_mingw("bin-only", GNU, "rust-lld");
    let run = project.verify(&["--target", GNU, "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.rows()["bin-only.exe"].passed(), "{run:#?}");
}

/// Returns a fixture that clang links with the LLD of the Rust toolchain.
fn with_clang(fixture: &str, target: &str) -> Project {
    let clang = fetched_tool("x86_64-w64-mingw32-clang");
    let project = with_empty_mingw(fixture, target, clang.to_str().unwrap());
    // clang adds these libraries by default.
    for library in ["advapi32", "moldname", "shell32"] {
        fs::write(project.root.join(format!("lib{library}.a")), "!<arch>\n").unwrap();
    }
    let lld = rustup_lld();
    let flags = format!(
        "-Cpanic=abort -Lnative={} -Clink-arg=-fuse-ld=lld -Clink-arg=-B{} -Clink-arg=-nostartfiles",
        project.root.display(),
        lld.display()
    );
    project.env("RUSTFLAGS", &flags)
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn clang_for_gnullvm_sets_both_bits() {
    let project = with_clang("both-bits", GNULLVM);
    let run = project.verify(&["--target", GNULLVM, "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(run.rows()["both-bits.exe"].characteristics & 0x0c00, 0x0c00, "{run:#?}");
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn lld_behind_clang_is_found_in_the_rustflags() {
    let project = with_clang("bin-only", GNU);
    let run = project.verify(&["--target", GNU, "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.rows()["bin-only.exe"].passed(), "{run:#?}");
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn gnu_ld_causes_a_warning_and_a_finding() {
    let project = with_empty_mingw("bin-only", GNU, &gnu_ld());
    let run = project.verify(&["--target", GNU, "--format", "json"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.rows()["bin-only.exe"].failed("linker-unsupported"), "{run:#?}");
    assert!(run.stderr.contains("warning: bin-only@0.1.0: netswap-build: GNU ld"), "{run:#?}");
}

#[test]
fn gnu_ld_fails_a_build_that_requires_the_bit() {
    let project = with_empty_mingw("both-bits", GNU, "ld");
    let run = project.verify(&["--target", GNU]);
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("error: netswap-build: GNU ld"), "{run:#?}");
    assert!(run.stderr.contains("-fuse-ld=lld"), "{run:#?}");
}
