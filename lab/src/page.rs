//! Pages of the book with parts that show results of a check. The check writes these parts with
//! `--write`, and otherwise compares them.

use std::fs;
use std::path::PathBuf;

use crate::files::{self, at, root};

/// The line after each part.
const END: &str = "<!-- end -->\n";

pub(crate) struct Page {
    path: PathBuf,
    text: String,
    /// The command that writes the parts.
    command: &'static str,
    /// Returns a part without what differs from run to run.
    stable: fn(&str) -> String,
}

impl Page {
    pub(crate) fn read(
        name: &str,
        command: &'static str,
        stable: fn(&str) -> String,
    ) -> Result<Self, String> {
        let path = root().join("docs").join("src").join(name);
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        Ok(Page { path, text, command, stable })
    }

    /// Returns the code blocks in this language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<String> {
        let fence = format!("```{language}\n");
        let after = self.text.split(&fence).skip(1);
        after.filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
    }

    /// Checks that a part shows this result, or writes the page with it.
    pub(crate) fn show(&mut self, name: &str, result: &str, write: bool) -> Result<(), String> {
        if !write {
            return self.check(name, result);
        }
        self.replace(name, result)?;
        files::write(&self.path, &self.text)
    }

    fn check(&self, name: &str, result: &str) -> Result<(), String> {
        let (_, part, _) = self.parts(name)?;
        if (self.stable)(part) == (self.stable)(result) {
            return Ok(());
        }
        Err(format!(
            "{} shows another result; `{}` replaces it by:\n{result}",
            self.path.display(),
            self.command
        ))
    }

    fn replace(&mut self, name: &str, result: &str) -> Result<(), String> {
        let (before, _, after) = self.parts(name)?;
        self.text = [before, result, after].concat();
        Ok(())
    }

    /// Returns the text before a part, the part, and the text after it.
    fn parts(&self, name: &str) -> Result<(&str, &str, &str), String> {
        let start = format!("<!-- {name}: written by `{}` -->\n", self.command);
        let parts = || {
            let from = self.text.find(&start)? + start.len();
            let (before, rest) = self.text.split_at_checked(from)?;
            let (between, after) = rest.split_at_checked(rest.find(END)?)?;
            Some((before, between, after))
        };
        parts().ok_or_else(|| format!("{} has no {start}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page {
            path: "page.md".into(),
            text: text.to_owned(),
            command: "cargo xtask a --write",
            stable: str::to_lowercase,
        }
    }

    const TEXT: &str = "a\n<!-- b: written by `cargo xtask a --write` -->\nold\n<!-- end -->\nc\n";

    #[test]
    fn page_with_another_part_is_found() {
        let mut page = page(TEXT);
        assert!(page.check("b", "OLD\n").is_ok() && page.check("b", "new\n").is_err());
        page.replace("b", "new\n").unwrap();
        assert_eq!(page.text, TEXT.replace("old", "new"));
        assert!(page.check("b", "new\n").is_ok());
        assert!(page.check("c", "").is_err() && page.replace("c", "").is_err());
    }

    #[test]
    fn blocks_of_one_language_are_found() {
        let page = page("a\n```sql\nb\n```\n```text\nc\n```\n```sql\nd\ne\n```\n");
        assert_eq!(page.blocks("sql"), ["b\n", "d\ne\n"]);
        assert!(page.blocks("sh").is_empty());
    }
}
