//! A text file that is edited. Unchanged parts keep their bytes, including line ends and the byte
//! order mark.

use similar::{Algorithm, DiffOp, capture_diff_slices};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A text, and its original form.
#[derive(Clone, Debug)]
pub(super) struct TextFile {
    pub(super) original: String,
    /// The text without a byte order mark. Each line ends with `\n`.
    pub(super) text: String,
}

/// A line without its end, and the end: `\n`, `\r\n`, or empty for the last line.
type Line<'a> = (&'a str, &'a str);

impl TextFile {
    pub(super) fn new(original: String) -> Self {
        let text = without_mark(&original).replace("\r\n", "\n");
        TextFile { original, text }
    }

    /// Returns the file with this text. Lines in both texts keep their bytes. New lines get the
    /// most common line end. The file ends with a line end only if it did before, or if its last
    /// line is new.
    pub(super) fn with(&self, text: &str) -> String {
        let body = without_mark(&self.original);
        let (old, new) = (lines(body, &["\r\n", "\n"]), lines(text, &["\n"]));
        let count = |wanted: &str| old.iter().filter(|(_, end)| *end == wanted).count();
        let usual = if count("\r\n") > count("\n") { "\r\n" } else { "\n" };
        let contents = |lines: &[Line<'_>]| -> Vec<String> {
            lines.iter().map(|(content, _)| (*content).to_owned()).collect()
        };
        let mut file = self.original.strip_suffix(body).unwrap_or_default().to_owned();
        let mut push = |(content, end): Line<'_>| {
            file.push_str(content);
            file.push_str(end);
        };
        for operation in capture_diff_slices(Algorithm::Myers, &contents(&old), &contents(&new)) {
            match operation {
                DiffOp::Equal { old_index, new_index, len } => {
                    let both = old.iter().skip(old_index).zip(new.iter().skip(new_index));
                    for (index, (line, _)) in both.take(len).enumerate() {
                        let is_last = new_index + index + 1 == new.len();
                        let end = if line.1.is_empty() && !is_last { usual } else { line.1 };
                        push((line.0, end));
                    }
                }
                DiffOp::Insert { new_index, new_len, .. }
                | DiffOp::Replace { new_index, new_len, .. } => {
                    for (content, end) in new.iter().skip(new_index).take(new_len) {
                        push((content, if end.is_empty() { "" } else { usual }));
                    }
                }
                DiffOp::Delete { .. } => {}
            }
        }
        file
    }
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Splits a text into lines that end with one of these.
fn lines<'a>(text: &'a str, ends: &[&'static str]) -> Vec<Line<'a>> {
    let split = |line| {
        let end = ends.iter().copied().find(|end| str::ends_with(line, end)).unwrap_or("");
        (line.strip_suffix(end).unwrap_or(line), end)
    };
    text.split_inclusive('\n').map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unchanged_lines_keep_their_line_ends() {
        for (before, text, after) in [
            ("a\nb\n", "a\nnew\nb\n", "a\nnew\nb\n"),
            ("a\r\nb\r\n", "a\nnew\nb\n", "a\r\nnew\r\nb\r\n"),
            ("a\nb\r\nc\r\n", "a\nb\nnew\nc\n", "a\nb\r\nnew\r\nc\r\n"),
            ("\u{feff}a\r\n", "new\na\n", "\u{feff}new\r\na\r\n"),
            ("a\nb", "new\na\nb\n", "new\na\nb"),
            ("a\nb", "a\nb\nnew\n", "a\nb\nnew\n"),
            ("a\r\nb", "a\nb\nnew\n", "a\r\nb\r\nnew\r\n"),
            ("main {}", "main {\n    new\n}", "main {\n    new\n}"),
            ("", "new\n", "new\n"),
            ("a\rb\n", "a\rb\nnew\n", "a\rb\nnew\n"),
        ] {
            let file = TextFile::new(before.to_owned());
            assert_eq!(file.with(text), after, "{before:?}");
            assert_eq!(file.with(&file.text), before);
        }
    }

    proptest! {
        #[test]
        fn same_text_gives_the_same_file(
            before in "(\u{feff})?([ab]{0,2}(\n|\r\n|\r)?){0,8}",
            after in "([abc]{0,2}\n?){0,8}",
        ) {
            let file = TextFile::new(before.clone());
            prop_assert_eq!(file.with(&file.text), before.clone());
            let written = TextFile::new(file.with(&after));
            prop_assert_eq!(written.text.trim_end_matches('\n'), after.trim_end_matches('\n'));
            prop_assert_eq!(written.original.starts_with('\u{feff}'), before.starts_with('\u{feff}'));
        }
    }

    #[test]
    fn text_lacks_byte_order_mark_and_carriage_returns() {
        assert_eq!(TextFile::new("\u{feff}a\r\nb".to_owned()).text, "a\nb");
    }
}
