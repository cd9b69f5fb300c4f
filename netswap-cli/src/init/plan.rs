//! The plan of `netswap init`: the changes that make a project request the bit. Nothing is written
//! yet.

use std::collections::BTreeSet;
use std::path::PathBuf;

use netswap::text::nearest;

use super::converted::Converted;
use super::files::{FileChange, Files};
use super::project::Project;
use super::xtask::Xtask;
use super::{add_xtask, package};
use crate::Error;

#[derive(Debug)]
pub(crate) struct Wanted {
    /// The packages to convert. If empty, all packages that make an image, except for the xtask.
    pub(crate) packages: Vec<String>,
    /// Whether to add `cargo xtask verify`.
    pub(crate) xtask: bool,
    /// The path of a netswap clone, with `/` as the separator. Its crates replace the published
    /// ones.
    pub(crate) netswap_path: Option<String>,
}

/// The planned changes of a project.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The result for each package, and for the xtask.
    pub(crate) converted: Vec<Converted>,
    /// The files to write for all packages together.
    pub(crate) shared: Vec<PathBuf>,
    /// The packages that make only the xtask, which stays on the machine that builds it.
    pub(crate) left_out: Vec<String>,
    /// Whether `cargo xtask verify` exists after the changes.
    pub(crate) has_xtask: bool,
    /// The files to write, in the order of their paths.
    pub(crate) changes: Vec<FileChange>,
}

/// Reads the project's files and plans their new text.
pub(crate) fn plan(project: &Project, wanted: &Wanted) -> Result<Plan, Error> {
    let mut files = Files::default();
    let xtask = Xtask::find(project)?;
    let (mut left_out, mut packages) = (Vec::new(), Vec::new());
    if wanted.packages.is_empty() {
        let all = project.packages.iter().filter(|package| package.makes_images());
        (left_out, packages) = all.partition(|package| xtask.is_only_image_of(package));
    }
    for name in wanted.packages.iter().collect::<BTreeSet<_>>() {
        let Some(package) = project.package(name) else {
            let names = project.packages.iter().map(|package| &*package.name);
            let nearest = nearest(name, names).map(str::to_owned);
            return Err(Error::UnknownPackage { name: name.clone(), nearest });
        };
        packages.push(package);
    }
    let left_out = left_out.into_iter().map(|package| package.name.clone()).collect();
    let mut converted = Vec::new();
    for package in packages {
        let mut outcome = Converted::new(&package.name);
        outcome.todo = package::convert(package, project, &mut files, &mut outcome.notes)?;
        outcome.files = files.take_touched();
        if outcome.files.is_empty() && files.is_changed(&package.manifest) {
            // It was changed together with another package that has the same build script.
            outcome.files.push(package.manifest.clone());
        }
        converted.push(outcome);
    }
    let mut has_xtask = xtask.verifies();
    if wanted.xtask {
        let mut outcome = add_xtask::convert(&xtask, project, &mut files)?;
        outcome.files = files.take_touched();
        has_xtask = outcome.todo.is_none();
        converted.push(outcome);
    }
    if let Some(clone) = wanted.netswap_path.as_ref().filter(|_| !converted.is_empty()) {
        add_xtask::patch(clone, wanted.xtask, project, &mut files)?;
    }
    let shared = files.take_touched();
    Ok(Plan { converted, shared, left_out, has_xtask, changes: files.changes() })
}
