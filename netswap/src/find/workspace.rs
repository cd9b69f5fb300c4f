//! The images of a Cargo workspace that `cargo build` reports, including the DLLs of dependencies.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::cargo::{self, Metadata};
use super::linker::{ConfiguredLinkers, rustc_prints};
use super::messages::{Messages, images, package_name, receipt_for};
use super::receipt::changed_linker;
use super::{Artifact, Found, ReceiptState, Source, clean, xtask};
use crate::text::{Printable, one_line};

/// A `cargo build` whose images are verified.
///
/// # Examples
///
/// ```no_run
/// use netswap::verify::{self, Options};
/// use netswap::{Build, ExitCode};
///
/// let mut build = Build::new();
/// build.target("x86_64-pc-windows-msvc").arg("--release");
/// let verified = verify::build(&build, &Options::default(), &mut |image| {
///     println!("{}: {:?}", image.path.display(), image.verdict.status);
///     Ok(())
/// })?;
/// assert_eq!(verified.exit_code(), ExitCode::Passed);
/// # Ok::<(), netswap::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Build {
    manifest_path: Option<PathBuf>,
    targets: Vec<String>,
    excluded: Excluded,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
}

/// The package that is not verified.
#[derive(Clone, Debug, Default)]
enum Excluded {
    #[default]
    None,
    /// The package with this `Cargo.toml`.
    Manifest(PathBuf),
    /// The package that makes only the project's xtask.
    Xtask,
}

/// The reason why a build has no images to verify.
#[derive(Debug)]
pub enum BuildError {
    /// There is no workspace here, or its manifests are invalid.
    Workspace(String),
    /// Cargo can't be run.
    Run {
        /// The program.
        program: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Cargo's messages can't be read.
    Messages(io::Error),
    /// The build failed. Cargo has printed the reason on standard error.
    Failed(ExitStatus),
    /// The build failed, and a build script chose its arguments for a linker that is no longer
    /// configured. Cargo has printed the reason for the failure.
    LinkerChanged {
        /// Cargo's exit status.
        status: ExitStatus,
        /// The package's name.
        package: String,
        /// The linker that was configured when the build script ran.
        then: Option<String>,
        /// The linker that is configured now.
        now: Option<String>,
        /// The command after which Cargo runs the build script again.
        clean: String,
    },
    /// The build failed, and there is no standard library for its target. Cargo has printed the
    /// reason for the failure.
    NoStandardLibrary {
        /// The triple.
        target: String,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Workspace(why) => write!(
                f,
                "failed to read the workspace: {why}; run this in a folder with a Cargo.toml, pass --manifest-path, or name the files and folders to verify"
            ),
            BuildError::Run { program, source } => {
                let program = Printable(program);
                write!(f, "failed to run {program}: {source}; install Cargo, or put it into PATH")
            }
            BuildError::Messages(error) => {
                write!(f, "failed to read the messages of cargo build: {error}")
            }
            BuildError::Failed(status) => write!(
                f,
                "failed to build: cargo build ended with {status}, so nothing was verified; its messages say why"
            ),
            BuildError::LinkerChanged { status, package, then, now, clean } => {
                let changed = changed_linker(package, then.as_deref(), now.as_deref());
                write!(
                    f,
                    "failed to build: cargo build ended with {status}; its messages say why\n{changed}\nCargo does not run a build script again when the linker changes, so run:\n    {clean}\nthen build again"
                )
            }
            BuildError::NoStandardLibrary { target } => write!(
                f,
                "failed to build: there is no standard library for {target} here; `rustup target add {target}` installs it, if Rust offers one"
            ),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BuildError::Run { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The packages of a workspace and the paths of their manifests.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The workspace's own `Cargo.toml`, which contains `[workspace]`.
    pub(crate) root_manifest: PathBuf,
    pub(crate) members: Vec<Member>,
    /// The `Cargo.toml` of the package that is not verified.
    excluded: Option<PathBuf>,
}

/// A package of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    id: String,
    name: String,
    pub(crate) manifest: PathBuf,
    build_script: Option<PathBuf>,
}

impl Build {
    /// Creates a `cargo build` in this folder's workspace, for the target that Cargo is configured
    /// for.
    pub fn new() -> Self {
        Build::default()
    }

    /// Sets `--manifest-path`: the package or workspace to build instead of this folder's.
    pub fn manifest_path(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.manifest_path = Some(path.into());
        self
    }

    /// Adds a `--target` triple to build for. Each triple is a separate build.
    pub fn target(&mut self, triple: impl Into<String>) -> &mut Self {
        let triple = triple.into();
        if !self.targets.contains(&triple) {
            self.targets.push(triple);
        }
        self
    }

    /// Excludes the package with this `Cargo.toml` from verification, because its images never
    /// leave this machine. With `--workspace` the package is not built either.
    pub fn leave_out(&mut self, manifest: impl Into<PathBuf>) -> &mut Self {
        self.excluded = Excluded::Manifest(manifest.into());
        self
    }

    /// Excludes the package that makes only the project's xtask, in the same way.
    pub fn leave_out_xtask(&mut self) -> &mut Self {
        self.excluded = Excluded::Xtask;
        self
    }

    /// Adds an argument for `cargo build`, unchanged.
    pub fn arg(&mut self, argument: impl Into<OsString>) -> &mut Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments for `cargo build`, unchanged.
    pub fn args<T: Into<OsString>>(&mut self, arguments: impl IntoIterator<Item = T>) -> &mut Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable in the build's environment.
    pub fn env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.environment.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a variable from the build's environment.
    pub fn env_remove(&mut self, name: impl Into<OsString>) -> &mut Self {
        self.environment.push((name.into(), None));
        self
    }

    /// Reads the list of packages from Cargo.
    pub(crate) fn workspace(&self) -> Result<Workspace, BuildError> {
        let metadata = Metadata::read(self.manifest_path.as_deref())?;
        let members = metadata.members().map(|package| {
            let script = package.targets.iter().find(|target| target.is("custom-build"));
            Member {
                id: package.id.clone(),
                name: package.name.clone(),
                manifest: package.manifest_path.clone(),
                build_script: script.map(|target| target.src_path.clone()),
            }
        });
        Ok(Workspace {
            members: members.collect(),
            root_manifest: metadata.workspace_root.join("Cargo.toml"),
            excluded: match &self.excluded {
                Excluded::None => None,
                Excluded::Manifest(manifest) => Some(manifest.clone()),
                Excluded::Xtask => xtask::manifest(&metadata),
            },
        })
    }

    /// Builds once for each target and collects the images. Cargo's own messages go to standard
    /// error.
    pub(crate) fn run(
        &self,
        workspace: &Workspace,
        stop: &AtomicBool,
    ) -> Result<Vec<Found>, BuildError> {
        let linkers = ConfiguredLinkers::new(&self.arguments, &self.environment);
        let mut targets: Vec<_> = self.targets.iter().map(|triple| Some(triple.as_str())).collect();
        if targets.is_empty() {
            targets.push(None);
        }
        let mut found = Vec::new();
        for target in targets {
            let messages = self.messages(target, workspace, &linkers, stop)?;
            for artifact in &messages.artifacts {
                let images = images(artifact);
                if images.is_empty() || workspace.excluded.as_ref() == Some(&artifact.manifest_path)
                {
                    continue;
                }
                let receipts = messages.receipts(&artifact.package_id, &linkers);
                for path in images {
                    found.push(self.found(workspace, path, artifact, target, &receipts));
                }
            }
        }
        Ok(found)
    }

    /// Runs one build for one target and returns Cargo's messages. Each target needs its own build,
    /// because the messages don't contain the target. No message about an image is skipped.
    fn messages(
        &self,
        target: Option<&str>,
        workspace: &Workspace,
        linkers: &ConfiguredLinkers<'_>,
        stop: &AtomicBool,
    ) -> Result<Messages, BuildError> {
        let mut cargo = self.spawn(target, self.excluded(workspace))?;
        let (messages, read) = read_messages(&mut cargo, stop);
        let status = cargo.wait().map_err(BuildError::Messages)?;
        if status.success() {
            read.map_err(BuildError::Messages)?;
            return Ok(messages);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(BuildError::Failed(status));
        }
        let changed = self.linker_changed(status, workspace, target, &messages, linkers);
        Err(match (changed, target) {
            (Some(changed), _) => changed,
            (None, Some(target)) if !self.builds_std() && !has_standard_library(target) => {
                BuildError::NoStandardLibrary { target: one_line(target) }
            }
            (None, _) => BuildError::Failed(status),
        })
    }

    /// Returns the reason why a build failed, if it is a changed linker. It names the first
    /// workspace package whose build script ran when another linker was configured.
    fn linker_changed(
        &self,
        status: ExitStatus,
        workspace: &Workspace,
        target: Option<&str>,
        messages: &Messages,
        linkers: &ConfiguredLinkers<'_>,
    ) -> Option<BuildError> {
        workspace.members.iter().find_map(|member| {
            let receipts = messages.receipts(&member.id, linkers);
            receipts.into_iter().find_map(|state| {
                let ReceiptState::OtherLinker { receipt, configured } = state else {
                    return None;
                };
                Some(BuildError::LinkerChanged {
                    status,
                    package: one_line(&member.name),
                    clean: self.clean(&member.name, target),
                    then: receipt.configured_linker,
                    now: configured,
                })
            })
        })
    }

    fn clean(&self, package: &str, target: Option<&str>) -> String {
        clean::command(package, target, self.manifest_path.as_deref(), &self.arguments)
    }

    /// Whether the build compiles the standard library itself (`-Zbuild-std`).
    fn builds_std(&self) -> bool {
        let says_so = |argument: &OsString| argument.to_string_lossy().contains("build-std");
        self.arguments.iter().any(says_so)
    }

    /// Returns the arguments for Cargo in one line.
    #[cfg(test)]
    pub(crate) fn arguments(&self) -> String {
        self.arguments
            .iter()
            .map(|argument| argument.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Returns the package that Cargo can skip when it builds the whole workspace.
    fn excluded<'a>(&self, workspace: &'a Workspace) -> Option<&'a str> {
        let is_all = |argument: &OsString| argument == "--workspace" || argument == "--all";
        let builds_all = self.arguments.iter().any(is_all);
        let excluded = workspace.excluded.as_ref().filter(|_| builds_all)?;
        let mut members = workspace.members.iter();
        Some(&members.find(|member| member.manifest == *excluded)?.name)
    }

    fn spawn(&self, target: Option<&str>, excluded: Option<&str>) -> Result<Child, BuildError> {
        let program = crate::env::cargo();
        let mut command = Command::new(&program);
        command.args(["build", "--message-format=json-render-diagnostics"]);
        if let Some(path) = &self.manifest_path {
            command.arg("--manifest-path").arg(path);
        }
        if let Some(triple) = target {
            command.args(["--target", triple]);
        }
        if let Some(package) = excluded {
            command.args(["--exclude", package]);
        }
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.spawn().map_err(|source| BuildError::Run { program: program.into(), source })
    }

    fn found(
        &self,
        workspace: &Workspace,
        path: PathBuf,
        artifact: &cargo::Artifact,
        target: Option<&str>,
        receipts: &[ReceiptState],
    ) -> Found {
        let mut members = workspace.members.iter();
        let member = members.find(|member| member.id == artifact.package_id);
        let receipt = receipt_for(&path, target, receipts);
        let target = target.or_else(|| receipt.receipt().map(|receipt| receipt.target.as_str()));
        let target = target.map(str::to_owned);
        let package =
            member.map_or_else(|| package_name(&artifact.package_id), |own| own.name.as_str());
        let own = &artifact.target;
        Found {
            path,
            source: Source::Build(Box::new(Artifact {
                clean: self.clean(package, target.as_deref()),
                package: package.to_owned(),
                manifest: artifact.manifest_path.clone(),
                build_script: member.and_then(|member| member.build_script.clone()),
                is_member: member.is_some(),
                name: own.name.clone(),
                kinds: own.kind.clone(),
                crate_types: own.crate_types.clone(),
                is_test: artifact.profile.test,
                target,
                receipt,
            })),
        }
    }
}

/// Whether the compiler has a standard library for the target. True if that can't be determined.
fn has_standard_library(target: &str) -> bool {
    let Some(folder) = rustc_prints("target-libdir", target) else {
        return true;
    };
    let is_standard = |name: OsString| name.to_string_lossy().starts_with("libstd-");
    match Path::new(folder.trim_end()).read_dir() {
        Ok(mut files) => files.any(|file| file.is_ok_and(|file| is_standard(file.file_name()))),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}
/// How often a build checks whether it should stop.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// Reads the messages of a running build to their end. Ends Cargo when `stop` is set: Ctrl-C reaches
/// Cargo too, but a signal to this process does not.
fn read_messages(cargo: &mut Child, stop: &AtomicBool) -> (Messages, io::Result<()>) {
    let Some(stdout) = cargo.stdout.take() else {
        return (Messages::default(), Ok(()));
    };
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            // Dropped at the end, which ends the wait below.
            let _done = done;
            let mut messages = Messages::default();
            let read = messages.read(BufReader::new(stdout));
            (messages, read)
        });
        while is_done.recv_timeout(STOP_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            if stop.load(Ordering::Relaxed) {
                // It may have ended already.
                let _ = cargo.kill();
            }
        }
        let panicked = |_| (Messages::default(), Err(io::Error::other("the reader panicked")));
        reader.join().unwrap_or_else(panicked)
    })
}
