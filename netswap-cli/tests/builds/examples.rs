//! The examples, and similar projects of `netswap new`, work as their READMEs say. Builds for this
//! machine use them unchanged. Builds for Windows use programs and plug-ins without std instead,
//! because those link without any library.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::seed::EXAMPLES;
use crate::{check_stderr, edit, netswap, path_with_lld};
use tempfile::TempDir;
use testkit::image::NET;
use testkit::{
    Run, X64, cargo, clean_environment, configure, copy, fetched_tool, independently_read,
    repository, rustup_lld, script_output,
};

/// The rustflags of programs without std.
const WITHOUT_STD: &str = "-Cpanic=abort -Clink-arg=/SUBSYSTEM:CONSOLE";

/// A project, beside a configuration that names the local crates.
pub(crate) struct Tool {
    _dir: TempDir,
    pub(crate) root: PathBuf,
    variables: Vec<(&'static str, OsString)>,
}

/// An image of a project, and the package that makes it.
struct Image {
    file: &'static str,
    /// The package's folder.
    folder: &'static str,
    /// The package's source files, each with the fixture's file that replaces it for Windows.
    sources: &'static [(&'static str, &'static str)],
}

const PROGRAM: &[(&str, &str)] = &[("src/main.rs", "bin-only/src/main.rs")];
const LIBRARY_AND_PROGRAM: &[(&str, &str)] =
    &[("src/lib.rs", "lib-and-bin/src/lib.rs"), ("src/main.rs", "lib-and-bin/src/main.rs")];
const LIBRARY: &[(&str, &str)] = &[("src/lib.rs", "lib-only/src/lib.rs")];
const DLL: &[(&str, &str)] = &[("src/lib.rs", "cdylib/src/lib.rs")];

const HELLO_TOOL: Image = Image { file: "hello-tool.exe", folder: ".", sources: PROGRAM };
const PLUG_IN: Image = Image { file: "plugin_host_plugin.dll", folder: "plugin", sources: DLL };

/// The layouts: the example with the same packages, the options of `netswap new`, and the images.
const LAYOUTS: [(&str, &[&str], &[Image]); 5] = [
    ("hello-tool", &[], &[HELLO_TOOL]),
    ("hello-tool", &["--lib-and-bin"], &[Image { sources: LIBRARY_AND_PROGRAM, ..HELLO_TOOL }]),
    (
        "plugin-host",
        &["--cdylib"],
        &[Image { file: "plugin-host.exe", folder: ".", sources: PROGRAM }, PLUG_IN],
    ),
    (
        "plugin-host",
        &["--cdylib", "--lib-and-bin"],
        &[Image { file: "plugin-host.exe", folder: ".", sources: LIBRARY_AND_PROGRAM }, PLUG_IN],
    ),
    (
        "workspace-tools",
        &["--workspace"],
        &[
            Image { file: "goodbye.exe", folder: "goodbye", sources: PROGRAM },
            Image { file: "hello.exe", folder: "hello", sources: PROGRAM },
        ],
    ),
];

impl Tool {
    /// Copies an example.
    pub(crate) fn new(example: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join(example);
        copy(&repository().join("examples").join(example), &root);
        configure(&repository().join("examples"), dir.path());
        Tool { _dir: dir, root, variables: Vec::new() }
    }

    /// Runs `netswap new`, then replaces sources and dependencies, so that the images link for
    /// Windows without any library.
    fn without_std(example: &str, options: &[&str], images: &[Image]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        crate::run(&mut netswap(dir.path(), &[&["new", example], options].concat()), 0);
        let root = dir.path().join(example);
        let examples = repository().join("examples");
        fs::copy(examples.join(example).join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
        configure(&examples, dir.path());

        let mini_core = dir.path().join("mini-core");
        copy(&repository().join("fixtures/mini-core"), &mini_core);
        let libraries = ["interface", "greetings"].map(|folder| (folder, LIBRARY));
        let images = images.iter().map(|image| (image.folder, image.sources));
        for (folder, sources) in libraries.into_iter().chain(images) {
            let package = root.join(folder);
            if package.is_dir() {
                replace_std(&package, sources, &mini_core);
            }
        }
        Tool { _dir: dir, root, variables: Vec::new() }
    }

    /// Copies the example with native parts, and replaces its program as above. This clang compiles
    /// and links the native parts. The C runtime has only what they need.
    fn native(clang: &str, include: &str) -> Self {
        let mut tool = Tool::new("native-tool");
        let dir = tool.root.parent().unwrap().to_owned();
        let mini_core = dir.join("mini-core");
        copy(&repository().join("fixtures/mini-core"), &mini_core);
        replace_std(&tool.root, PROGRAM, &mini_core);

        let runtime = dir.join("runtime");
        copy(&repository().join("netswap-cli/tests/runtime"), &runtime);
        let run = |program: &Path, arguments: &str| {
            let mut command = Command::new(program);
            crate::run(command.args(arguments.split(' ')).current_dir(&runtime), 0);
        };
        let link = rustup_lld().join("lld-link");
        run(&fetched_tool("clang"), "--target=x86_64-pc-windows-msvc -c start.c -o start.obj");
        run(&link, "/lib /machine:x64 /def:ucrtbase.def /out:ucrtbase.lib");
        // The same library under two names, for the DLL runtime and for the static runtime.
        run(&link, "/lib /out:msvcrt.lib start.obj ucrtbase.lib");
        run(&link, "/lib /out:libcmt.lib start.obj ucrtbase.lib");
        fs::write(runtime.join("oldnames.lib"), "!<arch>\n").unwrap();
        let archiver = runtime.join("llvm-lib");
        fs::write(&archiver, "#!/bin/sh\nexec lld-link /lib \"$@\"\n").unwrap();
        run(Path::new("chmod"), "+x llvm-lib");

        let flags = format!("-fuse-ld=lld {include} {}", runtime.display());
        let clang = fetched_tool(clang);
        // std links this library, too.
        let with_runtime = format!("{WITHOUT_STD} -Clink-arg=/DEFAULTLIB:msvcrt");
        tool.variables = vec![
            ("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_RUSTFLAGS", with_runtime.into()),
            ("AR_x86_64_pc_windows_msvc", archiver.into()),
            ("CC_x86_64_pc_windows_msvc", clang.clone().into()),
            ("CXX_x86_64_pc_windows_msvc", clang.into()),
            ("CFLAGS_x86_64_pc_windows_msvc", flags.clone().into()),
            ("CXXFLAGS_x86_64_pc_windows_msvc", flags.into()),
            ("LIB", runtime.into()),
            ("PATH", path_with_lld()),
        ];
        tool
    }

    /// Runs Cargo in the project and checks its exit code.
    pub(crate) fn cargo(&self, target_dir: impl AsRef<Path>, arguments: &[&str], code: i32) -> Run {
        let mut command = cargo(&self.root, arguments);
        command.env("CARGO_TARGET_DIR", target_dir.as_ref());
        command.env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER", "rust-lld");
        command.env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_RUSTFLAGS", WITHOUT_STD);
        command.env("RUSTC_BOOTSTRAP", "1");
        crate::run(command.envs(self.variables.iter().map(|(name, value)| (name, value))), code)
    }
}

/// Replaces sources of a package by those of the fixtures, and its dependencies by mini-core.
fn replace_std(package: &Path, sources: &[(&str, &str)], mini_core: &Path) {
    for (file, fixture) in sources {
        let text = fs::read_to_string(repository().join("fixtures").join(fixture)).unwrap();
        // Edition 2024 requires `unsafe` in this attribute.
        fs::write(package.join(file), text.replace("#[no_mangle]\n", "")).unwrap();
    }
    let manifest = package.join("Cargo.toml");
    let text = without_dependencies(&fs::read_to_string(&manifest).unwrap());
    let table = "[target.'cfg(windows)'.dependencies]";
    let path = mini_core.to_str().unwrap();
    let text = format!("{text}\n{table}\nmini-core = {{ path = {path:?} }}\n");
    fs::write(manifest, text).unwrap();
}

/// Removes the table of dependencies, which ends with an empty line, from a manifest.
fn without_dependencies(manifest: &str) -> String {
    let Some((before, table)) = manifest.split_once("[dependencies]\n") else {
        return manifest.to_owned();
    };
    before.to_owned() + table.split_once("\n\n").map_or("", |(_, after)| after)
}

#[test]
fn xtask_of_each_layout_verifies_its_images() {
    let editions = ["2021", "2024"].map(|edition| LAYOUTS.map(|layout| (edition, layout)));
    for (edition, (example, options, images)) in editions.into_iter().flatten() {
        let options = [options, &["--edition", edition]].concat();
        let tool = Tool::without_std(example, &options, images);
        let target_dir = EXAMPLES.target_dir();
        let verify = ["xtask", "verify", "--workspace", "--release", "--target", X64];

        let run = tool.cargo(&target_dir, &verify, 0);
        for Image { file, .. } in images {
            let kind = file.rsplit_once('.').unwrap().1;
            let row = format!("{file}  x64 {kind}, swap-run: net");
            assert!(run.stdout.contains(&row), "{row}: {run:#?}");
        }
        let passed = format!(": {} passed", images.len());
        assert!(run.stdout.contains(&passed), "{run:#?}");

        for without in images {
            let script = format!("{}/build.rs", without.folder);
            edit(&tool.root, &script, "    netswap_build::emit();\n", "");
            let run = tool.cargo(&target_dir, &[&verify[..], &["--format", "json"]].concat(), 1);
            let rows = run.rows();
            assert_eq!(rows.len(), images.len(), "{rows:#?}");
            for (file, row) in &rows {
                let is_right =
                    if file == without.file { row.failed("not-requested") } else { row.passed() };
                assert!(is_right, "{file} without the line in {script}: {row:#?}");
            }
            edit(&tool.root, &script, "fn main() {\n", "fn main() {\n    netswap_build::emit();\n");
        }
    }
}

#[test]
fn third_tool_needs_the_line_too() {
    let (example, options, images) = LAYOUTS[4];
    let tool = Tool::without_std(example, options, images);
    let target_dir = EXAMPLES.target_dir();
    tool.cargo(&target_dir, &["new", "third", "--vcs", "none"], 0);
    let members = "members = [\"goodbye\", \"greetings\", \"hello\", \"third\", \"xtask\"]";
    let manifest = fs::read_to_string(tool.root.join("Cargo.toml")).unwrap();
    assert!(manifest.contains(members), "{manifest}");
    // Like the other tools here, it links without std.
    for file in ["Cargo.toml", "src/main.rs"] {
        let like = fs::read_to_string(tool.root.join("hello").join(file)).unwrap();
        let text = like.replace("name = \"hello\"", "name = \"third\"");
        let text = text.replace("\n[build-dependencies]\nnetswap-build.workspace = true\n", "");
        fs::write(tool.root.join("third").join(file), text).unwrap();
    }
    let verify = ["xtask", "verify", "--workspace", "--target", X64, "--format", "json"];
    let run = tool.cargo(&target_dir, &verify, 1);
    assert!(run.rows()["third.exe"].failed("not-requested"), "{run:#?}");

    for words in [&["add", "--all"][..], &["commit", "--quiet", "--message", "A third tool"]] {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(words);
        crate::run(git.current_dir(&tool.root), 0);
    }
    crate::run(&mut netswap(&tool.root, &["init"]), 0);
    let manifest = fs::read_to_string(tool.root.join("third/Cargo.toml")).unwrap();
    let lines = "\n[build-dependencies]\nnetswap-build.workspace = true\n";
    assert!(manifest.contains(lines), "{manifest}");
    let run = tool.cargo(&target_dir, &verify, 0);
    assert!(run.rows()["third.exe"].passed(), "{run:#?}");
}

#[test]
fn xtask_prints_the_lines_to_add_and_usage() {
    let tool = Tool::without_std("hello-tool", &[], &[HELLO_TOOL]);
    let target_dir = EXAMPLES.target_dir();
    let verify = ["xtask", "verify", "--workspace", "--release", "--target", X64];

    edit(&tool.root, "build.rs", "    netswap_build::emit();\n", "");
    let run = tool.cargo(&target_dir, &verify, 1);
    for line in ["not-requested", "netswap-build = \"0.1\"\n", "netswap_build::emit();\n"] {
        assert!(run.stdout.contains(line), "`{line}` is missing: {run:#?}");
    }

    for (arguments, message) in [
        (&["verify", "--format", "xml"][..], "--format takes human, json or ndjson"),
        (&["verfy"], "usage: cargo xtask verify"),
    ] {
        let run = tool.cargo(&target_dir, &[&["xtask"], arguments].concat(), 2);
        assert!(run.stderr.contains(message), "{run:#?}");
    }
    let run = tool.cargo(&target_dir, &["xtask", "verify", "--help"], 0);
    assert!(run.stdout.contains("--policy <FILE>"), "{run:#?}");

    let verify =
        |options: &[&str], code| tool.cargo(&target_dir, &[&verify, options].concat(), code);
    verify(&["--baseline", "no-such.json"], 2);
    let write = ["--write-baseline=known.json", "--output", "report.json", "--format", "json"];
    let run = verify(&write, 0);
    assert!(run.stdout.starts_with("1 image: 1 allowed ("), "{run:#?}");
    let report = fs::read(tool.root.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["images"][0]["status"], "allowed");
    let run = verify(&["--baseline", "known.json", "--quiet", "--color", "always"], 0);
    assert!(run.stdout.starts_with("1 image: 1 allowed ("), "{run:#?}");
    assert!(!run.stderr.contains("Finished"), "{run:#?}");
}

/// Builds for this machine. Returns whether the tool was fresh, the build script's output, and the
/// messages.
fn build_for_host(tool: &Tool) -> (bool, String, String) {
    let target_dir = tool.root.join("target");
    let run = tool.cargo(&target_dir, &["build", "--offline", "--message-format=json"], 0);
    let messages: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_tool = |message: &&serde_json::Value| {
        message["reason"] == "compiler-artifact" && message["target"]["kind"][0] == "bin"
    };
    let fresh = messages.iter().find(is_tool).unwrap()["fresh"].as_bool().unwrap();
    let script = messages.iter().find(|message| message["reason"] == "build-script-executed");
    let out_dir = Path::new(script.unwrap()["out_dir"].as_str().unwrap());
    (fresh, script_output(out_dir), run.stderr)
}

#[cfg(not(windows))]
#[test]
fn host_build_gets_no_link_argument() {
    let tool = Tool::new("hello-tool");
    let (fresh, output, stderr) = build_for_host(&tool);
    assert!(!fresh);
    assert_eq!(output, "cargo:rerun-if-env-changed=NETSWAP\n");
    assert!(!stderr.contains("warning"), "{stderr}");

    edit(&tool.root, "README.md", "# hello-tool", "# Hello");
    assert!(build_for_host(&tool).0, "a change of README.md built the tool again");
    edit(&tool.root, "src/main.rs", "Hello, {name}!", "Hallo, {name}!");
    assert!(!build_for_host(&tool).0, "a change of main.rs did not build the tool again");
}

#[cfg(not(windows))]
#[test]
fn xtask_is_skipped_unless_named() {
    let tool = Tool::new("hello-tool");
    let target_dir = EXAMPLES.target_dir();
    let run = tool.cargo(&target_dir, &["xtask", "verify", "--workspace"], 3);
    assert!(run.stdout.starts_with("0 images (1 other file,"), "{run:#?}");
    for (arguments, files) in [
        (&["--workspace"][..], "(1 other file,"),
        (&["--package", "xtask"], "(1 other file,"),
        (&["--package", "xtask", "--package", "hello-tool"], "(2 other files,"),
    ] {
        let mut command = netswap(&tool.root, &[&["verify", "--quiet"], arguments].concat());
        let run = Run::capture(command.env("CARGO_TARGET_DIR", target_dir.path()));
        assert!(run.stdout.contains(files), "{arguments:?}: {run:#?}");
        assert!(!run.stderr.contains("Finished"), "{run:#?}");
    }
}

#[cfg(not(windows))]
#[test]
fn host_build_leaves_nothing_to_verify() {
    let tool = Tool::new("hello-tool");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-netswap"));
    command.args(["netswap", "verify", "--offline"]).current_dir(&tool.root);
    clean_environment(&mut command);
    check_stderr(&Run::capture(&mut command), 3, &["--target x86_64-pc-windows-msvc"]);
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn native_tool_and_its_helper_get_the_bit() {
    for (clang, include) in [("clang-cl", "-imsvc"), ("clang", "-isystem")] {
        let mut tool = Tool::native(clang, include);
        let target_dir = EXAMPLES.target_dir();
        let package = ["xtask", "package", "--release", "--target", X64];
        for (netswap, code, bit) in [("", 0, NET), ("off", 1, 0)] {
            tool.variables.push(("NETSWAP", netswap.into()));
            let run = tool.cargo(&target_dir, &package, code);
            for file in ["helper.dll", "native-tool.exe"] {
                assert!(run.stdout.contains(file), "{clang}: {run:#?}");
                let characteristics = independently_read(&tool.root.join("dist").join(file));
                assert_eq!(characteristics & NET, bit, "{clang}: {file}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn packaged_native_tool_finds_its_helper() {
    let tool = Tool::new("native-tool");
    let target_dir = EXAMPLES.target_dir();
    let run = tool.cargo(&target_dir, &["xtask", "package"], 3);
    assert!(run.stdout.contains("(2 other files,"), "{run:#?}");
    let dist = tool.root.join("dist");
    let start = || {
        let mut program = Command::new(dist.join("native-tool"));
        program.arg("Ada").env_remove("LD_LIBRARY_PATH");
        program.output().unwrap()
    };
    let output = start();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello, Ada!\n", "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "native-tool, with helper 1\n");
    fs::remove_file(dist.join("libhelper.so")).unwrap();
    assert!(!start().status.success());
}
