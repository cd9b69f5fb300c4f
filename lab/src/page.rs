//! Pages of the book with parts that show results of the tests. `cargo xtask windows --write`
//! writes these parts, and each run compares them.

use std::fs;
use std::path::PathBuf;

use crate::files::{self, at, root};

/// The line after each part.
const END: &str = "<!-- end -->\n";

pub(super) struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    pub(super) fn read(name: &str) -> Result<Self, String> {
        let path = root().join("docs").join("src").join(name);
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        Ok(Page { path, text })
    }

    /// Checks that a part shows this result, or writes the page with it.
    pub(super) fn show(&mut self, name: &str, result: &str, write: bool) -> Result<(), String> {
        if !write {
            return self.check(name, result);
        }
        self.replace(name, result)?;
        files::write(&self.path, &self.text)
    }

    fn check(&self, name: &str, result: &str) -> Result<(), String> {
        let (_, part, _) = self.parts(name)?;
        if stable(part) == stable(result) {
            return Ok(());
        }
        Err(format!(
            "{} shows another result; `cargo xtask windows --write` replaces it by:\n{result}",
            self.path.display()
        ))
    }

    fn replace(&mut self, name: &str, result: &str) -> Result<(), String> {
        let (before, _, after) = self.parts(name)?;
        self.text = [before, result, after].concat();
        Ok(())
    }

    /// Returns the text before a part, the part, and the text after it.
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

/// Returns the text with placeholders for the times and addresses, which differ from run to run.
fn stable(text: &str) -> String {
    const BEFORE_ADDRESS: [&str; 4] = ["reading", "to", "running", "+"];
    let mut before = "";
    let mut stable = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let trimmed = word.trim_end().trim_end_matches(',');
        let is_address = trimmed.starts_with("0x") && BEFORE_ADDRESS.contains(&before);
        stable += if is_address {
            "ADDRESS "
        } else if is_time(trimmed) {
            "TIME "
        } else {
            word
        };
        before = trimmed;
    }
    stable
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
        page.replace("b", "new\n").unwrap();
        assert_eq!(page.text, TEXT.replace("old", "new"));
        assert!(page.check("b", "new\n").is_ok());
        assert!(page.check("c", "").is_err() && page.replace("c", "").is_err());
    }

    #[test]
    fn only_times_and_addresses_may_differ() {
        let text = "at 2026-11-25T02:31:06Z, 0xC0000006, running 0x7ff61234\nx.dll + 0x1370\n";
        for (other, is_same) in [
            (text.replace("02:31:06", "17:00:00"), true),
            (text.replace("0x7ff61234", "0x1"), true),
            (text.replace("0x1370", "0x2000"), true),
            (text.replace("0xC0000006", "0xC0000005"), false),
            (text.replace("running", "reading"), false),
            (text.replace("2026-11-25T02:31:06Z", "never"), false),
        ] {
            assert_eq!(stable(text) == stable(&other), is_same, "{other}");
        }
    }
}
