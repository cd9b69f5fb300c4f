//! Projects that `netswap init` converts. Each is a folder of `tests/init`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::{Run, clean_environment, configure, copy, files, program, repository};

/// Returns the folder of the shapes.
pub fn shapes() -> PathBuf {
    repository().join("netswap-cli/tests/init")
}

/// Returns the names of all shapes.
pub fn names() -> BTreeSet<String> {
    let entries = fs::read_dir(shapes()).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// A copy of a shape in a Git repository, beside a configuration that names the local crates.
pub struct Shape {
    _home: TempDir,
    pub root: PathBuf,
    arguments: Vec<String>,
}

impl Shape {
    pub fn new(name: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        configure(&repository().join("examples"), home.path());
        let root = home.path().join(name);
        copy(&shapes().join(name).join("project"), &root);
        let arguments = fs::read_to_string(shapes().join(name).join("arguments"));
        let arguments = arguments.unwrap_or_default().lines().map(str::to_owned).collect();
        let shape = Shape { _home: home, root, arguments };
        shape.git(&["init", "--quiet"]);
        shape.commit();
        shape
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        let options = ["user.name=A", "user.email=a@example.org", "core.autocrlf=false"];
        git.args(options.iter().flat_map(|option| ["-c", option]));
        let run = Run::capture(git.args(arguments).current_dir(&self.root));
        assert_eq!(run.code, 0, "{run:#?}");
        run.stdout
    }

    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "Add the project"]);
    }

    pub fn init(&self, more: &[&str]) -> Run {
        let mut command = Command::new(program("netswap"));
        command.arg("init").args(&self.arguments).args(more).current_dir(&self.root);
        clean_environment(&mut command);
        Run::capture(&mut command)
    }

    pub fn files(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut files = files(&self.root);
        files.retain(|path, _| !path.starts_with("target") && !path.ends_with("Cargo.lock"));
        files
    }
}
