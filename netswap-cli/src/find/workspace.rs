//! The images of a Cargo workspace: those that `cargo build` says it has made.

use std::ffi::OsString;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use cargo_metadata::camino::Utf8PathBuf;
use cargo_metadata::{CrateType, Message, MetadataCommand, PackageId, TargetKind};

use super::{Artifact, Found, ReceiptState};
use crate::text::one_line;

/// A `cargo build` whose images are verified.
///
/// # Examples
///
/// ```no_run
/// use netswap::{Build, Policy, verify};
///
/// let mut build = Build::new();
/// build.target("x86_64-pc-windows-msvc").arg("--release");
/// let report = verify::build(&build, None)?;
/// assert_eq!(report.exit_code(), netswap::ExitCode::Passed);
/// # Ok::<(), netswap::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Build {
    manifest_path: Option<PathBuf>,
    targets: Vec<String>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

/// Why there are no images of a build to verify.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no workspace here, or its manifests are wrong.
    #[error(
        "failed to read the workspace: {0}; run this where a Cargo.toml is, give --manifest-path, or name the files and folders to verify"
    )]
    Workspace(String),
    /// Cargo can't be run.
    #[error("failed to run {}: {source}; install Cargo, or put it into PATH", program.display())]
    Run {
        /// What was run.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What Cargo prints can't be read.
    #[error("failed to read the messages of cargo build: {0}")]
    Messages(io::Error),
    /// The build failed; Cargo has said why on standard error.
    #[error(
        "failed to build: cargo build ended with {0}, so nothing was verified; its messages say why"
    )]
    Failed(ExitStatus),
}

/// The packages that are built, and where they lie.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The `Cargo.toml` that holds `[workspace]`.
    pub(crate) root_manifest: PathBuf,
    pub(crate) members: Vec<Member>,
}

/// A package of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    id: PackageId,
    name: String,
    pub(crate) manifest: PathBuf,
}

impl Build {
    /// `cargo build` in this folder's workspace, for the target that Cargo is configured for.
    pub fn new() -> Self {
        Build::default()
    }

    /// `--manifest-path`: the package or workspace, instead of this folder's.
    pub fn manifest_path(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.manifest_path = Some(path.into());
        self
    }

    /// `--target`: a triple to build for. Each one that is added is a build of its own.
    pub fn target(&mut self, triple: impl Into<String>) -> &mut Self {
        self.targets.push(triple.into());
        self
    }

    /// Another argument for `cargo build`, as it is.
    pub fn arg(&mut self, argument: impl Into<OsString>) -> &mut Self {
        self.arguments.push(argument.into());
        self
    }

    /// More arguments for `cargo build`, as they are.
    pub fn args<T: Into<OsString>>(&mut self, arguments: impl IntoIterator<Item = T>) -> &mut Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A variable of the build's environment.
    pub fn env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Asks Cargo which packages there are.
    pub(crate) fn workspace(&self) -> Result<Workspace, BuildError> {
        let mut command = MetadataCommand::new();
        command.cargo_path(crate::env::cargo()).no_deps();
        if let Some(path) = &self.manifest_path {
            command.manifest_path(path);
        }
        let metadata = command.exec().map_err(|error| match error {
            cargo_metadata::Error::CargoMetadata { stderr } => {
                BuildError::Workspace(one_line(stderr.trim_start_matches("error: ")))
            }
            cargo_metadata::Error::Io(source) => {
                BuildError::Run { program: crate::env::cargo().into(), source }
            }
            error => BuildError::Workspace(one_line(&error.to_string())),
        })?;
        let members = metadata.workspace_packages().into_iter().map(|package| Member {
            id: package.id.clone(),
            name: package.name.to_string(),
            manifest: package.manifest_path.clone().into(),
        });
        Ok(Workspace {
            root_manifest: metadata.workspace_root.join("Cargo.toml").into(),
            members: members.collect(),
        })
    }

    /// Builds, once for each target, and collects the images of the workspace's packages. Cargo's
    /// own messages go to standard error.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<Vec<Found>, BuildError> {
        if self.targets.is_empty() {
            return self.run_for(None, workspace);
        }
        let mut found = Vec::new();
        for target in &self.targets {
            found.extend(self.run_for(Some(target), workspace)?);
        }
        Ok(found)
    }

    /// One build for one target: Cargo's messages don't tell which target they are of.
    fn run_for(
        &self,
        target: Option<&str>,
        workspace: &Workspace,
    ) -> Result<Vec<Found>, BuildError> {
        let program = crate::env::cargo();
        let mut command = Command::new(&program);
        command.args(["build", "--message-format=json-render-diagnostics"]);
        if let Some(path) = &self.manifest_path {
            command.arg("--manifest-path").arg(path);
        }
        if let Some(triple) = target {
            command.args(["--target", triple]);
        }
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut cargo = command
            .spawn()
            .map_err(|source| BuildError::Run { program: program.into(), source })?;

        let mut artifacts = Vec::new();
        let mut out_dirs = Vec::new();
        let mut unread = None;
        if let Some(stdout) = cargo.stdout.take() {
            for message in Message::parse_stream(BufReader::new(stdout)) {
                match message {
                    Ok(Message::CompilerArtifact(artifact)) => artifacts.push(artifact),
                    Ok(Message::BuildScriptExecuted(script)) => {
                        out_dirs.push((script.package_id, script.out_dir));
                    }
                    Ok(_) => {}
                    Err(error) => unread = Some(error),
                }
            }
        }
        let status = cargo.wait().map_err(BuildError::Messages)?;
        if !status.success() {
            return Err(BuildError::Failed(status));
        }
        if let Some(error) = unread {
            return Err(BuildError::Messages(error));
        }

        let found = artifacts.iter().flat_map(|artifact| {
            let member = workspace.members.iter().find(|member| member.id == artifact.package_id);
            let out_dirs = out_dirs.iter().filter(|(id, _)| *id == artifact.package_id);
            let receipts = out_dirs.map(|(_, out_dir)| ReceiptState::read(Path::new(out_dir)));
            let receipts: Vec<_> = member.iter().flat_map(|_| receipts.clone()).collect();
            images(artifact).into_iter().filter_map(move |path| {
                let path = PathBuf::from(path);
                let receipt = receipt_of(&path, target, &receipts);
                Some(member?.found(path, artifact, target, receipt))
            })
        });
        Ok(found.collect())
    }
}

impl Member {
    fn found(
        &self,
        path: PathBuf,
        artifact: &cargo_metadata::Artifact,
        target: Option<&str>,
        receipt: ReceiptState,
    ) -> Found {
        let target = match (&receipt, target) {
            (_, Some(triple)) => Some(triple.to_owned()),
            (ReceiptState::Present(receipt), None) => Some(receipt.target.clone()),
            _ => None,
        };
        Found {
            path,
            artifact: Some(Artifact {
                package: self.name.clone(),
                manifest: self.manifest.clone(),
                name: artifact.target.name.clone(),
                kinds: artifact.target.kind.iter().map(ToString::to_string).collect(),
                target,
                receipt,
            }),
        }
    }
}

/// The files of an artifact that can be images which somebody ships.
fn images(artifact: &cargo_metadata::Artifact) -> Vec<Utf8PathBuf> {
    let target = &artifact.target;
    let for_the_build = [TargetKind::CustomBuild, TargetKind::ProcMacro];
    if target.kind.iter().any(|kind| for_the_build.contains(kind)) {
        return Vec::new();
    }
    if let Some(executable) = &artifact.executable {
        return vec![executable.clone()];
    }
    let dynamic = [CrateType::CDyLib, CrateType::DyLib];
    if !target.crate_types.iter().any(|kind| dynamic.contains(kind)) {
        return Vec::new();
    }
    let is_dll = |path: &&Utf8PathBuf| {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("dll"))
    };
    artifact.filenames.iter().filter(is_dll).cloned().collect()
}

/// The receipt that belongs to an image, of those that the package's build script left: one for each
/// target that the package was built for, the host among them.
fn receipt_of(image: &Path, target: Option<&str>, receipts: &[ReceiptState]) -> ReceiptState {
    let is_for_image = |receipt: &&ReceiptState| match (receipt, target) {
        (ReceiptState::Present(receipt), Some(triple)) => receipt.target == triple,
        // Where the configuration gives the targets, the folder of the image tells which it is.
        (ReceiptState::Present(receipt), None) => {
            image.iter().any(|folder| *folder == *receipt.target)
        }
        _ => false,
    };
    let receipt = match receipts {
        [only] if target.is_none() => Some(only),
        _ => receipts.iter().find(is_for_image),
    };
    let unusable = || receipts.iter().find(|receipt| matches!(receipt, ReceiptState::Unusable(_)));
    receipt.or_else(unusable).cloned().unwrap_or(ReceiptState::Absent)
}
