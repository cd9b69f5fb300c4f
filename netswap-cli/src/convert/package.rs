//! What a package needs: netswap-build among its build-dependencies, and the call in its build script.

use std::path::{Path, PathBuf};

use cargo_metadata::DependencyKind;
use cargo_metadata::semver::Version;
use toml_edit::Item;

use super::files::Files;
use super::manifest::{Manifest, Requirement};
use super::project::{Package, Project};
use super::rust::Source;
use super::rustfmt::formatted;
use super::{Converted, Todo};
use crate::Error;
use crate::text::plural;

/// The part of this version that a requirement names.
pub(super) const VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

const NETSWAP_BUILD: Requirement =
    Requirement { name: "netswap-build", version: VERSION, default_features: true };

/// The oldest Rust that netswap-build is for.
const OLDEST_RUST: Version = Version::new(1, 63, 0);

/// Adds to a package what it lacks.
///
/// # Errors
///
/// When one of its files can't be read.
pub(super) fn convert(
    package: &Package,
    project: &Project,
    files: &mut Files,
) -> Result<Converted, Error> {
    let mut converted = Converted::of(&package.name);
    let manifest = read(files, &package.manifest)?;
    let dependency = package.dependency(DependencyKind::Build, NETSWAP_BUILD.name);
    let key = dependency.map_or(NETSWAP_BUILD.name, |dependency| &dependency.key);
    let script = match Script::of(package, &manifest, key, files)? {
        Ok(script) => script,
        Err(todo) => {
            converted.todo = Some(todo);
            return Ok(converted);
        }
    };
    if matches!(script, Script::Asks) && dependency.is_some() {
        return Ok(converted);
    }
    if dependency.is_some_and(|dependency| dependency.is_optional) {
        converted.todo = Some(Todo {
            path: package.manifest.clone(),
            why: format!("{key} is an optional build-dependency"),
            cure: format!(
                "where its feature is on, let the build script call it:\n    {}",
                call(key)
            ),
        });
        return Ok(converted);
    }
    let key = require(files, package, project, DependencyKind::Build, NETSWAP_BUILD)?;
    let call = call(&key);
    match script {
        Script::Asks => {}
        Script::New(path) => {
            let text = format!("{ABOUT}\n\nfn main() {{\n    {call}\n}}\n");
            let text = formatted(None, text, package.folder(), package.edition);
            files.set(&path, text);
        }
        Script::Lacks(path) => {
            let before = files.text(&path)?.to_owned();
            let source = Source::of(&before);
            let with_call = source.as_ref().and_then(|source| source.with_statement(&call));
            let Some(after) = with_call else {
                converted.todo = Some(Todo {
                    why: if source.is_some() {
                        "it has no `fn main` of its own".to_owned()
                    } else {
                        "it can't be read as Rust".to_owned()
                    },
                    cure: format!("put this line at the start of its main:\n    {call}"),
                    path,
                });
                return Ok(converted);
            };
            let is_plain = source.is_some_and(|source| source.is_empty());
            if !is_plain && !before.contains("rerun-if") {
                converted.notes.push((path.clone(), RERUN.to_owned()));
            }
            let after = formatted(Some(&before), after, package.folder(), package.edition);
            files.set(&path, after);
        }
    }
    if let Some(version) = package.rust_version.as_ref().filter(|version| **version < OLDEST_RUST) {
        let note = format!("its rust-version is {version}, and netswap-build needs {OLDEST_RUST}");
        converted.notes.push((package.manifest.clone(), note));
    }
    Ok(converted)
}

/// What stands at the top of a build script that is made.
const ABOUT: &str = "//! Makes Windows copy what is built here to the page file when it is loaded from a network share.";

const RERUN: &str = "from now on it runs again only for what rerun-if lines name: if it reads files, let it \
    print cargo:rerun-if-changed=FILE for each";

fn call(key: &str) -> String {
    format!("{}::emit();", key.replace('-', "_"))
}

/// A package's build script.
enum Script {
    /// It asks for the bit already.
    Asks,
    /// It does not.
    Lacks(PathBuf),
    /// There is none yet, and it is to be this file.
    New(PathBuf),
}

impl Script {
    /// The script, or what is left to do where that can't be told.
    fn of(
        package: &Package,
        manifest: &Manifest,
        key: &str,
        files: &mut Files,
    ) -> Result<Result<Self, Todo>, Error> {
        let call = call(key);
        let in_manifest =
            |why: String, cure: String| Ok(Err(Todo { path: package.manifest.clone(), why, cure }));
        if let Some(list) = manifest.get(&["package", "metabuild"]) {
            let asks = |list: &Item| list.to_string().contains("\"netswap-build\"");
            if asks(list) {
                return Ok(Ok(Script::Asks));
            }
            let cure = "put \"netswap-build\" into that list, and among the build-dependencies";
            return in_manifest("metabuild makes its build script".to_owned(), cure.to_owned());
        }
        match package.build_scripts.as_slice() {
            [] if manifest.get(&["package", "build"]).and_then(Item::as_bool) == Some(false) => {
                let cure = "take that line out, and run netswap init again".to_owned();
                in_manifest("`build = false` keeps build scripts out".to_owned(), cure)
            }
            [] => Ok(Ok(Script::New(package.folder().join("build.rs")))),
            [path] if !files.is_there(path) => Ok(Ok(Script::New(path.clone()))),
            [path] => {
                let source = files.text(path)?;
                let words = Source::of(source).map(|source| source.words()).unwrap_or_default();
                let names = ["netswap_build", call.split(':').next().unwrap_or_default()];
                let asks = names.iter().any(|name| words.contains(*name));
                Ok(Ok(if asks { Script::Asks } else { Script::Lacks(path.clone()) }))
            }
            several => {
                let count = u64::try_from(several.len()).unwrap_or(u64::MAX);
                let why = format!("it has {}", plural(count, "build script", "build scripts"));
                let cure = format!(
                    "with netswap-build among the build-dependencies, put this line at the start of main in one of them:\n    {call}"
                );
                in_manifest(why, cure)
            }
        }
    }
}

/// A manifest as it is by now.
pub(super) fn read(files: &mut Files, path: &Path) -> Result<Manifest, Error> {
    Manifest::parse(files.text(path)?).map_err(|error| Error::ReadProject {
        path: path.to_owned(),
        source: std::io::Error::other(error.message().to_owned()),
    })
}

/// Adds a dependency to a package unless it has it, from the workspace if that is where it has others
/// from, and returns what it is called.
///
/// # Errors
///
/// When a manifest can't be read.
pub(super) fn require(
    files: &mut Files,
    package: &Package,
    project: &Project,
    kind: DependencyKind,
    requirement: Requirement,
) -> Result<String, Error> {
    const SHARED: &[&str] = &["workspace", "dependencies"];
    if let Some(dependency) = package.dependency(kind, requirement.name) {
        return Ok(dependency.key.clone());
    }
    let root = project.root_manifest();
    let mut workspace = read(files, &root)?;
    let mut shared = workspace.key_of(SHARED, requirement.name);
    let takes_others = read(files, &package.manifest)?.inherits().is_some();
    if shared.is_none() && takes_others && workspace.get(SHARED).is_some() {
        workspace.add_dependency(SHARED, requirement);
        files.set(&root, workspace.text());
        shared = workspace.key_of(SHARED, requirement.name);
    }
    // The manifest of the workspace may be this one.
    let mut manifest = read(files, &package.manifest)?;
    let table = match kind {
        // An old spelling, which Cargo still reads.
        DependencyKind::Build if manifest.get(&["build_dependencies"]).is_some() => {
            "build_dependencies"
        }
        DependencyKind::Build => "build-dependencies",
        _ => "dependencies",
    };
    let key = if let Some(key) = shared {
        manifest.inherit_dependency(&[table], &key);
        key
    } else {
        manifest.add_dependency(&[table], requirement);
        requirement.name.to_owned()
    };
    files.set(&package.manifest, manifest.text());
    Ok(key)
}
