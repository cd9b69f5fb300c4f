//! The result of a link with and without netswap: a row on the page of toolchains.

use std::fs;
use std::path::{Path, PathBuf};

use netswap::Content;
use serde_json::Value;

use crate::files::{at, files_below};
use crate::readers;

pub(super) const NETWORK_BIT: u16 = 0x0800;

/// One way to link for one target, and its result.
pub(super) struct LinkResult {
    pub(super) target: String,
    /// A description of the linker.
    pub(super) linked_by: &'static str,
    /// The argument or program that set the bit.
    pub(super) set_by: SetBy,
    /// The image whose Characteristics were read.
    pub(super) image: String,
    /// The Characteristics with `NETSWAP=off` and without.
    pub(super) off: u16,
    pub(super) on: u16,
    /// Whether the image was also run.
    pub(super) is_run: bool,
}

/// The argument or program that sets the bit, according to netswap-build's receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SetBy {
    /// This linker argument.
    Argument(String),
    /// netswap-linker, after the link.
    Linker,
    /// Nothing sets the bit, and netswap-build prints a warning.
    Nothing,
}

impl LinkResult {
    /// Returns the result if the bit is set where it should be and nowhere else.
    pub(super) fn checked(self) -> Result<Self, String> {
        let is_set = |characteristics: u16| characteristics & NETWORK_BIT != 0;
        let expected = self.set_by != SetBy::Nothing;
        let LinkResult { target, linked_by, set_by, image, off, on, .. } = &self;
        ensure!(
            !is_set(*off) && is_set(*on) == expected,
            "{image} for {target}, linked by {linked_by}: Characteristics are {on:#06x}, with NETSWAP=off {off:#06x}, but the bit is set by {set_by:?}"
        );
        Ok(self)
    }
}

impl SetBy {
    /// Reads the package's newest receipt below Cargo's folder for the target.
    pub(super) fn find(package: &str, target_dir: &Path, target: &str) -> Result<Self, String> {
        let receipt = newest_receipt(&target_dir.join(target).join("debug/build"), package)?;
        let text = fs::read_to_string(&receipt).map_err(|error| error.to_string())?;
        let failed = || format!("{}: {text}", receipt.display());
        let receipt: Value = serde_json::from_str(&text).map_err(|_| failed())?;
        let arguments = receipt.get("arguments").and_then(Value::as_array).ok_or_else(failed)?;
        let arguments: Vec<_> = arguments.iter().filter_map(Value::as_str).collect();
        match (receipt.get("outcome").and_then(Value::as_str), &arguments[..]) {
            (Some("emitted"), [argument]) => Ok(SetBy::Argument((*argument).to_owned())),
            (Some("left-to-linker"), []) => Ok(SetBy::Linker),
            (Some("unsupported"), []) => Ok(SetBy::Nothing),
            _ => Err(failed()),
        }
    }
}

/// Returns the package's newest receipt in any folder: `OUT_DIR` depends on Cargo's version.
fn newest_receipt(build: &Path, package: &str) -> Result<PathBuf, String> {
    let mut receipts = Vec::new();
    let mut files = files_below(build)?;
    files.retain(|path| path.ends_with("out/netswap-receipt.json"));
    for path in files {
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        let receipt: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
        if receipt.get("package").is_some_and(|name| name == package) {
            receipts.push((modified.map_err(at(&path))?, path));
        }
    }
    let newest = receipts.into_iter().max().map(|newest| newest.1);
    newest.ok_or_else(|| format!("{} contains no receipt of {package}", build.display()))
}

/// Returns the table of the page: a row for each way, in the order of the tests.
pub(super) fn table(results: &[LinkResult]) -> String {
    let mut table = "| target | linked by | the bit is set by | image | with `NETSWAP=off` | else | and run |\n\
        |---|---|---|---|---|---|---|\n"
        .to_owned();
    for LinkResult { target, linked_by, set_by, image, off, on, is_run } in results {
        let set_by = match set_by {
            SetBy::Argument(argument) => format!("`{argument}`"),
            SetBy::Linker => "netswap-linker".to_owned(),
            SetBy::Nothing => "nothing; a warning".to_owned(),
        };
        let run = if *is_run { "yes" } else { "" };
        let row = format!(
            "| `{target}` | {linked_by} | {set_by} | {image} | `{off:#06x}` | `{on:#06x}` | {run} |\n"
        );
        table += &row;
    }
    table
}

/// Returns the Characteristics of an image. netswap and llvm-readobj must agree on them.
pub(super) fn characteristics(image: &Path) -> Result<u16, String> {
    let expected = readers::characteristics(image)?;
    match netswap::image::read(image) {
        Ok(Content::Image(header)) if header.characteristics == expected => Ok(expected),
        ours => Err(format!(
            "{}: netswap reads {ours:?}, but llvm-readobj {expected:#06x}",
            image.display()
        )),
    }
}
