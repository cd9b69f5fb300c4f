//! The changes as a unified diff, for `git apply` and `patch -p1`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use netswap::output::{Color, Out, color};
use netswap::text::{Printable, shown};
use similar::TextDiff;

use super::files::FileChange;

/// Prints the diff. On a terminal, or with `--color always`, it is coloured, and characters that could move the cursor are
/// escaped. Elsewhere its bytes are unchanged.
pub(super) fn print(changes: &[FileChange], root: &Path) -> io::Result<()> {
    let is_for_people = io::stdout().is_terminal() || color() == Color::Always;
    let mut out = Out::new(is_for_people);
    for change in changes {
        let diff = unified(change, root);
        if is_for_people {
            for line in diff.lines() {
                let style = style(line);
                writeln!(out, "{style}{}{style:#}", printable(line))?;
            }
        } else {
            out.write_all(diff.as_bytes())?;
        }
    }
    out.flush()
}

fn unified(change: &FileChange, root: &Path) -> String {
    let (before, from) = match &change.before {
        Some(before) => (before.as_str(), name("a/", change, root)),
        None => ("", "/dev/null".to_owned()),
    };
    let lines = |text| str::split_inclusive(text, '\n').collect::<Vec<_>>();
    let (old, new) = (lines(before), lines(&change.after));
    let diff = TextDiff::configure().newline_terminated(true).diff_slices(&old, &new);
    diff.unified_diff().header(&from, &name("b/", change, root)).to_string()
}

/// Returns the file's name as git writes it. A tab follows a name with a space. A name is quoted if
/// a character in it could end a line or a name.
fn name(side: &str, change: &FileChange, root: &Path) -> String {
    let name = shown(&change.path, root).to_string_lossy();
    let name = if cfg!(windows) { name.replace('\\', "/") } else { name.into_owned() };
    let name = format!("{side}{name}");
    if !name.contains(|c: char| c.is_control() || c == '"' || c == '\\') {
        return if name.contains(' ') { name + "\t" } else { name };
    }
    let mut quoted = "\"".to_owned();
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted.extend(format!("\\{byte:03o}").chars()),
        }
    }
    quoted + "\""
}

fn style(line: &str) -> Style {
    match line.as_bytes() {
        [b'+', b'+', b'+', b' ', ..] | [b'-', b'-', b'-', b' ', ..] => Style::new().bold(),
        [b'+', ..] => AnsiColor::Green.on_default(),
        [b'-', ..] => AnsiColor::Red.on_default(),
        [b'@', b'@', ..] => AnsiColor::Cyan.on_default(),
        _ => Style::new(),
    }
}

/// Escapes all characters of a line that could move the cursor. Tabs are harmless and stay.
fn printable(line: &str) -> String {
    let parts: Vec<_> = line.split('\t').map(|part| Printable(part).to_string()).collect();
    parts.join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diff_has_gits_format() {
        let change = |before: Option<&str>, after: &str| FileChange {
            path: "/w/a/b.rs".into(),
            before: before.map(str::to_owned),
            after: after.to_owned(),
        };
        let root = Path::new("/w");
        assert_eq!(
            unified(&change(None, "x\n"), root),
            "--- /dev/null\n+++ b/a/b.rs\n@@ -0,0 +1 @@\n+x\n"
        );
        assert_eq!(
            unified(&change(Some("x\r\ny"), "x\r\nz"), root),
            "--- a/a/b.rs\n+++ b/a/b.rs\n@@ -1,2 +1,2 @@\n x\r\n-y\n\\ No newline at end of file\n+z\n\\ No newline at end of file\n"
        );
    }

    #[test]
    fn names_are_quoted_as_git_quotes_them() {
        let of = |path: &str| {
            let change = FileChange { path: path.into(), before: None, after: String::new() };
            name("b/", &change, Path::new("/w"))
        };
        assert_eq!(of("/w/a/ü.rs"), "b/a/ü.rs");
        assert_eq!(of("/w/a b.rs"), "b/a b.rs\t");
        assert_eq!(of("/w/\"a\nb\u{1b}ü"), r#""b/\"a\012b\033\303\274""#);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("+\tlet a = \"\u{1b}[2J\";\r"), "+\tlet a = \"\\u{1b}[2J\";\\r");
    }
}
