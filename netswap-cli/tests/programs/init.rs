//! `netswap init` on typical projects. Each folder of `tests/init` holds a project and the expected
//! diff and report. `builds/init.rs` has the tests that build these projects.

use std::fs;
use std::process::Command;
use std::thread;

use testkit::shape::{Shape, names, shapes};
use testkit::{Run, copy, repository};

/// Compares a text byte for byte with a file beside the project. `SNAPSHOTS=overwrite` writes the
/// file instead.
fn compare(name: &str, file: &str, actual: &str) {
    let path = shapes().join(name).join(file);
    #[expect(clippy::disallowed_methods, reason = "developers set it to update the files")]
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{name}/{file} says\n{expected}\nand not\n{actual}");
}

/// Writes a file of the project, and creates the folders above it.
fn write(shape: &Shape, file: &str, text: impl AsRef<[u8]>) {
    let path = shape.root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(shape: &Shape, file: &str) -> String {
    fs::read_to_string(shape.root.join(file)).unwrap()
}

#[test]
fn each_project_changes_as_its_diff_shows() {
    let names: Vec<_> = names().into_iter().collect();
    // Starting git and Cargo takes most of the time, so two threads halve it.
    thread::scope(|scope| {
        for half in names.chunks(names.len().div_ceil(2)) {
            scope.spawn(|| half.iter().for_each(|name| check_project(name)));
        }
    });
}

/// Converts a shape and compares the changes with the diff beside it. Checks that a second
/// conversion changes nothing.
fn check_project(name: &str) {
    let shape = Shape::new(name);
    let before = shape.files();
    let dry_run = shape.init(&["--dry-run"]);
    assert_eq!(shape.files(), before, "{name} was changed by --dry-run");
    compare(name, "expected.diff", &dry_run.stdout);
    compare(name, "report.txt", &format!("{}exit code {}\n", dry_run.stderr, dry_run.code));

    let run = shape.init(&[]);
    assert_eq!(run.code, dry_run.code, "{name}: {run:#?}");
    let by_git = Shape::new(name);
    if !dry_run.stdout.is_empty() {
        let path = shapes().join(name).join("expected.diff");
        by_git.git(&["apply", "--whitespace=nowarn", path.to_str().unwrap()]);
    }
    let after = shape.files();
    assert_eq!(after, by_git.files(), "{name}: the diff says something else");

    let again = shape.init(&[]);
    assert_eq!((again.code, shape.files()), (run.code, after), "{name}: {again:#?}");
    assert!(!again.stdout.starts_with("converted "), "{name}: {again:#?}");
}

#[test]
fn alias_above_the_workspace_is_found() {
    let home = Shape::new("library-alone");
    for (file, text) in [
        (".cargo/config.toml", "[alias]\nxtask = \"run --package chores --\"\n"),
        ("rust/Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"chores\"]\n"),
        ("rust/chores/Cargo.toml", "[package]\nname = \"chores\"\nedition = \"2021\"\n"),
        ("rust/chores/src/main.rs", "fn main() {}\n"),
    ] {
        write(&home, file, text);
    }
    home.commit();
    let before = read(&home, ".cargo/config.toml");
    let run = home.init(&["--xtask", "--manifest-path", "rust/Cargo.toml"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let main = read(&home, "rust/chores/src/main.rs");
    assert!(main.contains("netswap::xtask::verify_if_asked();"), "{main}");
    assert!(!home.root.join("rust/chores/build.rs").exists());
    assert!(!home.root.join("rust/.cargo").exists());
    assert_eq!(read(&home, ".cargo/config.toml"), before);
}

#[test]
fn obstacles_to_building_the_xtask_are_reported() {
    let shape = Shape::new("xtask-for-one");
    assert!(!shape.init(&["-n"]).stderr.contains("build.target"));
    let text = read(&shape, "Cargo.toml");
    let edition = "rust-version = \"1.84\"\nedition = \"2021\"";
    write(&shape, "Cargo.toml", text.replace("edition = \"2024\"", edition));
    write(&shape, ".cargo/config.toml", "build.target = \"x86_64-pc-windows-msvc\"\n");
    let run = shape.init(&["--dry-run"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for line in [
        "build.target = \"x86_64-pc-windows-msvc\" applies to the xtask, too\n",
        "a rust-version is 1.84.0, but the xtask's netswap needs 1.85.0\n",
    ] {
        assert!(run.stderr.contains(line), "{line}: {run:#?}");
    }
}

#[test]
fn git_settings_cannot_hide_uncommitted_changes() {
    let shape = Shape::new("empty-main");
    shape.git(&["config", "status.showUntrackedFiles", "no"]);
    write(&shape, "notes.txt", "new");
    let run = shape.init(&[]);
    assert!(run.code == 2 && run.stderr.contains("notes.txt"), "{run:#?}");

    let outer = Shape::new("empty-main");
    let inner = Shape::new("library-alone");
    let inner = inner.root.to_str().unwrap();
    let allow = "protocol.file.allow=always";
    outer.git(&["-c", allow, "submodule", "--quiet", "add", inner, "inner"]);
    outer.commit();
    outer.git(&["config", "diff.ignoreSubmodules", "all"]);
    write(&outer, "inner/src/lib.rs", "//! Changed.\n");
    let run = outer.init(&[]);
    assert!(run.code == 2 && run.stderr.contains("inner"), "{run:#?}");
}

#[cfg(unix)]
#[test]
fn file_outside_of_any_repository_is_refused() {
    let shape = Shape::new("empty-main");
    let outside = shape.root.with_file_name("script.rs");
    fs::rename(shape.root.join("build.rs"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, shape.root.join("build.rs")).unwrap();
    shape.commit();
    let run = shape.init(&[]);
    assert!(run.code == 2 && run.stderr.contains("not a git repository"), "{run:#?}");
    assert_eq!(fs::read_to_string(&outside).unwrap(), "fn main() {}\n");
}

#[cfg(unix)]
#[test]
fn git_applies_the_diff_for_any_file_name() {
    for name in ["a b", "quoted \"name\"", "line\nbreak", "back\\slash", "\u{202e}exe", "\u{1b}[2J"]
    {
        let shape = Shape::new("library-alone");
        let folder = shape.root.join("tools").join(name);
        copy(&shapes().join("empty-main/project"), &folder);
        write(&shape, "Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"tools/*\"]\n");
        fs::remove_dir_all(shape.root.join("src")).unwrap();
        shape.commit();
        let dry_run = shape.init(&["--dry-run"]);
        assert_eq!(dry_run.code, 0, "{name:?}: {dry_run:#?}");
        assert!(!dry_run.stderr.contains('\u{1b}'), "{dry_run:#?}");
        let diff = shape.root.with_file_name("dry-run.diff");
        fs::write(&diff, &dry_run.stdout).unwrap();
        shape.git(&["apply", diff.to_str().unwrap()]);
        let by_git = shape.files();
        shape.git(&["stash", "--quiet"]);
        assert_eq!(shape.init(&[]).code, 0);
        assert_eq!(shape.files(), by_git, "{name:?}");
    }
}

#[test]
fn uncommitted_changes_need_an_option() {
    let shape = Shape::new("empty-main");
    write(&shape, "notes.txt", "new");
    let before = shape.files();
    let run = shape.init(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
    assert!(run.stderr.contains("notes.txt") && run.stderr.contains("--allow-dirty"), "{run:#?}");
    let run = shape.init(&["--allow-staged"]);
    assert_eq!(run.code, 2, "a new file is not staged: {run:#?}");
    assert_eq!(shape.files(), before);
    shape.git(&["add", "notes.txt"]);
    assert_eq!(shape.init(&[]).code, 2);
    assert_eq!(shape.init(&["--allow-staged"]).code, 0);
    assert_ne!(shape.files(), before);

    let shape = Shape::new("empty-main");
    write(&shape, "src/main.rs", "fn main() {}\n");
    assert_eq!(shape.init(&["--allow-staged"]).code, 2);
    assert_eq!(shape.init(&["--allow-dirty"]).code, 0);
}

#[test]
fn project_outside_git_needs_an_option() {
    let shape = Shape::new("empty-main");
    fs::remove_dir_all(shape.root.join(".git")).unwrap();
    let before = shape.files();
    let run = shape.init(&["--allow-dirty"]);
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("not a git repository") && run.stderr.contains("--allow-no-vcs"));
    assert_eq!(shape.files(), before);
    assert_eq!(shape.init(&["--allow-no-vcs"]).code, 0);

    let outer = Shape::new("empty-main");
    copy(&shapes().join("empty-main/project"), &outer.root.join("ignored"));
    write(&outer, ".gitignore", "ignored\n");
    let manifest = read(&outer, "ignored/Cargo.toml") + "\n[workspace]\n";
    write(&outer, "ignored/Cargo.toml", manifest);
    let run = outer.init(&["--manifest-path", "ignored/Cargo.toml"]);
    assert!(run.code == 2 && run.stderr.contains("git ignores it"), "{run:#?}");
}

#[cfg(unix)]
#[test]
fn change_that_cargo_rejects_is_reverted() {
    use std::os::unix::fs::PermissionsExt;
    let shape = Shape::new("workspace-that-inherits");
    // A Cargo that rejects manifests that name netswap-build.
    let cargo = shape.root.with_file_name("picky-cargo");
    let script = format!(
        "#!/bin/sh\nif grep -q netswap-build Cargo.toml; then echo error: no such crate >&2; exit 101; fi\nexec {:?} \"$@\"\n",
        env!("CARGO")
    );
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let before = shape.files();
    let mut command = Command::new(env!("CARGO_BIN_EXE_netswap"));
    let run = Run::capture(command.arg("init").current_dir(&shape.root).env("CARGO", cargo));
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
    assert!(run.stderr.contains("no such crate"), "{run:#?}");
    assert!(run.stderr.contains("; nothing was changed"), "{run:#?}");
    assert_eq!(shape.files(), before);
}

#[cfg(unix)]
#[test]
fn unwritable_file_leaves_everything_unchanged() {
    let shape = Shape::new("workspace-that-inherits");
    let manifest = shape.root.join("crates/plug-in/Cargo.toml");
    let mut permissions = fs::metadata(&manifest).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&manifest, permissions).unwrap();
    let before = shape.files();
    let run = shape.init(&["--allow-dirty"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:#?}");
    assert!(run.stderr.contains("plug-in/Cargo.toml: it is read-only; nothing was changed"));
    assert_eq!(shape.files(), before);
}

#[cfg(unix)]
#[test]
fn linked_build_script_is_changed_at_its_target() {
    let shape = Shape::new("empty-main");
    fs::rename(shape.root.join("build.rs"), shape.root.join("script.rs")).unwrap();
    std::os::unix::fs::symlink("script.rs", shape.root.join("build.rs")).unwrap();
    shape.commit();
    assert_eq!(shape.init(&[]).code, 0);
    assert!(shape.root.join("build.rs").symlink_metadata().unwrap().is_symlink());
    let script = read(&shape, "script.rs");
    assert!(script.contains("netswap_build::emit();"), "{script}");
}

#[test]
fn invalid_input_names_the_file_and_changes_nothing() {
    let fail = |edit: &dyn Fn(&Shape), message: &str| {
        let shape = Shape::new("empty-main");
        edit(&shape);
        shape.commit();
        let before = shape.files();
        let run = shape.init(&[]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{message}: {run:#?}");
        let error = &run.stderr;
        assert!(error.contains(message) && !error.contains('\u{1b}'), "{message}: {run:#?}");
        assert_eq!(shape.files(), before, "{message}");
    };
    fail(
        &|shape| write(shape, "build.rs", b"fn main() { \xff }"),
        "build.rs: stream did not contain valid UTF-8",
    );
    fail(&|shape| write(shape, "Cargo.toml", "[package\n"), "Cargo.toml");
    fail(&|shape| fs::remove_file(shape.root.join("Cargo.toml")).unwrap(), "pass --manifest-path");
    let shape = Shape::new("one-package-of-many");
    let run = shape.init(&["--package", "tool-c"]);
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("no package `tool-c`"), "{run:#?}");
    assert!(run.stderr.contains("did you mean `tool-"), "{run:#?}");
}

#[test]
fn build_script_that_is_not_rust_is_reported() {
    let shape = Shape::new("empty-main");
    write(&shape, "build.rs", "fn main() {\n");
    shape.commit();
    let run = shape.init(&[]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stdout.contains("build.rs: it can't be parsed as Rust"), "{run:#?}");
    assert!(run.stdout.contains("    netswap_build::emit();\n"), "{run:#?}");
}

#[test]
fn paths_of_a_clone_are_configured_once() {
    let shape = Shape::new("xtask-for-one");
    let clone = repository().to_str().unwrap();
    assert_eq!(shape.init(&["--netswap-path", clone]).code, 0);
    let config = read(&shape, ".cargo/config.toml");
    let expected = format!(
        "[alias]\nxtask = \"run --quiet --package xtask --\"\n\n# Use the crates of a local clone. Its path is valid on this machine only.\n[patch.crates-io]\nnetswap = {{ path = \"{clone}/netswap\" }}\nnetswap-build = {{ path = \"{clone}/netswap-build\" }}\n"
    );
    assert_eq!(config, expected);
    let before = shape.files();
    assert_eq!(shape.init(&["--netswap-path", clone]).code, 0);
    assert_eq!(shape.files(), before);
}
