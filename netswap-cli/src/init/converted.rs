//! The result of `netswap init` for one package.

use std::path::{Path, PathBuf};

/// The result for one package.
#[derive(Clone, Debug)]
pub(crate) struct Converted {
    pub(crate) name: String,
    /// The files to write for it. The files of earlier packages may include others that it needs.
    pub(crate) files: Vec<PathBuf>,
    /// The step that can't be done safely, so the owner has to do it.
    pub(crate) todo: Option<Remark>,
    /// Steps that may still be necessary, although everything was done.
    pub(crate) notes: Vec<Remark>,
}

/// A step for the project's owner.
#[derive(Clone, Debug)]
pub(crate) struct Remark {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
    /// The instructions. Lines to paste are indented.
    pub(crate) remedy: String,
}

impl Converted {
    pub(super) fn new(name: &str) -> Self {
        Converted { name: name.to_owned(), files: Vec::new(), todo: None, notes: Vec::new() }
    }
}

impl Remark {
    pub(super) fn new(path: &Path, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Remark { path: path.to_owned(), why: why.into(), remedy: remedy.into() }
    }
}
