//! What of a project is changed so that it asks for the bit: a plan, of which nothing is written yet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use netswap::text::nearest;

use super::files::{FileChange, Files};
use super::project::Project;
use super::xtask::Xtask;
use super::{chores, package};
use crate::Error;

/// What is wanted of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The packages; none: all that make an image, but for the xtask.
    pub(crate) packages: Vec<String>,
    /// Whether `cargo xtask verify` is to be there.
    pub(crate) xtask: bool,
    /// A clone of netswap, whose crates are used in place of the published ones, with `/` between its
    /// names.
    pub(crate) netswap_path: Option<String>,
}

/// What of a project is changed.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What became of each package, and of the xtask.
    pub(crate) converted: Vec<Converted>,
    /// The files that are written for all of them.
    pub(crate) shared: Vec<PathBuf>,
    /// The packages that make nothing but the xtask, which stays on the machine that builds.
    pub(crate) left_out: Vec<String>,
    /// Whether `cargo xtask verify` is there afterwards.
    pub(crate) has_xtask: bool,
    /// The files that are written, in the order of their paths.
    pub(crate) changes: Vec<FileChange>,
}

/// What became of a package.
#[derive(Clone, Debug)]
pub(crate) struct Converted {
    /// The package's name.
    pub(crate) name: String,
    /// The files that are written for it; others may be among those of packages before.
    pub(crate) files: Vec<PathBuf>,
    /// What can't be done surely, and is left to do.
    pub(crate) todo: Option<Remark>,
    /// What may be left to do, although all was done.
    pub(crate) notes: Vec<Remark>,
}

/// Something that is for the project's owner to do.
#[derive(Clone, Debug)]
pub(crate) struct Remark {
    /// The file that it is about.
    pub(crate) path: PathBuf,
    /// Why it is theirs.
    pub(crate) why: String,
    /// What to do; lines that are to be pasted are indented.
    pub(crate) cure: String,
}

impl Converted {
    pub(super) fn of(name: &str) -> Self {
        Converted { name: name.to_owned(), files: Vec::new(), todo: None, notes: Vec::new() }
    }
}

/// The manifest of the package that makes nothing but the project's xtask, if there is one.
pub(crate) fn xtask_manifest(manifest_path: Option<&Path>) -> Option<PathBuf> {
    let project = Project::read(manifest_path).ok()?;
    let xtask = Xtask::find(&project, &mut Files::default()).ok()?;
    let package = project.packages.iter().find(|package| xtask.leaves_out(package))?;
    Some(package.manifest.clone())
}

/// Reads the project's files and decides what they are to say.
///
/// # Errors
///
/// When a file can't be read, or a package that is wanted is not there.
pub(crate) fn plan(project: &Project, wanted: &Wanted) -> Result<Plan, Error> {
    let mut files = Files::default();
    let xtask = Xtask::find(project, &mut files)?;
    let mut left_out = Vec::new();
    let mut packages = Vec::new();
    if wanted.packages.is_empty() {
        for package in project.packages.iter().filter(|package| package.makes_images()) {
            if xtask.leaves_out(package) {
                left_out.push(package.name.clone());
            } else {
                packages.push(package);
            }
        }
    } else {
        for name in wanted.packages.iter().collect::<BTreeSet<_>>() {
            packages.push(project.package(name).ok_or_else(|| unknown(name, project))?);
        }
    }
    let mut converted = Vec::new();
    for package in packages {
        let mut outcome = package::convert(package, project, &mut files)?;
        outcome.files = files.take_touched();
        if outcome.files.is_empty() && files.is_changed(&package.manifest) {
            // With another package that has the same build script.
            outcome.files.push(package.manifest.clone());
        }
        converted.push(outcome);
    }
    let mut has_xtask = xtask.verifies();
    if wanted.xtask {
        let mut outcome = chores::convert(&xtask, project, &mut files)?;
        outcome.files = files.take_touched();
        has_xtask = outcome.todo.is_none();
        converted.push(outcome);
    }
    if let Some(clone) = wanted.netswap_path.as_ref().filter(|_| !converted.is_empty()) {
        chores::patch(clone, wanted.xtask, project, &mut files)?;
    }
    let shared = files.take_touched();
    Ok(Plan { converted, shared, left_out, has_xtask, changes: files.changes() })
}

fn unknown(name: &str, project: &Project) -> Error {
    let names = project.packages.iter().map(|package| &*package.name);
    Error::UnknownPackage {
        name: name.to_owned(),
        nearest: nearest(name, names).map(str::to_owned),
    }
}
