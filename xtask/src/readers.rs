//! Readers that share no code with netswap: pefile, lief and llvm-readobj for Windows images, minidump
//! for crash dumps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::corpus::Corpus;
use crate::debian::Unpacked;
use crate::process::{check, is_there, output, root, scratch};

/// What pip installs, and how it is told that it has.
const REQUIREMENTS: [&str; 3] = ["pefile==2024.8.26", "lief==1.0.0", "minidump==0.0.24"];

/// Debian 12's package of llvm-readobj, and the program in it.
const LLVM: (&str, &str) = ("llvm-14", "usr/lib/llvm-14/bin/llvm-readobj");

/// The readers, by the names that `corpus/read.py` knows them by.
pub(crate) const READERS: [&str; 3] = ["pefile", "lief", "llvm-readobj"];

/// What a reader says of each image of the corpus; the objects of `corpus/read.py`.
pub(crate) fn read(reader: &str, corpus: &Corpus) -> Result<Vec<Value>, String> {
    let mut script = Command::new(python()?);
    script.arg(root().join("xtask").join("corpus").join("read.py")).arg("--with").arg(reader);
    if reader == "llvm-readobj" {
        script.arg("--llvm-readobj").arg(llvm_readobj()?);
    }
    script.arg(&corpus.root).args(&corpus.folders);
    lines(&output(&mut script)?)
}

/// The JSON of each line.
pub(crate) fn lines(text: &str) -> Result<Vec<Value>, String> {
    let parse = |line| serde_json::from_str(line).map_err(|error| format!("{error}: `{line}`"));
    text.lines().map(parse).collect()
}

/// A Python that has pefile, lief and minidump; made once, below `target`.
pub(crate) fn python() -> Result<PathBuf, String> {
    let venv = scratch("readers");
    let programs = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let python = programs.join(if cfg!(windows) { "python.exe" } else { "python" });
    // It is written last: what it says is installed.
    let installed = venv.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == REQUIREMENTS.join("\n")) {
        return Ok(python);
    }
    let why = |error| format!("{error}: is there a Python 3 with its venv and pip?");
    check(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv)).map_err(why)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    check(pip.args(["--no-deps", "--only-binary=:all:"]).args(REQUIREMENTS))?;
    fs::write(&installed, REQUIREMENTS.join("\n")).map_err(|error| error.to_string())?;
    Ok(python)
}

/// The Characteristics of an image, as llvm-readobj reads them.
pub(crate) fn characteristics(image: &Path) -> Result<u16, String> {
    let text = output(Command::new(llvm_readobj()?).arg("--file-headers").arg(image))?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Characteristics [ (0x"));
    let digits = line.and_then(|line| line.split(')').next());
    let number = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| format!("llvm-readobj tells no Characteristics of {}", image.display()))
}

/// llvm-readobj: the one that is installed, else a script that runs Debian's.
fn llvm_readobj() -> Result<PathBuf, String> {
    if is_there("llvm-readobj") {
        return Ok("llvm-readobj".into());
    }
    let debian = Unpacked::tree("llvm");
    let (package, program) = LLVM;
    let runs =
        || debian.command(program).arg("--version").output().is_ok_and(|out| out.status.success());
    if !runs() {
        debian.fetch(&[package])?;
    }
    if !runs() {
        return Err(format!("Debian's {package} does not start"));
    }
    let script = debian.path("llvm-readobj");
    debian.script(&script, program, "")?;
    Ok(script)
}
