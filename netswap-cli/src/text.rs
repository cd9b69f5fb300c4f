//! Text from elsewhere as it can be shown, and the word that was probably meant.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::system;

/// A name from disk as it can be printed: what could move the cursor, start a line or turn the
/// reading direction is escaped, and so is what is not UTF-8.
#[derive(Clone, Copy)]
pub(crate) struct Printable<T>(pub(crate) T);

impl<T: AsRef<Path>> fmt::Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_ref().as_os_str().as_encoded_bytes().utf8_chunks() {
            write!(f, "{}", Escaped(chunk.valid()))?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// A path as JSON has it: a text, and where that is not the whole of it, the bytes in hexadecimal (on
/// Windows, the UTF-16 code units, little end first).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PathFields<'a> {
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl<'a> PathFields<'a> {
    pub(crate) fn of(path: &'a Path) -> Self {
        let path_bytes = path.to_str().is_none().then(|| hex(&system::path_bytes(path)));
        PathFields { path: path.to_string_lossy(), path_bytes }
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Text with its control and formatting characters escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for c in self.0.chars() {
            if c.is_control() || is_format(c) {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Characters that show nothing and change how what follows is read: line and paragraph separators,
/// and those of Unicode's Bidirectional Algorithm (UAX 9, table 1) and zero width.
fn is_format(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A library's message in one line, fit for a terminal.
pub(crate) fn one_line(message: &str) -> String {
    let lines: Vec<_> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Escaped(&lines.join(", ")).to_string()
}

/// The candidate that is so like `word` that it was probably meant.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_move_the_cursor_forge_a_line_or_turn_the_text() {
        let name = "a\nPASS b\r\u{1b}[2J\u{202e}exe.\u{2028}ü é.exe";
        assert_eq!(
            Printable(name).to_string(),
            "a\\nPASS b\\r\\u{1b}[2J\\u{202e}exe.\\u{2028}ü é.exe"
        );
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_utf_8_are_shown_in_hexadecimal() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"a\xff\xfe.exe");
        assert_eq!(Printable(name).to_string(), "a\\xff\\xfe.exe");
    }

    #[test]
    fn only_a_like_word_is_suggested() {
        let words = ["net-swap-missing", "unreadable"];
        assert_eq!(nearest("netswap-missing", words), Some("net-swap-missing"));
        assert_eq!(nearest("colour", words), None);
    }
}
