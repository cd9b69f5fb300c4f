//! Target folders in which Cargo has already compiled the dependencies.
//!
//! Each test builds in a separate target folder, so no other test and no earlier run can change its
//! outcome. An empty folder would compile netswap-build in every test, and the crates of an xtask in
//! many. So the folder starts as a copy of a seed. A seed is a folder below `target/tmp` in which Cargo
//! has built a project with the same dependencies. Cargo decides which files of the copy are up to
//! date. The copy leaves out the seed's own packages, because Cargo would confuse them with
//! packages of the same name in the test's project.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::examples::Tool;
use crate::run;
use testkit::{Project, X64, cargo, copy, files, uses_new_layout};

/// A folder with compiled dependencies. Cargo updates it once in each run of the tests.
pub(crate) struct Seed {
    name: &'static str,
    /// Builds projects in this folder, which is kept for the next run, and returns their paths.
    build: fn(&Path) -> Vec<PathBuf>,
    built: OnceLock<Built>,
}

struct Built {
    target_dir: PathBuf,
    /// The names of the seed's own packages, with `_` in place of `-`.
    packages: Vec<String>,
}

/// netswap-build for the build scripts of the fixtures.
static FIXTURES: Seed = Seed::new("fixtures", |folder| {
    let project = keep(&Project::new("bin-only").root, folder);
    passes(&project, folder, &["build", "--offline", "--target", X64]);
    vec![project]
});

/// The dependencies of the examples, with `RUSTC_BOOTSTRAP` set as in their tests.
pub(crate) static EXAMPLES: Seed = Seed::new("examples", |folder| {
    let examples = ["hello-tool", "native-tool"].map(|example| {
        let mut tool = Tool::new(example);
        tool.root = keep(&tool.root, folder);
        tool.cargo(folder.join("target"), &["build", "--locked", "--workspace"], 0);
        tool.root
    });
    examples.into()
});

/// The dependencies of what `netswap new` makes, and of the xtasks that `netswap init` adds.
pub(crate) static NEW: Seed = Seed::new("new", |folder| {
    let examples = ["hello-tool", "plugin-host", "workspace-tools"].map(|example| {
        let project = keep(&Tool::new(example).root, folder);
        passes(&project, folder, &["build", "--locked", "--workspace"]);
        passes(&project, folder, &["clippy", "--locked", "--workspace"]);
        project
    });
    examples.into()
});

impl Seed {
    const fn new(name: &'static str, build: fn(&Path) -> Vec<PathBuf>) -> Self {
        Seed { name, build, built: OnceLock::new() }
    }

    /// Returns a new target folder for a test.
    pub(crate) fn target_dir(&self) -> TempDir {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        self.copy_to(dir.path());
        dir
    }

    fn copy_to(&self, target_dir: &Path) {
        let seed = self.built.get_or_init(|| {
            let layout = if uses_new_layout() { "new-layout" } else { "layout" };
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seeds").join(layout);
            let folder = folder.join(self.name);
            let projects = (self.build)(&folder);
            let packages = projects.iter().flat_map(|project| packages(project)).collect();
            Built { target_dir: folder.join("target"), packages }
        });
        let (from, to) = (seed.target_dir.join("debug"), target_dir.join("debug"));
        for folder in ["build", "deps", ".fingerprint"] {
            // The new layout has `build` alone.
            if from.join(folder).is_dir() {
                copy_outputs(&from.join(folder), &to.join(folder), &seed.packages);
            }
        }
    }
}

/// Copies a fixture. In its target folder netswap-build is compiled.
pub(crate) fn fixture(name: &str) -> Project {
    seeded(Project::new(name))
}

pub(crate) fn seeded(project: Project) -> Project {
    FIXTURES.copy_to(&project.root.join("target"));
    project
}

/// Copies a project and its siblings to a folder and returns the new path. Does not touch an
/// identical copy, so that Cargo does not build it again.
fn keep(project: &Path, folder: &Path) -> PathBuf {
    let destination = folder.join(project.file_name().unwrap());
    let home = project.parent().unwrap();
    let is_same = |(path, content): (PathBuf, Option<Vec<u8>>)| match content {
        Some(content) => fs::read(destination.join(path)).is_ok_and(|bytes| bytes == content),
        None => destination.join(path).is_dir(),
    };
    if !files(home).into_iter().all(is_same) {
        let _ = fs::remove_dir_all(&destination);
        copy(home, &destination);
    }
    destination.join(project.file_name().unwrap())
}

/// Runs Cargo in a seed's project and checks that it succeeds.
fn passes(project: &Path, folder: &Path, arguments: &[&str]) {
    run(cargo(project, arguments).env("CARGO_TARGET_DIR", folder.join("target")), 0);
}

/// Returns the names of a project's packages, with `_` in place of `-`.
fn packages(project: &Path) -> Vec<String> {
    let arguments = ["metadata", "--no-deps", "--format-version=1", "--offline"];
    let metadata = run(&mut cargo(project, &arguments), 0).json();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.map(|package| package["name"].as_str().unwrap().replace('-', "_")).collect()
}

/// Whether a file or folder of Cargo's outputs belongs to one of these packages. The name is
/// that of the package, or begins with it: `libgreetings-6880a6f2fd70da3a.rlib`.
fn belongs_to(name: &str, packages: &[String]) -> bool {
    let name = name.replace('-', "_");
    let name = name.strip_prefix("lib").unwrap_or(&name);
    packages.iter().any(|package| {
        let rest = name.strip_prefix(package.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '.']))
    })
}

/// Copies a folder of Cargo's outputs, except those of these packages. Keeps the modification times,
/// because Cargo compares them.
fn copy_outputs(from: &Path, to: &Path, except: &[String]) {
    // A link costs less than a copy. rustc and linkers replace their outputs. The small files are
    // Cargo's, and Cargo writes to some of them in place.
    const LINKED_FROM_BYTES: u64 = 64 * 1024;
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let metadata = entry.metadata().unwrap();
        if belongs_to(&entry.file_name().to_string_lossy(), except) {
            continue;
        }
        if metadata.is_dir() {
            copy_outputs(&from, &to, &[]);
        } else if metadata.len() < LINKED_FROM_BYTES || fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to).unwrap();
            let modified = metadata.modified().unwrap();
            fs::File::options().write(true).open(&to).unwrap().set_modified(modified).unwrap();
        }
    }
}
