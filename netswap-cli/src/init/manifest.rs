//! A `Cargo.toml` or Cargo configuration to add entries to. Comments, order and formatting stay.
//! New entries go where the owner would have put them.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, TomlError, Value};

use super::placement::{InsertAt, decor_text, insert_inline, insert_line, make_room, push};

/// A manifest that is being edited.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    document: DocumentMut,
    /// Whether an edit changes nothing else. It would bring together the dotted keys of one table
    /// that are in different places.
    pub(crate) is_faithful: bool,
}

/// Returns the tables that a new table of dependencies follows, as groups of their first keys. The
/// first group with existing tables counts.
fn predecessors(table: &str) -> &'static [&'static [&'static str]] {
    const PACKAGE: &[&str] =
        &["package", "project", "lib", "bin", "example", "test", "bench", "features"];
    match table {
        "dependencies" => &[PACKAGE],
        _ => &[&["dependencies", "dev-dependencies"], PACKAGE],
    }
}

impl Manifest {
    pub(crate) fn parse(text: &str) -> Result<Self, TomlError> {
        let document: DocumentMut = text.parse()?;
        // The text may lack the line end of its last line.
        let is_faithful = document.to_string().trim_end() == text.trim_end();
        Ok(Manifest { document, is_faithful })
    }

    pub(crate) fn text(&self) -> String {
        self.document.to_string()
    }

    /// Returns the item at this path of keys.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Item> {
        let mut item = self.document.as_item();
        for key in path {
            item = item.as_table_like()?.get(key)?;
        }
        Some(item)
    }

    /// Returns the value of this key in the package's own table.
    pub(crate) fn in_package(&self, key: &str) -> Option<&Item> {
        // `project` is an old name of this table, which Cargo still reads.
        self.get(&["package", key]).or_else(|| self.get(&["project", key]))
    }

    /// Returns the key of a package in a table of dependencies, if the table lists it.
    pub(crate) fn key_of(&self, table: &[&str], package: &str) -> Option<String> {
        let mut dependencies = self.get(table)?.as_table_like()?.iter();
        let is_it = |(key, item): &(&str, &Item)| {
            item.get("package").and_then(Item::as_str).unwrap_or(key) == package
        };
        dependencies.find(is_it).map(|(key, _)| key.to_owned())
    }

    /// Returns the first dependency that this package inherits from the workspace.
    pub(crate) fn inherited(&self) -> Option<&Item> {
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        let tables = tables.iter().filter_map(|table| self.get(&[table])?.as_table_like());
        let mut all = tables.flat_map(TableLike::iter).map(|(_, dependency)| dependency);
        all.find(|item| item.get("workspace").and_then(Item::as_bool) == Some(true))
    }

    /// Adds a dependency with its version to a table of dependencies.
    pub(crate) fn add_dependency(&mut self, table: &[&str], name: &str, version: &str) {
        self.insert_dependency(table, name, version.into());
    }

    /// Adds a dependency that is inherited from the workspace, spelled like the others:
    /// `{ workspace = true }` or `.workspace = true`.
    pub(crate) fn inherit_dependency(&mut self, table: &[&str], key: &str) {
        let mut value = Table::from_iter([("workspace", true)]);
        value.set_dotted(true);
        let item = if self.inherited().is_some_and(Item::is_inline_table) {
            Item::Value(value.into_inline_table().into())
        } else {
            Item::Table(value)
        };
        self.insert_dependency(table, key, item);
    }

    /// Adds a dependency in the form of the others: one line each, or one table each.
    fn insert_dependency(&mut self, table: &[&str], key: &str, item: Item) {
        let has_tables_alone = self
            .get(table)
            .and_then(Item::as_table)
            .is_some_and(|table| table.is_implicit() && table.get_values().is_empty());
        if has_tables_alone {
            let with_version = |version| Table::from_iter([("version", version)]);
            let mut dependency = item.into_table().unwrap_or_else(with_version);
            dependency.set_dotted(false);
            self.insert_table(table, key, dependency, &[table]);
        } else {
            let predecessors = table.last().map_or(&[][..], |table| predecessors(table));
            self.insert(table, key, item, InsertAt::Sorted, predecessors);
        }
    }

    /// Adds a value to a table. Creates a missing table after all others.
    pub(crate) fn add(&mut self, table: &[&str], key: &str, value: impl Into<Value>) {
        self.insert(table, key, Item::Value(value.into()), InsertAt::Last, &[]);
    }

    /// Writes a comment above a table that has a header.
    pub(crate) fn comment(&mut self, path: &[&str], comment: &str) {
        if let Some(table) = self.get_mut(path).and_then(Item::as_table_mut) {
            let prefix = format!("{}# {comment}\n", decor_text(table.decor().prefix()));
            table.decor_mut().set_prefix(prefix);
        }
    }

    /// Adds a text to the end of a list. In a list of several lines it gets its own line.
    pub(crate) fn push(&mut self, table: &[&str], key: &str, text: &str) {
        let list = self.get_mut(table).and_then(|table| table.get_mut(key));
        match list.and_then(Item::as_array_mut) {
            Some(array) => push(array, text),
            None => self.add(table, key, Array::from_iter([text])),
        }
    }

    fn get_mut(&mut self, path: &[&str]) -> Option<&mut Item> {
        let mut item = self.document.as_item_mut();
        for key in path {
            item = item.as_table_like_mut()?.get_mut(key)?;
        }
        Some(item)
    }

    fn insert(
        &mut self,
        path: &[&str],
        key: &str,
        item: Item,
        at: InsertAt,
        predecessors: &[&[&str]],
    ) {
        match self.get_mut(path) {
            Some(Item::Value(Value::InlineTable(table))) => {
                if let Ok(value) = item.into_value() {
                    insert_inline(table, key, value);
                }
            }
            Some(Item::Table(table)) => insert_line(table, key, item, at),
            Some(_) => {}
            None => {
                if let Some((last, above)) = path.split_last() {
                    self.insert_table(above, last, Table::from_iter([(key, item)]), predecessors);
                }
            }
        }
    }

    /// Adds a table with its own header, within the tables of this path.
    fn insert_table(
        &mut self,
        path: &[&str],
        key: &str,
        mut table: Table,
        predecessors: &[&[&str]],
    ) {
        let position = make_room(&mut self.document, &mut table, predecessors);
        table.set_position(Some(position));
        let mut parent = self.document.as_table_mut();
        for key in path {
            let mut implicit = Table::new();
            implicit.set_implicit(true);
            match parent.entry(key).or_insert(Item::Table(implicit)).as_table_mut() {
                Some(table) => parent = table,
                None => return,
            }
        }
        parent.insert(key, Item::Table(table));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::without_and_with;

    fn edited(text: &str, edit: impl FnOnce(&mut Manifest)) -> String {
        let mut manifest = Manifest::parse(text).unwrap();
        edit(&mut manifest);
        manifest.text()
    }

    fn with_dependency(text: &str) -> String {
        edited(text, |manifest| {
            manifest.add_dependency(&["build-dependencies"], "netswap-build", "0.1");
        })
    }

    #[test]
    fn dependency_is_added_in_the_usual_position() {
        for marked in [
            "[package]\nname = \"a\"\n«\n[build-dependencies]\nnetswap-build = \"0.1\"\n»",
            "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n# c = \"2\"\n\n\
             «[build-dependencies]\nnetswap-build = \"0.1\"\n\n»# Small.\n[profile.release]\n\
             lto = true\n",
            "[package]\nname = \"a\"\n\n[[bin]]\nname = \"x\"\n\n[[bin]]\nname = \"y\"\n\n\
             «[build-dependencies]\nnetswap-build = \"0.1\"\n\n»[workspace]\n",
            "[dependencies.b]\nversion = \"1\"\n\n«[build-dependencies]\n\
             netswap-build = \"0.1\"\n\n»[package]\nname = \"a\"\n# the end\n",
            "[package]\nname = \"a\"\n[dependencies]\n«[build-dependencies]\n\
             netswap-build = \"0.1\"\n»[lib]\n",
            "[dependencies]\nb = \"1\"\n\n# c = \"2\"\n«\n[build-dependencies]\n\
             netswap-build = \"0.1\"\n»",
            "[build-dependencies]\ncc = \"1\" # C\n«netswap-build = \"0.1\"\n\
             »winresource = \"0.1\"\n\n[features]\n",
            "[build-dependencies]\n# unsorted\nz = \"1\"\na = \"1\"\n«netswap-build = \"0.1\"\n»",
            "[build-dependencies.cc]\nversion = \"1\"\n«\n[build-dependencies.netswap-build]\n\
             version = \"0.1\"\n»",
            "build-dependencies.cc = \"1\"\n«build-dependencies.netswap-build = \"0.1\"\n»\n\
             [package]\nname = \"a\"\n",
            "[dependencies]\nb = \"1\"\n\n# c = \"2\"\n\n«[build-dependencies]\n\
             netswap-build = \"0.1\"\n\n»# Small.\n[profile.release]\nlto = true\n",
            "[build-dependencies]\n  cc = \"1\"\n«  netswap-build = \"0.1\"\n»  z = \"1\"\n",
            "[build-dependencies]\n# All of these\n# are needed.\nserde = \"1\"\n\
             «netswap-build = \"0.1\"\n»",
            "[build-dependencies]\n«netswap-build = \"0.1\"\n»serde.version = \"1\"\n\
             serde.features = [\"a\"]\nserde.default-features = false\n",
            "build-dependencies = {cc=\"1\"«, netswap-build = \"0.1\"»}\n",
            "build-dependencies = { cc = \"1\"«, netswap-build = \"0.1\"» }\n",
        ] {
            let (before, after) = without_and_with(marked);
            assert_eq!(with_dependency(&before), after, "{before}");
        }
    }

    #[test]
    fn dependency_is_inherited_in_the_form_of_the_others() {
        for (before, after) in [
            ("b.workspace = true", "b.workspace = true\nnetswap-build.workspace = true"),
            (
                "b = { workspace = true }",
                "b = { workspace = true }\nnetswap-build = { workspace = true }",
            ),
            ("b = \"1\"", "b = \"1\"\nnetswap-build.workspace = true"),
        ] {
            let text = |lines: &str| format!("[build-dependencies]\n{lines}\n");
            let inherit = |manifest: &mut Manifest| {
                manifest.inherit_dependency(&["build-dependencies"], "netswap-build");
            };
            assert_eq!(edited(&text(before), inherit), text(after));
        }
    }

    #[test]
    fn renamed_dependency_is_found() {
        for (line, key) in [
            ("netswap-build = \"0.1\"", Some("netswap-build")),
            ("swap = { version = \"0.1\", package = \"netswap-build\" }", Some("swap")),
            ("netswap-build = { package = \"other\" }", None),
            ("cc = \"1\"", None),
        ] {
            let manifest = Manifest::parse(&format!("[workspace.dependencies]\n{line}\n")).unwrap();
            let found = manifest.key_of(&["workspace", "dependencies"], "netswap-build");
            assert_eq!(found.as_deref(), key, "{line}");
        }
    }

    #[test]
    fn member_is_added_in_the_lists_format() {
        for marked in [
            "[workspace]\n«members = [\"xtask\"]\n»",
            "[workspace]\nmembers = [\"a\"«, \"xtask\"»]\n",
            "[workspace]\nmembers = [\n    \"a\", # why\n    \"b\", # last\n«    \"xtask\",\n»]\n",
            "[workspace]\nmembers = [\n  \"a\",\n  \"b\"«,\n  \"xtask\"»\n]\n",
            "«[workspace]\nmembers = [\"xtask\"]\n»",
            "[workspace]\nmembers = [ \"a\"«, \"xtask\"» ]\n",
            "[workspace]\nmembers = [\n«    \"xtask\",\n»]\n",
            "[package]\nname = \"a\"\n\n«[workspace]\nmembers = [\"xtask\"]\n\n\
             »[workspace.lints.rust]\nx = \"warn\"\n",
            "[package]\nname = \"a\"\n«\n[workspace]\nmembers = [\"xtask\"]\n»",
        ] {
            let (before, after) = without_and_with(marked);
            let push = |manifest: &mut Manifest| manifest.push(&["workspace"], "members", "xtask");
            assert_eq!(edited(&before, push), after, "{before}");
        }
    }

    #[test]
    fn scattered_dotted_keys_are_not_faithful() {
        let is_faithful = |text: &str| Manifest::parse(text).unwrap().is_faithful;
        assert!(is_faithful("[a]\nb.c = 1\nb.d = 2\ne = 3"));
        assert!(!is_faithful("[a]\nb.c = 1\ne = 3\nb.d = 2\n"));
    }

    #[test]
    fn nested_table_is_added_without_its_parent() {
        let add = |manifest: &mut Manifest| {
            manifest.add(&["patch", "crates-io"], "netswap", "x");
            manifest.add(&["patch", "crates-io"], "netswap-build", "y");
        };
        assert_eq!(
            edited("[alias]\nx = \"y\"\n", add),
            "[alias]\nx = \"y\"\n\n[patch.crates-io]\nnetswap = \"x\"\nnetswap-build = \"y\"\n"
        );
    }
}
