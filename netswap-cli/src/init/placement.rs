//! The position of a new entry in a TOML document: its line, its table, and which of the comments
//! nearby belong to it.

use toml_edit::{Array, DocumentMut, Item, Key, RawString, Table, TableLike, Value};

/// The position of a new line in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InsertAt {
    /// In the order of the keys, if the other lines are in that order.
    Sorted,
    Last,
}

/// Returns the spaces and comments beside a key or value.
pub(super) fn text(decor: Option<&RawString>) -> &str {
    decor.and_then(RawString::as_str).unwrap_or_default()
}

pub(super) fn insert_line(table: &mut Table, key: &str, item: Item, at: InsertAt) {
    // A table that has only subtables gets its own header.
    table.set_implicit(false);
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    let behind: Vec<_> = keys.iter().filter(|other| other.as_str() > key).collect();
    let prefix = |key: &Key| text(key.leaf_decor().prefix()).to_owned();
    // A comment above the first line may apply to all lines, so no line goes above it.
    let is_first = behind.len() == keys.len();
    let first = keys.first().and_then(|first| table.key(first));
    let is_sorted = at == InsertAt::Sorted
        && keys.is_sorted()
        && !(is_first && first.is_some_and(|first| prefix(first).contains('#')));
    let behind = if is_sorted { behind } else { Vec::new() };
    let moved: Vec<_> = behind.iter().filter_map(|key| table.remove_entry(key)).collect();
    table.insert(key, item);
    let last = keys.last().and_then(|last| table.key(last));
    if let Some(line) = moved.last().map(|(key, _)| key).or(last).map(prefix) {
        let indentation = line.rsplit('\n').next().unwrap_or_default();
        if let Some(mut key) = table.key_mut(key) {
            key.leaf_decor_mut().set_prefix(indentation);
        }
    }
    for (key, item) in moved {
        table.insert_formatted(&key, item);
    }
}

/// Adds a value to the end of an inline table. Text after the last value stays in front of the
/// closing brace.
pub(super) fn insert_inline(table: &mut dyn TableLike, key: &str, value: Value) {
    let last = table.iter_mut().last().and_then(|(_, item)| item.as_value_mut());
    let suffix = last.map(|last| {
        let suffix = text(last.decor().suffix()).to_owned();
        last.decor_mut().set_suffix("");
        suffix
    });
    table.insert(key, Item::Value(value));
    if let (Some(suffix), Some(value)) = (suffix, table.get_mut(key).and_then(Item::as_value_mut)) {
        value.decor_mut().set_prefix(" ");
        value.decor_mut().set_suffix(suffix);
    }
}

/// Makes room for a new table and returns its position. The table goes after the last table of the
/// first group that has any. Without one, it goes after all tables. Comments directly below that
/// last table stay with it.
pub(super) fn make_room(
    document: &mut DocumentMut,
    table: &mut Table,
    before: &[&[&str]],
) -> isize {
    let mut positions = Vec::new();
    for_each_table(document.as_table_mut(), None, &mut |key, table| {
        positions.extend(table.position().map(|position| (key.to_owned(), position)));
    });
    let last_of = |group: &&[&str]| {
        let of_group = positions.iter().filter(|(key, _)| group.contains(&key.as_str()));
        of_group.map(|(_, position)| *position).max()
    };
    let last = positions.iter().map(|(_, position)| *position).max();
    let position = before.iter().find_map(last_of).or(last);
    let Some(position) = position.filter(|_| position != last) else {
        // The comments at the end of the document go in front of the new table.
        let prefix = match text(Some(document.trailing())).trim_end() {
            "" if document.is_empty() => String::new(),
            "" => "\n".to_owned(),
            comments => format!("{comments}\n\n"),
        };
        table.decor_mut().set_prefix(prefix);
        document.set_trailing("");
        return last.map_or(0, |last| last + 1);
    };
    let next = positions.iter().map(|(_, other)| *other).filter(|other| *other > position).min();
    for_each_table(document.as_table_mut(), None, &mut |_, other| {
        if other.position() == next {
            let prefix = text(other.decor().prefix());
            let (of_last, own) = split_comments(prefix);
            if prefix.is_empty() {
                // This document has no empty lines between tables.
                table.decor_mut().set_prefix("");
            } else if !of_last.is_empty() {
                table.decor_mut().set_prefix(format!("{of_last}\n"));
                other.decor_mut().set_prefix(own);
            }
        }
        if let Some(behind) = other.position().filter(|other| *other > position) {
            other.set_position(Some(behind + 1));
        }
    });
    position + 1
}

/// Splits the comments in front of a table. Those up to the last empty line belong to the table
/// above, and the rest to this one.
fn split_comments(prefix: &str) -> (String, String) {
    let mut above = String::new();
    let mut own = String::new();
    for line in prefix.split_inclusive('\n') {
        if line.trim().is_empty() {
            above += &std::mem::take(&mut own);
        }
        own += line;
    }
    // Without an empty line, all comments belong to the next table.
    if own.starts_with(['\n', '\r']) || above.is_empty() {
        (above, own)
    } else {
        (String::new(), prefix.to_owned())
    }
}

/// Runs `call` for each table that has a header, with the first key of its path.
fn for_each_table(table: &mut Table, root: Option<&str>, call: &mut impl FnMut(&str, &mut Table)) {
    for (key, item) in table.iter_mut() {
        let root = root.unwrap_or(key.get()).to_owned();
        let tables = match item {
            Item::Table(table) => vec![table],
            Item::ArrayOfTables(tables) => tables.iter_mut().collect(),
            _ => Vec::new(),
        };
        for table in tables {
            call(&root, table);
            for_each_table(table, Some(&root), call);
        }
    }
}

/// Adds a text to the end of a list. It gets its own line if the other texts have one each.
pub(super) fn push(array: &mut Array, member: &str) {
    let mut value = Value::from(member);
    let Some(last) = array.iter().last() else {
        if text(Some(array.trailing())).contains('\n') {
            value.decor_mut().set_prefix("\n    ");
            array.set_trailing_comma(true);
        }
        array.push_formatted(value);
        return;
    };
    let line = match text(last.decor().prefix()).rsplit_once('\n') {
        Some((_, indentation)) => format!("\n{indentation}"),
        None => " ".to_owned(),
    };
    // Anything after the last value, such as a comment, stays there.
    let behind = if array.trailing_comma() {
        text(Some(array.trailing())).to_owned()
    } else {
        let suffix = text(last.decor().suffix()).to_owned();
        if let Some(last) = array.iter_mut().last() {
            last.decor_mut().set_suffix("");
        }
        suffix
    };
    let comment = behind.trim_end();
    let end = behind.strip_prefix(comment).unwrap_or_default();
    value.decor_mut().set_prefix(format!("{comment}{line}"));
    if array.trailing_comma() {
        array.set_trailing(end);
    } else {
        value.decor_mut().set_suffix(end);
    }
    array.push_formatted(value);
}
