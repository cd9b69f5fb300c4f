//! Finds a project's xtask: the program that the alias `xtask` runs, or the package of this name.

use std::path::{Path, PathBuf};

use cargo_metadata::DependencyKind;
use netswap::text::normal;
use toml_edit::Item;

use super::files::Files;
use super::package::read;
use super::project::{Package, Program, Project};
use crate::Error;

/// The default name of the alias, of the package and of its folder.
pub(super) const XTASK: &str = "xtask";

/// The result of the search for an xtask.
#[derive(Clone, Debug)]
pub(super) enum Xtask {
    /// The project has no xtask.
    None,
    Found(Box<Found>),
    /// The alias can't be followed to a program, for this reason.
    Unknown(&'static str),
}

/// An existing xtask.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The xtask's own project, if it has one.
    pub(super) project: Option<Project>,
    pub(super) package: Package,
    /// `None` if the package has several programs and nothing selects one.
    pub(super) program: Option<Program>,
    pub(super) has_alias: bool,
}

/// The maximum number of aliases that refer to one another.
const LONGEST_CHAIN: usize = 8;

impl Xtask {
    /// Finds the xtask of a project.
    ///
    /// # Errors
    ///
    /// When a configuration or a manifest can't be read.
    pub(super) fn find(project: &Project, files: &mut Files) -> Result<Self, Error> {
        if let Some(words) = alias(XTASK, &project.root, files)? {
            return Xtask::run_by(words, project, files);
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
        let own = Project::read(Some(&manifest))?;
        Ok(match own.with_manifest(&manifest).cloned() {
            Some(package) => found(Some(own), package),
            None => Xtask::Unknown("xtask exists, but is not a package"),
        })
    }

    /// Follows the words of an alias to a program.
    fn run_by(mut words: Vec<String>, project: &Project, files: &mut Files) -> Result<Self, Error> {
        const NOT_RUN: &str = "its alias xtask is not a `cargo run` that netswap understands";
        for _ in 0..LONGEST_CHAIN {
            let flags = words.iter().take_while(|word| ["-q", "--quiet"].contains(&word.as_str()));
            words.drain(..flags.count());
            let Some(command) = words.first() else {
                break;
            };
            if matches!(command.as_str(), "run" | "r") {
                return Run::parse(&words)
                    .map_or(Ok(Xtask::Unknown(NOT_RUN)), |run| run.find(project));
            }
            let Some(mut longer) = alias(command, &project.root, files)? else {
                break;
            };
            longer.extend(words.drain(1..));
            words = longer;
        }
        Ok(Xtask::Unknown(NOT_RUN))
    }

    /// Whether a package is left out when all packages are converted. That is a package that makes
    /// only the xtask, which stays on the machine that builds it.
    pub(super) fn leaves_out(&self, package: &Package) -> bool {
        match self {
            Xtask::None => false,
            Xtask::Unknown(_) => package.name == XTASK,
            Xtask::Found(found) => {
                let is_it = |program: &Program| match &found.program {
                    Some(xtask) => xtask.name == program.name,
                    None => true,
                };
                package.manifest == found.package.manifest
                    && !package.has_cdylib
                    && package.programs.iter().all(is_it)
            }
        }
    }

    /// Whether the xtask already verifies.
    pub(super) fn verifies(&self) -> bool {
        let Xtask::Found(found) = self else {
            return false;
        };
        found.has_alias && found.package.dependency(DependencyKind::Normal, "netswap").is_some()
    }
}

/// The `cargo run` command of an alias.
#[derive(Debug, Default)]
struct Run {
    manifest_path: Option<String>,
    package: Option<String>,
    bin: Option<String>,
    has_arguments: bool,
}

impl Run {
    /// Parses the words of an alias. Returns `None` if a word is unknown.
    fn parse(words: &[String]) -> Option<Self> {
        let mut run = Run::default();
        let mut words = words.iter().map(String::as_str).skip(1);
        while let Some(word) = words.next() {
            let (name, mut value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            };
            let option = match name {
                "--" => {
                    run.has_arguments = words.next().is_some();
                    break;
                }
                "--manifest-path" => &mut run.manifest_path,
                "--package" | "-p" => &mut run.package,
                "--bin" => &mut run.bin,
                "-q" | "--quiet" | "-r" | "--release" | "--locked" | "--offline" | "--frozen" => {
                    continue;
                }
                "--profile" | "--features" | "-F" | "--target-dir" | "--color" | "--config"
                | "--jobs" | "-j" | "-Z" => {
                    value.or_else(|| words.next())?;
                    continue;
                }
                _ => {
                    value = Some(name.strip_prefix("-p").filter(|value| !value.is_empty())?);
                    &mut run.package
                }
            };
            *option = Some(value.or_else(|| words.next())?.to_owned());
        }
        Some(run)
    }

    /// Finds the program that the command runs.
    fn find(self, project: &Project) -> Result<Xtask, Error> {
        if self.has_arguments {
            return Ok(Xtask::Unknown("its alias xtask passes arguments before the task's name"));
        }
        let mut own = None;
        let package = if let Some(path) = &self.manifest_path {
            let path = normal(&project.root.join(path));
            match project.with_manifest(&path) {
                Some(package) => Some(package.clone()),
                None if path.is_file() => {
                    let other = own.insert(Project::read(Some(&path))?);
                    other.with_manifest(&path).cloned()
                }
                None => None,
            }
        } else if let Some(name) = &self.package {
            project.package(name.split('@').next().unwrap_or(name)).cloned()
        } else if let Some(bin) = &self.bin {
            let has_it = |package: &&Package| package.program(bin).is_some();
            project.packages.iter().find(has_it).cloned()
        } else {
            None
        };
        let Some(package) = package else {
            return Ok(Xtask::Unknown("its alias xtask runs a package that can't be found"));
        };
        let program = match &self.bin {
            Some(bin) => package.program(bin).cloned(),
            None => package.main_program().cloned(),
        };
        Ok(Xtask::Found(Box::new(Found { project: own, package, program, has_alias: true })))
    }
}

/// Returns the words of an alias, from the nearest configuration in this folder or above that has
/// it ([the Cargo
/// book](https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure)).
fn alias(name: &str, folder: &Path, files: &mut Files) -> Result<Option<Vec<String>>, Error> {
    for folder in folder.ancestors() {
        let config = config(folder);
        if config.is_file()
            && let Some(alias) = read(files, &config)?.get(&["alias", name])
        {
            return Ok(Some(words(alias)));
        }
    }
    Ok(None)
}

/// Splits an alias into words. It may be a text or a list of texts ([the Cargo
/// book](https://doc.rust-lang.org/cargo/reference/config.html#alias)).
fn words(alias: &Item) -> Vec<String> {
    match (alias.as_str(), alias.as_array()) {
        (Some(text), _) => text.split_whitespace().map(str::to_owned).collect(),
        (None, Some(list)) => {
            list.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
        }
        (None, None) => Vec::new(),
    }
}

/// Returns the path of the Cargo configuration in a folder. If both files exist, Cargo reads the
/// one with the old name, without an extension.
pub(super) fn config(folder: &Path) -> PathBuf {
    let folder = folder.join(".cargo");
    let old = folder.join("config");
    if old.is_file() { old } else { folder.join("config.toml") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the manifest path, package and program that a `cargo run` names, and whether it has
    /// arguments.
    fn parsed(words: &str) -> Option<[String; 4]> {
        let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
        let run = Run::parse(&words)?;
        let of = |value: Option<String>| value.unwrap_or_default();
        let arguments = if run.has_arguments { "yes" } else { "" };
        Some([of(run.manifest_path), of(run.package), of(run.bin), arguments.to_owned()])
    }

    #[test]
    fn cargo_run_options_are_parsed() {
        for (words, expected) in [
            ("run --package xtask --", ["", "xtask", "", ""]),
            ("r -pxtask", ["", "xtask", "", ""]),
            ("run -q --release --bin=b -p xtask@0.1.0 --", ["", "xtask@0.1.0", "b", ""]),
            ("run --manifest-path x/Cargo.toml --profile dev --", ["x/Cargo.toml", "", "", ""]),
            ("run -p a -- tasks", ["", "a", "", "yes"]),
        ] {
            assert_eq!(parsed(words), Some(expected.map(str::to_owned)), "{words}");
        }
        for words in ["run --example e", "run -p", "run --unknown x"] {
            assert_eq!(parsed(words), None, "{words}");
        }
    }
}
