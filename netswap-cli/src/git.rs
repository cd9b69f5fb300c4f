//! Git commands: queries about a project's repository, and the creation of one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the folder of the repository that contains this folder. The error is git's message.
pub(crate) fn repository(folder: &Path) -> Result<PathBuf, String> {
    let output = run(git(folder).args(["rev-parse", "--show-toplevel"]))?;
    Ok(PathBuf::from(output.trim_end_matches(['\n', '\r'])))
}

/// Whether the repository around the file ignores it.
pub(crate) fn is_ignored(file: &Path) -> bool {
    let folder = file.parent().unwrap_or(Path::new("."));
    run(git(folder).args(["check-ignore", "--quiet", "--"]).arg(file)).is_ok()
}

/// Creates a repository in a folder. The error is git's message.
pub(crate) fn init(folder: &Path) -> Result<(), String> {
    run(git(folder).args(["init", "--quiet"])).map(drop)
}

/// Returns the changed and new files of a repository, relative to its folder. If `allow_staged`,
/// leaves out files whose changes are all staged. The error is git's message.
pub(crate) fn uncommitted(folder: &Path, allow_staged: bool) -> Result<Vec<String>, String> {
    // Without these options, the user's git configuration may leave files out.
    let all = ["--untracked-files=normal", "--ignore-submodules=none"];
    let status = run(git(folder).args(["status", "--porcelain", "-z", "--no-renames"]).args(all))?;
    // An entry has one letter for the index, one for the work tree, a space, and the path.
    let entries = status.split('\0').filter_map(|entry| {
        let (letters, path) = entry.split_at_checked(3)?;
        let is_staged = letters.get(1..2) == Some(" ");
        (!(is_staged && allow_staged)).then(|| path.to_owned())
    });
    Ok(entries.collect())
}

/// Runs git and returns its output. The error is git's message, or the reason why git did not run.
fn run(git: &mut Command) -> Result<String, String> {
    match git.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(format!("git: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("failed to run git: {error}")),
    }
}

/// Returns a git command for a folder. It ignores any repository that this program is run for, for
/// instance by a hook.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(name);
    }
    // Errors here quote git's messages, so they must not be translated.
    git.env("LC_ALL", "C").arg("-C").arg(folder).stdin(Stdio::null());
    git
}
