//! Makes text from other sources safe to print, and suggests the word that was probably meant.

use std::borrow::Cow;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde_core::ser::{Serialize, SerializeMap, Serializer};

use crate::system;

/// A name from disk, escaped for printing. The escaped parts are bytes that are not UTF-8, and
/// characters that could move the cursor, start a line or change the reading direction.
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

/// The fields for a path in JSON: `path` as text and, if the path is not valid Unicode,
/// `path_bytes` in hexadecimal. On Windows the bytes are the UTF-16 code units in little-endian
/// order.
#[derive(Clone, Debug)]
pub struct PathFields<'a> {
    path: Cow<'a, str>,
    path_bytes: Option<String>,
}

impl<'a> PathFields<'a> {
    pub fn new(path: &'a Path) -> Self {
        let path_bytes = path.to_str().is_none().then(|| hex(&system::path_bytes(path)));
        PathFields { path: path.to_string_lossy(), path_bytes }
    }

    /// Adds the fields to an object.
    pub fn write_to<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error> {
        object.serialize_entry("path", &self.path)?;
        match &self.path_bytes {
            Some(bytes) => object.serialize_entry("path_bytes", bytes),
            None => Ok(()),
        }
    }
}

impl Serialize for PathFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        self.write_to(&mut object)?;
        object.end()
    }
}

/// Returns a number with its digits in groups of three: `1,024`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns a number and the noun that it counts: `1 image`, `1,024 images`.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// Returns the part of a summary that counts unreadable files and folders, or an empty string if
/// there are none.
pub fn unreadable(count: u64) -> String {
    if count == 0 { String::new() } else { format!(", {} unreadable", number(count)) }
}

/// Returns the line of a summary about files that were not read, because their content is in the
/// cloud or on tape.
pub fn offline(count: u64) -> String {
    let files = plural(count, "file was", "files were");
    format!("{files} not read: in the cloud or on tape; --recall fetches and reads them")
}

/// Returns the bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns the absolute path, with `.` and `..` resolved without looking at the disk. Two paths to
/// one file are then the same, unless they contain links.
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

/// Returns the shortest form of the path: relative to `here` if it is below that folder.
pub fn shown<'a>(path: &'a Path, here: &Path) -> &'a Path {
    let below = path.strip_prefix(here).ok().filter(|below| !below.as_os_str().is_empty());
    below.unwrap_or(path)
}

/// Returns a path quoted for the system's shell, which is `sh` or `cmd`. `cmd` has no way to write
/// the characters that [`Printable`] escapes.
pub fn quoted(path: &Path) -> String {
    // A dash would begin an option.
    let is_option = path.as_os_str().as_encoded_bytes().starts_with(b"-");
    let path = if is_option { &Path::new(".").join(path) } else { path };
    let shown = Printable(path).to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/\\:._-+,@%=".contains(c);
    if cfg!(windows) {
        if shown.chars().all(|c| is_plain(c) || c == '~') { shown } else { format!("\"{shown}\"") }
    } else if path.to_str() != Some(&shown) {
        dollar_quoted(path)
    } else if !shown.is_empty() && shown.chars().all(|c| is_plain(c) && c != '\\') {
        shown
    } else {
        format!("'{}'", shown.replace('\'', r"'\''"))
    }
}

/// Quotes a path with escape sequences in dollar-single-quotes (POSIX.1-2024, Shell Command Language,
/// 2.2.4).
fn dollar_quoted(path: &Path) -> String {
    let mut quoted = String::from("$'");
    let octal = |byte: &u8| format!("\\{byte:03o}");
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => quoted.extend(['\\', c]),
                c if is_escaped(c) => {
                    quoted.extend(c.encode_utf8(&mut [0; 4]).as_bytes().iter().map(octal));
                }
                c => quoted.push(c),
            }
        }
        quoted.extend(chunk.invalid().iter().map(octal));
    }
    quoted + "'"
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

/// Whether a character is escaped when a name is printed: a control character, or an invisible one
/// that changes how the following text is read. The latter are line and paragraph separators,
/// characters of zero width, and those of Unicode's Bidirectional Algorithm (UAX 9, table 1).
pub fn is_escaped(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

/// Returns a library's message as one line that is safe for a terminal.
pub fn one_line(message: &str) -> String {
    let lines: Vec<_> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Escaped(&lines.join(", ")).to_string()
}

/// Returns the candidate most similar to `word`, if it is similar enough that it was probably
/// meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates = candidates.into_iter().map(|candidate| (edits(word, candidate), candidate));
    let is_near = |&(edits, candidate): &(usize, &str)| 3 * edits <= candidate.len();
    candidates.filter(is_near).min_by_key(|&(edits, _)| edits).map(|(_, candidate)| candidate)
}

/// Returns the Levenshtein distance: the number of characters to insert, delete or replace to turn
/// one word into the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<_> = to.chars().collect();
    // For each prefix of `to`, the distance from the characters read so far.
    let mut row: Vec<_> = (0..=to.len()).collect();
    for (read, own) in from.chars().enumerate() {
        let mut left = read + 1;
        let mut next = vec![left];
        for ((above_left, above), other) in row.iter().zip(row.iter().skip(1)).zip(&to) {
            left = (above_left + usize::from(own != *other)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_for_the_terminal() {
        let name = "a\nPASS b\r\u{1b}[2J\u{202e}exe.\u{2028}ü é.exe";
        assert_eq!(
            Printable(name).to_string(),
            "a\\nPASS b\\r\\u{1b}[2J\\u{202e}exe.\\u{2028}ü é.exe"
        );
    }

    #[cfg(unix)]
    #[test]
    fn invalid_utf8_is_shown_in_hexadecimal() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"a\xff\xfe.exe");
        assert_eq!(Printable(name).to_string(), "a\\xff\\xfe.exe");
    }

    #[cfg(unix)]
    #[test]
    fn shell_reads_a_quoted_path_as_it_is() {
        use std::os::unix::ffi::OsStrExt;
        let names: [&[u8]; 8] = [
            b"share/tool-1.exe",
            b"a b's \\n.exe",
            b"$(id) `id` \"x\" *?[a]",
            b"a\n\xff\x1b[1m'\\7.exe",
            "\u{202e}exe.1 \u{fc}".as_bytes(),
            b"~root",
            b"-n",
            b"",
        ];
        for name in names {
            let path = Path::new(std::ffi::OsStr::from_bytes(name));
            let script = format!("printf %s {}", quoted(path));
            let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            let read = output.stdout.strip_prefix(b"./").unwrap_or(&output.stdout);
            assert_eq!(read, name, "{script}");
            assert_eq!(Printable(&script).to_string(), script);
        }
    }

    #[test]
    fn only_a_similar_word_is_suggested() {
        let words = ["net-swap-missing", "unreadable"];
        assert_eq!(nearest("netswap-missing", words), Some("net-swap-missing"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("", words), None);
        let table =
            [("", "", 0), ("net", "", 3), ("", "net", 3), ("nett", "net", 1), ("cd", "dc", 2)];
        for (from, to, expected) in table {
            assert_eq!(edits(from, to), expected, "{from} {to}");
        }
    }
}
