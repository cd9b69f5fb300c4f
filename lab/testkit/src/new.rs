//! Projects that `netswap new` creates.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::{Run, clean_environment, files, program, repository};

/// An empty folder in which `netswap new` creates projects.
pub struct Home(TempDir);

impl Home {
    pub fn empty() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("netswap"));
        command.arg("new").args(arguments).current_dir(self.0.path());
        clean_environment(&mut command);
        command
    }

    /// Runs `netswap new` with these arguments. Checks that it succeeds.
    pub fn create(&self, arguments: &[&str]) -> Run {
        let run = Run::capture(&mut self.command(arguments));
        assert_eq!(run.code, 0, "{run:#?}");
        run
    }

    /// Checks that `netswap new` fails and leaves no file. Returns the error message.
    pub fn refusal(&self, arguments: &[&str]) -> String {
        let before = files(self.0.path());
        let run = Run::capture(&mut self.command(arguments));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        assert_eq!(files(self.0.path()), before, "netswap new left files");
        run.stderr
    }
}

/// A layout of `netswap new`.
pub struct Layout {
    /// The example with the same packages.
    pub example: &'static str,
    /// The options that select the layout.
    pub options: &'static [&'static str],
    /// Arguments of `cargo run`, and what the program prints for Ada.
    pub runs: &'static [(&'static [&'static str], &'static str)],
    /// Lines that `cargo test` prints.
    pub tests: &'static [&'static str],
}

const GREETING: &str = "tests::greeting_contains_the_name ... ok";

const PLUG_IN_GREETING: &str = "tests::plug_in_greeting_contains_the_name ... ok";

const WITHOUT_PLUG_IN: &str = "plugin::tests::folder_without_plug_in_loads_none ... ok";

const TOOL: Layout = Layout {
    example: "hello-tool",
    options: &[],
    runs: &[(&[], "Hello, Ada!\n")],
    tests: &[GREETING],
};

const PLUG_IN_HOST: Layout = Layout {
    example: "plugin-host",
    options: &["--cdylib"],
    runs: &[(&[], "Hello from the plug-in, Ada!\n")],
    tests: &[GREETING, PLUG_IN_GREETING, WITHOUT_PLUG_IN],
};

pub const LAYOUTS: [Layout; 5] = [
    TOOL,
    Layout { options: &["--lib-and-bin"], ..TOOL },
    PLUG_IN_HOST,
    Layout { options: &["--cdylib", "--lib-and-bin"], ..PLUG_IN_HOST },
    Layout {
        example: "workspace-tools",
        options: &["--workspace"],
        runs: &[(&["--bin", "hello"], "Hello, Ada!\n"), (&["--bin", "goodbye"], "Goodbye, Ada!\n")],
        tests: &[GREETING],
    },
];

/// Creates a project with an example's name and lock file, and this repository's crates.
pub fn create_like(home: &Home, example: &str, options: &[&str]) -> PathBuf {
    let clone = ["--netswap-path", repository().to_str().unwrap()];
    home.create(&[&[example], options, &clone].concat());
    let project = home.path(example);
    let lock = repository().join("examples").join(example).join("Cargo.lock");
    fs::copy(lock, project.join("Cargo.lock")).unwrap();
    project
}
