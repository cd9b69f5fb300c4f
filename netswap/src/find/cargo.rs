//! Cargo's JSON: the fields that netswap reads from `cargo metadata` and from the messages of
//! `cargo build`.
//!
//! Other fields are ignored, so a new edition or a new kind of target does not stop a verification.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::BuildError;
use crate::json::{FromJson, read_fields};
use crate::text::one_line;

/// The output of `cargo metadata`
/// ([the Cargo book](https://doc.rust-lang.org/cargo/commands/cargo-metadata.html#json-format)).
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
    workspace_members: Vec<String>,
    pub(super) workspace_root: PathBuf,
}

pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) manifest_path: PathBuf,
    pub(super) targets: Vec<Target>,
    pub(super) default_run: Option<String>,
}

#[derive(Clone)]
pub(super) struct Target {
    pub(super) name: String,
    /// Its kinds: `bin`, `cdylib`, `custom-build` and so on.
    pub(super) kind: Vec<String>,
    pub(super) crate_types: Vec<String>,
    pub(super) src_path: PathBuf,
}

/// The files that Cargo built for one target.
pub(super) struct Artifact {
    pub(super) package_id: String,
    pub(super) manifest_path: PathBuf,
    pub(super) target: Target,
    pub(super) profile: Profile,
    pub(super) filenames: Vec<PathBuf>,
    pub(super) executable: Option<PathBuf>,
}

/// The settings that an artifact was compiled with.
pub(super) struct Profile {
    /// Whether it was compiled with its tests.
    pub(super) test: bool,
}

/// A build script that ran, in this build or an earlier one.
pub(super) struct BuildScript {
    pub(super) package_id: String,
    pub(super) out_dir: PathBuf,
}

read_fields!(Metadata { packages, workspace_members, workspace_root });
read_fields!(Package { id, name, manifest_path, targets, default_run });
read_fields!(Target { name, kind, crate_types, src_path });
read_fields!(Artifact { package_id, manifest_path, target, profile, filenames, executable });
read_fields!(Profile { test });
read_fields!(BuildScript { package_id, out_dir });

impl Target {
    /// Whether the target is of this kind, in Cargo's words.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|own| own == kind)
    }
}

impl Metadata {
    /// Runs `cargo metadata --no-deps`.
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
        let value = serde_json::from_slice(json).map_err(|error| error.to_string());
        let metadata = value.and_then(|value| Metadata::from_json(&value));
        metadata.map_err(|why| BuildError::Workspace(format!("cargo metadata: {why}")))
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}
