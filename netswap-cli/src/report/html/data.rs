//! The rows of a page as JSON in an element `script`.

use std::io::{self, Write};
use std::path::MAIN_SEPARATOR;

use netswap::report::spool::SpoolFile;
use serde::{Serialize, Serializer};

use super::super::Cell;
use super::{ColumnKind, Layout, Noun, Status};

/// The data before the rows.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    noun: &'static Noun,
    bad_title: &'static str,
    separator: char,
    statuses: &'static [Status],
    columns: Vec<ColumnObject>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ColumnObject {
    name: &'static str,
    title: &'static str,
    kind: ColumnKind,
    is_printed: bool,
    /// The index of its cell in a row.
    cell: usize,
}

/// Writes the complete document.
pub(super) fn write(
    layout: &'static Layout,
    has_value: &[bool],
    rows: SpoolFile,
    out: &mut dyn Write,
) -> io::Result<()> {
    let columns = layout.columns.iter().filter_map(|column| {
        let cell = layout.cells.iter().position(|name| *name == column.name)?;
        let super::Column { name, title, kind, is_printed } = *column;
        let is_shown = has_value.get(cell).is_some_and(|has_value| *has_value);
        is_shown.then_some(ColumnObject { name, title, kind, is_printed, cell })
    });
    let head = Head {
        noun: &layout.noun,
        bad_title: layout.bad_title,
        separator: MAIN_SEPARATOR,
        statuses: layout.statuses,
        columns: columns.collect(),
    };
    let head = json(&head)?;
    writeln!(out, "{},\"rows\":[", head.strip_suffix('}').unwrap_or(&head))?;
    rows.write_to(out)?;
    writeln!(out, "\n]}}")
}

/// Returns JSON that can't end the element, or begin a comment in it. `<` occurs only in strings,
/// where an escape sequence can replace it. So can line separators, which old scripts reject.
pub(super) fn json(value: &impl Serialize) -> io::Result<String> {
    let json = serde_json::to_string(value)?;
    let json = json.replace('<', "\\u003c");
    Ok(json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Missing => serializer.serialize_none(),
            Cell::Number(number) => serializer.serialize_u64(*number),
            Cell::Text(text) => serializer.serialize_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_the_element() {
        let names = ["</script><img src=x onerror=alert(1)>.exe", "<!--", "\u{2028}\u{2029}\"\\\n"];
        for name in names {
            let row = vec![Cell::Text(name.into()), Cell::Number(7), Cell::Missing];
            let json = json(&row).unwrap();
            assert!(!json.contains(['<', '\n', '\u{2028}', '\u{2029}']), "{json}");
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(read, serde_json::json!([name, 7, null]));
        }
    }
}
