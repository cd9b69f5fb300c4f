//! Finds a project's xtask: the program that the alias `xtask` runs, or the package of this name.
//!
//! A package that makes nothing else stays on the machine that builds it, so it is not verified.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::cargo::{Metadata, Package};
use crate::text::normal;

/// The default name of the alias, of the package and of its folder.
pub const XTASK: &str = "xtask";

/// The maximum number of aliases that refer to one another.
const MAX_ALIASES: usize = 8;

/// The command that a project's alias `xtask` stands for.
#[derive(Debug)]
pub enum Alias {
    /// The project has no such alias.
    Missing,
    /// It runs a program.
    Run(CargoRun),
    /// It can't be followed to a program, for this reason.
    Unknown(&'static str),
}

/// A `cargo run` command.
#[derive(Debug, Default)]
pub struct CargoRun {
    /// The value of `--manifest-path`.
    pub manifest_path: Option<String>,
    /// The value of `--package`.
    pub package: Option<String>,
    /// The value of `--bin`.
    pub bin: Option<String>,
}

/// A Cargo configuration that can't be read, and the reason.
pub type ConfigError = (PathBuf, io::Error);

impl Alias {
    /// Reads the alias in the Cargo configuration of this folder, and follows it to a `cargo run`.
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        const NOT_RUN: &str = "its alias xtask is not a `cargo run` that netswap understands";
        let Some(mut words) = words_of_alias(XTASK, folder)? else {
            return Ok(Alias::Missing);
        };
        for _ in 0..MAX_ALIASES {
            let flags = words.iter().take_while(|word| ["-q", "--quiet"].contains(&word.as_str()));
            words.drain(..flags.count());
            let Some(command) = words.first() else {
                break;
            };
            if matches!(command.as_str(), "run" | "r") {
                return Ok(CargoRun::parse(&words).unwrap_or(Alias::Unknown(NOT_RUN)));
            }
            let Some(mut longer) = words_of_alias(command, folder)? else {
                break;
            };
            longer.extend(words.drain(1..));
            words = longer;
        }
        Ok(Alias::Unknown(NOT_RUN))
    }
}

impl CargoRun {
    /// Parses the words of an alias. Returns `None` if a word is unknown.
    fn parse(words: &[String]) -> Option<Alias> {
        let mut run = CargoRun::default();
        let mut words = words.iter().map(String::as_str).skip(1);
        while let Some(word) = words.next() {
            let (name, mut value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            };
            let option = match name {
                "--" if words.next().is_some() => {
                    return Some(Alias::Unknown(
                        "its alias xtask passes arguments before the task's name",
                    ));
                }
                "--" => break,
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
        Some(Alias::Run(run))
    }

    /// Whether the command runs a program of this package of a project in the folder `root`.
    pub fn selects<'a>(
        &self,
        root: &Path,
        name: &str,
        manifest: &Path,
        mut programs: impl Iterator<Item = &'a str>,
    ) -> bool {
        match self {
            CargoRun { manifest_path: Some(path), .. } => normal(&root.join(path)) == manifest,
            CargoRun { package: Some(package), .. } => package.split('@').next() == Some(name),
            CargoRun { bin: Some(bin), .. } => programs.any(|program| program == bin),
            CargoRun { .. } => false,
        }
    }
}

/// Returns the `Cargo.toml` of the workspace's package that makes only the xtask, if there is one.
pub(super) fn manifest(metadata: &Metadata) -> Option<PathBuf> {
    let alias = Alias::read(&metadata.workspace_root).ok()?;
    let run = match &alias {
        Alias::Run(run) => Some(run),
        Alias::Missing | Alias::Unknown(_) => None,
    };
    let package = metadata.members().find(|package| match run {
        Some(run) => {
            let manifest = &package.manifest_path;
            run.selects(&metadata.workspace_root, &package.name, manifest, programs(package))
        }
        None => package.name == XTASK,
    })?;
    let bin = run.and_then(|run| run.bin.as_deref());
    let xtask = bin.or(package.default_run.as_deref());
    let is_xtask = |program| xtask.is_none_or(|xtask| xtask == program);
    let makes_cdylib = package.targets.iter().any(|target| target.is("cdylib"));
    let makes_only_xtask = !makes_cdylib && programs(package).all(is_xtask);
    makes_only_xtask.then(|| package.manifest_path.clone())
}

fn programs(package: &Package) -> impl Iterator<Item = &str> {
    let programs = package.targets.iter().filter(|target| target.is("bin"));
    programs.map(|target| target.name.as_str())
}

/// Returns the words of an alias, from the nearest configuration in this folder or above that has
/// it ([the Cargo
/// book](https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure)).
fn words_of_alias(name: &str, folder: &Path) -> Result<Option<Vec<String>>, ConfigError> {
    for folder in folder.ancestors() {
        let config = config_file(folder);
        if !config.is_file() {
            continue;
        }
        let text = fs::read_to_string(&config).map_err(|error| (config.clone(), error))?;
        let table = DeTable::parse(&text)
            .map_err(|error| (config.clone(), io::Error::other(error.message().to_owned())))?;
        let aliases = table.get_ref().get("alias").and_then(|aliases| aliases.get_ref().as_table());
        if let Some(alias) = aliases.and_then(|aliases| aliases.get(name)) {
            return Ok(Some(words(alias.get_ref())));
        }
    }
    Ok(None)
}

/// Splits an alias into words. It may be a text or a list of texts ([the Cargo
/// book](https://doc.rust-lang.org/cargo/reference/config.html#alias)).
fn words(alias: &DeValue<'_>) -> Vec<String> {
    if let Some(text) = alias.as_str() {
        return text.split_whitespace().map(str::to_owned).collect();
    }
    let list = alias.as_array().into_iter().flatten();
    list.filter_map(|word| word.get_ref().as_str().map(str::to_owned)).collect()
}

/// Returns the path of the Cargo configuration in a folder.
pub fn config_file(folder: &Path) -> PathBuf {
    config_file_in(&folder.join(".cargo"))
}

/// Returns the path of the configuration in `.cargo` or Cargo's home. If both files exist, Cargo
/// reads the one with the old name, without an extension.
pub(super) fn config_file_in(folder: &Path) -> PathBuf {
    let old = folder.join("config");
    if old.is_file() { old } else { folder.join("config.toml") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the manifest path, package and program that a `cargo run` names.
    fn parsed(words: &str) -> Option<[String; 3]> {
        let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
        match CargoRun::parse(&words)? {
            Alias::Run(run) => {
                Some([run.manifest_path, run.package, run.bin].map(Option::unwrap_or_default))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cargo_run_options_are_parsed() {
        for (words, expected) in [
            ("run --package xtask --", ["", "xtask", ""]),
            ("r -pxtask", ["", "xtask", ""]),
            ("run -q --release --bin=b -p xtask@0.1.0 --", ["", "xtask@0.1.0", "b"]),
            ("run --manifest-path x/Cargo.toml --profile dev --", ["x/Cargo.toml", "", ""]),
        ] {
            assert_eq!(parsed(words), Some(expected.map(str::to_owned)), "{words}");
        }
        for words in ["run --example e", "run -p", "run --unknown x"] {
            assert_eq!(parsed(words), None, "{words}");
        }
        let with_arguments = ["run", "-p", "a", "--", "tasks"].map(str::to_owned);
        assert!(matches!(CargoRun::parse(&with_arguments), Some(Alias::Unknown(_))));
    }
}
