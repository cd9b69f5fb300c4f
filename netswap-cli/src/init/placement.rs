//! The position of a new entry in a TOML document: its line, its table, and which of the comments
//! nearby belong to it.

use toml_edit::{Array, DocumentMut, Item, Key, RawString, Table, TableLike, Value};

/// The position of a new line among the lines of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InsertAt {
    /// In alphabetical order if the other lines are, or else last.
    Sorted,
    Last,
}

/// Returns the spaces and comments before or after a key or value.
pub(super) fn decor_text(decor: Option<&RawString>) -> &str {
    decor.and_then(RawString::as_str).unwrap_or_default()
}

/// Adds a line to a table, indented like the others.
pub(super) fn insert_line(table: &mut Table, key: &str, item: Item, at: InsertAt) {
    // A table that has only subtables gets its own header.
    table.set_implicit(false);
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    let greater: Vec<_> = keys.iter().filter(|other| other.as_str() > key).collect();
    let prefix = |key: &Key| decor_text(key.leaf_decor().prefix()).to_owned();
    // A comment above the first line may apply to all lines, so no line goes above it.
    let is_first = greater.len() == keys.len();
    let first = keys.first().and_then(|first| table.key(first));
    let is_sorted = at == InsertAt::Sorted
        && keys.is_sorted()
        && !(is_first && first.is_some_and(|first| prefix(first).contains('#')));
    // `insert` adds a line only at the end, so the lines that follow it are removed and added again.
    let following = if is_sorted { greater } else { Vec::new() };
    let following: Vec<_> = following.iter().filter_map(|key| table.remove_entry(key)).collect();
    table.insert(key, item);
    let last = keys.last().and_then(|last| table.key(last));
    if let Some(prefix) = following.last().map(|(key, _)| key).or(last).map(prefix) {
        let indentation = prefix.rsplit('\n').next().unwrap_or_default();
        if let Some(mut key) = table.key_mut(key) {
            key.leaf_decor_mut().set_prefix(indentation);
        }
    }
    for (key, item) in following {
        table.insert_formatted(&key, item);
    }
}

/// Adds a value to the end of an inline table. Text after the last value stays in front of the
/// closing brace.
pub(super) fn insert_inline(table: &mut dyn TableLike, key: &str, value: Value) {
    let last = table.iter_mut().last().and_then(|(_, item)| item.as_value_mut());
    let suffix = last.map(|last| {
        let suffix = decor_text(last.decor().suffix()).to_owned();
        last.decor_mut().set_suffix("");
        suffix
    });
    table.insert(key, Item::Value(value));
    if let (Some(suffix), Some(value)) = (suffix, table.get_mut(key).and_then(Item::as_value_mut)) {
        value.decor_mut().set_prefix(" ");
        value.decor_mut().set_suffix(suffix);
    }
}

/// Makes room for a new table and returns its position. The table goes below the last table of the
/// first group with tables in the document, or else below all tables. A group is a list of first
/// keys. Comments directly below the table above stay with that table.
pub(super) fn make_room(
    document: &mut DocumentMut,
    table: &mut Table,
    predecessors: &[&[&str]],
) -> isize {
    let mut positions = Vec::new();
    for_each_table(document.as_table_mut(), None, &mut |key, table| {
        positions.extend(table.position().map(|position| (key.to_owned(), position)));
    });
    let last_in_group = |group: &&[&str]| {
        let members = positions.iter().filter(|(key, _)| group.contains(&key.as_str()));
        members.map(|(_, position)| *position).max()
    };
    let last = positions.iter().map(|(_, position)| *position).max();
    let above = predecessors.iter().find_map(last_in_group).or(last);
    let Some(above) = above.filter(|_| above != last) else {
        // The comments at the end of the document go in front of the new table.
        let prefix = match decor_text(Some(document.trailing())).trim_end() {
            "" if document.is_empty() => String::new(),
            "" => "\n".to_owned(),
            comments => format!("{comments}\n\n"),
        };
        table.decor_mut().set_prefix(prefix);
        document.set_trailing("");
        return last.map_or(0, |last| last + 1);
    };
    let below = positions.iter().map(|(_, other)| *other).filter(|other| *other > above).min();
    for_each_table(document.as_table_mut(), None, &mut |_, other| {
        if other.position() == below {
            let prefix = decor_text(other.decor().prefix());
            let (of_above, own) = split_comments(prefix);
            if prefix.is_empty() {
                // This document has no empty lines between tables.
                table.decor_mut().set_prefix("");
            } else if !of_above.is_empty() {
                table.decor_mut().set_prefix(format!("{of_above}\n"));
                other.decor_mut().set_prefix(own);
            }
        }
        if let Some(position) = other.position().filter(|other| *other > above) {
            other.set_position(Some(position + 1));
        }
    });
    above + 1
}

/// Splits the comments in front of a table. Those up to the last empty line belong to the table
/// above, and the rest to this one. Without an empty line, all comments belong to this one.
fn split_comments(prefix: &str) -> (String, String) {
    let mut above = String::new();
    let mut own = String::new();
    for line in prefix.split_inclusive('\n') {
        if line.trim().is_empty() {
            above += &std::mem::take(&mut own);
        }
        own += line;
    }
    if own.starts_with(['\n', '\r']) || above.is_empty() {
        (above, own)
    } else {
        (String::new(), prefix.to_owned())
    }
}

/// Runs `call` for each table that has a header, with the first key of its path. `first_key` is
/// `None` at the top level.
fn for_each_table(
    table: &mut Table,
    first_key: Option<&str>,
    call: &mut impl FnMut(&str, &mut Table),
) {
    for (key, item) in table.iter_mut() {
        let first_key = first_key.unwrap_or(key.get()).to_owned();
        let tables = match item {
            Item::Table(table) => vec![table],
            Item::ArrayOfTables(tables) => tables.iter_mut().collect(),
            _ => Vec::new(),
        };
        for table in tables {
            call(&first_key, table);
            for_each_table(table, Some(&first_key), call);
        }
    }
}

/// Adds a text to the end of a list. It gets its own line if the other texts have one each.
pub(super) fn push(array: &mut Array, text: &str) {
    let mut value = Value::from(text);
    let Some(last) = array.iter().last() else {
        if decor_text(Some(array.trailing())).contains('\n') {
            value.decor_mut().set_prefix("\n    ");
            array.set_trailing_comma(true);
        }
        array.push_formatted(value);
        return;
    };
    let line_start = match decor_text(last.decor().prefix()).rsplit_once('\n') {
        Some((_, indentation)) => format!("\n{indentation}"),
        None => " ".to_owned(),
    };
    // A comment after the last value stays there. The white space below it ends the list as before.
    let after_last = if array.trailing_comma() {
        decor_text(Some(array.trailing())).to_owned()
    } else {
        let suffix = decor_text(last.decor().suffix()).to_owned();
        if let Some(last) = array.iter_mut().last() {
            last.decor_mut().set_suffix("");
        }
        suffix
    };
    let comment = after_last.trim_end();
    let end = after_last.strip_prefix(comment).unwrap_or_default();
    value.decor_mut().set_prefix(format!("{comment}{line_start}"));
    if array.trailing_comma() {
        array.set_trailing(end);
    } else {
        value.decor_mut().set_suffix(end);
    }
    array.push_formatted(value);
}
