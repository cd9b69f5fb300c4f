//! Cargo's JSON: the fields that netswap reads from `cargo metadata` and from the messages of
//! `cargo build`.
//!
//! Other fields are ignored, so a new edition or a new kind of target does not stop a verification.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::BuildError;
use crate::text::one_line;

/// The output of `cargo metadata`
/// ([the Cargo book](https://doc.rust-lang.org/cargo/commands/cargo-metadata.html#json-format)).
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
    workspace_members: Vec<String>,
    pub(super) workspace_root: PathBuf,
}

/// A package.
#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) manifest_path: PathBuf,
    pub(super) targets: Vec<Target>,
}

/// A Cargo target.
#[derive(Clone, Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    /// Its kinds: `bin`, `cdylib`, `custom-build` and so on.
    pub(super) kind: Vec<String>,
    pub(super) crate_types: Vec<String>,
    pub(super) src_path: PathBuf,
}

/// A message of `cargo build`
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages)).
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact(Artifact),
    BuildScriptExecuted(BuildScript),
    #[serde(other)]
    Other,
}

/// The files that Cargo built for one target.
#[derive(Deserialize)]
pub(super) struct Artifact {
    pub(super) package_id: String,
    pub(super) manifest_path: PathBuf,
    pub(super) target: Target,
    pub(super) profile: Profile,
    pub(super) filenames: Vec<PathBuf>,
    pub(super) executable: Option<PathBuf>,
}

/// The settings that an artifact was compiled with.
#[derive(Deserialize)]
pub(super) struct Profile {
    /// Whether it was compiled with its tests.
    pub(super) test: bool,
}

/// A build script that ran, in this build or an earlier one.
#[derive(Deserialize)]
pub(super) struct BuildScript {
    pub(super) package_id: String,
    pub(super) out_dir: PathBuf,
}

impl Metadata {
    /// Runs `cargo metadata --no-deps`.
    ///
    /// # Errors
    ///
    /// Returns an error if Cargo can't be run, there is no workspace, or the output has an unknown
    /// form.
    pub(super) fn read(manifest_path: Option<&Path>) -> Result<Self, BuildError> {
        let program = crate::env::cargo();
        let mut cargo = Command::new(&program);
        cargo.args(["metadata", "--format-version=1", "--no-deps"]).stdin(Stdio::null());
        if let Some(path) = manifest_path {
            cargo.arg("--manifest-path").arg(path);
        }
        let run = |source| BuildError::Run { program: PathBuf::from(&program), source };
        let output = cargo.output().map_err(run)?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            let message = one_line(message.trim_start_matches("error: "));
            return Err(BuildError::Workspace(message));
        }
        // A Cargo behind a wrapper can print other lines.
        let mut lines = output.stdout.split(|byte| *byte == b'\n');
        let json = lines.find(|line| line.starts_with(b"{")).unwrap_or_default();
        serde_json::from_slice(json)
            .map_err(|error| BuildError::Workspace(format!("cargo metadata: {error}")))
    }

    /// Returns the members of the workspace.
    pub(super) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}

/// Reads the messages of a build to their end.
///
/// # Errors
///
/// Returns an error if a message can't be read, because it could be about an image. The remaining
/// messages are read anyway, so that Cargo does not block.
pub(super) fn read_messages(
    from: impl BufRead,
    mut artifact: impl FnMut(Artifact),
    mut script: impl FnMut(BuildScript),
) -> Result<(), io::Error> {
    let mut result = Ok(());
    for line in from.split(b'\n') {
        let line = line?;
        // Compilers and build scripts can print other lines.
        if !line.starts_with(b"{") {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(Message::CompilerArtifact(message)) => artifact(message),
            Ok(Message::BuildScriptExecuted(message)) => script(message),
            Err(error) if line.starts_with(b"{\"reason\":\"") => {
                let line = String::from_utf8_lossy(&line);
                let start: String = line.chars().take(60).collect();
                let start = one_line(&start);
                result = Err(io::Error::other(format!("unknown message `{start}…`: {error}")));
            }
            Ok(Message::Other) | Err(_) => {}
        }
    }
    result
}
