//! A table for spreadsheets: comma-separated values (RFC 4180) in UTF-8 with a byte order mark, which
//! Excel needs to recognize UTF-8.

use std::borrow::Cow;
use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};

use super::{Cell, Row};

/// A table that is written row by row.
pub(crate) struct Csv {
    columns: &'static [&'static str],
    has_header: bool,
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

impl Csv {
    /// Returns a table with these columns.
    pub(crate) fn new(columns: &'static [&'static str]) -> Self {
        Csv { columns, has_header: false }
    }

    pub(crate) fn row(&mut self, row: &Row, out: &mut dyn Write) -> io::Result<()> {
        self.header(out)?;
        out.write_all(&render(row)?)
    }

    /// Ends the table. One without rows has a header too.
    pub(crate) fn end(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.header(out)
    }

    fn header(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.has_header {
            return Ok(());
        }
        self.has_header = true;
        write!(out, "{BYTE_ORDER_MARK}")?;
        out.write_all(&record(self.columns.iter().map(|name| Cow::Borrowed(*name)))?)
    }
}

/// Renders a row without knowledge of the other rows.
fn render(row: &Row) -> io::Result<Vec<u8>> {
    record(row.iter().map(|cell| match cell {
        Cell::Missing => Cow::Borrowed(""),
        Cell::Number(number) => number.to_string().into(),
        Cell::Text(text) => without_formula(text),
    }))
}

fn record<'a>(fields: impl Iterator<Item = Cow<'a, str>>) -> io::Result<Vec<u8>> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .buffer_capacity(1024)
        .from_writer(Vec::new());
    writer.write_record(fields.map(Cow::into_owned))?;
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Returns the text with an apostrophe before it if a spreadsheet would run it as a formula (OWASP,
/// "CSV Injection").
fn without_formula(text: &str) -> Cow<'_, str> {
    let first = text.trim_start().chars().next();
    let is_formula = first.is_some_and(|c| "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(c));
    if is_formula { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rows: &[Row]) -> String {
        let (mut csv, mut out) = (Csv::new(&["name", "size", "more"]), Vec::new());
        for row in rows {
            csv.row(row, &mut out).unwrap();
        }
        csv.end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn row(text: &'static str) -> Row {
        vec![Cell::name(text), Cell::Number(4), Cell::Missing]
    }

    #[test]
    fn rows_are_quoted_where_they_must_be() {
        let text = written(&[row("a"), row("b, \"c\"\u{2028}ü")]);
        assert_eq!(text, "\u{feff}name,size,more\r\na,4,\r\n\"b, \"\"c\"\"\u{2028}ü\",4,\r\n");
        assert_eq!(written(&[]), "\u{feff}name,size,more\r\n");
    }

    #[test]
    fn formula_becomes_text() {
        for text in ["=1+1", "+1", "-1", "@A1", " \t=cmd|' /C calc'!A0", "\u{ff1d}1"] {
            assert_eq!(without_formula(text), format!("'{text}"));
        }
        for text in ["", "a=b", "tools/-n.exe", "1-1", "\\\\server\\a.exe", "'=1"] {
            assert_eq!(without_formula(text), text);
        }
    }
}
