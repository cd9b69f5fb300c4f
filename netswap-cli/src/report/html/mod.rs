//! A report as one web page, for people who don't have netswap. The page needs no other file, and
//! loads nothing from a network.
//!
//! It begins with a summary, continues with the causes and their remedies, and ends with a table of
//! all files. The page's script draws the table from JSON, because a browser can't lay out 100,000
//! rows quickly. Everything above the table works without the script.

mod data;
mod sections;
mod verify;

use std::io::{self, Write};
use std::path::PathBuf;

use netswap::Code;
use netswap::report::causes::Causes;
use netswap::report::spool::SpoolFile;
use netswap::text::Printable;
use serde::Serialize;

pub(super) use self::verify::VerifyHtml;
use super::Row;

/// The parts of a page that are the same in every report of a command.
pub(crate) struct Layout {
    /// The command: `netswap verify`.
    pub(crate) command: &'static str,
    pub(crate) noun: Noun,
    /// The names of a row's cells.
    pub(crate) cells: &'static [&'static str],
    /// The columns of the table. Those without a value in any row are not shown.
    pub(crate) columns: &'static [Column],
    pub(crate) statuses: &'static [Status],
    /// The title of the printed table of the rows with a bad status.
    pub(crate) bad_title: &'static str,
    /// Returns the status of all files with this code, if they have the same, for a link to them.
    pub(crate) status_of: fn(Code) -> Option<&'static str>,
    /// Whether `FILE` in a remedy stands for the files of the report.
    pub(crate) replaces_file: bool,
}

/// The word for a row.
#[derive(Serialize)]
pub(crate) struct Noun {
    pub(crate) one: &'static str,
    pub(crate) many: &'static str,
}

pub(crate) struct Column {
    /// The name of its cell.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) kind: ColumnKind,
    pub(crate) is_printed: bool,
}

impl Column {
    pub(crate) const fn new(name: &'static str, title: &'static str, kind: ColumnKind) -> Self {
        Column { name, title, kind, is_printed: false }
    }

    /// Returns a column that is also printed.
    pub(crate) const fn printed(name: &'static str, title: &'static str, kind: ColumnKind) -> Self {
        Column { name, title, kind, is_printed: true }
    }
}

/// The content of a column, which determines its width and its form.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColumnKind {
    Path,
    Status,
    Codes,
    Short,
    Long,
    /// A number of bytes.
    Bytes,
}

/// A status of a file, by its name in the rows.
#[derive(Serialize)]
pub(crate) struct Status {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) tone: Tone,
}

impl Status {
    pub(crate) const fn new(name: &'static str, label: &'static str, tone: Tone) -> Self {
        Status { name, label, tone }
    }
}

/// The color of a status or of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tone {
    Bad,
    Caution,
    Good,
    Neutral,
}

/// The summary of a report.
pub(crate) struct Summary {
    /// The files that the report is about.
    pub(crate) subject: Option<String>,
    pub(crate) tone: Tone,
    /// The result in one or two sentences.
    pub(crate) result: String,
    /// A sentence about what is missing in the report.
    pub(crate) notice: Option<String>,
    /// The number of files by the name of their status.
    pub(crate) counts: Vec<(&'static str, u64)>,
    /// More facts, each with its label.
    pub(crate) facts: Vec<(&'static str, Vec<String>)>,
}

/// The number of named paths that a title lists.
const MAX_NAMED: usize = 3;

/// Lists the files and folders that the user named: `tools, a.exe, b.exe and 3 more`.
pub(crate) fn subject(named: &[PathBuf]) -> Option<String> {
    let first = named.iter().take(MAX_NAMED).map(|path| Printable(path).to_string());
    let first = first.collect::<Vec<_>>().join(", ");
    let more = named.len().saturating_sub(MAX_NAMED);
    let subject = if more > 0 { format!("{first} and {more} more") } else { first };
    (!subject.is_empty()).then_some(subject)
}

/// A page that is made while files are verified. Its rows are stored until the end.
pub(crate) struct Page {
    layout: &'static Layout,
    rows: SpoolFile,
    /// Whether each cell has a value in at least one row.
    has_value: Vec<bool>,
    pub(crate) causes: Causes,
}

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

impl Page {
    pub(crate) fn new(layout: &'static Layout) -> Self {
        Page {
            layout,
            rows: SpoolFile::default(),
            has_value: vec![false; layout.cells.len()],
            causes: Causes::default(),
        }
    }

    pub(crate) fn row(&mut self, row: &Row) -> io::Result<()> {
        for (has_value, cell) in self.has_value.iter_mut().zip(row) {
            *has_value |= !cell.is_missing();
        }
        if !self.rows.is_empty() {
            self.rows.write_all(b",\n")?;
        }
        self.rows.write_all(data::json(row)?.as_bytes())
    }

    /// Writes the page.
    pub(crate) fn end(self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let Page { layout, rows, has_value, causes } = self;
        // Browsers hash the text with Unix line ends. A checkout for Windows may have others.
        let [style, script] = [STYLE, SCRIPT].map(|text| text.replace("\r\n", "\n"));
        let head = sections::head(layout, summary, &style, &script).into_string();
        let body = sections::body(layout, summary, &causes).into_string();
        writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n{head}\n<body>\n{body}")?;
        writeln!(out, "<script type=\"application/json\" id=\"data\">")?;
        data::write(layout, &has_value, rows, out)?;
        writeln!(out, "</script>\n<script>{script}</script>\n</body>\n</html>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_names_few_paths() {
        let named = |count: usize| {
            subject(&["a\n", "b", "c", "d", "e"].map(PathBuf::from)[..count]).unwrap_or_default()
        };
        assert_eq!([named(0), named(1), named(3)], ["", "a\\n", "a\\n, b, c"]);
        assert_eq!(named(5), "a\\n, b, c and 2 more");
    }

    #[test]
    fn script_and_style_can_be_in_a_page() {
        for (text, end) in [(STYLE, "</style"), (SCRIPT, "</script"), (SCRIPT, "<!--")] {
            assert!(!text.to_lowercase().contains(end));
        }
        for address in ["http:", "https:", "url(", "@import", "innerHTML", "insertAdjacent"] {
            assert!(!STYLE.contains(address) && !SCRIPT.contains(address), "{address}");
        }
    }
}
