//! The files of a project, as they stand and as they are to be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::text::TextFile;
use crate::Error;
use crate::text::normal;

/// The files that were looked at, changed or added.
#[derive(Debug, Default)]
pub(crate) struct Files {
    files: BTreeMap<PathBuf, File>,
    /// Those that were set since it was last asked.
    touched: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct File {
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
        let path = resolved(path);
        if !self.files.contains_key(&path) {
            let failed = |source| Error::ReadProject { path: path.clone(), source };
            let before = TextFile::new(fs::read_to_string(&path).map_err(failed)?);
            let text = before.text().to_owned();
            self.files.insert(path.clone(), File { before: Some(before), text });
        }
        Ok(self.files.get(&path).map_or("", |file| &file.text))
    }

    /// Whether there is such a file, or is going to be.
    pub(crate) fn is_there(&self, path: &Path) -> bool {
        self.files.contains_key(&resolved(path)) || path.symlink_metadata().is_ok()
    }

    /// Lets a file say this; one that is not there is made.
    pub(crate) fn set(&mut self, path: &Path, text: String) {
        let path = resolved(path);
        let new = File { before: None, text: String::new() };
        let file = self.files.entry(path.clone()).or_insert(new);
        if file.text != text {
            file.text = text;
            self.touched.insert(path);
        }
    }

    /// The files that were set since this was last asked.
    pub(crate) fn take_touched(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    /// The files that are not as they were, in the order of their paths.
    pub(crate) fn changes(self) -> Vec<FileChange> {
        let changes = self.files.into_iter().map(|(path, file)| match file.before {
            Some(before) => FileChange {
                path,
                after: before.with(&file.text),
                before: Some(before.original().to_owned()),
            },
            None => FileChange { path, before: None, after: file.text },
        });
        changes.filter(|change| change.before.as_ref() != Some(&change.after)).collect()
    }
}

/// The path in full; where the file is a link, that of the file that it leads to.
fn resolved(path: &Path) -> PathBuf {
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let target = if is_link { fs::canonicalize(path).ok() } else { None };
    target.unwrap_or_else(|| normal(path))
}
