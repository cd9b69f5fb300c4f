//! Paths on the command line: files, folders, and globs that no shell has expanded.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::Error;

/// Replaces each glob by the paths that it matches, and keeps the order of the arguments. The path
/// of an existing file is never a glob. Matching ignores case, as Windows does in file names.
///
/// # Errors
///
/// When a glob is invalid, matches nothing, or needs a folder that can't be read.
pub(crate) fn resolve(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let mut resolved = Vec::new();
    for path in paths {
        match as_glob(&path) {
            Some(glob) => resolved.extend(matches(&path, glob)?),
            None => resolved.push(path),
        }
    }
    Ok(resolved)
}

/// Returns the path's text if it is a glob: it has a wildcard, and no file has this name.
fn as_glob(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    // The prefix `\\?\` makes Windows take a path literally. Its `?` is not a wildcard.
    let name = text.strip_prefix(r"\\?\").unwrap_or(text);
    let text = name.contains(['*', '?', '[']).then_some(text)?;
    path.symlink_metadata().is_err().then_some(text)
}

fn matches(path: &Path, text: &str) -> Result<Vec<PathBuf>, Error> {
    let options = glob::MatchOptions {
        case_sensitive: false,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let failed = |why: &dyn Display| Error::Glob { glob: path.to_owned(), why: why.to_string() };
    let found = glob::glob_with(text, options).map_err(|error| failed(&error))?;
    let mut found = found.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
    found.sort();
    if found.is_empty() { Err(failed(&"no file or folder matches it")) } else { Ok(found) }
}
