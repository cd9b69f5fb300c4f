//! `examples/hello-tool` is used as its README says: on this machine with std, and for Windows with
//! a program that needs no library in place of its own.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use support::{Run, X64, configure, copy, forget_this_build, repository};
use tempfile::TempDir;

/// Held by whoever builds an xtask: all of them share one target folder, and so one `xtask` program.
static XTASK: Mutex<()> = Mutex::new(());

/// The target folder of the xtasks.
fn shared_target_dir() -> (MutexGuard<'static, ()>, PathBuf) {
    let guard = XTASK.lock().unwrap_or_else(PoisonError::into_inner);
    (guard, Path::new(env!("CARGO_TARGET_TMPDIR")).join("hello-tool"))
}

/// A copy of the example, beside a configuration that names the local crates.
struct Tool {
    _dir: TempDir,
    root: PathBuf,
}

impl Tool {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("hello-tool");
        copy(&repository().join("examples/hello-tool"), &root);
        configure(&repository().join("examples"), dir.path());
        Tool { _dir: dir, root }
    }

    /// With a program that links for Windows without any library; all else stays as it is.
    fn without_std() -> Self {
        let tool = Tool::new();
        let fixtures = repository().join("fixtures");
        copy(&fixtures.join("mini-core"), &tool.root.join("mini-core"));
        let main = fs::read_to_string(fixtures.join("bin-only/src/main.rs")).unwrap();
        fs::write(tool.root.join("src/main.rs"), main).unwrap();
        tool.edit("Cargo.toml", "[build-dependencies]", "[target.'cfg(windows)'.dependencies]\nmini-core = { path = \"mini-core\" }\n\n[build-dependencies]");
        tool.edit(
            "Cargo.toml",
            "members = [\"xtask\"]",
            "members = [\"xtask\"]\nexclude = [\"mini-core\"]",
        );
        tool
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.root.join(file);
        let before = fs::read_to_string(&path).unwrap();
        let after = before.replacen(from, to, 1);
        assert_ne!(before, after, "{file} has no `{from}`");
        fs::write(path, after).unwrap();
    }

    /// Runs Cargo in it as a user does, with one target folder for the xtasks of all tests.
    fn cargo(&self, target_dir: &Path, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).current_dir(&self.root);
        forget_this_build(&mut command);
        command.env("CARGO_TARGET_DIR", target_dir);
        command.env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER", "rust-lld");
        let flags = "-Cpanic=abort -Clink-arg=/SUBSYSTEM:CONSOLE";
        command.env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_RUSTFLAGS", flags);
        command.env("RUSTC_BOOTSTRAP", "1");
        Run::of(&mut command)
    }
}

#[test]
fn its_xtask_verifies_and_names_the_two_lines_when_the_call_is_gone() {
    let tool = Tool::without_std();
    let (_guard, target_dir) = shared_target_dir();
    let verify = ["xtask", "verify", "--release", "--target", X64];

    let run = tool.cargo(&target_dir, &verify);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.contains("hello-tool.exe  x64 exe, swap-run: net"), "{run:#?}");
    assert!(run.stdout.contains("1 image: 1 passed"), "{run:#?}");

    tool.edit("build.rs", "    netswap_build::emit();\n", "");
    let run = tool.cargo(&target_dir, &verify);
    assert_eq!(run.code, 1, "{run:#?}");
    for line in ["not-requested", "netswap-build = \"0.1\"\n", "netswap_build::emit();\n"] {
        assert!(run.stdout.contains(line), "`{line}` is missing: {run:#?}");
    }

    let run = tool.cargo(&target_dir, &[&verify[..], &["--format", "json"]].concat());
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.rows()["hello-tool.exe"].failed("not-requested"));

    let run = tool.cargo(&target_dir, &["xtask", "verify", "--format", "xml"]);
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("--format takes human, json or ndjson"), "{run:#?}");

    let run = tool.cargo(&target_dir, &["xtask", "verify", "--help"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.contains("--policy <FILE>"), "{run:#?}");

    let run = tool.cargo(&target_dir, &["xtask", "verfy"]);
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("usage: cargo xtask verify"), "{run:#?}");
}

/// What Cargo built for this machine: whether the tool was fresh, and its build script's output.
fn build_for_host(tool: &Tool) -> (bool, String, String) {
    let target_dir = tool.root.join("target");
    let run = tool.cargo(&target_dir, &["build", "--offline", "--message-format=json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let messages: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_tool = |message: &&serde_json::Value| {
        message["reason"] == "compiler-artifact" && message["target"]["kind"][0] == "bin"
    };
    let fresh = messages.iter().find(is_tool).unwrap()["fresh"].as_bool().unwrap();
    let script = messages.iter().find(|message| message["reason"] == "build-script-executed");
    let out_dir = Path::new(script.unwrap()["out_dir"].as_str().unwrap());
    let output = fs::read_to_string(out_dir.with_file_name("output")).unwrap();
    (fresh, output, run.stderr)
}

#[cfg(not(windows))]
#[test]
fn a_build_for_this_machine_gets_no_link_argument_no_warning_and_no_needless_rebuild() {
    let tool = Tool::new();
    let (fresh, output, stderr) = build_for_host(&tool);
    assert!(!fresh);
    assert_eq!(output, "cargo:rerun-if-env-changed=NETSWAP\n");
    assert!(!stderr.contains("warning"), "{stderr}");

    tool.edit("README.md", "# hello-tool", "# Hello");
    assert!(build_for_host(&tool).0, "a change of README.md built the tool again");
    tool.edit("src/main.rs", "Hello, {name}!", "Hallo, {name}!");
    assert!(!build_for_host(&tool).0, "a change of main.rs did not build the tool again");
}

#[cfg(not(windows))]
#[test]
fn the_xtask_leaves_its_own_package_out_and_the_program_does_not() {
    let tool = Tool::new();
    let (_guard, target_dir) = shared_target_dir();
    let run = tool.cargo(&target_dir, &["xtask", "verify", "--workspace"]);
    assert!(run.stdout.starts_with("0 images (1 other file,"), "{run:#?}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_netswap"));
    command.args(["verify", "--workspace"]).current_dir(&tool.root);
    forget_this_build(&mut command);
    let run = Run::of(command.env("CARGO_TARGET_DIR", target_dir));
    assert!(run.stdout.starts_with("0 images (2 other files,"), "{run:#?}");
}

#[cfg(not(windows))]
#[test]
fn a_build_for_this_machine_leaves_nothing_to_verify_here() {
    let tool = Tool::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-netswap"));
    command.args(["netswap", "verify", "--offline"]).current_dir(&tool.root);
    let run = Run::of(&mut command);
    assert_eq!(run.code, 3, "{run:#?}");
    assert!(run.stderr.contains("--target x86_64-pc-windows-msvc"), "{run:#?}");
}
