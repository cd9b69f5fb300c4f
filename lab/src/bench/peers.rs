//! Other programs that read or change images' headers.

use std::path::Path;

use super::measure::{Words, words, words_from};
use crate::files::root;
use crate::readers::llvm_readobj;
use crate::tools::{GENPEIMG, Python, Tree, WINDOWS};

/// The number of files passed to one process of a program that accepts several.
const BATCH: &str = "500";

/// A program, or the reason why it is missing.
pub(crate) struct Peer {
    /// The program's name and version.
    pub(crate) name: &'static str,
    /// The command that runs it.
    pub(crate) words: Result<Words, String>,
}

/// Returns programs that read the headers of every image in a list.
pub(crate) fn readers(list: &Path) -> Vec<Peer> {
    let in_batches = |program: Result<Words, String>, option: &str| {
        let xargs = words!["xargs", "--max-args", BATCH, "--arg-file", list];
        program.map(|program| [xargs, program, words![option]].concat())
    };
    let objdump =
        || Ok(words_from(&Tree::find(WINDOWS)?.command("usr/bin/x86_64-w64-mingw32-objdump")));
    let script = |name: &str| {
        let script = words![root().join("lab/bench").join(name), list];
        Ok([python()?, script].concat())
    };
    vec![
        Peer {
            name: "llvm-readobj --file-headers",
            words: in_batches(llvm_readobj().map(|path| words![path]), "--file-headers"),
        },
        Peer { name: "objdump -f", words: in_batches(objdump(), "-f") },
        Peer { name: "pefile 2024.8.26, fast_load", words: script("pefile_scan.py") },
        Peer { name: "lief 1.0.0 for Python", words: script("lief_scan.py") },
    ]
}

/// Returns the command for Python, with the packages that read images.
pub(crate) fn python() -> Result<Words, String> {
    Ok(words_from(&Python::find()?.command()))
}

/// Returns the command for genpeimg from MinGW-w64.
pub(crate) fn genpeimg() -> Result<Words, String> {
    Ok(words_from(&Tree::find(GENPEIMG)?.command("usr/bin/genpeimg")))
}
