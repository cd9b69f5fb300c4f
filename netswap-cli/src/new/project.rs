//! `netswap new`: creates a complete tool project, or nothing.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use netswap::text::{normal, one_line};

use crate::new::template::{Answers, Layout, files};
use crate::{Error, git};

/// The version control of a new project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Vcs {
    Git,
    None,
}

/// Creates the project. If `vcs` is `None`, creates a git repository too, unless git is missing or
/// the project is in a repository already. Returns the reason why that repository is missing.
///
/// # Errors
///
/// When the folder exists and is not empty, or something can't be written. Then nothing is written.
pub(crate) fn create(
    path: &Path,
    answers: &Answers<'_>,
    vcs: Option<Vcs>,
) -> Result<Option<String>, Error> {
    let target = normal(path);
    let is_there = is_empty_folder(&target)?;
    let failed = |source: io::Error| Error::WriteProject { path: path.to_owned(), source };

    // Write the project next to its final place, so that it can be moved there as a whole.
    let home = if is_there { target.as_path() } else { existing_parent(&target) };
    let stage =
        tempfile::Builder::new().prefix(".netswap-new-").tempdir_in(home).map_err(failed)?;
    let project = stage.path().join(target.strip_prefix(home).unwrap_or(Path::new("")));
    for (path, text) in files(answers) {
        let path = project.join(path);
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        folder.and_then(|()| fs::write(&path, text)).map_err(failed)?;
    }
    let no_repository = match vcs {
        Some(Vcs::None) => None,
        Some(Vcs::Git) => {
            git::init(&project).map_err(|why| failed(io::Error::other(why)))?;
            None
        }
        None if git::repository(home).is_ok() => None,
        None => git::init(&project).err(),
    };
    move_all(stage.path(), home).map_err(failed)?;
    Ok(no_repository)
}

/// Returns the folder's name, as the name of a project.
pub(super) fn name_of(folder: &Path) -> Result<String, Error> {
    normal(folder).file_name().and_then(OsStr::to_str).map(str::to_owned).ok_or_else(|| {
        let why = "the folder's name can't be the name of a package; pass one with --name";
        Error::Usage(why.to_owned())
    })
}

/// Checks that a project can have this name.
pub(super) fn check_name(name: &str, layout: Layout) -> Result<(), Error> {
    let refused =
        |why: &str| Err(Error::ProjectName { name: name.to_owned(), why: why.to_owned() });
    let lower = name.to_lowercase();
    // Names that no file can have on Windows
    // (https://learn.microsoft.com/windows/win32/fileio/naming-a-file). On other systems, Cargo
    // only warns about them.
    let digit = lower.strip_prefix("com").or(lower.strip_prefix("lpt")).unwrap_or_default();
    if ["con", "prn", "aux", "nul"].contains(&&*lower) || matches!(digit.as_bytes(), [b'0'..=b'9'])
    {
        return refused("Windows reserves it for a device");
    }
    let Layout::Tool { cdylib, .. } = layout else {
        // The name of a workspace is in its README and its licence. It is not a package.
        let is_plain = |c: char| c.is_alphanumeric() || [' ', '-', '_', '.'].contains(&c);
        if name.starts_with(char::is_alphanumeric) && name.chars().all(is_plain) {
            return Ok(());
        }
        let why = "it must begin with a letter or digit, and contain only these, spaces and `-_.`";
        return refused(why);
    };
    // The name of the crate, in lower case because Windows ignores case in file names.
    match &*lower.replace('-', "_") {
        "xtask" | "netswap" | "netswap_build" => {
            refused("another package of the project has this name")
        }
        "abi_stable" if cdylib => refused("another package of the project has this name"),
        "std" => refused("a crate of Rust's standard library has this name"),
        _ => match refused_by_cargo(name) {
            Ok(None) => Ok(()),
            Ok(Some(why)) => refused(&why),
            Err(error) => refused(&format!("failed to run cargo: {error}")),
        },
    }
}

/// Asks Cargo to create a package with this name, and returns its error message, if any.
fn refused_by_cargo(name: &str) -> io::Result<Option<String>> {
    let scratch = tempfile::tempdir()?;
    let mut cargo = Command::new(netswap::env::cargo());
    cargo.args(["new", "--quiet", "--bin", "--vcs", "none", "--color", "never"]);
    cargo.arg(format!("--name={name}")).arg("package").current_dir(scratch.path());
    let output = cargo.stdin(Stdio::null()).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let error = stderr.lines().find_map(|line| line.strip_prefix("error: "));
    Ok((!output.status.success()).then(|| one_line(error.unwrap_or(&stderr))))
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
        let why = "a path with quotes, backslashes or control characters can't be written";
        return Err(invalid_path(why));
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
