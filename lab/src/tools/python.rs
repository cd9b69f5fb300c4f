//! The one Python environment: an interpreter, its pip, and the packages from the table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::debian::{self, Tree};
use super::version::version_in;
use super::{PYTHON, Source, TOOLS, Tool, Version};
#[cfg(test)]
use crate::files::scratch;
use crate::files::{at, cache, lock_cache, remove_folder};
use crate::process::check;

/// The folder of pip in Debian's package, as a wheel.
const WHEELS: &str = "usr/share/python-wheels";

/// A Python interpreter that finds the packages.
pub(crate) struct Python {
    interpreter: Interpreter,
    /// The folder of Debian's pip. `None` if the machine's pip is used.
    pip: Option<PathBuf>,
    packages: PathBuf,
}

/// Debian's Python, or the machine's Python on other systems.
enum Interpreter {
    Debian(Tree),
    Machine,
}

impl Python {
    /// Finds Python and fetches missing packages.
    pub(crate) fn find() -> Result<Self, String> {
        let interpreter = Interpreter::find()?;
        let _lock = lock_cache("python")?;
        let pip = interpreter.pip()?;
        let python = Python { interpreter, pip, packages: cache()?.join("python") };
        let tools: Vec<_> =
            TOOLS.iter().filter(|tool| matches!(tool.source, Source::Python)).collect();
        let Err(why) = check_packages(&python.packages, &tools) else { return Ok(python) };
        if python.packages.exists() {
            println!("replacing the packages in {}: {why}", python.packages.display());
            remove_folder(&python.packages)?;
        }
        let requirements: Vec<_> =
            tools.iter().map(|tool| format!("{}=={}", tool.name, tool.version)).collect();
        println!("fetching {}", requirements.join(", "));
        let mut pip = python.pip();
        pip.args(["install", "--no-deps", "--only-binary=:all:", "--target"]);
        check(pip.arg(&python.packages).args(&requirements))?;
        check_packages(&python.packages, &tools)?;
        Ok(python)
    }

    /// Returns a Python command for a script that imports the packages.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.interpreter.command();
        command.env("PYTHONPATH", &self.packages);
        command
    }

    /// Returns a pip command that uses the registry.
    pub(crate) fn pip(&self) -> Command {
        let mut command = self.interpreter.command();
        if let Some(pip) = &self.pip {
            command.env("PYTHONPATH", pip);
        }
        command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        command.env("PIP_ROOT_USER_ACTION", "ignore");
        command
    }

    /// Returns the path of a program that comes with a package.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.packages.join(below)
    }
}

impl Interpreter {
    fn find() -> Result<Self, String> {
        if debian::is_debian() {
            return Tree::find(PYTHON).map(Interpreter::Debian);
        }
        let mut version = Interpreter::Machine.command();
        let output = version.arg("--version").stderr(Stdio::null()).output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        let found = String::from_utf8_lossy(&output).into_owned();
        Version::AtLeast("3.9").check("python3", version_in(&found))?;
        Ok(Interpreter::Machine)
    }

    fn command(&self) -> Command {
        let mut command = match self {
            Interpreter::Debian(tree) => tree.command("usr/bin/python3.11"),
            Interpreter::Machine => Command::new("python3"),
        };
        command.env_remove("PYTHONHOME").env("PYTHONNOUSERSITE", "1");
        // Keeps compiled modules out of the repository.
        match cache() {
            Ok(cache) => command.env("PYTHONPYCACHEPREFIX", cache.join("compiled-python")),
            Err(_) => command.env("PYTHONDONTWRITEBYTECODE", "1"),
        };
        command
    }

    /// Unpacks Debian's pip and returns its folder. If pip ran from the wheel, Python would compile
    /// it in each run, which takes 1.5 seconds.
    fn pip(&self) -> Result<Option<PathBuf>, String> {
        let Interpreter::Debian(tree) = self else { return Ok(None) };
        let wheels = fs::read_dir(tree.path(WHEELS)).into_iter().flatten().flatten();
        let mut wheels = wheels.map(|entry| entry.path());
        let wheel = wheels.find(|wheel| wheel.to_string_lossy().contains("/pip-"));
        let wheel = wheel.ok_or("Debian's python3-pip-whl has no wheel of pip")?;
        let folder = tree.path(WHEELS).join("unpacked");
        if !folder.exists() {
            let partial = folder.with_extension("partial");
            check(self.command().args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&partial))?;
            fs::rename(&partial, &folder).map_err(at(&folder))?;
        }
        Ok(Some(folder))
    }
}

/// Checks the version of each package by the name of the folder that pip wrote for it.
fn check_packages(packages: &Path, tools: &[&Tool]) -> Result<(), String> {
    let entries = fs::read_dir(packages).map_err(at(packages))?;
    let names: Vec<_> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    for tool in tools {
        let prefix = format!("{}-", tool.name.replace('-', "_"));
        let version = |name: &String| {
            let version = name.strip_prefix(&prefix)?.strip_suffix(".dist-info")?;
            Some(version.to_owned())
        };
        let versions: Vec<_> = names.iter().filter_map(version).collect();
        tool.version.check(tool.name, versions.first().map(String::as_str))?;
        // An interrupted pip can leave two.
        versions.iter().try_for_each(|version| tool.version.check(tool.name, Some(version)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_of_another_version_is_found() {
        const LIEF: Tool =
            Tool { name: "lief", version: Version::Exactly("1.0.0"), source: Source::Python };
        let folder = scratch("python-test");
        let check = |versions: &[&str]| {
            let _ = fs::remove_dir_all(&folder);
            for version in versions {
                fs::create_dir_all(folder.join(format!("lief-{version}.dist-info"))).unwrap();
            }
            check_packages(&folder, &[&LIEF])
        };
        assert_eq!(check(&["1.0.0"]), Ok(()));
        let error = "lief: version 1.0.0 is needed, 0.17.6 was found".to_owned();
        assert_eq!(check(&["0.17.6"]), Err(error.clone()));
        assert_eq!(check(&["1.0.0", "0.17.6"]), Err(error));
        assert!(check(&[]).is_err());
    }
}
