//! The page of toolchains: what was seen, as a table in `docs/src/toolchains.md`.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use super::seen::{Seen, SetBy};
use crate::process::root;

/// Around what is written here; the rest of the page is by hand.
const TABLE: [&str; 2] =
    ["<!-- seen: written by `cargo xtask windows --write` -->\n", "<!-- end -->\n"];
/// Around the versions, which differ from machine to machine.
const VERSIONS: [&str; 2] = ["<!-- versions: written with it -->\n", "<!-- end -->\n"];

pub(super) struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    pub(super) fn read() -> Result<Self, String> {
        let path = root().join("docs").join("src").join("toolchains.md");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Page { path, text })
    }

    /// The error that it tells otherwise than what was seen, if it does.
    pub(super) fn check(&self, seen: &[Seen]) -> Result<(), String> {
        let (_, table, _) = self.parts(TABLE)?;
        let expected = table_of(seen);
        if table == expected {
            return Ok(());
        }
        Err(format!(
            "{} tells otherwise than what was seen; `cargo xtask windows --write` writes this:\n{expected}",
            self.path.display()
        ))
    }

    /// Writes what was seen, and with what.
    pub(super) fn write(mut self, seen: &[Seen], versions: &[String]) -> Result<(), String> {
        let list = format!("- {}\n", versions.join("\n- "));
        for (marks, text) in [(TABLE, table_of(seen)), (VERSIONS, list)] {
            let (before, _, after) = self.parts(marks)?;
            self.text = [before, &text, after].concat();
        }
        fs::write(&self.path, &self.text)
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// What is before, between and behind the marks, with these.
    fn parts(&self, [start, end]: [&str; 2]) -> Result<(&str, &str, &str), String> {
        let parts = || {
            let from = self.text.find(start)? + start.len();
            let (before, rest) = self.text.split_at_checked(from)?;
            let (between, after) = rest.split_at_checked(rest.find(end)?)?;
            Some((before, between, after))
        };
        parts().ok_or_else(|| format!("{} has no {start}", self.path.display()))
    }
}

/// A row for each way, in the order of the tests.
fn table_of(seen: &[Seen]) -> String {
    let mut table = "| target | linked by | the bit is set by | image | with `NETSWAP=off` | else | and run |\n\
        |---|---|---|---|---|---|---|\n"
        .to_owned();
    for Seen { target, linked_by, set_by, image, off, on, is_run } in seen {
        let set_by = match set_by {
            SetBy::Argument(argument) => format!("`{argument}`"),
            SetBy::Linker => "netswap-linker".to_owned(),
            SetBy::Nothing => "nothing; a warning".to_owned(),
        };
        let run = if *is_run { "yes" } else { "" };
        let row = format!(
            "| `{target}` | {linked_by} | {set_by} | {image} | `{off:#06x}` | `{on:#06x}` | {run} |\n"
        );
        let _ = table.write_str(&row);
    }
    table
}
