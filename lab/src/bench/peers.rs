//! Other programs that read or change images' headers.

use std::path::Path;

use super::measure::{Words, words, words_from};
use crate::files::root;
use crate::readers::llvm_readobj;
use crate::tools::{GENPEIMG, Python, Tree, WINDOWS};

/// The number of files passed to one process of a program that accepts several.
const BATCH: &str = "500";

/// A program's name and version, and the command that runs it or the reason why it is missing.
type Peer = (&'static str, Result<Words, String>);

/// Returns programs that read the headers of every image in a list.
pub(crate) fn readers(list: &Path) -> Vec<Peer> {
    let in_batches = |program: Result<Words, String>, option: &str| {
        let xargs = words!["xargs", "--max-args", BATCH, "--arg-file", list];
        program.map(|program| [xargs, program, words![option]].concat())
    };
    let objdump = program(WINDOWS, "usr/bin/x86_64-w64-mingw32-objdump");
    let llvm_readobj = llvm_readobj().map(|path| words![path]);
    let script = |name: &str| {
        let script = words![root().join("lab/bench").join(name), list];
        Ok([python()?, script].concat())
    };
    vec![
        ("llvm-readobj --file-headers", in_batches(llvm_readobj, "--file-headers")),
        ("objdump -f", in_batches(objdump, "-f")),
        ("pefile 2024.8.26, fast_load", script("pefile_scan.py")),
        ("lief 1.0.0 for Python", script("lief_scan.py")),
    ]
}

/// Returns the command for Python, with the packages that read images.
pub(crate) fn python() -> Result<Words, String> {
    Ok(words_from(&Python::find()?.command()))
}

pub(crate) fn genpeimg() -> Result<Words, String> {
    program(GENPEIMG, "usr/bin/genpeimg")
}

/// Returns the command for a program in a tree of Debian's packages.
fn program(tree: &'static str, path: &str) -> Result<Words, String> {
    Ok(words_from(&Tree::find(tree)?.command(path)))
}
