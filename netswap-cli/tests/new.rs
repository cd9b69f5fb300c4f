//! `netswap new` makes projects that are used as their README says, whole or not at all.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod support;

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use support::{Run, files, forget_this_build, repository};
use tempfile::TempDir;

/// The examples, and what each is made with.
const EXAMPLES: [(&str, &[&str]); 3] =
    [("hello-tool", &[]), ("plugin-host", &["--cdylib"]), ("workspace-tools", &["--workspace"])];

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
fn each_example_is_byte_for_byte_what_is_made() {
    let home = Home::new();
    for (name, options) in EXAMPLES {
        home.made(&[&[name][..], options].concat());
        let mut example = files(&repository().join("examples").join(name));
        // What Cargo leaves there.
        example.retain(|path, _| !path.starts_with("target") && path != Path::new("Cargo.lock"));
        assert_eq!(files(&home.path(name)), example);
    }
}

/// A layout: the example whose packages it has, what it is made with, and what comes of it.
struct Layout {
    example: &'static str,
    options: &'static [&'static str],
    /// What `cargo run` is told, and what is said to Ada then.
    runs: &'static [(&'static [&'static str], &'static str)],
    tests: &'static [&'static str],
}

const OWN: &str = "tests::the_greeting_names_whom_it_greets ... ok";
const OF_PLUG_IN: &str = "tests::the_greeting_of_the_plug_in_names_whom_it_greets ... ok";
const WITHOUT_PLUG_IN: &str = "plugin::tests::a_folder_without_a_plug_in_has_none ... ok";

const LAYOUTS: [Layout; 5] = [
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

/// Held by whoever builds a project: all of them share one target folder, and some a program's name.
static TARGET_DIR: Mutex<()> = Mutex::new(());

fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("new")
}

/// The plug-in's file.
fn plug_in() -> String {
    format!("{DLL_PREFIX}plugin_host_plugin{DLL_SUFFIX}")
}

/// A project of an example's name, with the crates of this repository and what the example has resolved.
fn made_like(home: &Home, example: &str, options: &[&str]) -> PathBuf {
    let clone = ["--netswap-path", repository().to_str().unwrap()];
    home.made(&[&[example], options, &clone].concat());
    let project = home.path(example);
    let lock = repository().join("examples").join(example).join("Cargo.lock");
    fs::copy(lock, project.join("Cargo.lock")).unwrap();
    project
}

/// Cargo in a project.
fn cargo(project: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(project);
    forget_this_build(&mut command);
    command.env("CARGO_TARGET_DIR", target_dir());
    // The crates that a plug-in takes are used by nothing else here.
    if !project.join("plugin").exists() {
        command.env("CARGO_NET_OFFLINE", "true");
    }
    Run::of(&mut command)
}

/// Cargo in a project, where it must succeed.
fn cargo_passes(project: &Path, arguments: &[&str]) -> Run {
    let run = cargo(project, arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {run:#?}");
    run
}

#[test]
fn every_choice_gives_a_project_that_says_what_was_chosen_and_is_formatted() {
    for Layout { example, options, .. } in LAYOUTS {
        for edition in ["2021", "2024"] {
            for license in ["none", "MIT", "Apache-2.0", "MIT OR Apache-2.0"] {
                let home = Home::new();
                let choice = ["--edition", edition, "--license", license];
                let project = made_like(&home, example, &[options, &choice].concat());
                cargo_passes(&project, &["fmt", "--all", "--check"]);

                let metadata = cargo_passes(
                    &project,
                    &["metadata", "--no-deps", "--format-version=1", "--quiet"],
                );
                let packages = metadata.json()["packages"].as_array().unwrap().clone();
                assert!(packages.len() >= 2, "{packages:#?}");
                for package in packages {
                    assert_eq!(package["edition"], edition, "{package:#?}");
                    assert_eq!(package["publish"], serde_json::json!([]), "{package:#?}");
                    let said = package["license"].as_str().unwrap_or("none");
                    let is_xtask = package["name"] == "xtask";
                    assert_eq!(said, if is_xtask { "none" } else { license }, "{package:#?}");
                }
                let readme = fs::read_to_string(project.join("README.md")).unwrap();
                for (file, of) in [("LICENSE-MIT", "MIT"), ("LICENSE-APACHE", "Apache-2.0")] {
                    let is_wanted = license.contains(of);
                    assert_eq!(project.join(file).is_file(), is_wanted, "{file} {license}");
                    assert_eq!(readme.contains(file), is_wanted, "{readme}");
                }
            }
        }
    }
}

/// The licence changes nothing in a build.
#[test]
fn every_layout_builds_passes_its_tests_and_has_nothing_to_mend() {
    let _guard = TARGET_DIR.lock().unwrap_or_else(PoisonError::into_inner);
    for Layout { example, options, runs, tests } in LAYOUTS {
        for edition in ["2021", "2024"] {
            let home = Home::new();
            let choice = ["--edition", edition, "--license", "MIT OR Apache-2.0"];
            let project = made_like(&home, example, &[options, &choice].concat());
            let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--quiet"];
            cargo_passes(&project, &[&clippy[..], &["--", "--deny", "warnings"]].concat());
            // The one of another project, which `cargo run` must make anew.
            let _ = fs::remove_file(target_dir().join("debug").join(plug_in()));
            for (which, said) in runs {
                let run = ["run", "--locked", "--quiet"];
                let run = cargo_passes(&project, &[&run, *which, &["--", "Ada"]].concat());
                assert_eq!(run.stdout, *said, "{options:?}");
            }
            let run = cargo_passes(&project, &["test", "--locked", "--workspace"]);
            for test in tests {
                assert!(run.stdout.contains(test), "{test}: {run:#?}");
            }
        }
    }
}

#[test]
fn a_plug_in_is_used_if_it_lies_beside_the_program_and_one_that_is_none_is_an_error() {
    let _guard = TARGET_DIR.lock().unwrap_or_else(PoisonError::into_inner);
    for library in [&[][..], &["--lib-and-bin"]] {
        let home = Home::new();
        let project = made_like(&home, "plugin-host", &[&["--cdylib"], library].concat());
        let program = format!("plugin-host{EXE_SUFFIX}");
        let plug_in = plug_in();
        let share = home.path("share");
        fs::create_dir(&share).unwrap();
        let put = |file: &str| {
            fs::copy(target_dir().join("debug").join(file), share.join(file)).unwrap();
        };
        let run = || Run::of(Command::new(share.join(&program)).arg("Ada"));
        let fails = |why: &str| {
            let run = run();
            assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:#?}");
            assert!(run.stderr.starts_with("error: failed to load "), "{run:#?}");
            assert!(run.stderr.contains(&plug_in) && run.stderr.contains(why), "{run:#?}");
            assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
        };

        cargo_passes(&project, &["build", "--locked"]);
        put(&program);
        let alone = run();
        assert_eq!((alone.code, alone.stdout.as_str()), (0, "Hello, Ada!\n"), "{alone:#?}");
        put(&plug_in);
        let both = run();
        assert_eq!(both.code, 0, "{both:#?}");
        assert_eq!(both.stdout, "Hello from the plug-in, Ada!\n");

        fs::write(share.join(&plug_in), "no plug-in").unwrap();
        fails("");

        for (file, from, to) in [
            ("interface/src/lib.rs", "RStr<'_>)", "RStr<'_>, u32)"),
            ("plugin/src/lib.rs", "name: RStr<'_>)", "name: RStr<'_>, _: u32)"),
        ] {
            let before = fs::read_to_string(project.join(file)).unwrap();
            let after = before.replace(from, to);
            assert_ne!(before, after);
            fs::write(project.join(file), after).unwrap();
        }
        cargo_passes(&project, &["build", "--locked", "--package", "plugin-host-plugin"]);
        put(&plug_in);
        fails("it was built for another interface");
    }
}

#[test]
fn a_program_refuses_what_its_usage_does_not_have() {
    let _guard = TARGET_DIR.lock().unwrap_or_else(PoisonError::into_inner);
    for (example, options, program) in
        [("hello-tool", &[][..], "hello-tool"), ("workspace-tools", &["--workspace"], "goodbye")]
    {
        let home = Home::new();
        let project = made_like(&home, example, options);
        for wrong in [&["--loud"][..], &["Ada", "Grace"]] {
            let run = ["run", "--quiet", "--bin", program, "--"];
            let run = cargo(&project, &[&run, wrong].concat());
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
            assert!(run.stderr.contains(&format!("usage: {program} [NAME]")), "{run:#?}");
        }
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
    home.made(&["third", "--name", "my-host", "--cdylib"]);
    assert!(
        manifest("third/plugin/Cargo.toml").starts_with("[package]\nname = \"my-host-plugin\"\n")
    );
    // A workspace is no package, and has one of this name.
    home.made(&["hello", "--workspace"]);
    assert!(manifest("hello/README.md").starts_with("# hello\n"));
    home.made(&["Our tools 2", "--workspace", "--license", "MIT"]);
    assert!(manifest("Our tools 2/LICENSE-MIT").contains("(c) The Our tools 2 authors\n"));
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
        (&["abi_stable", "--cdylib"], "another package of the project has it"),
        (&["-x", "--workspace"], "unexpected argument"),
        (&["tools", "--name", "a\nb", "--workspace"], "it must begin with a letter or digit"),
        (&["tools", "--workspace", "--cdylib"], "cannot be used with '--cdylib'"),
        (&["tools", "--workspace", "--lib-and-bin"], "cannot be used with '--lib-and-bin'"),
        (&["tool", "--name", "\u{1b}[2J"], "\\u{1b}"),
        (&["tool", "--edition", "2020"], "possible values: 2021, 2024"),
        (&["tool", "--license", "GPL"], "MIT OR Apache-2.0"),
        (&["tool", "--netswap-path", "nowhere"], "it is no clone of netswap"),
        (&["/"], "give one with --name"),
    ] {
        let error = home.refused(arguments);
        assert!(error.contains(said) && !error.contains('\u{1b}'), "{arguments:?}: {error}");
    }
}
