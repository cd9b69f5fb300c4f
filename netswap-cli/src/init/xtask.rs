//! Finds a project's xtask: the program that the alias `xtask` runs, or the package with this
//! name.

use cargo_metadata::DependencyKind;
use netswap::find::xtask::{Alias, CargoRun, XTASK};
use netswap::text::normal;

use super::project::{Package, Program, Project};
use crate::Error;

/// The xtask of a project.
#[derive(Clone, Debug)]
pub(super) enum Xtask {
    None,
    Found(Box<Found>),
    /// The alias can't be followed to a program, for this reason.
    Unknown(&'static str),
}

/// The package and the program of an xtask.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The xtask's own project, if it has one.
    pub(super) project: Option<Project>,
    pub(super) package: Package,
    /// `None` if the package has several programs and nothing selects one.
    pub(super) program: Option<Program>,
    pub(super) has_alias: bool,
}

impl Xtask {
    pub(super) fn find(project: &Project) -> Result<Self, Error> {
        let alias = Alias::read(&project.root);
        match alias.map_err(|(path, source)| Error::ReadProject { path, source })? {
            Alias::Run(run) => return Xtask::find_run(&run, project),
            Alias::Unknown(why) => return Ok(Xtask::Unknown(why)),
            Alias::Missing => {}
        }
        let found = |project: Option<Project>, package: Package| {
            let program = package.main_program().cloned();
            Xtask::Found(Box::new(Found { project, package, program, has_alias: false }))
        };
        if let Some(package) = project.package(XTASK) {
            return Ok(found(None, package.clone()));
        }
        let manifest = project.root.join(XTASK).join("Cargo.toml");
        if !manifest.is_file() {
            return Ok(Xtask::None);
        }
        let own_project = Project::read(Some(&manifest))?;
        Ok(match own_project.with_manifest(&manifest).cloned() {
            Some(package) => found(Some(own_project), package),
            None => Xtask::Unknown("xtask exists, but is not a package"),
        })
    }

    /// Finds the program that the alias runs.
    fn find_run(run: &CargoRun, project: &Project) -> Result<Self, Error> {
        let is_selected = |package: &&Package| {
            let programs = package.programs.iter().map(|program| program.name.as_str());
            run.selects(&project.root, &package.name, &package.manifest, programs)
        };
        let mut own_project = None;
        let mut package = project.packages.iter().find(is_selected).cloned();
        if let (None, Some(path)) = (&package, &run.manifest_path) {
            let path = normal(&project.root.join(path));
            if path.is_file() {
                let read = own_project.insert(Project::read(Some(&path))?);
                package = read.with_manifest(&path).cloned();
            }
        }
        let Some(package) = package else {
            return Ok(Xtask::Unknown("its alias xtask runs a package that can't be found"));
        };
        let program = match &run.bin {
            Some(bin) => package.program(bin).cloned(),
            None => package.main_program().cloned(),
        };
        let project = own_project;
        Ok(Xtask::Found(Box::new(Found { project, package, program, has_alias: true })))
    }

    /// Whether a package makes no other image than the xtask. It does not need the bit, because the
    /// xtask stays on the machine that builds it.
    pub(super) fn is_only_image_of(&self, package: &Package) -> bool {
        match self {
            Xtask::None => false,
            Xtask::Unknown(_) => package.name == XTASK,
            Xtask::Found(found) => {
                let is_xtask = |program: &Program| {
                    found.program.as_ref().is_none_or(|xtask| xtask.name == program.name)
                };
                package.manifest == found.package.manifest
                    && !package.has_cdylib
                    && package.programs.iter().all(is_xtask)
            }
        }
    }

    /// Whether `cargo xtask verify` exists: there is an alias, and the xtask depends on netswap.
    pub(super) fn verifies(&self) -> bool {
        let Xtask::Found(found) = self else {
            return false;
        };
        found.has_alias && found.package.dependency(DependencyKind::Normal, "netswap").is_some()
    }
}
