//! Lines of at most 80 columns.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::text::{Printable, quoted};

/// The width of a terminal that nobody has made wider.
const WIDTH: usize = 80;

/// Writes words with a separator between them, in lines with this indent. A word that is longer than
/// a line stays whole, so that it can be copied.
pub fn write_wrapped<'a>(
    words: impl IntoIterator<Item = &'a str>,
    separator: &str,
    indent: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut line = String::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let end = if words.peek().is_some() { separator } else { "" };
        let length = width(word) + width(end.trim_end());
        if !line.is_empty() && indent + width(&line) + length > WIDTH {
            writeln!(out, "{:indent$}{}", "", line.trim_end())?;
            line.clear();
        }
        line.push_str(word);
        line.push_str(end);
    }
    if line.is_empty() { Ok(()) } else { writeln!(out, "{:indent$}{}", "", line.trim_end()) }
}

/// Returns the number of characters without the sequences that set colours.
fn width(text: &str) -> usize {
    let mut parts = text.split('\x1b');
    let first = parts.next().map_or(0, |part| part.chars().count());
    let rest = parts.map(|part| part.split_once('m').map_or(0, |(_, part)| part.chars().count()));
    first + rest.sum::<usize>()
}

/// Whether these texts in one line are wider than a terminal.
pub fn is_longer_than_line(texts: [&str; 2], indent: usize) -> bool {
    indent + texts.map(width).into_iter().sum::<usize>() > WIDTH
}

/// Writes a text of several lines, with `FILE` at the end of a command replaced by `paths`. Lines
/// that are indented are to be copied, so they are not wrapped.
pub fn write_text(
    text: &str,
    paths: Option<&str>,
    indent: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for line in text.lines() {
        if !line.starts_with(' ') {
            write_wrapped(line.split(' '), " ", indent, out)?;
            continue;
        }
        writeln!(out, "{:indent$}{}", "", with_paths(line, paths))?;
    }
    Ok(())
}

/// Returns a command with `FILE` at its end replaced by `paths`.
pub fn with_paths<'a>(command: &'a str, paths: Option<&str>) -> Cow<'a, str> {
    match (command.strip_suffix(" FILE"), paths) {
        (Some(command), Some(paths)) => format!("{command} {paths}").into(),
        _ => command.into(),
    }
}

/// The files that a command is about: all of them if there are few, or else the folder that holds
/// them.
#[derive(Debug, Default)]
pub struct Paths {
    first: Vec<PathBuf>,
    /// The folder that all paths are in. `None` before the first path, or if there is no such
    /// folder.
    folder: Option<PathBuf>,
    count: u64,
}

/// The number of files that a command names.
const MAX_FILES: u64 = 3;

impl Paths {
    pub fn add(&mut self, path: &Path) {
        self.count += 1;
        if self.count <= MAX_FILES {
            self.first.push(path.to_owned());
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        self.folder = match &self.folder {
            None if self.count == 1 => Some(folder.to_owned()),
            None => None,
            Some(common) if folder.starts_with(common) => return,
            Some(common) => {
                common.ancestors().find(|common| folder.starts_with(common)).map(Path::to_owned)
            }
        };
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the paths as arguments of a command, or `None` if the files have no folder in common.
    pub fn arguments(&self) -> Option<String> {
        if self.count <= MAX_FILES {
            return Some(self.first.iter().map(|path| quoted(path)).collect::<Vec<_>>().join(" "));
        }
        let folder = self.folder.as_deref()?;
        let is_relative = self.first.iter().all(|path| path.is_relative());
        if folder.as_os_str().is_empty() {
            is_relative.then(|| ".".to_owned())
        } else {
            Some(quoted(folder))
        }
    }
}

/// Formats a path for a line that begins with it: `.` for the current folder.
pub fn folder_name(folder: &Path) -> String {
    let is_here = folder.as_os_str().is_empty();
    if is_here { ".".to_owned() } else { Printable(folder).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(words: &[&str]) -> String {
        let mut out = Vec::new();
        write_wrapped(words.iter().copied(), ", ", 4, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_line_is_longer_than_80_columns() {
        assert_eq!(wrapped(&[]), "");
        assert_eq!(wrapped(&["a.exe", "b.dll"]), "    a.exe, b.dll\n");
        let names: Vec<_> = (0..100).map(|number| format!("name-{number}.dll")).collect();
        let text = wrapped(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(text.lines().all(|line| line.len() <= 80 && line.starts_with("    n")), "{text}");
        assert!(text.lines().filter(|line| line.len() < 66).count() <= 1, "{text}");
        let bold = format!("\x1b[1m{}\x1b[0m", "x".repeat(70));
        assert_eq!(wrapped(&[&bold, "abc"]), format!("    {bold}, abc\n"));
        let long = "x".repeat(100);
        assert_eq!(wrapped(&["a", &long, "b"]), format!("    a,\n    {long},\n    b\n"));
    }

    #[test]
    fn commands_get_paths_and_are_not_wrapped() {
        let words = "word ".repeat(20);
        let text = format!("{words}\n    netswap patch FILE\n    FILE of no command");
        let mut out = Vec::new();
        write_text(&text, Some("'a b'"), 2, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.ends_with("\n      netswap patch 'a b'\n      FILE of no command\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 4, "{text}");
    }

    #[test]
    fn few_files_are_named_and_many_by_their_folder() {
        let arguments = |paths: &[&str]| {
            let mut all = Paths::default();
            for path in paths {
                all.add(Path::new(path));
            }
            all.arguments()
        };
        for (paths, expected) in [
            (&["a/b.exe"][..], Some("a/b.exe")),
            (&["a/b.exe", "c/d.exe", "e.exe"], Some("a/b.exe c/d.exe e.exe")),
            (&["a/1", "a/2", "a/3", "a/4"], Some("a")),
            (&["a/b/1", "a/b/2", "a/c/3", "a/4"], Some("a")),
            (&["a/1", "b/2", "a/3", "a/4"], Some(".")),
            (&["1", "2", "3", "4"], Some(".")),
            (&["./a/1", "./b/2", "./b/3", "./b/4"], Some(".")),
            (&["a/1", "/b/2", "/b/3", "/b/4"], None),
        ] {
            assert_eq!(arguments(paths).as_deref(), expected, "{paths:?}");
        }
    }
}
