//! `netswap new` creates a complete project or nothing. `builds/new.rs` has the tests that build
//! the projects.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::new::{Home, LAYOUTS, Layout, create_like};
use testkit::{Run, cargo, files, repository};

/// The examples, and the options that create each of them.
const EXAMPLES: [(&str, &[&str]); 3] =
    [("hello-tool", &[]), ("plugin-host", &["--cdylib"]), ("workspace-tools", &["--workspace"])];

#[test]
fn examples_match_new_projects_byte_for_byte() {
    let home = Home::empty();
    for (name, options) in EXAMPLES {
        home.create(&[&[name][..], options].concat());
        let mut example = files(&repository().join("examples").join(name));
        // Cargo writes these.
        example.retain(|path, _| !path.starts_with("target") && path != Path::new("Cargo.lock"));
        assert_eq!(files(&home.path(name)), example);
    }
}

/// Runs Cargo in a project and checks that it succeeds.
fn cargo_passes(project: &Path, arguments: &[&str]) -> Run {
    let run = Run::capture(&mut cargo(project, arguments));
    assert_eq!(run.code, 0, "{arguments:?}: {run:#?}");
    run
}

#[test]
fn every_choice_appears_in_a_formatted_project() {
    for Layout { example, options, .. } in LAYOUTS {
        for edition in ["2021", "2024"] {
            for license in ["none", "MIT", "Apache-2.0", "MIT OR Apache-2.0"] {
                let home = Home::empty();
                let choice = ["--edition", edition, "--license", license];
                let project = create_like(&home, example, &[options, &choice].concat());
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
                    let actual = package["license"].as_str().unwrap_or("none");
                    let is_xtask = package["name"] == "xtask";
                    assert_eq!(actual, if is_xtask { "none" } else { license }, "{package:#?}");
                }
                let readme = fs::read_to_string(project.join("README.md")).unwrap();
                for (file, id) in [("LICENSE-MIT", "MIT"), ("LICENSE-APACHE", "Apache-2.0")] {
                    let is_wanted = license.contains(id);
                    assert_eq!(project.join(file).is_file(), is_wanted, "{file} {license}");
                    assert_eq!(readme.contains(file), is_wanted, "{readme}");
                }
            }
        }
    }
}

#[test]
fn repository_is_created_unless_inside_one() {
    let home = Home::empty();
    for (arguments, has_repository) in [
        (&["first"][..], true),
        (&["first/second"], false),
        (&["first/third", "--vcs", "git"], true),
        (&["fourth", "--vcs", "none"], false),
    ] {
        home.create(arguments);
        assert_eq!(home.path(arguments[0]).join(".git").is_dir(), has_repository, "{arguments:?}");
    }
    let status = Command::new("git").arg("-C").arg(home.path("first/third")).arg("status").output();
    assert!(status.unwrap().status.success());
}

#[test]
fn missing_git_leaves_a_project_without_repository() {
    let home = Home::empty();
    let run = |arguments: &[&str]| {
        // With an empty PATH only Cargo can run.
        Run::capture(home.command(arguments).env("PATH", "").env("CARGO", env!("CARGO")))
    };
    let tool = run(&["tool"]);
    assert_eq!(tool.code, 0, "{tool:#?}");
    assert!(tool.stderr.contains("no repository was created: failed to run git"), "{tool:#?}");
    assert!(home.path("tool/Cargo.toml").is_file());
    let other = run(&["other", "--vcs", "git"]);
    assert_eq!(other.code, 2, "{other:#?}");
    assert!(other.stderr.contains("nothing was written"), "{other:#?}");
    assert!(!home.path("other").exists());
}

#[test]
fn name_comes_from_the_folder_or_the_option() {
    let home = Home::empty();
    home.create(&["a/b/tool"]);
    let manifest = |path: &str| fs::read_to_string(home.path(path)).unwrap();
    assert!(manifest("a/b/tool/Cargo.toml").starts_with("[package]\nname = \"tool\"\n"));
    home.create(&["Some Folder", "--name", "other-tool", "--lib-and-bin"]);
    assert!(manifest("Some Folder/Cargo.toml").starts_with("[package]\nname = \"other-tool\"\n"));
    assert!(manifest("Some Folder/src/main.rs").contains("use other_tool::greeting;"));
    home.create(&["third", "--name", "my-host", "--cdylib"]);
    assert!(
        manifest("third/plugin/Cargo.toml").starts_with("[package]\nname = \"my-host-plugin\"\n")
    );
    // A workspace is no package itself, so its name can be that of its package `hello`.
    home.create(&["hello", "--workspace"]);
    assert!(manifest("hello/README.md").starts_with("# hello\n"));
    home.create(&["Our tools 2", "--workspace", "--license", "MIT"]);
    assert!(manifest("Our tools 2/LICENSE-MIT").contains("(c) The Our tools 2 authors\n"));
}

#[test]
fn existing_empty_folder_is_filled() {
    let home = Home::empty();
    fs::create_dir(home.path("tool")).unwrap();
    let run = Run::capture(home.command(&["."]).current_dir(home.path("tool")));
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(!run.stdout.contains("cd "), "{run:#?}");
    assert!(home.path("tool/src/main.rs").is_file());
    assert!(home.path("tool/.git").is_dir());
    let is_temporary = |path: &PathBuf| path.to_str().unwrap().starts_with(".netswap");
    assert!(!files(&home.path("tool")).keys().any(is_temporary));
}

#[test]
fn existing_files_are_never_overwritten() {
    let home = Home::empty();
    fs::create_dir(home.path("full")).unwrap();
    fs::write(home.path("full/notes.txt"), "precious").unwrap();
    fs::write(home.path("file"), "precious").unwrap();
    assert!(home.refusal(&["full"]).contains("is not empty"));
    assert!(home.refusal(&["file"]).contains("exists and is not a folder"));
    assert!(home.refusal(&["file/below"]).contains("nothing was written"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", home.path("link")).unwrap();
        assert!(home.refusal(&["link"]).contains("exists and is not a folder"));
    }
}

#[test]
fn invalid_option_is_refused_with_a_remedy() {
    let home = Home::empty();
    for (arguments, message) in [
        (&["con"][..], "Windows reserves it for a device; choose another with --name"),
        (&["tool", "--name", "LPT1"], "Windows reserves it for a device"),
        (&["a b"], "invalid character"),
        (&["tool", "--name", "xtask"], "another package of the project has this name"),
        (&["abi_stable", "--cdylib"], "another package of the project has this name"),
        (&["-x", "--workspace"], "unexpected argument"),
        (&["tools", "--name", "a\nb", "--workspace"], "it must begin with a letter or digit"),
        (&["tools", "--workspace", "--cdylib"], "cannot be used with '--cdylib'"),
        (&["tools", "--workspace", "--lib-and-bin"], "cannot be used with '--lib-and-bin'"),
        (&["tool", "--name", "\u{1b}[2J"], "\\u{1b}"),
        (&["tool", "--edition", "2020"], "possible values: 2021, 2024"),
        (&["tool", "--license", "GPL"], "MIT OR Apache-2.0"),
        (&["tool", "--netswap-path", "nowhere"], "it is not a clone of netswap"),
        (&["/"], "pass one with --name"),
    ] {
        let error = home.refusal(arguments);
        assert!(error.contains(message) && !error.contains('\u{1b}'), "{arguments:?}: {error}");
    }
}
