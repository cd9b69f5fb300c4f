//! `netswap init`: makes an existing project request the bit, completely or not at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use netswap::text::shown;

use super::files::FileChange;
use super::plan::{Plan, Wanted, plan};
use super::project::Project;
use super::write::write;
use crate::{Error, git};

/// The problems with version control that don't stop the conversion.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Allow {
    /// Convert despite uncommitted changes
    #[arg(long = "allow-dirty")]
    dirty: bool,
    /// Convert despite staged changes
    #[arg(long = "allow-staged")]
    staged: bool,
    /// Convert without version control
    #[arg(long = "allow-no-vcs")]
    no_vcs: bool,
}

/// The result of a conversion or of a dry run.
#[derive(Debug)]
pub(crate) struct InitResult {
    pub(crate) root: PathBuf,
    pub(crate) plan: Plan,
    /// The command that verifies the whole project.
    pub(crate) verify: String,
    /// Whether there is a Cargo.lock, which does not list the new dependencies yet.
    pub(crate) has_lock: bool,
}

/// Converts the project of this manifest, or the one around the current folder. Without `allow`,
/// only plans the changes.
///
/// # Errors
///
/// When the project can't be read or written, a check with git fails, or Cargo rejects the result.
/// Then every file is as it was before.
pub(super) fn init(
    manifest_path: Option<&Path>,
    wanted: &Wanted,
    allow: Option<Allow>,
) -> Result<InitResult, Error> {
    let project = Project::read(manifest_path)?;
    let plan = plan(&project, wanted)?;
    if let Some(allow) = allow.filter(|_| !plan.changes.is_empty()) {
        check_git(&project.root, &plan.changes, allow)?;
        let written = write(&plan.changes)?;
        if let Err(error) = Project::read(Some(&project.root_manifest())) {
            written.roll_back()?;
            return Err(Error::RejectedByCargo(match error {
                Error::NoProject(why) => why,
                other => other.to_string(),
            }));
        }
    }
    let program = if plan.has_xtask { "cargo xtask" } else { "netswap" };
    // Without --workspace, Cargo builds only one of several packages, or all including the xtask.
    let has_several = project.packages.len() > 1 || wanted.xtask;
    let all = if has_several { " --workspace" } else { "" };
    let verify = format!("{program} verify{all} --release --target x86_64-pc-windows-msvc");
    let has_lock = project.root.join("Cargo.lock").is_file();
    Ok(InitResult { root: project.root, plan, verify, has_lock })
}

/// Checks with git that the changes can be distinguished from other work, and undone.
fn check_git(root: &Path, changes: &[FileChange], allow: Allow) -> Result<(), Error> {
    /// The maximum number of files to name.
    const NAMED: usize = 5;
    if allow.no_vcs {
        return Ok(());
    }
    let here = std::env::current_dir().unwrap_or_default();
    let not_kept = |path: &Path, why: String| {
        Err(Error::NoVersionControl { path: shown(path, &here).to_owned(), why })
    };
    let mut repositories = BTreeSet::new();
    for FileChange { path, .. } in changes {
        let folder = path.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(root);
        match git::repository(folder) {
            Ok(repository) => repositories.insert(repository),
            Err(why) => return not_kept(folder, why),
        };
        if git::is_ignored(path) {
            return not_kept(path, "git ignores it".to_owned());
        }
    }
    let mut names = Vec::new();
    for repository in repositories {
        match git::uncommitted(&repository, allow.staged) {
            Ok(files) => names.extend(files),
            Err(why) => return not_kept(&repository, why),
        }
    }
    if names.is_empty() || allow.dirty {
        return Ok(());
    }
    if names.len() > NAMED {
        let others = names.split_off(NAMED).len();
        names.push(format!("and {others} more"));
    }
    Err(Error::UncommittedChanges {
        folder: shown(root, &here).to_owned(),
        files: names.join(", "),
    })
}
