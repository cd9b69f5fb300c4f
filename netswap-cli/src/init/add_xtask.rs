//! Adds the missing parts of `cargo xtask verify`: the task, its package, its alias, and its entry
//! in the workspace.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::slice;

use cargo_metadata::semver::Version;
use cargo_metadata::{DependencyKind, Edition};
use glob::Pattern;
use netswap::find::xtask::{XTASK, config_file};
use toml_edit::{InlineTable, Item, Value};
use walkdir::{DirEntry, WalkDir};

use super::converted::{Converted, Remark};
use super::files::Files;
use super::manifest::Manifest;
use super::package::{UNFAITHFUL, line, read, require};
use super::program;
use super::project::{Package, Project};
use super::rust::Source;
use super::rustfmt::formatted;
use super::xtask::{Found, Xtask};
use crate::Error;
use crate::new::template;

/// The oldest Rust version that netswap supports.
const OLDEST_RUST: Version = Version::new(1, 85, 0);

/// The statement to add at the start of an xtask with other tasks.
const STATEMENT: &str = "netswap::xtask::verify_if_asked();";

/// Adds the missing parts of `cargo xtask verify`.
pub(super) fn convert(
    xtask: &Xtask,
    project: &Project,
    files: &mut Files,
) -> Result<Converted, Error> {
    let name = match xtask {
        Xtask::Found(found) if xtask.is_only_image_of(&found.package) => &found.package.name,
        _ => XTASK,
    };
    let mut converted = Converted::new(name);
    warn(project, files, &mut converted.notes)?;
    converted.todo = match xtask {
        Xtask::None => add_package(project, files)?,
        Xtask::Found(found) if !xtask.is_only_image_of(&found.package) => Some(Remark::new(
            &found.package.manifest,
            "its package also makes other images, which `cargo xtask verify` would skip",
            "move it to a package of its own, and run netswap init --xtask again",
        )),
        Xtask::Found(found) => {
            let todo = add_task(found, project, files)?;
            if !found.has_alias {
                let selection = match &found.project {
                    None => format!("--package {}", found.package.name),
                    Some(_) => format!("--manifest-path {XTASK}/Cargo.toml"),
                };
                add_alias(&selection, project, files)?;
            }
            todo
        }
        Xtask::Unknown(why) => {
            let remedy = format!(
                "add this dependency to the package that it runs, and {CALL_THIS}:\n    {}\n    {CALL}",
                line("netswap")
            );
            Some(Remark::new(&config_file(&project.root), *why, remedy))
        }
    };
    Ok(converted)
}

/// Adds a note for each setting that prevents a normal build of the xtask: `build.target`, or a
/// `rust-version` that is too old for netswap.
fn warn(project: &Project, files: &mut Files, notes: &mut Vec<Remark>) -> Result<(), Error> {
    let config = config_file(&project.root);
    if config.is_file()
        && let Some(target) = read(files, &config)?.get(&["build", "target"])
    {
        let target = target.to_string();
        let why = format!("build.target = {} applies to the xtask, too", target.trim());
        notes.push(Remark::new(&config, why, "remove it, and pass --target as an argument"));
    }
    let versions = project.packages.iter().filter_map(|package| package.rust_version.as_ref());
    if let Some(version) = versions.min().filter(|version| **version < OLDEST_RUST) {
        let why =
            format!("a rust-version is {version}, but the xtask's netswap needs {OLDEST_RUST}");
        let remedy = "run the xtask with a newer Rust: cargo +stable xtask verify";
        notes.push(Remark::new(&project.root_manifest(), why, remedy));
    }
    Ok(())
}

/// The call with which an xtask runs the task.
const CALL: &str = "netswap::xtask::verify(std::env::args_os().skip(2))";
const CALL_THIS: &str =
    "call this for the task verify; skip(2) skips the names of the program and the task";

/// Writes the package of the template, makes it a member of the workspace, and adds the alias.
fn add_package(project: &Project, files: &mut Files) -> Result<Option<Remark>, Error> {
    let root = project.root_manifest();
    let mut manifest = read(files, &root)?;
    let folder = project.root.join(XTASK);
    let by_hand = |path: &Path, why: &str, remedy: &str| {
        let remedy = format!("{remedy}, and run netswap init --xtask again");
        Ok(Some(Remark::new(path, why, remedy)))
    };
    if files.exists(&folder) {
        return by_hand(&folder, "it exists, but is not a package", "rename or remove it");
    }
    if !manifest.is_faithful {
        return by_hand(&root, UNFAITHFUL, "move them together yourself");
    }
    let is_new = |package: &Package| {
        !matches!(package.edition, Edition::E2015 | Edition::E2018 | Edition::E2021)
    };
    let edition = if project.packages.iter().any(is_new) { Edition::E2024 } else { Edition::E2021 };
    for (path, text) in template::xtask(edition.as_str()) {
        let path = project.root.join(path);
        let is_rust = path.extension() == Some(OsStr::new("rs"));
        let text = if is_rust { formatted(None, text, &project.root, edition) } else { text };
        files.set(&path, text);
    }
    add_member(&mut manifest, project);
    files.set(&root, manifest.text());
    add_alias(&format!("--package {XTASK}"), project, files)?;
    Ok(None)
}

/// Makes the new package a member of the workspace. If there was no workspace, excludes the
/// packages in subfolders, so that they stay outside.
fn add_member(manifest: &mut Manifest, project: &Project) {
    const WORKSPACE: &[&str] = &["workspace"];
    let is_new = manifest.get(WORKSPACE).is_none();
    let others = if is_new { packages_below(&project.root) } else { BTreeSet::new() };
    let list = |key| manifest.get(&["workspace", key]).and_then(Item::as_array);
    let texts = |key| list(key).into_iter().flatten().filter_map(|value| value.as_str());
    let is_xtask = |text: &str| text.trim_start_matches("./").trim_end_matches('/') == XTASK;
    let is_covered = texts("members").any(|text| {
        is_xtask(text) || Pattern::new(text).is_ok_and(|pattern| pattern.matches(XTASK))
    });
    // A glob in `members` does not bring in an excluded package. Its exact name does.
    let is_named = texts("members").any(is_xtask);
    if !is_named && (!is_covered || texts("exclude").any(is_xtask)) {
        manifest.push(WORKSPACE, "members", XTASK);
    }
    for folder in others {
        manifest.push(WORKSPACE, "exclude", &folder);
    }
}

/// Returns the names of the direct subfolders that have a package somewhere inside.
fn packages_below(root: &Path) -> BTreeSet<String> {
    let is_searched = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "target")
    };
    let entries = WalkDir::new(root).min_depth(2).into_iter().filter_entry(is_searched).flatten();
    let manifests = entries.filter(|entry| entry.file_name() == "Cargo.toml");
    let folders = manifests.filter_map(|manifest| {
        let below = manifest.path().strip_prefix(root).ok()?;
        Some(below.components().next()?.as_os_str().to_str()?.to_owned())
    });
    folders.collect()
}

/// Adds the alias that runs the program selected by these arguments.
fn add_alias(selection: &str, project: &Project, files: &mut Files) -> Result<(), Error> {
    let alias = format!("run --quiet {selection} --");
    edit_config(project, files, |config| config.add(&["alias"], XTASK, alias))
}

/// Edits the Cargo configuration. Creates it if it is missing.
fn edit_config(
    project: &Project,
    files: &mut Files,
    edit: impl FnOnce(&mut Manifest),
) -> Result<(), Error> {
    let path = config_file(&project.root);
    if !files.exists(&path) {
        files.set(&path, String::new());
    }
    let mut config = read(files, &path)?;
    edit(&mut config);
    files.set(&path, config.text());
    Ok(())
}

/// Adds verification to an existing xtask, before its own tasks.
fn add_task(found: &Found, project: &Project, files: &mut Files) -> Result<Option<Remark>, Error> {
    let all = &found.package.programs;
    let programs = found.program.as_ref().map_or(all.as_slice(), slice::from_ref);
    let words = programs.iter().map(|program| program::words(&program.source, files));
    let words = words.collect::<Result<Vec<_>, _>>()?;
    if words.iter().flatten().any(|words| words.used.contains("netswap")) {
        return Ok(None);
    }
    let own = found.project.as_ref().unwrap_or(project);
    if let Err(todo) = require(files, &found.package, own, DependencyKind::Normal, "netswap")? {
        return Ok(Some(todo));
    }
    let by_hand = |path: &Path, why: &str| {
        Ok(Some(Remark::new(path, why, format!("{CALL_THIS}:\n    {CALL}"))))
    };
    let [program] = programs else {
        return by_hand(&found.package.manifest, "it has several programs");
    };
    let path = &program.source;
    let before = files.text(path)?.to_owned();
    let Some(source) = Source::parse(&before) else {
        return by_hand(path, "it can't be parsed as Rust");
    };
    let Some(Some(words)) = words.first() else {
        return by_hand(path, "some of its modules are missing or can't be parsed as Rust");
    };
    let is_task = |word: &String| word.eq_ignore_ascii_case("verify");
    if words.names.iter().chain(&words.literals).any(is_task) {
        return by_hand(path, "it already has something called verify");
    }
    match source.with_statement(STATEMENT) {
        Ok(after) => {
            let package = &found.package;
            files.set(path, formatted(Some(&before), after, package.folder(), package.edition));
            Ok(None)
        }
        Err(why) => by_hand(path, why),
    }
}

/// Makes Cargo use the crates of a clone instead of the published ones.
pub(super) fn patch(
    clone: &str,
    with_netswap: bool,
    project: &Project,
    files: &mut Files,
) -> Result<(), Error> {
    const PATCH: &[&str] = &["patch", "crates-io"];
    let packages = [("netswap", with_netswap), ("netswap-build", true)];
    edit_config(project, files, |config| {
        let is_new = config.get(PATCH).is_none();
        for (name, is_wanted) in packages {
            if is_wanted && config.get(&[PATCH, &[name]].concat()).is_none() {
                let path = Value::from(format!("{clone}/{name}"));
                config.add(PATCH, name, InlineTable::from_iter([("path", path)]));
            }
        }
        if is_new {
            let why = "Use the crates of a local clone. Its path is valid on this machine only.";
            config.comment(PATCH, why);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_rust_matches_the_manifest() {
        let Version { major, minor, .. } = OLDEST_RUST;
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../netswap/Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        assert!(manifest.contains(&format!("\nrust-version = \"{major}.{minor}\"\n")));
    }
}
