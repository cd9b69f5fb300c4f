//! Pages of the book that show observed results. `cargo xtask windows --write` writes these parts,
//! and each run compares them.

use std::fs;
use std::path::PathBuf;

use crate::process::root;

/// The mark behind each part.
const END: &str = "<!-- end -->\n";

pub(super) struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    /// Reads the page with this file name.
    pub(super) fn read(name: &str) -> Result<Self, String> {
        let path = root().join("docs").join("src").join(name);
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Page { path, text })
    }

    /// Checks that a part shows what was observed.
    pub(super) fn check(&self, name: &str, seen: &str) -> Result<(), String> {
        let (_, part, _) = self.parts(name)?;
        if steady(part) == steady(seen) {
            return Ok(());
        }
        Err(format!(
            "{} tells otherwise than what was seen; `cargo xtask windows --write` writes this:\n{seen}",
            self.path.display()
        ))
    }

    /// Replaces a part by what was observed.
    pub(super) fn put(&mut self, name: &str, seen: &str) -> Result<(), String> {
        let (before, _, after) = self.parts(name)?;
        self.text = [before, seen, after].concat();
        Ok(())
    }

    /// Writes the page.
    pub(super) fn write(self) -> Result<(), String> {
        fs::write(&self.path, &self.text)
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// Returns the text before a part, the part without its marks, and the text behind it.
    fn parts(&self, name: &str) -> Result<(&str, &str, &str), String> {
        let start = format!("<!-- {name}: written by `cargo xtask windows --write` -->\n");
        let parts = || {
            let from = self.text.find(&start)? + start.len();
            let (before, rest) = self.text.split_at_checked(from)?;
            let (between, after) = rest.split_at_checked(rest.find(END)?)?;
            Some((before, between, after))
        };
        parts().ok_or_else(|| format!("{} has no {start}", self.path.display()))
    }
}

/// Returns the text without the parts that differ from run to run: times, and addresses, which the
/// loader chooses.
fn steady(text: &str) -> String {
    const BEFORE_ADDRESS: [&str; 4] = ["reading", "to", "running", "+"];
    let mut before = "";
    let mut steady = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let bare = word.trim_end().trim_end_matches(',');
        let is_address = bare.starts_with("0x") && BEFORE_ADDRESS.contains(&before);
        steady += if is_address {
            "ADDRESS "
        } else if is_time(bare) {
            "TIME "
        } else {
            word
        };
        before = bare;
    }
    steady
}

/// Whether this is a time such as `2026-11-25T02:31:06Z`.
fn is_time(word: &str) -> bool {
    let shape = |character: char| if character.is_ascii_digit() { '0' } else { character };
    word.chars().map(shape).eq("0000-00-00T00:00:00Z".chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page { path: "page.md".into(), text: text.to_owned() }
    }

    const TEXT: &str =
        "a\n<!-- b: written by `cargo xtask windows --write` -->\nold\n<!-- end -->\nc\n";

    #[test]
    fn page_with_another_part_is_found() {
        let mut page = page(TEXT);
        assert!(page.check("b", "old\n").is_ok() && page.check("b", "new\n").is_err());
        page.put("b", "new\n").unwrap();
        assert_eq!(page.text, TEXT.replace("old", "new"));
        assert!(page.check("b", "new\n").is_ok());
        assert!(page.check("c", "").is_err() && page.put("c", "").is_err());
    }

    #[test]
    fn only_times_and_addresses_may_differ() {
        let said = "at 2026-11-25T02:31:06Z, 0xC0000006, running 0x7ff61234\nx.dll + 0x1370\n";
        for (other, is_same) in [
            (said.replace("02:31:06", "17:00:00"), true),
            (said.replace("0x7ff61234", "0x1"), true),
            (said.replace("0x1370", "0x2000"), true),
            (said.replace("0xC0000006", "0xC0000005"), false),
            (said.replace("running", "reading"), false),
            (said.replace("2026-11-25T02:31:06Z", "never"), false),
        ] {
            assert_eq!(steady(said) == steady(&other), is_same, "{other}");
        }
    }
}
