//! Links for the MinGW targets without MinGW, with empty libraries and the fetched GNU ld.

use std::fs;

use crate::seed;
use testkit::{Project, Run, fetched_tool};

pub(crate) const GNU: &str = "x86_64-pc-windows-gnu";

/// Returns a fixture with empty archives in place of the files that rustc expects from MinGW.
/// rustc gets these additional flags.
pub(crate) fn with_empty_mingw(fixture: &str, target: &str, linker: &str, flags: &str) -> Project {
    let project = seed::fixture(fixture);
    let empty = |file: String| fs::write(project.root.join(file), "!<arch>\n").unwrap();
    let libraries = "gcc gcc_eh kernel32 mingw32 mingwex msvcrt pthread ucrt unwind user32";
    for library in libraries.split(' ') {
        empty(format!("lib{library}.a"));
    }
    for object in ["crt2", "rsbegin", "rsend"] {
        empty(format!("{object}.o"));
    }
    let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    let flags = format!("-Cpanic=abort -Lnative={} {flags}", project.root.display());
    project.env(&variable, linker).env("RUSTFLAGS", &flags)
}

/// Returns the path of GNU ld for x64.
pub(crate) fn gnu_ld() -> String {
    fetched_tool("x86_64-w64-mingw32-ld").into_os_string().into_string().unwrap()
}

/// Verifies a project for a target and checks the exit code.
pub(crate) fn verify(project: &Project, target: &str, code: i32) -> Run {
    let run = project.verify(&["--target", target, "--format", "json"]);
    assert_eq!(run.code, code, "{run:#?}");
    run
}
