//! A text file to edit. Unchanged lines keep their line ends, and the file keeps its byte order
//! mark.

use similar::{Algorithm, DiffOp, capture_diff_slices};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A file's contents, and the text in them to edit.
#[derive(Clone, Debug)]
pub(super) struct TextFile {
    pub(super) original: String,
    /// The text, without the byte order mark. Each line ends with `\n`.
    pub(super) text: String,
}

/// A line's content and its end: `\n`, `\r\n`, or empty for the last line.
type Line<'a> = (&'a str, &'a str);

impl TextFile {
    pub(super) fn new(original: String) -> Self {
        let text = without_mark(&original).replace("\r\n", "\n");
        TextFile { original, text }
    }

    /// Returns the file's contents with this text instead. Lines in both texts keep their bytes. New
    /// lines get the file's most common line end. The last line has an end only if it had one before
    /// or is new.
    pub(super) fn with_text(&self, text: &str) -> String {
        let body = without_mark(&self.original);
        let (old, new) = (lines(body, &["\r\n", "\n"]), lines(text, &["\n"]));
        let count = |wanted: &str| old.iter().filter(|(_, end)| *end == wanted).count();
        let common_end = if count("\r\n") > count("\n") { "\r\n" } else { "\n" };
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
                    let kept = old.iter().skip(old_index).take(len);
                    for ((content, end), index) in kept.zip(new_index..) {
                        let is_last = index + 1 == new.len();
                        let end = if end.is_empty() && !is_last { common_end } else { end };
                        push((content, end));
                    }
                }
                DiffOp::Insert { new_index, new_len, .. }
                | DiffOp::Replace { new_index, new_len, .. } => {
                    for (content, end) in new.iter().skip(new_index).take(new_len) {
                        push((content, if end.is_empty() { "" } else { common_end }));
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

/// Splits a text into lines, which have one of these ends.
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
            assert_eq!(file.with_text(text), after, "{before:?}");
            assert_eq!(file.with_text(&file.text), before);
        }
    }

    proptest! {
        #[test]
        fn any_edit_keeps_the_text_and_the_mark(
            before in "(\u{feff})?([ab]{0,2}(\n|\r\n|\r)?){0,8}",
            after in "([abc]{0,2}\n?){0,8}",
        ) {
            let file = TextFile::new(before.clone());
            prop_assert_eq!(file.with_text(&file.text), before.clone());
            let written = TextFile::new(file.with_text(&after));
            prop_assert_eq!(written.text.trim_end_matches('\n'), after.trim_end_matches('\n'));
            prop_assert_eq!(written.original.starts_with('\u{feff}'), before.starts_with('\u{feff}'));
        }
    }

    #[test]
    fn text_lacks_byte_order_mark_and_carriage_returns() {
        assert_eq!(TextFile::new("\u{feff}a\r\nb".to_owned()).text, "a\nb");
    }
}
