//! Other programs that read or change images' headers, wherever they can be had.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::measure::{Words, words};
use crate::debian::Unpacked;
use crate::process::{check, is_there, root, scratch};

/// The readers written for Python, as pip knows them.
const PYTHON_PACKAGES: [&str; 2] = ["pefile==2024.8.26", "lief==0.17.6"];

/// As many files as are named to one process of a program that takes some.
const BATCH: &str = "500";

/// A program, or why there is none.
pub(crate) struct Peer {
    /// What it is.
    pub(crate) name: &'static str,
    /// How it is run.
    pub(crate) words: Result<Words, String>,
}

/// Programs that read the headers of all images that a list names.
pub(crate) fn readers(list: &Path) -> Vec<Peer> {
    let in_batches = |program: &str, option: &str| {
        if is_there(program) {
            let xargs = words!["xargs", "--max-args", BATCH, "--arg-file", list];
            Ok([xargs, words![program, option]].concat())
        } else {
            Err("not installed".to_owned())
        }
    };
    let python = python();
    let script = |name: &str| {
        let python = python.clone()?;
        Ok(words![python, root().join("xtask/bench").join(name), list])
    };
    vec![
        Peer {
            name: "llvm-readobj --file-headers",
            words: in_batches("llvm-readobj", "--file-headers"),
        },
        Peer { name: "objdump -f", words: in_batches("objdump", "-f") },
        Peer { name: "pefile 2024.8.26, fast_load", words: script("pefile_scan.py") },
        Peer { name: "lief 0.17.6 for Python", words: script("lief_scan.py") },
    ]
}

/// A Python with the packages, in a virtual environment of its own.
pub(crate) fn python() -> Result<PathBuf, String> {
    let venv = scratch("venv");
    let python = venv.join("bin").join("python");
    // Written once all is there, and other versions are another file.
    let marker = venv.join(PYTHON_PACKAGES.join("+"));
    if !marker.is_file() {
        if !is_there("python3") {
            return Err("not installed: there is no python3".to_owned());
        }
        check(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        let install = ["-m", "pip", "install", "--quiet"];
        check(Command::new(&python).args(install).args(PYTHON_PACKAGES))?;
        std::fs::write(&marker, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
}

/// MinGW-w64's genpeimg: the one that is installed, else Debian's.
pub(crate) fn genpeimg() -> Result<Words, String> {
    let runs = |words: &Words| {
        let (program, arguments) = words.split_first()?;
        let mut command = Command::new(program);
        // With no file it prints its usage, and there is no option that ends well.
        command.args(arguments).arg("-h").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().ok()
    };
    let debian = Unpacked::tree("mingw-w64-tools");
    let (installed, unpacked) = (words!["genpeimg"], words![debian.path("usr/bin/genpeimg")]);
    if runs(&installed).is_some() {
        return Ok(installed);
    }
    if runs(&unpacked).is_none() {
        debian.fetch(&["mingw-w64-tools"])?;
    }
    runs(&unpacked).map(|_| unpacked).ok_or("Debian's genpeimg does not start".to_owned())
}
