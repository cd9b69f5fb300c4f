//! Text from elsewhere as it can be shown, and the word that was probably meant.

use std::borrow::Cow;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::system;

/// A name from disk as it can be printed: what could move the cursor, start a line or turn the
/// reading direction is escaped, and so is what is not UTF-8.
#[derive(Clone, Copy)]
pub struct Printable<T>(pub T);

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
pub struct PathFields<'a> {
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl<'a> PathFields<'a> {
    pub fn of(path: &'a Path) -> Self {
        let path_bytes = path.to_str().is_none().then(|| hex(&system::path_bytes(path)));
        PathFields { path: path.to_string_lossy(), path_bytes }
    }
}

/// A number and what it counts, in groups of three digits: `1 image`, `1,024 images`.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {}", if count == 1 { one } else { many })
}

/// What of a summary tells of files and folders that could not be read; nothing if there are none.
pub fn unreadable(count: u64) -> String {
    if count == 0 { String::new() } else { format!(", {count} unreadable") }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The path in full, with `.` and `..` resolved by the letter: two paths of one file are the same then,
/// unless links are in play.
pub fn normal(path: &Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut normal = PathBuf::new();
    for component in full.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            component => normal.push(component),
        }
    }
    normal
}

/// The path as it is shortest: below this folder without the folder.
pub fn shown<'a>(path: &'a Path, here: &Path) -> &'a Path {
    let below = path.strip_prefix(here).ok().filter(|below| !below.as_os_str().is_empty());
    below.unwrap_or(path)
}

/// A path as it can be pasted into a shell: that of the system, `sh` or `cmd`. One that can't be shown
/// as it is can't be pasted.
pub fn quoted(path: &Path) -> String {
    let shown = Printable(path).to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/\\:._-+,@%=~".contains(c);
    if shown.chars().all(is_plain) && (cfg!(windows) || !shown.contains('\\')) {
        shown
    } else if cfg!(windows) {
        format!("\"{shown}\"")
    } else {
        format!("'{}'", shown.replace('\'', r"'\''"))
    }
}

/// Text with its control and formatting characters escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(is_escaped) {
            f.write_str(part.strip_suffix(is_escaped).unwrap_or(part))?;
            if let Some(c) = part.chars().next_back().filter(|c| is_escaped(*c)) {
                write!(f, "{}", c.escape_default())?;
            }
        }
        Ok(())
    }
}

/// Whether a character is escaped where a name is printed.
pub fn is_escaped(c: char) -> bool {
    c.is_control() || is_format(c)
}

/// Characters that show nothing and change how what follows is read: line and paragraph separators,
/// and those of Unicode's Bidirectional Algorithm (UAX 9, table 1) and zero width.
fn is_format(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A library's message in one line, fit for a terminal.
pub fn one_line(message: &str) -> String {
    let lines: Vec<_> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Escaped(&lines.join(", ")).to_string()
}

/// The candidate that is so like `word` that it was probably meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
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
