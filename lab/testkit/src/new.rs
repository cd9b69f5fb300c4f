//! Projects that `netswap new` makes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::{Run, clean_environment, files, program, repository};

/// An empty folder where projects are made.
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

    /// Makes a project.
    pub fn made(&self, arguments: &[&str]) -> Run {
        let run = Run::capture(&mut self.command(arguments));
        assert_eq!(run.code, 0, "{run:#?}");
        run
    }

    /// Checks that `netswap new` refuses a project and leaves no file. Returns its error message.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let before = files(self.0.path());
        let run = Run::capture(&mut self.command(arguments));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        assert_eq!(files(self.0.path()), before, "something was left");
        run.stderr
    }
}

/// A layout: the example with the same packages, the options of `netswap new`, and the expected
/// output.
pub struct Layout {
    pub example: &'static str,
    pub options: &'static [&'static str],
    /// Arguments of `cargo run`, and what the program prints for Ada.
    pub runs: &'static [(&'static [&'static str], &'static str)],
    pub tests: &'static [&'static str],
}

const OWN: &str = "tests::the_greeting_names_whom_it_greets ... ok";

const OF_PLUG_IN: &str = "tests::the_greeting_of_the_plug_in_names_whom_it_greets ... ok";

const WITHOUT_PLUG_IN: &str = "plugin::tests::a_folder_without_a_plug_in_has_none ... ok";

pub const LAYOUTS: [Layout; 5] = [
    Layout { example: "hello-tool", options: &[], runs: &[(&[], "Hello, Ada!\n")], tests: &[OWN] },
    Layout {
        example: "hello-tool",
        options: &["--lib-and-bin"],
        runs: &[(&[], "Hello, Ada!\n")],
        tests: &[OWN],
    },
    Layout {
        example: "plugin-host",
        options: &["--cdylib"],
        runs: &[(&[], "Hello from the plug-in, Ada!\n")],
        tests: &[OWN, OF_PLUG_IN, WITHOUT_PLUG_IN],
    },
    Layout {
        example: "plugin-host",
        options: &["--cdylib", "--lib-and-bin"],
        runs: &[(&[], "Hello from the plug-in, Ada!\n")],
        tests: &[OWN, OF_PLUG_IN, WITHOUT_PLUG_IN],
    },
    Layout {
        example: "workspace-tools",
        options: &["--workspace"],
        runs: &[(&["--bin", "hello"], "Hello, Ada!\n"), (&["--bin", "goodbye"], "Goodbye, Ada!\n")],
        tests: &[OWN],
    },
];

/// Makes a project with an example's name and lock file, using the crates of this repository.
/// Returns its folder.
pub fn made_like(home: &Home, example: &str, options: &[&str]) -> PathBuf {
    let clone = ["--netswap-path", repository().to_str().unwrap()];
    home.made(&[&[example], options, &clone].concat());
    let project = home.path(example);
    let lock = repository().join("examples").join(example).join("Cargo.lock");
    fs::copy(lock, project.join("Cargo.lock")).unwrap();
    project
}
