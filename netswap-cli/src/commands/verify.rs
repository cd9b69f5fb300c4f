//! `netswap verify`: reads the headers of a build's images, or of files and trees, and judges them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::find::{self, Build, Found, Workspace};
use crate::image;
use crate::policy::{ManifestRules, Policy, Rules};
use crate::report::{Judged, Origin, Report};
use crate::{Error, judge};

/// Builds, and judges the images that Cargo says it has made.
///
/// The policy is that of each package's and of the workspace's `Cargo.toml` and of `netswap.toml`
/// beside the latter, or the file `policy` in place of them.
///
/// # Errors
///
/// When a manifest or the policy can't be used, or the build fails.
pub fn build(build: &Build, policy: Option<&Path>) -> Result<Report, Error> {
    let start = Instant::now();
    let workspace = build.workspace()?;
    let policies = match policy {
        Some(file) => Policies::one(Rules::from_file(file)?),
        None => Policies::of_workspace(&workspace)?,
    };
    let found = build.run(&workspace)?;
    let owner = |found: &Found| match &found.artifact {
        Some(artifact) => artifact.manifest.clone(),
        None => workspace.root_manifest.clone(),
    };
    let owners: HashSet<PathBuf> = found.iter().map(owner).collect();
    let mut report =
        Report::new(policies.rules(|manifest| owners.contains(manifest)), Origin::Build);
    for found in found {
        let policy = policies.of(&owner(&found));
        add(&mut report, found, policy);
    }
    Ok(report.finish(start.elapsed()))
}

/// Judges files, and all files of folders and the folders below them, whatever built them.
///
/// The policy is `netswap.toml` in the named folder, or beside the named file, or the file `policy`
/// in place of them.
///
/// # Errors
///
/// When a path does not exist or the policy can't be used. What can't be read below a path is in
/// the report.
pub fn paths(paths: &[PathBuf], policy: Option<&Path>) -> Result<Report, Error> {
    let start = Instant::now();
    let no_such = |path: &PathBuf| {
        let source = path.metadata().err()?;
        let path = path.clone();
        (source.kind() == io::ErrorKind::NotFound).then_some(Error::NoSuchPath { path, source })
    };
    if let Some(error) = paths.iter().find_map(no_such) {
        return Err(error);
    }
    let policies = match policy {
        Some(file) => Policies::one(Rules::from_file(file)?),
        None => Policies::beside(paths)?,
    };
    let has_folder = paths.iter().any(|path| path.is_dir());
    let origin = if has_folder { Origin::Folders } else { Origin::Files };
    let mut report = Report::new(policies.rules(|_| true), origin);
    for root in paths {
        for file in find::files(root) {
            match file {
                Ok(path) => add(&mut report, Found { path, artifact: None }, policies.of(root)),
                Err((path, error)) => report.add_unreadable(path, error),
            }
        }
    }
    Ok(report.finish(start.elapsed()))
}

/// Reads and judges one file.
fn add(report: &mut Report, found: Found, policy: &Policy) {
    let content = image::read(&found.path);
    let is_other = matches!(content, Ok(image::Content::Other));
    let allow = if is_other { None } else { policy.allow(&found.path) };
    let reason = allow.map(|allow| allow.reason.as_str());
    match judge(content, policy.swap_run(), reason, found.artifact.as_ref()) {
        Some(verdict) => report.add(Judged::new(found, verdict)),
        None => report.add_other(),
    }
}

/// Which policy is whose.
struct Policies {
    of: HashMap<PathBuf, Policy>,
    others: Policy,
}

impl Policies {
    /// One for all.
    fn one(rules: Rules) -> Self {
        Policies { of: HashMap::new(), others: Policy::new([Arc::new(rules)]) }
    }

    /// By manifest: the package's table before the workspace's, and that before `netswap.toml`.
    fn of_workspace(workspace: &Workspace) -> Result<Self, Error> {
        let folder = workspace.root_manifest.parent().unwrap_or(Path::new(""));
        let root = ManifestRules::from_file(&workspace.root_manifest, folder)?;
        let file = Rules::in_folder(folder)?;
        let common = || root.workspace.clone().into_iter().chain(file.clone());
        let mut of = HashMap::new();
        for member in &workspace.members {
            let package = if member.manifest == workspace.root_manifest {
                root.package.clone()
            } else {
                ManifestRules::from_file(&member.manifest, folder)?.package
            };
            let rules = package.into_iter().chain(common());
            of.insert(member.manifest.clone(), Policy::new(rules));
        }
        let others = Policy::new(common());
        Ok(Policies { of, others })
    }

    /// By named path: the file in the folder, or beside the file.
    fn beside(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut of = HashMap::new();
        let mut by_folder: HashMap<&Path, Option<Arc<Rules>>> = HashMap::new();
        for path in paths {
            let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
            let folder = folder.unwrap_or(Path::new(""));
            let rules = match by_folder.get(folder) {
                Some(rules) => rules.clone(),
                None => Rules::in_folder(folder)?,
            };
            by_folder.insert(folder, rules.clone());
            of.insert(path.clone(), Policy::new(rules));
        }
        Ok(Policies { of, others: Policy::default() })
    }

    fn of(&self, owner: &Path) -> &Policy {
        self.of.get(owner).unwrap_or(&self.others)
    }

    /// Every table once that is of one of these owners or of all, in the order of the files.
    fn rules(&self, is_owner: impl Fn(&Path) -> bool) -> Vec<Arc<Rules>> {
        let owned = self.of.iter().filter(|(owner, _)| is_owner(owner)).map(|(_, policy)| policy);
        let all = owned.chain([&self.others]);
        let mut rules: Vec<_> = all.flat_map(Policy::rules).cloned().collect();
        rules.sort_by(|a, b| a.source.cmp(&b.source).then(Arc::as_ptr(a).cmp(&Arc::as_ptr(b))));
        rules.dedup_by(|a, b| Arc::ptr_eq(a, b));
        rules
    }
}
