//! Projects that `netswap init` converted still build, and their xtasks verify the images.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::netswap;
use crate::seed::{NEW, fixture};
use testkit::shape::{Shape, names};
use testkit::{Run, cargo, repository};

/// Runs Cargo in a project, with the lock file of an example, and checks its exit code.
fn cargo_in(shape: &Shape, target_dir: &TempDir, arguments: &[&str], code: i32) -> Run {
    let lock = shape.root.join("Cargo.lock");
    if !lock.exists() {
        fs::copy(repository().join("examples/hello-tool/Cargo.lock"), lock).unwrap();
    }
    let mut command = cargo(&shape.root, arguments);
    command.env("CARGO_TARGET_DIR", target_dir.path()).env("CARGO_NET_OFFLINE", "true");
    crate::run(&mut command, code)
}

fn is_formatted(shape: &Shape) -> bool {
    Run::capture(&mut cargo(&shape.root, &["fmt", "--all", "--check"])).code == 0
}

#[test]
fn each_project_builds_without_a_warning() {
    let target_dir = NEW.target_dir();
    let mut unformatted = Vec::new();
    for name in names() {
        let shape = Shape::new(&name);
        let was_formatted = is_formatted(&shape);
        let run = shape.init(&["--allow-dirty"]);
        let has_nothing = ["library-alone", "xtask-alone"].contains(&name.as_str());
        assert!(run.code < 2 || has_nothing, "{name}: {run:#?}");
        assert_eq!(is_formatted(&shape), was_formatted, "{name} is formatted otherwise now");
        let clippy =
            ["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        cargo_in(&shape, &target_dir, &clippy, 0);
        if !was_formatted {
            unformatted.push(name);
        }
    }
    assert_eq!(unformatted, ["no-final-newline", "one-line"]);
}

/// A receipt shows that a build script emitted its directives.
#[test]
fn converted_packages_leave_a_receipt() {
    let target_dir = NEW.target_dir();
    for name in ["no-build-script", "crlf", "two-mains", "workspace-that-inherits", "renamed"] {
        let shape = Shape::new(name);
        let run = shape.init(&[]);
        assert_eq!(run.code, 0, "{run:#?}");
        let run =
            cargo_in(&shape, &target_dir, &["build", "--workspace", "--message-format=json"], 0);
        let messages = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
        let out_dirs: Vec<_> = messages
            .filter(|message: &Value| message["reason"] == "build-script-executed")
            .map(|script| script["out_dir"].as_str().unwrap().to_owned())
            .collect();
        let scripts = if name == "workspace-that-inherits" { 3 } else { 1 };
        assert_eq!(out_dirs.len(), scripts, "{name}: {out_dirs:?}");
        for out_dir in out_dirs {
            assert!(Path::new(&out_dir).join("netswap-receipt.json").is_file(), "{out_dir}");
        }
    }
}

#[test]
fn converted_tool_passes_verify() {
    let project = fixture("two-tools");
    assert!(project.verified(1, &[])["no-bit.exe"].failed("not-requested"));
    let run = crate::run(&mut netswap(&project.root, &["init", "--allow-no-vcs"]), 0);
    assert!(run.stdout.contains("converted  no-bit"), "{run:#?}");
    assert!(run.stdout.contains("unchanged  with-bit"), "{run:#?}");
    let rows = project.verified(0, &[]);
    assert!(rows["no-bit.exe"].passed() && rows["with-bit.exe"].passed(), "{rows:?}");
}

#[test]
fn added_xtask_verifies_and_keeps_other_tasks() {
    let target_dir = NEW.target_dir();
    for name in ["xtask-for-one", "xtask-of-its-own", "xtask-of-its-own-workspace"] {
        let shape = Shape::new(name);
        assert_eq!(shape.init(&[]).code, 0);
        let code = if cfg!(windows) { 0 } else { 3 };
        let run = cargo_in(&shape, &target_dir, &["xtask", "verify", "--workspace"], code);
        assert!(run.stdout.contains("1 other file") || cfg!(windows), "{name}: {run:#?}");
    }
    let shape = Shape::new("xtask-for-one");
    assert_eq!(shape.init(&[]).code, 0);
    let run = cargo_in(&shape, &target_dir, &["xtask", "--nothing"], 2);
    assert!(run.stderr.contains("usage: cargo xtask"), "{run:#?}");
    let shape = Shape::new("xtask-of-its-own");
    assert_eq!(shape.init(&[]).code, 0);
    let run = cargo_in(&shape, &target_dir, &["xtask", "dist"], 0);
    assert_eq!(run.stdout, "packed\n", "{run:#?}");
}
