//! `cargo xtask verify`: the package that does it, its alias, and its place in the workspace.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Edition};
use glob::Pattern;
use toml_edit::{InlineTable, Item};

use super::files::Files;
use super::manifest::{Manifest, Requirement};
use super::package::{VERSION, read, require};
use super::project::{Package, Project};
use super::rust::Source;
use super::rustfmt::formatted;
use super::{Converted, Todo};
use crate::Error;
use crate::template;

const NETSWAP: Requirement =
    Requirement { name: "netswap", version: VERSION, default_features: false };

/// The name of the package, of its folder and of the alias, where nothing else is said.
const XTASK: &str = "xtask";

/// The first statement of an xtask that has tasks of its own.
const STATEMENT: &str = "netswap::xtask::verify_if_asked();";

/// What there is of an xtask.
pub(super) enum Xtask<'a> {
    /// Nothing.
    None,
    /// A package of the workspace; the alias may be missing.
    Package { package: &'a Package, has_alias: bool },
    /// An alias that is not understood, or that runs something outside of the workspace.
    Foreign,
}

impl<'a> Xtask<'a> {
    /// The package that the alias runs, else the one that is called so.
    ///
    /// # Errors
    ///
    /// When the configuration can't be read.
    pub(super) fn find(project: &'a Project, files: &mut Files) -> Result<Self, Error> {
        let config = project.config();
        let alias = if files.is_there(&config) {
            read(files, &config)?.get(&["alias", XTASK]).map(words)
        } else {
            None
        };
        Ok(match (alias, project.package(XTASK)) {
            (Some(alias), _) => match run_by(&alias, project) {
                Some(package) => Xtask::Package { package, has_alias: true },
                None => Xtask::Foreign,
            },
            (None, Some(package)) => Xtask::Package { package, has_alias: false },
            (None, None) => Xtask::None,
        })
    }

    /// Whether it verifies already.
    pub(super) fn verifies(&self) -> bool {
        let Xtask::Package { package, has_alias: true } = self else {
            return false;
        };
        package.dependency(DependencyKind::Normal, NETSWAP.name).is_some()
    }

    pub(super) fn package(&self) -> Option<&'a Package> {
        match self {
            Xtask::Package { package, .. } => Some(package),
            Xtask::None | Xtask::Foreign => None,
        }
    }
}

/// The words of an alias, which may be a text or a list of texts
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/config.html#alias)).
fn words(alias: &Item) -> Vec<String> {
    match (alias.as_str(), alias.as_array()) {
        (Some(text), _) => text.split_whitespace().map(str::to_owned).collect(),
        (None, Some(list)) => {
            list.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
        }
        (None, None) => Vec::new(),
    }
}

/// The package of the workspace that a `cargo run` runs.
fn run_by<'a>(words: &[String], project: &'a Project) -> Option<&'a Package> {
    let mut words = words.iter().map(String::as_str);
    if !matches!(words.next()?, "run" | "r") {
        return None;
    }
    let words: Vec<_> = words.take_while(|word| *word != "--").collect();
    let value = |names: &[&str]| {
        words.iter().enumerate().find_map(|(index, word)| match word.split_once('=') {
            Some((name, value)) => names.contains(&name).then_some(value),
            None => names.contains(word).then(|| words.get(index + 1).copied())?,
        })
    };
    if let Some(path) = value(&["--manifest-path"]) {
        let manifest = crate::text::normal(&project.root.join(path));
        return project.packages.iter().find(|package| package.manifest == manifest);
    }
    if let Some(name) = value(&["-p", "--package"]) {
        return project.package(name);
    }
    let bin = value(&["--bin"])?;
    let has_it = |package: &&Package| package.programs.iter().any(|program| program.name == bin);
    project.packages.iter().find(has_it)
}

/// Adds what of `cargo xtask verify` is missing.
///
/// # Errors
///
/// When a file can't be read.
pub(super) fn convert(
    xtask: &Xtask<'_>,
    project: &Project,
    files: &mut Files,
) -> Result<Converted, Error> {
    let mut converted = Converted::of(xtask.package().map_or(XTASK, |package| &package.name));
    converted.todo = match xtask {
        Xtask::None => add_package(project, files)?,
        Xtask::Package { package, has_alias } => {
            let todo = add_task(package, project, files)?;
            if !has_alias {
                add_alias(&package.name, project, files)?;
            }
            todo
        }
        Xtask::Foreign => Some(Todo {
            path: project.config(),
            why: "its alias xtask runs nothing that is known here".to_owned(),
            cure: format!(
                "add this dependency to what it runs, and this line to the start of its main:\n    {}\n    {STATEMENT}",
                dependency_line()
            ),
        }),
    };
    Ok(converted)
}

fn dependency_line() -> String {
    format!("netswap = {{ version = \"{VERSION}\", default-features = false }}")
}

/// Writes the package of the template, and makes it a member.
fn add_package(project: &Project, files: &mut Files) -> Result<Option<Todo>, Error> {
    let root = project.root_manifest();
    let mut manifest = read(files, &root)?;
    let by_hand = |path: PathBuf, why: &str| {
        let cure = "make room for the package xtask, and run netswap init --xtask again";
        Ok(Some(Todo { path, why: why.to_owned(), cure: cure.to_owned() }))
    };
    let folder = project.root.join(XTASK);
    if files.is_there(&folder) {
        return by_hand(folder, "it is there, and no package of this workspace");
    }
    if globs(&manifest, "exclude").iter().any(|glob| glob.matches(XTASK)) {
        return by_hand(root, "the workspace excludes xtask");
    }
    let is_new = |package: &Package| {
        !matches!(package.edition, Edition::E2015 | Edition::E2018 | Edition::E2021)
    };
    let edition = if project.packages.iter().any(is_new) { Edition::E2024 } else { Edition::E2021 };
    let filled_in = template::xtask(edition.as_str()).map_err(|error| Error::ReadProject {
        path: folder.clone(),
        source: io::Error::other(error),
    })?;
    for (path, text) in filled_in {
        let path = project.root.join(path);
        let is_rust = path.extension() == Some(OsStr::new("rs"));
        let text = if is_rust { formatted(None, text, &project.root, edition) } else { text };
        files.set(&path, text);
    }
    if !globs(&manifest, "members").iter().any(|glob| glob.matches(XTASK)) {
        manifest.push(&["workspace"], "members", XTASK);
        files.set(&root, manifest.text());
    }
    add_alias(XTASK, project, files)?;
    Ok(None)
}

/// A list of the workspace's, of paths or globs.
fn globs(manifest: &Manifest, key: &str) -> Vec<Pattern> {
    let list = manifest.get(&["workspace", key]).and_then(Item::as_array);
    let texts = list.into_iter().flatten().filter_map(|value| value.as_str());
    texts.filter_map(|text| Pattern::new(text.trim_end_matches('/')).ok()).collect()
}

fn add_alias(package: &str, project: &Project, files: &mut Files) -> Result<(), Error> {
    let value = format!("run --quiet --package {package} --");
    edit_config(project, files, |config| config.add(&["alias"], XTASK, value))
}

/// Changes the configuration of Cargo; it is made if it is not there.
fn edit_config(
    project: &Project,
    files: &mut Files,
    edit: impl FnOnce(&mut Manifest),
) -> Result<(), Error> {
    let path = project.config();
    if !files.is_there(&path) {
        files.set(&path, String::new());
    }
    let mut config = read(files, &path)?;
    edit(&mut config);
    files.set(&path, config.text());
    Ok(())
}

/// Lets an xtask that is there verify, in front of its own tasks.
fn add_task(
    package: &Package,
    project: &Project,
    files: &mut Files,
) -> Result<Option<Todo>, Error> {
    let Some(program) = package.main_program() else {
        return Ok(Some(Todo {
            path: package.manifest.clone(),
            why: "it has several programs".to_owned(),
            cure: format!(
                "add this dependency, and this line to the start of main in one of them:\n    {}\n    {STATEMENT}",
                dependency_line()
            ),
        }));
    };
    let before = files.text(&program.source)?.to_owned();
    let source = Source::of(&before);
    let Some(words) = words_of(package.folder()) else {
        return by_hand(
            package,
            project,
            files,
            &program.source,
            "not all of its files can be read as Rust",
        );
    };
    if words.contains("netswap") {
        return Ok(None);
    }
    if words.iter().any(|word| word.eq_ignore_ascii_case("verify")) {
        return by_hand(
            package,
            project,
            files,
            &program.source,
            "it has something called verify already",
        );
    }
    let Some(after) = source.and_then(|source| source.with_statement(STATEMENT)) else {
        return by_hand(package, project, files, &program.source, "it has no `fn main` of its own");
    };
    require(files, package, project, DependencyKind::Normal, NETSWAP)?;
    let after = formatted(Some(&before), after, package.folder(), package.edition);
    files.set(&program.source, after);
    Ok(None)
}

fn by_hand(
    package: &Package,
    project: &Project,
    files: &mut Files,
    path: &Path,
    why: &str,
) -> Result<Option<Todo>, Error> {
    require(files, package, project, DependencyKind::Normal, NETSWAP)?;
    let cure = "call this where the tasks are told apart, with the arguments behind the task's name:\n    netswap::xtask::verify(std::env::args_os().skip(2))";
    Ok(Some(Todo { path: path.to_owned(), why: why.to_owned(), cure: cure.to_owned() }))
}

/// The words of all sources of a package; None if one of them can't be read.
fn words_of(folder: &Path) -> Option<HashSet<String>> {
    let mut words = HashSet::new();
    let mut folders = vec![folder.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.ok()?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some(OsStr::new("rs")) {
                let text = fs::read_to_string(path).ok()?;
                words.extend(Source::of(text.trim_start_matches('\u{feff}'))?.words());
            }
        }
    }
    Some(words)
}

/// Lets the crates of a clone be used in place of the published ones.
pub(super) fn patch(
    clone: &str,
    with_netswap: bool,
    project: &Project,
    files: &mut Files,
) -> Result<(), Error> {
    const PATCH: &[&str] = &["patch", "crates-io"];
    let packages =
        [("netswap", "netswap-cli", with_netswap), ("netswap-build", "netswap-build", true)];
    edit_config(project, files, |config| {
        for (name, folder, is_wanted) in packages {
            if is_wanted && config.get(&[PATCH, &[name]].concat()).is_none() {
                let mut path = InlineTable::new();
                path.insert("path", format!("{clone}/{folder}").into());
                config.add(PATCH, name, path);
            }
        }
    })
}
