//! `cargo xtask package`: copies the program and its helper into `dist`, as they ship, and verifies
//! them there.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use cargo_metadata::Message;

/// The helper's name on each system.
const HELPERS: [&str; 3] = ["helper.dll", "libhelper.dylib", "libhelper.so"];

/// Runs `cargo build` with these arguments, then packages and verifies the result.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match package(arguments) {
        // Verifies the whole folder, because Cargo does not report the helper.
        Ok(dist) => netswap::xtask::verify_paths([dist]),
        Err(error) => {
            eprintln!("error: {error}");
            netswap::ExitCode::Error.into()
        }
    }
}

fn package(arguments: impl Iterator<Item = OsString>) -> Result<PathBuf, Box<dyn Error>> {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = xtask.parent().unwrap_or(xtask);
    let files = build(root, arguments)?;
    let dist = root.join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    fs::create_dir(&dist)?;
    for file in files {
        let name = file.file_name().unwrap_or_default();
        fs::copy(&file, dist.join(name))?;
    }
    Ok(dist)
}

/// Builds the tool. Returns the paths of the program and of the helper.
fn build(
    root: &Path,
    arguments: impl Iterator<Item = OsString>,
) -> Result<[PathBuf; 2], Box<dyn Error>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--message-format=json-render-diagnostics"]).args(arguments);
    let mut child = cargo.current_dir(root).stdout(Stdio::piped()).spawn()?;
    let (mut program, mut helper) = (None, None);
    for message in Message::parse_stream(BufReader::new(child.stdout.take().ok_or("no output")?)) {
        match message? {
            Message::CompilerArtifact(artifact) if artifact.target.name == "native-tool" => {
                program = artifact.executable.or(program);
            }
            Message::BuildScriptExecuted(script) => {
                let files = HELPERS.map(|name| script.out_dir.join(name));
                helper = files.into_iter().find(|file| file.exists()).or(helper);
            }
            _ => {}
        }
    }
    if !child.wait()?.success() {
        return Err("the build failed".into());
    }
    let [program, helper] = [program, helper].map(|file| file.map(PathBuf::from));
    Ok([program.ok_or("Cargo built no program")?, helper.ok_or("build.rs built no helper")?])
}
