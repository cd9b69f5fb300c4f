//! A project as Cargo sees it: its packages, and which of them make images that users run.

use std::path::{Path, PathBuf};

use cargo_metadata::semver::Version;
use cargo_metadata::{Dependency, DependencyKind, Edition, MetadataCommand, Target, TargetKind};
use netswap::BuildError;
use netswap::env::cargo;
use netswap::text::{normal, one_line};

use crate::Error;

/// The packages of a workspace, in the order of their paths.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    pub(crate) edition: Edition,
    pub(crate) rust_version: Option<Version>,
    /// The main files of its build scripts. The file may be missing.
    pub(crate) build_scripts: Vec<PathBuf>,
    pub(crate) programs: Vec<Program>,
    pub(crate) has_cdylib: bool,
    /// This includes those inherited from the workspace.
    dependencies: Vec<Dependency>,
    default_run: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// Its main file.
    pub(crate) source: PathBuf,
}

/// Returns the dependency's key in the manifest.
pub(super) fn key(dependency: &Dependency) -> &str {
    dependency.rename.as_ref().unwrap_or(&dependency.name)
}

impl Project {
    /// Reads the project with `cargo metadata`.
    pub(crate) fn read(manifest_path: Option<&Path>) -> Result<Self, Error> {
        let mut command = MetadataCommand::new();
        command.cargo_path(cargo()).no_deps();
        if let Some(path) = manifest_path {
            command.manifest_path(path);
        }
        let metadata = command.exec().map_err(|error| match error {
            cargo_metadata::Error::CargoMetadata { stderr } => {
                Error::NoProject(one_line(stderr.trim_start_matches("error: ")))
            }
            cargo_metadata::Error::Io(source) => {
                BuildError::Run { program: cargo().into(), source }.into()
            }
            error => Error::NoProject(one_line(&error.to_string())),
        })?;
        let packages = metadata.workspace_packages().into_iter().map(Package::from_metadata);
        let mut packages: Vec<_> = packages.collect();
        packages.sort_by(|a, b| a.manifest.cmp(&b.manifest));
        Ok(Project { root: metadata.workspace_root.into(), packages })
    }

    /// Returns the manifest that contains `[workspace]`, or that of the only package.
    pub(crate) fn root_manifest(&self) -> PathBuf {
        self.root.join("Cargo.toml")
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// Returns the package with this manifest.
    pub(crate) fn with_manifest(&self, manifest: &Path) -> Option<&Package> {
        self.packages.iter().find(|package| package.manifest == manifest)
    }
}

impl Package {
    fn from_metadata(package: &cargo_metadata::Package) -> Self {
        let of_kind = |kind: TargetKind| {
            package.targets.iter().filter(move |target| target.kind.contains(&kind))
        };
        let source = |target: &Target| normal(target.src_path.as_std_path());
        Package {
            name: package.name.to_string(),
            manifest: package.manifest_path.clone().into(),
            edition: package.edition,
            rust_version: package.rust_version.clone(),
            build_scripts: of_kind(TargetKind::CustomBuild).map(source).collect(),
            programs: of_kind(TargetKind::Bin)
                .map(|target| Program { name: target.name.clone(), source: source(target) })
                .collect(),
            has_cdylib: of_kind(TargetKind::CDyLib).next().is_some(),
            dependencies: package.dependencies.clone(),
            default_run: package.default_run.clone(),
        }
    }

    /// Returns the dependency of this kind on a package. If there are several, prefers an
    /// unconditional one.
    pub(crate) fn dependency(&self, kind: DependencyKind, name: &str) -> Option<&Dependency> {
        let all = self.dependencies.iter();
        all.filter(|dependency| dependency.kind == kind && dependency.name == name)
            .min_by_key(|dependency| dependency.target.is_some())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new("."))
    }

    /// Whether Windows loads a file that the package makes: a program, or a DLL for other programs.
    pub(crate) fn makes_images(&self) -> bool {
        !self.programs.is_empty() || self.has_cdylib
    }

    pub(crate) fn program(&self, name: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.name == name)
    }

    /// Returns the program that `cargo run` runs.
    pub(crate) fn main_program(&self) -> Option<&Program> {
        match (&self.default_run, self.programs.as_slice()) {
            (Some(name), _) => self.program(name),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}
