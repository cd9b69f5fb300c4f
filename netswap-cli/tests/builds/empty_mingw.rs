//! Empty libraries in place of MinGW's, so that the MinGW targets link without MinGW.

use std::fs;
use std::process::Command;

use crate::support::Project;

pub(crate) const GNU: &str = "x86_64-pc-windows-gnu";

/// A fixture with what rustc expects of a MinGW toolchain, as empty archives.
pub(crate) fn with_empty_mingw(fixture: &str, target: &str, linker: &str) -> Project {
    let project = Project::of(fixture);
    let empty = |file: String| fs::write(project.root.join(file), "!<arch>\n").unwrap();
    for library in ["gcc", "gcc_eh", "kernel32", "mingw32", "mingwex", "msvcrt", "ucrt", "unwind"] {
        empty(format!("lib{library}.a"));
    }
    for library in ["pthread", "user32"] {
        empty(format!("lib{library}.a"));
    }
    for object in ["crt2", "rsbegin", "rsend"] {
        empty(format!("{object}.o"));
    }
    let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    let flags = format!("-Cpanic=abort -Lnative={}", project.root.display());
    project.env(&variable, linker).env("RUSTFLAGS", &flags)
}

/// GNU ld with its PE emulation, under the name that it has here.
pub(crate) fn gnu_ld() -> Option<&'static str> {
    ["x86_64-w64-mingw32-ld", "ld"].into_iter().find(|ld| {
        let version = Command::new(ld).arg("-V").output();
        version.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains("i386pep"))
    })
}
