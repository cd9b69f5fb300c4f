//! `netswap new`: creates a complete tool project, or nothing.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use netswap::text::{normal, one_line};

use crate::new::template::{Answers, Layout, License, files};
use crate::{Error, git};

/// The options for a new project.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) path: PathBuf,
    /// `None` for the name of the folder.
    pub(crate) name: Option<String>,
    pub(crate) edition: String,
    pub(crate) license: License,
    pub(crate) layout: Layout,
    /// `None` for git, if it is installed and the project is not in a repository already.
    pub(crate) vcs: Option<Vcs>,
    /// The path of a netswap clone. Its crates replace the published ones.
    pub(crate) netswap_path: Option<PathBuf>,
}

/// The version control of a new project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Vcs {
    Git,
    None,
}

/// The project that was created.
#[derive(Debug)]
pub(crate) struct NewProject {
    pub(crate) name: String,
    /// The reason why a repository is missing although it was wanted. Otherwise `None`.
    pub(crate) no_repository: Option<String>,
}

/// Names that no file can have on Windows ([naming
/// files](https://learn.microsoft.com/windows/win32/fileio/naming-a-file)). On other systems, Cargo
/// only warns about them.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
const RESERVED_WITH_DIGIT: [&str; 2] = ["com", "lpt"];

/// The names of the crates that a tool is built with, or next to.
const RESERVED_CRATES: [&str; 3] = ["xtask", "netswap", "netswap_build"];
/// A project with a plug-in also uses this name.
const RESERVED_WITH_PLUGIN: &str = "abi_stable";

/// Creates the project.
///
/// # Errors
///
/// When the name is invalid for a package, the folder exists and is not empty, or something can't
/// be written. Then nothing is written.
pub(crate) fn new(options: &Options) -> Result<NewProject, Error> {
    let target = normal(&options.path);
    let name = match &options.name {
        Some(name) => name.clone(),
        None => name_of(&target)?,
    };
    check_name(&name, options.layout)?;
    let netswap_path = options.netswap_path.as_deref().map(clone_path).transpose()?;
    let is_there = is_empty_folder(&target)?;
    let answers = Answers {
        name: &name,
        edition: &options.edition,
        license: options.license,
        layout: options.layout,
        netswap_path: netswap_path.as_deref(),
    };
    let failed = |source: io::Error| Error::WriteProject { path: options.path.clone(), source };
    let files = files(&answers);

    // Write the project next to its final place, so that it can be moved there as a whole.
    let home = if is_there { target.as_path() } else { existing_parent(&target) };
    let stage =
        tempfile::Builder::new().prefix(".netswap-new-").tempdir_in(home).map_err(failed)?;
    let project = stage.path().join(target.strip_prefix(home).unwrap_or(Path::new("")));
    for (path, text) in files {
        write(&project.join(path), &text).map_err(failed)?;
    }
    let no_repository = match options.vcs {
        Some(Vcs::None) => None,
        Some(Vcs::Git) => {
            git::init(&project).map_err(|why| failed(io::Error::other(why)))?;
            None
        }
        None if git::is_repository(home) => None,
        None => git::init(&project).err(),
    };
    move_all(stage.path(), home).map_err(failed)?;
    Ok(NewProject { name, no_repository })
}

fn name_of(folder: &Path) -> Result<String, Error> {
    folder.file_name().and_then(OsStr::to_str).map(str::to_owned).ok_or_else(|| {
        let why = "the folder's name can't be the name of a package; pass one with --name";
        Error::Usage(why.to_owned())
    })
}

fn check_name(name: &str, layout: Layout) -> Result<(), Error> {
    let refused =
        |why: &str| Err(Error::ProjectName { name: name.to_owned(), why: why.to_owned() });
    let lower = name.to_lowercase();
    let is_reserved = RESERVED.contains(&lower.as_str())
        || RESERVED_WITH_DIGIT.iter().any(|device| {
            let digit = lower.strip_prefix(device);
            digit.is_some_and(|digit| matches!(digit.as_bytes(), [b'0'..=b'9']))
        });
    if is_reserved {
        return refused("Windows reserves it for a device");
    }
    let Layout::Tool { cdylib, .. } = layout else {
        return if is_title(name) {
            Ok(())
        } else {
            refused(
                "it must begin with a letter or digit, and contain only these, spaces and `-_.`",
            )
        };
    };
    // The name of the crate, in lower case because Windows ignores case in file names.
    let krate = lower.replace('-', "_");
    if RESERVED_CRATES.contains(&krate.as_str()) || (cdylib && krate == RESERVED_WITH_PLUGIN) {
        return refused("another package of the project has this name");
    }
    if krate == "std" {
        return refused("a crate of Rust's standard library has this name");
    }
    match refused_by_cargo(name) {
        Some(why) => refused(&why),
        None => Ok(()),
    }
}

/// Whether a workspace can have this name in its README and its licence. It is not a package.
fn is_title(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || [' ', '-', '_', '.'].contains(&c);
    name.starts_with(char::is_alphanumeric) && name.chars().all(is_plain)
}

/// Asks Cargo to create a package with this name, and returns its error message, if any.
fn refused_by_cargo(name: &str) -> Option<String> {
    let scratch = match tempfile::tempdir() {
        Ok(scratch) => scratch,
        Err(error) => return Some(format!("failed to run cargo: {error}")),
    };
    let mut cargo = Command::new(netswap::env::cargo());
    cargo.args(["new", "--quiet", "--bin", "--vcs", "none", "--color", "never"]);
    cargo.arg(format!("--name={name}")).arg("package").current_dir(scratch.path());
    match cargo.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let error = stderr.lines().find_map(|line| line.strip_prefix("error: "));
            Some(one_line(error.unwrap_or(&stderr)))
        }
        Err(error) => Some(format!("failed to run cargo: {error}")),
    }
}

/// Returns the path of a clone as written in TOML.
///
/// # Errors
///
/// When there is no clone of netswap, or TOML can't contain its path.
pub(crate) fn clone_path(path: &Path) -> Result<String, Error> {
    let invalid_path =
        |why: &str| Error::Usage(format!("--netswap-path {}: {why}", path.display()));
    let full = normal(path);
    if !full.join("netswap-build").join("Cargo.toml").is_file() {
        return Err(invalid_path("it is not a clone of netswap: it has no folder netswap-build"));
    }
    let text = full.to_str().ok_or_else(|| invalid_path("the path is not valid Unicode"))?;
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() };
    if text.contains(['"', '\\']) || text.contains(char::is_control) {
        return Err(invalid_path(
            "a path with quotes, backslashes or control characters can't be written",
        ));
    }
    Ok(text)
}

/// Whether the folder exists. A folder that is not empty is an error.
fn is_empty_folder(path: &Path) -> Result<bool, Error> {
    let taken = |what: &'static str| Err(Error::PathTaken { path: path.to_owned(), what });
    let entries = match fs::read_dir(path) {
        Ok(mut entries) => entries.next(),
        // This is also true for a link that leads nowhere.
        Err(_) if path.symlink_metadata().is_ok() => return taken("exists and is not a folder"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(Error::WriteProject { path: path.to_owned(), source }),
    };
    if entries.is_some() { taken("is not empty") } else { Ok(true) }
}

/// Returns the nearest existing folder above.
fn existing_parent(path: &Path) -> &Path {
    let mut above = path.ancestors().skip(1);
    above.find(|folder| folder.is_dir()).unwrap_or(Path::new("."))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

/// Moves the contents of one folder into another, all or nothing.
fn move_all(from: &Path, to: &Path) -> io::Result<()> {
    let entries = fs::read_dir(from)?.map(|entry| Ok(entry?.file_name()));
    let mut names = entries.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    let mut moved = Vec::new();
    for name in names {
        let (path, target) = (from.join(&name), to.join(&name));
        // Don't replace anything that was created there meanwhile.
        let is_moved = match target.symlink_metadata() {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(&path, &target),
        };
        if let Err(error) = is_moved {
            for (path, target) in moved {
                let _ = fs::rename(target, path);
            }
            return Err(error);
        }
        moved.push((path, target));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: Layout = Layout::Tool { lib_and_bin: false, cdylib: false };
    const WITH_PLUGIN: Layout = Layout::Tool { lib_and_bin: true, cdylib: true };

    #[test]
    fn invalid_names_are_refused_with_the_reason() {
        for (name, layout, why) in [
            ("con", TOOL, "device"),
            ("NUL", TOOL, "device"),
            ("Com1", TOOL, "device"),
            ("lpt9", Layout::Workspace, "device"),
            ("xtask", TOOL, "another package"),
            ("XTask", TOOL, "another package"),
            ("netswap_build", WITH_PLUGIN, "another package"),
            ("abi-stable", WITH_PLUGIN, "another package"),
            ("std", TOOL, "standard library"),
            ("", TOOL, "cannot be empty"),
            ("1st", TOOL, "cannot start with a digit"),
            ("a b", TOOL, "invalid character"),
            ("fn", TOOL, "keyword"),
            ("test", TOOL, "conflicts"),
            ("deps", WITH_PLUGIN, "build directory"),
            ("-x", TOOL, "invalid character"),
            ("../up", TOOL, "invalid character"),
            ("", Layout::Workspace, "must begin with a letter"),
            ("-x", Layout::Workspace, "must begin with a letter"),
            ("../up", Layout::Workspace, "must begin with a letter"),
            ("[tools](x)", Layout::Workspace, "must begin with a letter"),
        ] {
            let Err(Error::ProjectName { why: reason, .. }) = check_name(name, layout) else {
                panic!("{name} is taken");
            };
            assert!(reason.contains(why), "{name}: {reason}");
        }
    }

    #[test]
    fn valid_names_are_accepted() {
        for name in ["hello-tool", "com", "com10", "console", "lpt_1", "T2", "abi_stable"] {
            assert!(check_name(name, TOOL).is_ok(), "{name}");
        }
        for name in ["plugin", "interface", "greeting", "abi_stable_tool"] {
            assert!(check_name(name, WITH_PLUGIN).is_ok(), "{name}");
        }
        // No package has the name of a workspace.
        for name in ["hello", "greetings", "xtask", "2024 tools", "test", "Werkzeuge für alle"] {
            assert!(check_name(name, Layout::Workspace).is_ok(), "{name}");
        }
    }

    #[test]
    fn failed_move_is_rolled_back() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["a", "b", "c"] {
            fs::write(from.path().join(name), name).unwrap();
        }
        fs::write(to.path().join("b"), "other").unwrap();
        assert!(move_all(from.path(), to.path()).is_err());
        assert_eq!(fs::read_dir(from.path()).unwrap().count(), 3);
        assert_eq!(fs::read_to_string(to.path().join("b")).unwrap(), "other");
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
    }
}
