//! An explanation for people who read it on a terminal: Markdown without its marks.
//!
//! The explanations use headings, paragraphs, lists, indented code blocks and code in a line.

use anstyle::Style;
use netswap::style::NAME;

/// The width in columns beyond which lines are hard to read.
const MAX_WIDTH: usize = 80;

/// Returns the width for text on the terminal at standard output.
pub(super) fn terminal_width() -> usize {
    let width = terminal_size::terminal_size_of(std::io::stdout());
    width.map_or(MAX_WIDTH, |(width, _)| usize::from(width.0).min(MAX_WIDTH))
}

/// Formats Markdown in lines of at most this many columns. Longer words and code are not broken.
pub(super) fn format(markdown: &str, width: usize) -> String {
    let mut page =
        Page { width, text: String::new(), words: String::new(), indent: "", bullet: "" };
    let mut is_in_list = false;
    for line in markdown.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        let code_indent = if is_in_list { 6 } else { 4 };
        if content.is_empty() {
            page.end_paragraph();
            page.text.push('\n');
        } else if indent >= code_indent && page.words.is_empty() {
            page.add_line(line);
        } else if let Some(heading) =
            line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
        {
            page.end_paragraph();
            page.add_line(&format!("{NAME}{heading}{NAME:#}"));
            is_in_list = false;
        } else if let Some(item) = line.strip_prefix("- ") {
            page.end_paragraph();
            (page.indent, page.bullet) = ("  ", "- ");
            page.words += item;
            is_in_list = true;
        } else {
            if indent == 0 && page.words.is_empty() {
                is_in_list = false;
            }
            if page.words.is_empty() {
                let indent = if is_in_list { "  " } else { "" };
                (page.indent, page.bullet) = (indent, indent);
            }
            page.words.extend([" ", content]);
        }
    }
    page.end_paragraph();
    page.text
}

/// The text so far, and the paragraph that is being read.
struct Page {
    width: usize,
    text: String,
    words: String,
    /// The start of the paragraph's first line.
    bullet: &'static str,
    /// The start of its other lines.
    indent: &'static str,
}

impl Page {
    fn add_line(&mut self, line: &str) {
        self.text.extend([line, "\n"]);
    }

    /// Adds the paragraph in lines. Backticks switch the style of code on and off.
    fn end_paragraph(&mut self) {
        let words = std::mem::take(&mut self.words);
        let (mut column, mut is_code, mut start) = (0, false, self.bullet);
        for word in words.split_whitespace() {
            let length = word.chars().filter(|c| *c != '`').count();
            if column > 0 && column + 1 + length > self.width {
                self.text.push('\n');
                column = 0;
            }
            self.text += if column == 0 { std::mem::replace(&mut start, self.indent) } else { " " };
            column += length + if column == 0 { self.indent.len() } else { 1 };
            for (index, part) in word.split('`').enumerate() {
                is_code ^= index > 0;
                let is_shown = is_code && !part.is_empty();
                let style = if is_shown { NAME } else { Style::new() };
                self.text.extend([
                    &style.render().to_string(),
                    part,
                    &style.render_reset().to_string(),
                ]);
            }
        }
        if column > 0 {
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netswap::Code;

    /// Returns the text without styles.
    fn plain(markdown: &str, width: usize) -> String {
        let text = format(markdown, width);
        text.replace(&NAME.to_string(), "").replace(&format!("{NAME:#}"), "")
    }

    #[test]
    fn marks_become_styles_and_lines_are_wrapped() {
        let markdown = "# code\n\nThe line `a --b` is\nlong.\n\n    netswap patch FILE\n\n## What to do\n\n\
            - One `two three` four\n  five.\n\n      code in a list\n\n  Six.\n- Seven.\n\nEight.\n";
        let expected = "code\n\nThe line a --b\nis long.\n\n    netswap patch FILE\n\nWhat to do\n\n\
            - One two\n  three four\n  five.\n\n      code in a list\n\n  Six.\n- Seven.\n\nEight.\n";
        assert_eq!(plain(markdown, 14), expected);
        let bold = format("# a\n\nb `c d`.\n", 80);
        assert_eq!(bold, format!("{NAME}a{NAME:#}\n\nb {NAME}c{NAME:#} {NAME}d{NAME:#}.\n"));
    }

    #[test]
    fn explanations_keep_their_words_and_fit() {
        for code in Code::ALL {
            for width in [1, 30, 80] {
                let text = plain(code.explanation(), width);
                let marks = ['`', '#'];
                assert!(!text.contains(marks), "{text}");
                let words = |text: &str| {
                    text.replace(marks, "")
                        .split_whitespace()
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                };
                assert_eq!(words(&text), words(code.explanation()), "{code}");
                for line in text.lines().filter(|line| width == 80 && line.len() > 80) {
                    assert!(line.starts_with("    "), "{line}");
                }
            }
        }
    }
}
