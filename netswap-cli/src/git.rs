//! What git knows of a project, and makes of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether the folder lies in a repository.
pub(crate) fn is_repository(folder: &Path) -> bool {
    repository(folder).is_ok()
}

/// The folder of the repository that this one lies in; the error is what was said.
pub(crate) fn repository(folder: &Path) -> Result<PathBuf, String> {
    let said = said(git(folder).args(["rev-parse", "--show-toplevel"]))?;
    Ok(PathBuf::from(said.trim_end_matches(['\n', '\r'])))
}

/// Whether the repository around the file keeps nothing of it.
pub(crate) fn is_ignored(file: &Path) -> bool {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut git = git(folder);
    git.args(["check-ignore", "--quiet", "--"]).arg(file).stderr(Stdio::null());
    git.output().is_ok_and(|output| output.status.success())
}

/// Makes a repository of a folder; the error is what was said.
pub(crate) fn init(folder: &Path) -> Result<(), String> {
    said(git(folder).args(["init", "--quiet"])).map(drop)
}

/// A file of the repository that is not as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uncommitted {
    /// Below the repository's folder.
    pub(crate) path: String,
    /// Whether all that is new of it waits for the next commit.
    pub(crate) is_staged: bool,
}

/// The files of the repository around the folder that are changed or new; the error is what was said.
pub(crate) fn uncommitted(folder: &Path) -> Result<Vec<Uncommitted>, String> {
    // Whatever the account's own settings leave out.
    let all = ["--untracked-files=normal", "--ignore-submodules=none"];
    let status = said(git(folder).args(["status", "--porcelain", "-z", "--no-renames"]).args(all))?;
    // Two letters, of the index and of the work tree, a space, and the path.
    let entries = status.split('\0').filter_map(|entry| {
        let (letters, path) = entry.split_at_checked(3)?;
        let is_staged = letters.get(1..2) == Some(" ");
        Some(Uncommitted { path: path.to_owned(), is_staged })
    });
    Ok(entries.collect())
}

/// What was printed, or why it was not.
fn said(git: &mut Command) -> Result<String, String> {
    match git.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(format!("git: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("git could not be run: {error}")),
    }
}

/// Git in a folder; it knows nothing of a repository that this program is run for, by a hook for
/// instance.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(name);
    }
    // What it says is part of an error here.
    git.env("LC_ALL", "C").arg("-C").arg(folder).stdin(Stdio::null());
    git
}
