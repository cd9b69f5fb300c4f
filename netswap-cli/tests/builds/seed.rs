//! Target folders in which Cargo has already compiled the dependencies.
//!
//! Each test builds in a target folder of its own, so no other test and no earlier run can change its
//! outcome. An empty folder would compile netswap-build in every test, and the crates of an xtask in
//! many. So the folder starts as a copy of a seed. A seed is a folder below `target/tmp` in which Cargo
//! has built a project with the same dependencies. Cargo decides which files of the copy are up to
//! date. It never mistakes the seed's project for the test's, because they have different paths.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::examples::Tool;
use crate::support::{Project, Run, X64, cargo, copy, files, uses_new_layout};

/// A folder with compiled dependencies. Cargo updates it once in each run of the tests.
pub(crate) struct Seed {
    name: &'static str,
    /// Builds in this folder, which is kept for the next run.
    build: fn(&Path),
    folder: OnceLock<PathBuf>,
}

/// netswap-build for the build scripts of the fixtures.
static FIXTURES: Seed = Seed::new("fixtures", |folder| {
    let project = keep(&Project::of("bin-only").root, folder);
    passes(&project, folder, &["build", "--offline", "--target", X64]);
});

/// The dependencies of the examples, with `RUSTC_BOOTSTRAP` set as in their tests.
pub(crate) static EXAMPLES: Seed = Seed::new("examples", |folder| {
    for example in ["hello-tool", "native-tool"] {
        let mut tool = Tool::of(example);
        tool.root = keep(&tool.root, folder);
        let run = tool.cargo(folder.join("target"), &["build", "--locked", "--workspace"]);
        assert_eq!(run.code, 0, "{run:#?}");
    }
});

/// The dependencies of what `netswap init` converts.
pub(crate) static INIT: Seed = Seed::new("init", |folder| {
    let project = keep(&Tool::of("hello-tool").root, folder);
    passes(&project, folder, &["build", "--locked", "--workspace"]);
    passes(&project, folder, &["clippy", "--locked", "--workspace"]);
});

/// The dependencies of what `netswap new` makes.
pub(crate) static NEW: Seed = Seed::new("new", |folder| {
    for example in ["hello-tool", "plugin-host", "workspace-tools"] {
        let project = keep(&Tool::of(example).root, folder);
        passes(&project, folder, &["build", "--locked", "--workspace"]);
        passes(&project, folder, &["clippy", "--locked", "--workspace"]);
    }
});

impl Seed {
    const fn new(name: &'static str, build: fn(&Path)) -> Self {
        Seed { name, build, folder: OnceLock::new() }
    }

    /// Returns a new target folder for a test.
    pub(crate) fn target_dir(&self) -> TempDir {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        self.copy_to(dir.path());
        dir
    }

    fn copy_to(&self, target_dir: &Path) {
        let seed = self.folder.get_or_init(|| {
            let layout = if uses_new_layout() { "new-layout" } else { "layout" };
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seeds").join(layout);
            let folder = folder.join(self.name);
            (self.build)(&folder);
            folder.join("target")
        });
        copy_outputs(&seed.join("debug"), &target_dir.join("debug"));
    }
}

impl Project {
    /// Gives the project a target folder in which netswap-build is compiled.
    pub(crate) fn seeded(self) -> Self {
        FIXTURES.copy_to(&self.root.join("target"));
        self
    }
}

/// Copies a project and its siblings to a folder and returns the new path. An identical copy is left as
/// it is, so that Cargo does not build it again.
fn keep(project: &Path, folder: &Path) -> PathBuf {
    let kept = folder.join(project.file_name().unwrap());
    let home = project.parent().unwrap();
    let is_same = |(path, content): (PathBuf, Option<Vec<u8>>)| match content {
        Some(content) => fs::read(kept.join(path)).is_ok_and(|there| there == content),
        None => kept.join(path).is_dir(),
    };
    if !files(home).into_iter().all(is_same) {
        let _ = fs::remove_dir_all(&kept);
        copy(home, &kept);
    }
    kept.join(project.file_name().unwrap())
}

/// Runs Cargo, which must succeed, in a seed's project.
fn passes(project: &Path, folder: &Path, arguments: &[&str]) {
    let mut command = cargo(project, arguments);
    let run = Run::of(command.env("CARGO_TARGET_DIR", folder.join("target")));
    assert_eq!(run.code, 0, "{run:#?}");
}

/// Copies a folder of Cargo's outputs. Keeps the modification times, because Cargo compares them.
fn copy_outputs(from: &Path, to: &Path) {
    // A link costs less than a copy. rustc and linkers replace their outputs. The small files are
    // Cargo's, and Cargo writes to some of them in place.
    const LINKED_FROM_BYTES: u64 = 64 * 1024;
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy_outputs(&from, &to);
        } else {
            let metadata = entry.metadata().unwrap();
            let is_linked = metadata.len() >= LINKED_FROM_BYTES;
            if !is_linked || fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to).unwrap();
                let modified = metadata.modified().unwrap();
                fs::File::options().write(true).open(&to).unwrap().set_modified(modified).unwrap();
            }
        }
    }
}
