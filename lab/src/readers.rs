//! Readers that share no code with netswap: pefile, lief and llvm-readobj for Windows images,
//! minidump for crash dumps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::corpus::Corpus;
use crate::files::{create_folder, root, scratch};
use crate::process::output;
use crate::tools::{LLVM, Python, Tree};

/// The readers, by their names in `corpus/read.py`.
pub(crate) const READERS: [&str; 3] = ["pefile", "lief", "llvm-readobj"];

/// The report about each file, by its path below the corpus root.
pub(crate) type Images = BTreeMap<String, Value>;

/// Returns a reader's report about each image: the objects that `corpus/read.py` prints.
pub(crate) fn read(reader: &str, corpus: &Corpus) -> Result<Images, String> {
    let mut script = Python::find()?.command();
    script.arg(root().join("lab/corpus/read.py")).arg("--with").arg(reader);
    if reader == "llvm-readobj" {
        script.arg("--llvm-readobj").arg(llvm_readobj()?);
    }
    script.arg(&corpus.root).args(&corpus.folders);
    Ok(by_path(lines(&output(&mut script)?)?, &corpus.root))
}

/// Returns the rows by their paths below `root`. Skips rows without a path, which contain totals.
pub(crate) fn by_path(rows: Vec<Value>, root: &Path) -> Images {
    let path = |row: &Value| {
        let path = Path::new(row.get("path")?.as_str()?);
        let below = path.strip_prefix(root).unwrap_or(path);
        Some(below.to_string_lossy().replace('\\', "/"))
    };
    rows.into_iter().filter_map(|row| Some((path(&row)?, row))).collect()
}

pub(crate) fn lines(text: &str) -> Result<Vec<Value>, String> {
    let parse = |line| serde_json::from_str(line).map_err(|error| format!("{error}: `{line}`"));
    text.lines().map(parse).collect()
}

/// Returns an image's Characteristics as llvm-readobj reads them.
pub(crate) fn characteristics(image: &Path) -> Result<u16, String> {
    let text = output(Command::new(llvm_readobj()?).arg("--file-headers").arg(image))?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Characteristics [ (0x"));
    let digits = line.and_then(|line| line.split(')').next());
    let number = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| format!("llvm-readobj prints no Characteristics of {}", image.display()))
}

/// Returns the path of a script that runs llvm-readobj.
pub(crate) fn llvm_readobj() -> Result<PathBuf, String> {
    let script = create_folder(scratch("bin"))?.join("llvm-readobj");
    Tree::find(LLVM)?.write_script(&script, "usr/lib/llvm-14/bin/llvm-readobj", "")?;
    Ok(script)
}
