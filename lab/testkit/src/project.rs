//! Projects that real builds use, the programs under test, and an independent reader of images.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

pub const X64: &str = "x86_64-pc-windows-msvc";

/// Returns the path of a program of netswap-cli, which Cargo builds before the tests.
pub fn program(name: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "set by Cargo")]
    let path = std::env::var_os(format!("CARGO_BIN_EXE_{name}"));
    path.unwrap_or_else(|| panic!("cargo test has not built {name}")).into()
}

/// Returns the path of the script that replaces a real linker.
pub fn fake_linker() -> PathBuf {
    repository().join("netswap-cli/tests/linker/fake-linker.sh")
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).unwrap()
}

/// A copy of a fixture, beside copies of the parts that all fixtures need.
#[must_use]
pub struct Project {
    _dir: TempDir,
    pub root: PathBuf,
    variables: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The entry of one image in a report: status, codes of the findings, and Characteristics.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub status: String,
    pub codes: Vec<String>,
    pub characteristics: u16,
}

impl Project {
    /// Copies `fixtures/NAME`.
    pub fn new(name: &str) -> Self {
        Project::below("", name)
    }

    /// Copies `fixtures/NAME` into a folder called `folder`.
    pub fn below(folder: &str, name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fixtures = repository().join("fixtures");
        let home = dir.path().join(folder);
        for part in ["lib", "mini-core", name] {
            copy(&fixtures.join(part), &home.join(part));
        }
        configure(&fixtures, &home);
        Project { root: home.join(name), _dir: dir, variables: Vec::new() }
    }

    /// Sets an environment variable for all programs that run in the project.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.variables.retain(|(variable, _)| variable != name);
        self
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.root.join(file), text).unwrap();
    }

    pub fn append(&self, file: &str, text: &str) {
        let before = fs::read_to_string(self.root.join(file)).unwrap();
        self.write(file, &(before + text));
    }

    /// Runs `netswap verify --offline` in the project with these arguments.
    pub fn verify(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(program("netswap"));
        command.args(["verify", "--offline"]).args(arguments);
        self.run(&mut command)
    }

    pub fn cargo(&self, arguments: &[&str]) -> Run {
        self.run(&mut cargo(&self.root, arguments))
    }

    pub fn run(&self, command: &mut Command) -> Run {
        clean_environment(command.current_dir(&self.root));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Run::capture(command)
    }

    /// Verifies the project for x64 and returns the row of each image, by file name. The
    /// independent reader also reads each image that has a header.
    pub fn verified(&self, exit_code: i32, arguments: &[&str]) -> BTreeMap<String, Row> {
        let run = self.verify(&[&["--target", X64, "--format", "json"], arguments].concat());
        assert_eq!(run.code, exit_code, "{run:#?}");
        run.rows()
    }

    /// Returns the path of a file in the build's folder.
    pub fn built(&self, name: &str) -> PathBuf {
        self.root.join("target").join(X64).join("debug").join(name)
    }
}

impl Run {
    pub fn capture(command: &mut Command) -> Run {
        let output = command.output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Returns the rows of a JSON report. The independent reader must find the same bits.
    pub fn rows(&self) -> BTreeMap<String, Row> {
        let report = self.json();
        assert_eq!(report["schema"], "netswap.verify/1");
        let mut rows = BTreeMap::new();
        for image in report["images"].as_array().unwrap() {
            let path = Path::new(image["path"].as_str().unwrap());
            let codes = image["findings"].as_array().unwrap().iter();
            let codes = codes.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
            let digits = image["characteristics"].as_str().unwrap().trim_start_matches("0x");
            let characteristics = u16::from_str_radix(digits, 16).unwrap();
            assert_eq!(characteristics, independently_read(path), "{}", path.display());
            let status = image["status"].as_str().unwrap().to_owned();
            let before = rows.insert(file_name(path), Row { status, codes, characteristics });
            assert_eq!(before, None, "two images have the same name: {self:#?}");
        }
        rows
    }
}

impl Row {
    pub fn passed(&self) -> bool {
        self.status == "passed" && self.codes.is_empty() && self.characteristics & 0x0800 != 0
    }

    /// Whether the image failed only with this code, and really lacks the network bit.
    pub fn failed(&self, code: &str) -> bool {
        self.status == "failed" && self.codes == [code] && self.characteristics & 0x0800 == 0
    }
}

/// Writes the configuration of `from` into `to`, with full paths of the local crates.
pub fn configure(from: &Path, to: &Path) {
    let mut config = fs::read_to_string(from.join(".cargo/config.toml")).unwrap();
    for name in ["netswap", "netswap-build"] {
        let path = repository().join(name);
        let quoted = format!("{:?}", path.to_str().unwrap());
        config = config.replace(&format!("\"../{name}\""), &quoted);
    }
    assert!(config.contains("netswap-build") && !config.contains("\"../"), "{config}");
    fs::create_dir(to.join(".cargo")).unwrap();
    fs::write(to.join(".cargo/config.toml"), config).unwrap();
}

/// Returns a Cargo command that runs in a folder, with a clean environment.
pub fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    clean_environment(command.args(arguments).current_dir(folder));
    command
}

/// Removes Cargo's variables for this test, and those that change how projects are built.
pub fn clean_environment(command: &mut Command) {
    #[expect(clippy::disallowed_methods, reason = "for programs that read it")]
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_from_cargo = name.starts_with("CARGO") && !["CARGO", "CARGO_HOME"].contains(&&*name);
        let is_for_linker = name.starts_with("NETSWAP_LINK");
        if is_from_cargo || is_for_linker || ["RUSTFLAGS", "NETSWAP", "TARGET"].contains(&&*name) {
            command.env_remove(name);
        }
    }
    // Most projects are built once, and a first build is 25 % faster without incremental data.
    command.env("CARGO_INCREMENTAL", "0");
    if uses_new_layout() {
        command.env("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true").env("RUSTC_BOOTSTRAP", "1");
    }
}

/// Whether Cargo uses the new layout of its build folder, which is still unstable.
pub fn uses_new_layout() -> bool {
    #[expect(clippy::disallowed_methods, reason = "set by whoever runs the tests")]
    let variable = std::env::var_os("NETSWAP_TEST_NEW_LAYOUT");
    variable.is_some_and(|value| !value.is_empty())
}

/// Reads the output of a build script, in either layout of Cargo's build folder.
pub fn script_output(out_dir: &Path) -> String {
    let outputs = ["run/stdout", "output"].map(|path| out_dir.with_file_name(path));
    let output = outputs.iter().find(|path| path.is_file());
    fs::read_to_string(output.unwrap_or_else(|| panic!("none of {outputs:?} exists"))).unwrap()
}

/// Returns the folder with the LLD programs that rustup installs.
pub fn rustup_lld() -> PathBuf {
    let libdir = Command::new("rustc").args(["--print", "target-libdir"]).output().unwrap();
    let libdir = String::from_utf8(libdir.stdout).unwrap();
    Path::new(libdir.trim_end()).with_file_name("bin").join("gcc-ld")
}

/// Returns the path of a tool in the folder that `NETSWAP_TEST_TOOLS` names.
///
/// `cargo xtask test` fetches the tools and sets the variable. The tests never use a linker or
/// compiler of the machine itself, because its version would change what they prove.
pub fn fetched_tool(name: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "set by `cargo xtask test`")]
    let folder = std::env::var_os("NETSWAP_TEST_TOOLS").unwrap_or_else(|| {
        panic!("NETSWAP_TEST_TOOLS is not set; `cargo xtask test` fetches {name} and sets it")
    });
    Path::new(&folder).join(name)
}

/// Reads the Characteristics of an image with a crate that shares no code with netswap.
pub fn independently_read(path: &Path) -> u16 {
    let bytes = fs::read(path).unwrap();
    goblin::pe::PE::parse(&bytes).unwrap().header.coff_header.characteristics
}

/// Returns a file's name without the hash that Cargo gives to tests and benchmarks.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    let folder = path.parent().and_then(Path::file_name).and_then(OsStr::to_str);
    let hashed = matches!(folder, Some("deps" | "out"));
    match name.rsplit_once('-') {
        Some((stem, _)) if hashed => format!("{stem}.exe"),
        _ => name.to_owned(),
    }
}

/// Copies a folder except `target`, Cargo's build folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "target" {
        } else if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// Returns the files below a folder with their contents, and its folders with `None`. Skips `.git`.
pub fn files(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() && path.file_name().unwrap() != ".git" {
                found.insert(below, None);
                folders.push(path);
            } else if path.is_file() {
                found.insert(below, Some(fs::read(path).unwrap()));
            }
        }
    }
    found
}

/// Returns a page's code blocks in this language.
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(page)).unwrap();
    let fence = format!("```{language}\n");
    let blocks =
        text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.collect()
}
