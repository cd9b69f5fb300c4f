//! What the command line names: files, folders, and globs where no shell has resolved them.

use std::path::{Path, PathBuf};

use crate::Error;

/// The paths, with each glob that names no file itself replaced by what it matches, in the order of
/// the paths. Case plays no part, as in the names of Windows files.
///
/// # Errors
///
/// When a glob is none, matches nothing, or needs a folder that can't be read.
pub(crate) fn resolve(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let mut resolved = Vec::new();
    for path in paths {
        match glob_of(&path) {
            Some(glob) => resolved.extend(matches(&path, glob)?),
            None => resolved.push(path),
        }
    }
    Ok(resolved)
}

/// The path's text if it is meant as a glob.
fn glob_of(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    // Of a path that Windows is to take by the letter, the `?` in front is no glob.
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
    let wrong = |why: String| Error::Glob { glob: path.to_owned(), why };
    let found = glob::glob_with(text, options).map_err(|error| wrong(error.to_string()))?;
    let mut found: Vec<PathBuf> =
        found.collect::<Result<_, _>>().map_err(|error| wrong(error.to_string()))?;
    found.sort();
    if found.is_empty() {
        return Err(wrong("nothing matches it".to_owned()));
    }
    Ok(found)
}
