//! The source files of a program: its main file, and the modules in files of their own.

use std::path::{Path, PathBuf};

use super::files::Files;
use super::rust::{Source, Words};
use crate::Error;

/// Returns the words in a program's files, or `None` if one of them is missing or is not Rust.
pub(super) fn words(main: &Path, files: &mut Files) -> Result<Option<Words>, Error> {
    let mut all = Words::default();
    let folder = main.parent().unwrap_or(Path::new("."));
    // Each file, with the folder of its modules.
    let mut pending = vec![(main.to_owned(), folder.to_owned())];
    while let Some((path, modules)) = pending.pop() {
        let Some(words) = Source::parse(files.text(&path)?).map(|source| source.words()) else {
            return Ok(None);
        };
        for name in &words.modules {
            let Some(file) = module(&modules, name, files) else {
                return Ok(None);
            };
            pending.push((file, modules.join(name)));
        }
        all.names.extend(words.names);
        all.used.extend(words.used);
        all.literals.extend(words.literals);
    }
    Ok(Some(all))
}

/// Finds the file of a module
/// ([the Rust reference](https://doc.rust-lang.org/reference/items/modules.html#module-source-filenames)).
fn module(folder: &Path, name: &str, files: &Files) -> Option<PathBuf> {
    let name = name.trim_start_matches("r#");
    let candidates = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
    candidates.into_iter().find(|file| files.exists(file))
}
