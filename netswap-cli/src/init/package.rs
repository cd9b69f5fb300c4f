//! The changes to a package: netswap-build among its build-dependencies, and the call in its build
//! script.

use std::path::{Path, PathBuf};

use cargo_metadata::DependencyKind;
use cargo_metadata::semver::Version;
use netswap::text::plural;
use toml_edit::{Item, Value};

use super::converted::Remark;
use super::files::Files;
use super::manifest::Manifest;
use super::program;
use super::project::{Package, Project, key};
use super::rust::Source;
use super::rustfmt::formatted;
use crate::Error;

/// The part of netswap's version that a requirement names.
pub(super) const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

const NETSWAP_BUILD: &str = "netswap-build";

/// The remark about a manifest that is not [faithful](Manifest::is_faithful).
pub(super) const UNFAITHFUL: &str = "an edit would move the dotted keys of one table together";

/// The oldest Rust version that netswap-build supports.
const OLDEST_RUST: Version = Version::new(1, 63, 0);

/// The first line of a new build script.
const ABOUT: &str = "//! Makes Windows copy what is built here to the page file when it is loaded from a network share.";

/// Adds the dependency and the call to a package if they are missing. Returns a remark if the owner
/// has to do it by hand.
pub(super) fn convert(
    package: &Package,
    project: &Project,
    files: &mut Files,
    notes: &mut Vec<Remark>,
) -> Result<Option<Remark>, Error> {
    let dependency = package.dependency(DependencyKind::Build, NETSWAP_BUILD);
    let key = dependency.map_or(NETSWAP_BUILD, key);
    let manifest = read(files, &package.manifest)?;
    let script = match find_script(package, &manifest, key, files)? {
        Script::Requests if dependency.is_some() => return Ok(None),
        Script::ByHand(todo) => return Ok(Some(todo)),
        script => script,
    };
    if dependency.is_some_and(|dependency| dependency.optional) {
        let why = format!("{key} is an optional build-dependency");
        let remedy = "where its feature is enabled, call it in the build script";
        let remedy = format!("{remedy}:\n    {}", call(key));
        return Ok(Some(Remark::new(&package.manifest, why, remedy)));
    }
    let key = match require(files, package, project, DependencyKind::Build, NETSWAP_BUILD)? {
        Ok(key) => key,
        Err(todo) => return Ok(Some(todo)),
    };
    if let Some(version) = package.rust_version.as_ref().filter(|version| **version < OLDEST_RUST) {
        let why = format!("its rust-version is {version}, but netswap-build needs {OLDEST_RUST}");
        let remedy = "raise it, or build with a newer Rust";
        notes.push(Remark::new(&package.manifest, why, remedy));
    }
    match script {
        Script::Lacks(path) => {
            // The other packages with this build script make the call too, so they need the
            // dependency.
            let packages = project.packages.iter();
            for other in packages.filter(|package| package.build_scripts.contains(&path)) {
                let added = require(files, other, project, DependencyKind::Build, NETSWAP_BUILD)?;
                if let Err(todo) = added {
                    return Ok(Some(todo));
                }
            }
            add_call(&path, &call(&key), package, files, notes)
        }
        Script::New(path) => {
            let text = format!("{ABOUT}\n\nfn main() {{\n    {}\n}}\n", call(&key));
            files.set(&path, formatted(None, text, package.folder(), package.edition));
            let included = manifest.in_package("include").and_then(Item::as_array);
            let is_script =
                |glob: &Value| glob.as_str().is_some_and(|glob| glob.ends_with("build.rs"));
            if included.is_some_and(|globs| !globs.iter().any(is_script)) {
                let why = "its `include` may not list build.rs";
                let remedy = "add it, if the package is published";
                notes.push(Remark::new(&package.manifest, why, remedy));
            }
            Ok(None)
        }
        Script::Requests | Script::ByHand(_) => Ok(None),
    }
}

fn add_call(
    path: &Path,
    call: &str,
    package: &Package,
    files: &mut Files,
    notes: &mut Vec<Remark>,
) -> Result<Option<Remark>, Error> {
    let by_hand = |why: &str| {
        let remedy = format!("add this line to the start of its main:\n    {call}");
        Ok(Some(Remark::new(path, why, remedy)))
    };
    let before = files.text(path)?.to_owned();
    let Some(source) = Source::parse(&before) else {
        return by_hand("it can't be parsed as Rust");
    };
    let after = match source.with_statement(call) {
        Ok(after) => after,
        Err(why) => return by_hand(why),
    };
    let Some(words) = program::words(path, files)? else {
        return by_hand("some of its modules are missing or can't be parsed as Rust");
    };
    if !source.has_empty_main() && !words.literals.iter().any(|text| text.contains("rerun-if")) {
        let why = "it will run again only for the files that its rerun-if lines name";
        let remedy = "print cargo:rerun-if-changed=FILE for each file that it reads";
        notes.push(Remark::new(path, why, remedy));
    }
    files.set(path, formatted(Some(&before), after, package.folder(), package.edition));
    Ok(None)
}

fn call(key: &str) -> String {
    format!("{}::emit();", crate_name(key))
}

/// Returns the line that adds a dependency to a manifest.
pub(super) fn line(name: &str) -> String {
    format!("{name} = \"{VERSION}\"")
}

fn crate_name(key: &str) -> String {
    key.replace('-', "_")
}

enum Script {
    /// It already requests the bit.
    Requests,
    /// It does not request the bit.
    Lacks(PathBuf),
    /// There is none yet. It will be this file.
    New(PathBuf),
    /// It is unclear what it does, or there can't be one.
    ByHand(Remark),
}

fn find_script(
    package: &Package,
    manifest: &Manifest,
    key: &str,
    files: &mut Files,
) -> Result<Script, Error> {
    let by_hand =
        |path: &Path, why: &str, remedy: &str| Ok(Script::ByHand(Remark::new(path, why, remedy)));
    if let Some(list) = manifest.in_package("metabuild") {
        if list.to_string().contains("\"netswap-build\"") {
            return Ok(Script::Requests);
        }
        let remedy = "add \"netswap-build\" to that list and to the build-dependencies";
        return by_hand(&package.manifest, "metabuild makes its build script", remedy);
    }
    let usual = package.folder().join("build.rs");
    match package.build_scripts.as_slice() {
        [] if manifest.in_package("build").and_then(Item::as_bool) == Some(false) => {
            let why = "`build = false` disables build scripts";
            by_hand(&package.manifest, why, "remove that line, and run netswap init again")
        }
        [] if files.exists(&usual) => {
            let why = "it exists, but Cargo does not use it as a build script";
            by_hand(&usual, why, "rename or remove it, and run netswap init again")
        }
        [] => Ok(Script::New(usual)),
        [path] if !files.exists(path) => Ok(Script::New(path.clone())),
        [path] => {
            let words = program::words(path, files)?.unwrap_or_default();
            let requests = words.used.contains(&crate_name(key));
            Ok(if requests { Script::Requests } else { Script::Lacks(path.clone()) })
        }
        several => {
            let count = u64::try_from(several.len()).unwrap_or(u64::MAX);
            let why = format!("it has {}", plural(count, "build script", "build scripts"));
            let remedy = format!(
                "add netswap-build to the build-dependencies, and this line to the start of main in one of them:\n    {}",
                call(key)
            );
            by_hand(&package.manifest, &why, &remedy)
        }
    }
}

/// Reads a manifest with the changes that are planned so far.
pub(super) fn read(files: &mut Files, path: &Path) -> Result<Manifest, Error> {
    Manifest::parse(files.text(path)?).map_err(|error| Error::ReadProject {
        path: path.to_owned(),
        source: std::io::Error::other(error.message().to_owned()),
    })
}

/// Adds a dependency to a package if it is missing. Inherits it if the workspace lists it already,
/// or if packages inherit others. Returns the dependency's key, or a remark if the owner has to do
/// it by hand.
pub(super) fn require(
    files: &mut Files,
    package: &Package,
    project: &Project,
    kind: DependencyKind,
    name: &str,
) -> Result<Result<String, Remark>, Error> {
    const SHARED: &[&str] = &["workspace", "dependencies"];
    let dependency = package.dependency(kind, name);
    // A build-dependency with a target is only for some hosts.
    if let Some(dependency) = dependency.filter(|dependency| dependency.target.is_none()) {
        return Ok(Ok(key(dependency).to_owned()));
    }
    let mut manifest = read(files, &package.manifest)?;
    let table = match kind {
        // An old spelling, which Cargo still reads.
        DependencyKind::Build if manifest.get(&["build_dependencies"]).is_some() => {
            "build_dependencies"
        }
        DependencyKind::Build => "build-dependencies",
        _ => "dependencies",
    };
    // It was just added, for another package with the same build script.
    if let Some(key) = manifest.key_of(&[table], name) {
        return Ok(Ok(key));
    }
    let root = project.root_manifest();
    let mut workspace = read(files, &root)?;
    for (manifest, path) in [(&manifest, &package.manifest), (&workspace, &root)] {
        if !manifest.is_faithful {
            let remedy = format!("add to {table} of {}:\n    {}", package.name, line(name));
            return Ok(Err(Remark::new(path, UNFAITHFUL, remedy)));
        }
    }
    let mut shared = workspace.key_of(SHARED, name);
    if shared.is_none() && workspace.get(SHARED).is_some() && is_inheriting(project, files)? {
        workspace.add_dependency(SHARED, name, VERSION);
        files.set(&root, workspace.text());
        shared = workspace.key_of(SHARED, name);
        // The root manifest may be the manifest of this package.
        manifest = read(files, &package.manifest)?;
    }
    let key = if let Some(key) = shared {
        manifest.inherit_dependency(&[table], &key);
        key
    } else {
        manifest.add_dependency(&[table], name, VERSION);
        name.to_owned()
    };
    files.set(&package.manifest, manifest.text());
    Ok(Ok(key))
}

/// Whether packages of the project inherit dependencies from the workspace.
fn is_inheriting(project: &Project, files: &mut Files) -> Result<bool, Error> {
    for package in &project.packages {
        if read(files, &package.manifest)?.inherited().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
