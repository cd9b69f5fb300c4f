//! The MinGW targets. LLD sets the bit, and GNU ld has no option for it. rustc calls the linker
//! or clang, with empty libraries in place of MinGW's.

use std::fs;

use crate::check_stderr;
use crate::empty_mingw::{GNU, verify, with_empty_mingw};
use testkit::image::{CD, NET};
use testkit::{Project, fetched_tool, rustup_lld};

pub(crate) const GNULLVM: &str = "x86_64-pc-windows-gnullvm";

/// Checks that the build sets exactly these bits.
fn check_bits(project: &Project, target: &str, image: &str, bits: u16) {
    let rows = verify(project, target, 0).rows();
    assert!(rows[image].passed(), "{target}: {rows:#?}");
    assert_eq!(rows[image].characteristics & (NET | CD), bits, "{target}: {rows:#?}");
}

#[test]
fn lld_sets_the_requested_bits() {
    for (target, fixture, bits) in
        [(GNULLVM, "bin-only", NET), (GNULLVM, "both-bits", NET | CD), (GNU, "bin-only", NET)]
    {
        let project = with_empty_mingw(fixture, target, "rust-lld", "");
        check_bits(&project, target, &format!("{fixture}.exe"), bits);
    }
}

/// Returns a fixture that clang links with the LLD of the Rust toolchain.
fn with_clang(fixture: &str, target: &str) -> Project {
    let clang = fetched_tool("x86_64-w64-mingw32-clang");
    let flags = format!(
        "-Clink-arg=-fuse-ld=lld -Clink-arg=-B{} -Clink-arg=-nostartfiles",
        rustup_lld().display()
    );
    let project = with_empty_mingw(fixture, target, clang.to_str().unwrap(), &flags);
    // clang adds these libraries by default.
    for library in ["advapi32", "moldname", "shell32"] {
        fs::write(project.root.join(format!("lib{library}.a")), "!<arch>\n").unwrap();
    }
    project
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn clang_for_gnullvm_sets_both_bits() {
    check_bits(&with_clang("both-bits", GNULLVM), GNULLVM, "both-bits.exe", NET | CD);
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn lld_behind_clang_is_found_in_the_rustflags() {
    check_bits(&with_clang("bin-only", GNU), GNU, "bin-only.exe", NET);
}

#[test]
fn gnu_ld_fails_a_build_that_requires_the_bit() {
    let project = with_empty_mingw("both-bits", GNU, "ld", "");
    let run = project.verify(&["--target", GNU]);
    check_stderr(&run, 2, &["error: netswap-build: GNU ld", "-fuse-ld=lld"]);
}
