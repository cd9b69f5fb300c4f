//! The files of a project, as they stand and as they are to be.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use netswap::text::normal;

use super::text::TextFile;
use crate::Error;

/// The files that were looked at, changed or added.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By the path that tells whether two names are of one file.
    files: BTreeMap<PathBuf, File>,
    /// Those that were set since it was last asked.
    touched: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct File {
    /// Where it is written: the end of all links, if the file is one.
    path: PathBuf,
    /// None: it is new.
    before: Option<TextFile>,
    /// With `\n` at the end of each line.
    text: String,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileChange {
    pub(crate) path: PathBuf,
    /// None: the file is new.
    pub(crate) before: Option<String>,
    pub(crate) after: String,
}

impl Files {
    /// What a file says by now, each line ending with `\n`; it is read once.
    ///
    /// # Errors
    ///
    /// When it can't be read or is no UTF-8.
    pub(crate) fn text(&mut self, path: &Path) -> Result<&str, Error> {
        Ok(&match self.files.entry(identity(path)) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(place) => {
                let path = written_path(path);
                let failed = |source| Error::ReadProject { path: path.clone(), source };
                let before = TextFile::new(fs::read_to_string(&path).map_err(failed)?);
                let text = before.text().to_owned();
                place.insert(File { path, before: Some(before), text })
            }
        }
        .text)
    }

    /// Whether there is such a file, or is going to be.
    pub(crate) fn is_there(&self, path: &Path) -> bool {
        self.files.contains_key(&identity(path)) || path.symlink_metadata().is_ok()
    }

    /// Whether a file is going to say something else.
    pub(crate) fn is_changed(&self, path: &Path) -> bool {
        let file = self.files.get(&identity(path));
        file.is_some_and(|file| {
            file.before.as_ref().is_none_or(|before| before.text() != file.text)
        })
    }

    /// Lets a file say this; one that was not read is new.
    pub(crate) fn set(&mut self, path: &Path, text: String) {
        let new = || File { path: written_path(path), before: None, text: String::new() };
        let file = self.files.entry(identity(path)).or_insert_with(new);
        if file.text != text {
            file.text = text;
            self.touched.insert(file.path.clone());
        }
    }

    /// The files that were set since this was last asked.
    pub(crate) fn take_touched(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    /// The files that are not as they were, in the order of their paths.
    pub(crate) fn changes(self) -> Vec<FileChange> {
        let changes = self.files.into_values().map(|file| match file.before {
            Some(before) => FileChange {
                path: file.path,
                after: before.with(&file.text),
                before: Some(before.original().to_owned()),
            },
            None => FileChange { path: file.path, before: None, after: file.text },
        });
        changes.filter(|change| change.before.as_ref() != Some(&change.after)).collect()
    }
}

/// The path without any links, as far as it is there.
fn identity(path: &Path) -> PathBuf {
    let path = normal(path);
    match (fs::canonicalize(&path), path.parent(), path.file_name()) {
        (Ok(path), ..) => path,
        (Err(_), Some(folder), Some(name)) => identity(folder).join(name),
        _ => path,
    }
}

/// The path in full; where the file is a link, that of the file that it leads to.
fn written_path(path: &Path) -> PathBuf {
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let target = if is_link { fs::canonicalize(path).ok() } else { None };
    target.unwrap_or_else(|| normal(path))
}
