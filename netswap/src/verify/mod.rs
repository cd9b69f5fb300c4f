//! `netswap verify`: reads and judges the headers of a build's images, or of files and folder
//! trees.

mod baseline;
mod result;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub use self::baseline::BaselineOutcome;
use self::baseline::{Baseline, BaselineWriter, Scope};
pub use self::result::{Input, Summary, Verification, VerifiedImage};
use crate::find::{
    Build, Found, SiblingDlls, Siblings, Source, Visit, WalkOptions, WalkedFile, Workspace,
    all_exist, walk,
};
use crate::finding::Finding;
use crate::image::{self, Content, Directory, Header, Kind, Layout, ReadError};
use crate::policy::{Failure, ManifestRules, POLICY_FILE, Policy, PolicySource, Rules};
use crate::system::{self, Identity, Stamp};
use crate::{Error, ExitCode, judge};

/// Options for finding and judging images.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The policy that applies.
    pub policy: PolicySource,
    /// The file with the known failures, which don't count.
    pub baseline: Option<PathBuf>,
    /// The file to write the failures to as known ones. They then don't count.
    pub write_baseline: Option<PathBuf>,
    /// Whether unreadable files and folders don't cause an error.
    pub ignore_unreadable: bool,
    /// The kinds of images to judge although the bits have no effect on them.
    pub include_kinds: Vec<Kind>,
    /// Returns the name of whoever signed an open file with this certificate table. Called for
    /// signed images that fail, while the file is open.
    pub signer: Option<fn(&File, Directory) -> Option<String>>,
    /// Options for walking folder trees.
    pub walk: WalkOptions,
    /// The number of files examined so far, for a progress display.
    pub looked_at: Arc<AtomicU64>,
}

/// A function that is called with each image as it is judged.
pub type OnImage<'a> = dyn FnMut(&VerifiedImage) -> Result<(), Error> + 'a;

/// Runs the build and judges the images that Cargo reports, in the order of their paths.
///
/// Unless the options choose a policy, it comes from each package's `Cargo.toml`, from the
/// workspace's `Cargo.toml` and from the `netswap.toml` beside the latter.
///
/// # Errors
///
/// Fails if a manifest, the policy or the baseline can't be used, if the build fails, or if
/// `on_image` does. A build that [`WalkOptions::stop`] ends is no error.
pub fn build(
    build: &Build,
    options: &Options,
    on_image: &mut OnImage<'_>,
) -> Result<Verification, Error> {
    let start = Instant::now();
    let workspace = build.workspace()?;
    let policies = match &options.policy {
        PolicySource::File(file) => Policies::from_file(file)?,
        PolicySource::None => Policies::default(),
        PolicySource::Default | PolicySource::Workspace => Policies::from_workspace(&workspace)?,
    };
    policies.check(options)?;
    let baseline = BaselineState::from_options(options)?;
    let mut found = match build.run(&workspace, &options.walk.stop) {
        // Ctrl-C ends Cargo too.
        Err(_) if options.walk.is_stopped() => Vec::new(),
        found => found?,
    };
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let owner = |found: &Found| match &found.source {
        Source::Build(artifact) => artifact.manifest.clone(),
        Source::File | Source::Sibling(_) => workspace.root_manifest.clone(),
    };
    let owners: HashSet<PathBuf> = found.iter().map(owner).collect();
    let rules = policies.rules(|manifest| owners.contains(manifest));
    let mut run = Run { outcome: Verification::new(rules, Input::Build), baseline, on_image };
    for found in found {
        if options.walk.is_stopped() {
            break;
        }
        let policy = policies.for_owner(&owner(&found));
        let (file, content) = open(system::open_with(&found.path, options.walk.recall));
        let root = workspace.root_manifest.parent().unwrap_or(Path::new(""));
        match judge_found(found, root, file.as_ref(), content, policy, options) {
            Some((image, _)) => run.image(image)?,
            None => run.outcome.summary.count_others(1),
        }
    }
    run.finish(&[], options, start)
}

/// Judges files and all files in folder trees, whatever built them, in the order of their paths.
/// For a program that is named itself, also judges the DLLs that it loads from its own folder.
///
/// Unless the options choose a policy, there is none. A `netswap.toml` in the folders is not read:
/// whoever can write to a share must not be able to excuse what is on it.
///
/// # Errors
///
/// Fails if a path does not exist, if the policy or the baseline can't be used, or if `on_image`
/// fails. An unreadable file or folder below a path gets the status unreadable instead.
pub fn paths(
    paths: &[PathBuf],
    options: &Options,
    on_image: &mut OnImage<'_>,
) -> Result<Verification, Error> {
    let start = Instant::now();
    all_exist(paths)?;
    let policies = match &options.policy {
        PolicySource::File(file) => Policies::from_file(file)?,
        PolicySource::Workspace => Policies::from_workspace(&Build::new().workspace()?)?,
        PolicySource::Default | PolicySource::None => Policies::default(),
    };
    policies.check(options)?;
    let baseline = BaselineState::from_options(options)?;
    let has_folder = paths.iter().any(|path| path.is_dir());
    let input = if has_folder { Input::Folders } else { Input::Files };
    let outcome = Verification::new(policies.rules(|_| true), input);
    let judge = Judge {
        policies: &policies,
        siblings: SiblingDlls::new(options.walk.recall),
        options,
        may_repeat_files: options.walk.follow_links || overlap(paths),
        other_files: AtomicU64::new(0),
        ignored_policy: Mutex::new(None),
    };
    for path in paths {
        let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
        judge.note_policy(&folder.unwrap_or(Path::new("")).join(POLICY_FILE));
    }
    let mut run = Run { outcome, baseline, on_image };
    // A DLL counts once, even if two programs load it or the user also named it.
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let named: HashSet<_> = paths.iter().map(|path| full(path)).collect();
    let (mut dlls, mut files) = (HashSet::new(), HashSet::new());
    walk(paths, &options.walk, &judge, |Judged { image, is_sibling, identity }: Judged| {
        if is_sibling {
            let dll = full(&image.path);
            if named.contains(&dll) || !dlls.insert(dll) {
                return Ok(());
            }
        }
        // The first path in order is reported.
        if identity.is_some_and(|identity| !files.insert(identity)) {
            return Ok(());
        }
        run.image(image)
    })?;
    run.outcome.summary.count_others(judge.other_files.into_inner());
    run.outcome.ignored_policy =
        judge.ignored_policy.into_inner().unwrap_or_else(PoisonError::into_inner);
    run.finish(paths, options, start)
}

/// Whether one of the paths is in another one.
fn overlap(paths: &[PathBuf]) -> bool {
    let mut full: Vec<_> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
    // Paths below a folder follow it.
    full.sort();
    full.windows(2).any(|pair| matches!(pair, [first, second] if second.starts_with(first)))
}

/// The baseline of known failures, and the baseline to write.
struct BaselineState {
    known: Option<Baseline>,
    writer: Option<BaselineWriter>,
}

impl BaselineState {
    fn from_options(options: &Options) -> Result<Self, Error> {
        Ok(BaselineState {
            known: options.baseline.as_deref().map(Baseline::from_file).transpose()?,
            writer: options.write_baseline.as_deref().map(BaselineWriter::create).transpose()?,
        })
    }

    /// Allows the image if its failures are known, or become known by being written.
    fn apply(&mut self, image: &mut VerifiedImage) {
        let written = self.writer.as_mut().and_then(|writer| writer.image(image));
        if let Some(known) = &mut self.known {
            known.apply(image);
        }
        if let Some(reason) = written {
            image.allow(reason);
        }
    }

    /// Writes the new baseline after a complete run, and sets the results. A run that was
    /// interrupted, could not read everything, or found no image, would remove entries that are still
    /// right: the share may not be mounted.
    fn finish(self, outcome: &mut Verification, scope: &Scope<'_>) -> Result<(), Error> {
        if let Some(writer) = self.writer {
            match outcome.exit_code() {
                ExitCode::Passed | ExitCode::Findings => writer.finish(scope)?,
                _ => outcome.unwritten_baseline = Some(writer.path().to_owned()),
            }
        }
        outcome.baseline = self.known.map(|known| known.finish(scope));
        if let Some(baseline) = outcome.baseline.as_mut().filter(|_| outcome.is_interrupted) {
            // The files that were not reached may have the other failures.
            baseline.stale.clear();
        }
        Ok(())
    }
}

/// A verification in progress: the result so far, and the function to call with each image.
struct Run<'a, 'b> {
    outcome: Verification,
    baseline: BaselineState,
    on_image: &'a mut OnImage<'b>,
}

impl Run<'_, '_> {
    fn image(&mut self, mut image: VerifiedImage) -> Result<(), Error> {
        self.baseline.apply(&mut image);
        self.outcome.count(&image);
        (self.on_image)(&image)
    }

    /// `paths` are the files and folders that were scanned. A build has none.
    fn finish(
        self,
        paths: &[PathBuf],
        options: &Options,
        start: Instant,
    ) -> Result<Verification, Error> {
        let mut outcome = self.outcome;
        outcome.ignores_unreadable = options.ignore_unreadable;
        outcome.is_interrupted = options.walk.is_stopped();
        let scope = Scope { paths, exclude: &options.walk.exclude };
        self.baseline.finish(&mut outcome, &scope)?;
        outcome.summary.seconds = start.elapsed().as_secs_f64();
        Ok(outcome)
    }
}

/// The visitor that judges the files of a walk.
struct Judge<'a> {
    policies: &'a Policies,
    siblings: SiblingDlls,
    options: &'a Options,
    /// Whether the walk may come to the same file under the same name again.
    may_repeat_files: bool,
    other_files: AtomicU64,
    /// The first `netswap.toml` in the folders, which is not read.
    ignored_policy: Mutex<Option<PathBuf>>,
}

/// An image that was judged.
struct Judged {
    image: VerifiedImage,
    /// Whether it is a DLL that a named program loads.
    is_sibling: bool,
    /// The identity of a file that may be found again: it has several names, for example.
    identity: Option<Identity>,
}

impl From<VerifiedImage> for Judged {
    fn from(image: VerifiedImage) -> Self {
        Judged { image, is_sibling: false, identity: None }
    }
}

impl Visit for Judge<'_> {
    type Item = Judged;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        self.options.looked_at.fetch_add(1, Ordering::Relaxed);
        let (mut dlls, mut problems) = (Vec::new(), Vec::new());
        let (opened, content) = open(file.open());
        if let (WalkedFile::Named(path, _), Some(opened)) = (file, &opened) {
            if matches!(&content, Ok(Content::Image(header)) if header.kind() == Kind::Exe) {
                problems = self.judge_siblings(path, opened, &mut dlls);
            }
        }
        if matches!(content, Ok(Content::Other)) {
            self.other_files.fetch_add(1, Ordering::Relaxed);
            if file.has_name(POLICY_FILE) {
                self.note_policy(&file.path());
            }
            return;
        }
        let found = Found { path: file.path(), source: Source::File };
        let policy = self.policies.for_owner(file.named());
        let (named, opened) = (file.named(), opened.as_ref());
        let image = judge_found(found, named, opened, content, policy, self.options);
        items.extend(image.map(|(mut image, stamp)| {
            for Problem { finding, is_fatal } in problems {
                image.add(finding, is_fatal);
            }
            Judged { image, is_sibling: false, identity: self.identity(stamp) }
        }));
        items.append(&mut dlls);
    }

    fn offline(&self, file: &WalkedFile<'_>) -> Option<Self::Item> {
        Some(VerifiedImage::offline(file.path()).into())
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        VerifiedImage::unreadable(path, error).into()
    }
}

impl Judge<'_> {
    /// Returns the identity of a file that may be found again.
    fn identity(&self, stamp: Option<(Stamp, u64)>) -> Option<Identity> {
        let (stamp, names) = stamp?;
        stamp.identity.filter(|_| names > 1 || self.may_repeat_files)
    }

    /// Notes a policy in the scanned folders, unless it is the one in force or the user wants none.
    fn note_policy(&self, path: &Path) {
        let is_chosen = match &self.options.policy {
            PolicySource::None => true,
            PolicySource::File(file) => file.canonicalize().ok() == path.canonicalize().ok(),
            PolicySource::Default => false,
            PolicySource::Workspace => self
                .policies
                .rules(|_| true)
                .iter()
                .any(|rules| rules.source.canonicalize().ok() == path.canonicalize().ok()),
        };
        if is_chosen || !path.is_file() {
            return;
        }
        let mut first = self.ignored_policy.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_deref().is_none_or(|first| path < first) {
            *first = Some(path.to_owned());
        }
    }

    /// Judges the DLLs that a program loads from its own folder. Returns what could not be read.
    fn judge_siblings(&self, program: &Path, file: &File, items: &mut Vec<Judged>) -> Vec<Problem> {
        let siblings = match Layout::read(file) {
            Ok(Some(layout)) => self.siblings.dlls(program, file, &layout),
            Ok(None) => return Vec::new(),
            Err(error) => Err(error),
        };
        let Siblings { dlls, imports } = match siblings {
            Ok(siblings) => siblings,
            Err(error) => return vec![Problem { finding: Finding::from(&error), is_fatal: true }],
        };
        let is_wanted = |dll: &PathBuf| {
            let exclude = &self.options.walk.exclude;
            !dll.file_name().is_some_and(|name| exclude.matches(Path::new(name)))
        };
        for path in dlls.into_iter().filter(is_wanted) {
            let (file, content) = open(system::open_with(&path, self.options.walk.recall));
            let policy = self.policies.for_owner(program);
            let found = Found { path, source: Source::Sibling(program.to_owned()) };
            let root = program.parent().unwrap_or(program);
            let image = judge_found(found, root, file.as_ref(), content, policy, self.options);
            items.extend(image.map(|(image, stamp)| Judged {
                image,
                is_sibling: true,
                identity: self.identity(stamp),
            }));
        }
        imports.findings().map(|(finding, is_fatal)| Problem { finding, is_fatal }).collect()
    }
}

/// A fault of a program that was found when the DLLs beside it were looked for.
struct Problem {
    finding: Finding,
    /// Whether the program fails for it.
    is_fatal: bool,
}

/// Returns the open file and its content.
fn open(file: io::Result<File>) -> (Option<File>, Result<Content, ReadError>) {
    match file {
        Ok(file) => {
            let content = image::read_from(&file);
            (Some(file), content)
        }
        Err(error) => (None, Err(error.into())),
    }
}

/// Judges one file by its content. `root` is the folder that it was found in. Also returns the
/// stamp of the file and the number of its names, if it is open. Returns `None` if the file is not
/// an image.
fn judge_found(
    found: Found,
    root: &Path,
    file: Option<&File>,
    content: Result<Content, ReadError>,
    policy: &Policy,
    options: &Options,
) -> Option<(VerifiedImage, Option<(Stamp, u64)>)> {
    let allow = |failure: &Failure<'_>| {
        policy.allow(&found.path, root, failure).map(|allow| allow.reason.clone())
    };
    let signer = |header: &Header| options.signer?(file?, header.certificate_table?);
    let (required, included) = (policy.swap_run(), &options.include_kinds);
    let verdict = judge(content, required, included, &found.source, &signer, &allow)?;
    let stamp = file.and_then(|file| system::stamp(file).ok());
    let modified = stamp.and_then(|(stamp, _)| stamp.modified());
    Some((VerifiedImage { modified, ..VerifiedImage::new(found, verdict) }, stamp))
}

/// The policies by owner, which is a manifest.
#[derive(Default)]
struct Policies {
    by_owner: BTreeMap<PathBuf, Policy>,
    fallback: Policy,
}

impl Policies {
    /// Returns the policy in this file for all images.
    fn from_file(path: &Path) -> Result<Self, Error> {
        let fallback = Policy::new([Arc::new(Rules::from_file(path)?)]);
        Ok(Policies { by_owner: BTreeMap::new(), fallback })
    }

    /// Checks that all conditions can be evaluated.
    fn check(&self, options: &Options) -> Result<(), Error> {
        let mut all = self.by_owner.values().chain([&self.fallback]);
        if options.signer.is_some() || !all.any(Policy::needs_signer) {
            return Ok(());
        }
        Err(Error::Usage(
            "the policy names a `signer`, which only the program netswap can read; run `netswap verify`"
                .to_owned(),
        ))
    }

    /// Returns the policies by manifest. The package's table takes precedence over the workspace's,
    /// and that over `netswap.toml`.
    fn from_workspace(workspace: &Workspace) -> Result<Self, Error> {
        let folder = workspace.root_manifest.parent().unwrap_or(Path::new(""));
        let root = ManifestRules::from_file(&workspace.root_manifest, folder)?;
        let file = Rules::in_folder(folder)?;
        let common = || root.workspace.clone().into_iter().chain(file.clone());
        let mut by_owner = BTreeMap::new();
        for member in &workspace.members {
            let package = if member.manifest == workspace.root_manifest {
                root.package.clone()
            } else {
                ManifestRules::from_file(&member.manifest, folder)?.package
            };
            let rules = package.into_iter().chain(common());
            by_owner.insert(member.manifest.clone(), Policy::new(rules));
        }
        let fallback = Policy::new(common());
        Ok(Policies { by_owner, fallback })
    }

    fn for_owner(&self, owner: &Path) -> &Policy {
        self.by_owner.get(owner).unwrap_or(&self.fallback)
    }

    /// Returns the tables that apply to one of these owners or to all. Each table occurs once, in
    /// the order of the files.
    fn rules(&self, is_owner: impl Fn(&Path) -> bool) -> Vec<Arc<Rules>> {
        let owned = self.by_owner.iter().filter(|(owner, _)| is_owner(owner));
        let owned = owned.map(|(_, policy)| policy);
        let all = owned.chain([&self.fallback]);
        let mut rules: Vec<_> = all.flat_map(Policy::rules).cloned().collect();
        rules.sort_by(|a, b| a.source.cmp(&b.source).then(Arc::as_ptr(a).cmp(&Arc::as_ptr(b))));
        rules.dedup_by(|a, b| Arc::ptr_eq(a, b));
        rules
    }
}
