//! The files of a project: their current and their planned text.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use netswap::text::normal;

use super::text::TextFile;
use crate::Error;

/// The files that were read, changed or added.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By the path without links, so that two names of one file share an entry.
    files: BTreeMap<PathBuf, File>,
    /// The files that were set since the last `take_touched`.
    touched: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct File {
    /// The path to write to: the final target, if the file is a link.
    path: PathBuf,
    /// `None` if the file is new.
    before: Option<TextFile>,
    /// The planned text. Each line ends with `\n`.
    text: String,
}

/// A file to write, with its old and its new text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileChange {
    pub(crate) path: PathBuf,
    /// `None` if the file is new.
    pub(crate) before: Option<String>,
    pub(crate) after: String,
}

impl Files {
    /// Returns the planned text of a file. Each line ends with `\n`. Reads the file only once.
    pub(crate) fn text(&mut self, path: &Path) -> Result<&str, Error> {
        Ok(&match self.files.entry(identity(path)) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(entry) => {
                let path = written_path(path);
                let failed = |source| Error::ReadProject { path: path.clone(), source };
                let before = TextFile::new(fs::read_to_string(&path).map_err(failed)?);
                let text = before.text.clone();
                entry.insert(File { path, before: Some(before), text })
            }
        }
        .text)
    }

    /// Whether the file exists or is planned.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(&identity(path)) || path.symlink_metadata().is_ok()
    }

    /// Whether the file is new, or its planned text differs from the current one.
    pub(crate) fn is_changed(&self, path: &Path) -> bool {
        let file = self.files.get(&identity(path));
        file.is_some_and(|file| file.before.as_ref().is_none_or(|before| before.text != file.text))
    }

    /// Sets the planned text of a file. A file that was not read is new.
    pub(crate) fn set(&mut self, path: &Path, text: String) {
        let new = || File { path: written_path(path), before: None, text: String::new() };
        let file = self.files.entry(identity(path)).or_insert_with(new);
        if file.text != text {
            file.text = text;
            self.touched.insert(file.path.clone());
        }
    }

    /// Returns the files that were set since the last call.
    pub(crate) fn take_touched(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    /// Returns the files whose text changes, in the order of their paths.
    pub(crate) fn changes(self) -> Vec<FileChange> {
        let changes = self.files.into_values().map(|file| match file.before {
            Some(before) => FileChange {
                path: file.path,
                after: before.with_text(&file.text),
                before: Some(before.original),
            },
            None => FileChange { path: file.path, before: None, after: file.text },
        });
        changes.filter(|change| change.before.as_ref() != Some(&change.after)).collect()
    }
}

/// Resolves the links in the existing part of a path.
fn identity(path: &Path) -> PathBuf {
    let path = normal(path);
    match (fs::canonicalize(&path), path.parent(), path.file_name()) {
        (Ok(path), ..) => path,
        (Err(_), Some(folder), Some(name)) => identity(folder).join(name),
        _ => path,
    }
}

/// Returns the full path of a file, or of its target if the file is a link.
fn written_path(path: &Path) -> PathBuf {
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let target = if is_link { fs::canonicalize(path).ok() } else { None };
    target.unwrap_or_else(|| normal(path))
}
