//! `netswap new` makes projects that are used as their README says, whole or not at all.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Run, files, forget_this_build, repository};
use tempfile::TempDir;

/// An empty folder where projects are made.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netswap"));
        command.arg("new").args(arguments).current_dir(self.0.path());
        forget_this_build(&mut command);
        command
    }

    /// Makes a project.
    fn made(&self, arguments: &[&str]) -> Run {
        let run = Run::of(&mut self.command(arguments));
        assert_eq!(run.code, 0, "{run:#?}");
        run
    }

    /// What is said against a project; nothing may have come of it.
    fn refused(&self, arguments: &[&str]) -> String {
        let before = files(self.0.path());
        let run = Run::of(&mut self.command(arguments));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        assert_eq!(files(self.0.path()), before, "something was left");
        run.stderr
    }
}

#[test]
fn the_example_is_byte_for_byte_what_is_made() {
    let home = Home::new();
    home.made(&["hello-tool"]);
    let mut example = files(&repository().join("examples/hello-tool"));
    // What Cargo leaves there.
    example.retain(|path, _| !path.starts_with("target") && path != Path::new("Cargo.lock"));
    assert_eq!(files(&home.path("hello-tool")), example);
}

/// Cargo in a project, with one target folder for all and with what the example has resolved.
fn cargo(project: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(project);
    forget_this_build(&mut command);
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new");
    command.env("CARGO_TARGET_DIR", target_dir).env("CARGO_NET_OFFLINE", "true");
    Run::of(&mut command)
}

#[test]
fn every_choice_gives_a_project_that_builds_passes_its_test_and_has_nothing_to_mend() {
    let clone = repository().to_str().unwrap();
    let lock = fs::read(repository().join("examples/hello-tool/Cargo.lock")).unwrap();
    for edition in ["2021", "2024"] {
        for library in [&[][..], &["--lib-and-bin"]] {
            for license in ["none", "MIT", "Apache-2.0", "MIT OR Apache-2.0"] {
                let home = Home::new();
                let arguments = ["hello-tool", "--edition", edition, "--license", license];
                let clone = ["--netswap-path", clone];
                home.made(&[&arguments[..], library, &clone].concat());
                let project = home.path("hello-tool");
                fs::write(project.join("Cargo.lock"), &lock).unwrap();

                let passes = |words: &[&str]| {
                    let run = cargo(&project, words);
                    assert_eq!(run.code, 0, "{words:?} {edition} {library:?} {license}: {run:#?}");
                    run
                };
                passes(&["fmt", "--all", "--check"]);
                let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--quiet"];
                passes(&[&clippy[..], &["--", "--deny", "warnings"]].concat());
                let run = passes(&["run", "--locked", "--quiet", "--", "Ada"]);
                assert_eq!(run.stdout, "Hello, Ada!\n");
                let run = passes(&["test", "--locked"]);
                assert!(
                    run.stdout.contains("the_greeting_names_whom_it_greets ... ok"),
                    "{run:#?}"
                );
            }
        }
    }
}

#[test]
fn the_program_refuses_what_its_usage_does_not_have() {
    let home = Home::new();
    home.made(&["hello-tool", "--netswap-path", repository().to_str().unwrap()]);
    let project = home.path("hello-tool");
    let lock = repository().join("examples/hello-tool/Cargo.lock");
    fs::copy(lock, project.join("Cargo.lock")).unwrap();
    for wrong in [&["--loud"][..], &["Ada", "Grace"]] {
        let run = cargo(&project, &[&["run", "--quiet", "--"], wrong].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
        assert!(run.stderr.contains("usage: hello-tool [NAME]"), "{run:#?}");
    }
}

#[test]
fn a_project_is_a_repository_unless_it_lies_in_one_or_none_is_wanted() {
    let home = Home::new();
    home.made(&["first"]);
    assert!(home.path("first/.git").is_dir());
    home.made(&["first/second"]);
    assert!(!home.path("first/second/.git").exists());
    home.made(&["first/third", "--vcs", "git"]);
    assert!(home.path("first/third/.git").is_dir());
    home.made(&["fourth", "--vcs", "none"]);
    assert!(!home.path("fourth/.git").exists());
    let status = Command::new("git").arg("-C").arg(home.path("first/third")).arg("status").output();
    assert!(status.unwrap().status.success());
}

#[test]
fn without_git_there_is_a_project_and_it_is_said_that_it_is_no_repository() {
    let home = Home::new();
    // Cargo alone.
    let cargo = Path::new(env!("CARGO"));
    let run = Run::of(home.command(&["tool"]).env("PATH", "").env("CARGO", cargo));
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("no repository was made: git could not be run"), "{run:#?}");
    assert!(home.path("tool/Cargo.toml").is_file());
    let run = Run::of(home.command(&["other", "--vcs", "git"]).env("PATH", "").env("CARGO", cargo));
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("nothing was written"), "{run:#?}");
    assert!(!home.path("other").exists());
}

#[test]
fn the_name_is_the_folders_or_another() {
    let home = Home::new();
    home.made(&["a/b/tool"]);
    let manifest = |path: &str| fs::read_to_string(home.path(path)).unwrap();
    assert!(manifest("a/b/tool/Cargo.toml").starts_with("[package]\nname = \"tool\"\n"));
    home.made(&["Some Folder", "--name", "other-tool", "--lib-and-bin"]);
    assert!(manifest("Some Folder/Cargo.toml").starts_with("[package]\nname = \"other-tool\"\n"));
    assert!(manifest("Some Folder/src/main.rs").contains("use other_tool::greeting;"));
}

#[test]
fn an_empty_folder_is_filled_and_stays_the_same() {
    let home = Home::new();
    fs::create_dir(home.path("tool")).unwrap();
    let run = Run::of(home.command(&["."]).current_dir(home.path("tool")));
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(!run.stdout.contains("cd "), "{run:#?}");
    assert!(home.path("tool/src/main.rs").is_file());
    assert!(home.path("tool/.git").is_dir());
    let hidden = |path: &PathBuf| path.to_str().unwrap().starts_with(".netswap");
    assert!(!files(&home.path("tool")).keys().any(hidden));
}

#[test]
fn what_is_in_the_way_is_left_alone_and_nothing_is_written() {
    let home = Home::new();
    fs::create_dir(home.path("full")).unwrap();
    fs::write(home.path("full/notes.txt"), "precious").unwrap();
    fs::write(home.path("file"), "precious").unwrap();
    assert!(home.refused(&["full"]).contains("is not empty"));
    assert!(home.refused(&["file"]).contains("is there and is no folder"));
    assert!(home.refused(&["file/below"]).contains("nothing was written"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", home.path("link")).unwrap();
        assert!(home.refused(&["link"]).contains("is there and is no folder"));
    }
}

#[test]
fn a_wrong_name_edition_licence_or_clone_is_refused_with_the_cure() {
    let home = Home::new();
    for (arguments, said) in [
        (&["con"][..], "Windows reserves it for a device; --name gives it another name"),
        (&["tool", "--name", "LPT1"], "Windows reserves it for a device"),
        (&["a b"], "invalid character"),
        (&["tool", "--name", "xtask"], "another package of the project has it"),
        (&["tool", "--name", "\u{1b}[2J"], "\\u{1b}"),
        (&["tool", "--edition", "2020"], "possible values: 2021, 2024"),
        (&["tool", "--license", "GPL"], "MIT OR Apache-2.0"),
        (&["tool", "--netswap-path", "nowhere"], "there is no clone of netswap"),
        (&["/"], "give one with --name"),
    ] {
        let error = home.refused(arguments);
        assert!(error.contains(said) && !error.contains('\u{1b}'), "{arguments:?}: {error}");
    }
}
