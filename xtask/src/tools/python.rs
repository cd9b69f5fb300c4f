//! The one Python environment: an interpreter, its pip, and the packages of the table.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::debian::{self, Tree};
use super::version::printed;
use super::{PYTHON, Source, TOOLS, Tool, Version};
use crate::process::{at, cache, check, lock_cache};

/// pip as Debian's package has it: a wheel, which Python can run from.
const WHEELS: &str = "usr/share/python-wheels";

/// An interpreter that finds the packages.
pub(crate) struct Python {
    interpreter: Interpreter,
    packages: PathBuf,
}

/// Debian's Python, and elsewhere the machine's.
enum Interpreter {
    Debian(Tree),
    Machine,
}

impl Python {
    /// Fetches what is missing.
    ///
    /// # Errors
    ///
    /// Where there is no Python, a package cannot be fetched, or it has another version.
    pub(crate) fn find() -> Result<Self, String> {
        let interpreter = Interpreter::find()?;
        let python = Python { interpreter, packages: cache()?.join("python") };
        let _lock = lock_cache()?;
        let tools: Vec<_> =
            TOOLS.iter().filter(|tool| matches!(tool.source, Source::Python)).collect();
        let Err(why) = python.check(&tools) else {
            return Ok(python);
        };
        if python.packages.exists() {
            println!("replacing the packages in {}: {why}", python.packages.display());
            fs::remove_dir_all(&python.packages).map_err(at(&python.packages))?;
        }
        let requirements: Vec<_> =
            tools.iter().map(|tool| format!("{}=={}", tool.name, tool.version)).collect();
        println!("fetching {}", requirements.join(", "));
        let mut pip = python.pip();
        pip.args(["install", "--no-deps", "--only-binary=:all:", "--target"]);
        check(pip.arg(&python.packages).args(&requirements))?;
        python.check(&tools)?;
        Ok(python)
    }

    /// Checks the version of each package by the folder that pip has written for it.
    fn check(&self, tools: &[&Tool]) -> Result<(), String> {
        let entries = fs::read_dir(&self.packages).map_err(at(&self.packages))?;
        let names: Vec<_> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        for tool in tools {
            let prefix = format!("{}-", tool.name.replace('-', "_"));
            let mut versions = names
                .iter()
                .filter_map(|name| name.strip_prefix(&prefix)?.strip_suffix(".dist-info"));
            let version = versions.next();
            tool.version.check(tool.name, version)?;
            // What an interrupted pip left.
            if let Some(other) = versions.next() {
                tool.version.check(tool.name, Some(other))?;
            }
        }
        Ok(())
    }

    /// Python, for a script that imports the packages.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.interpreter.command();
        command.env("PYTHONPATH", &self.packages);
        command
    }

    /// pip, for packages of the registry.
    pub(crate) fn pip(&self) -> Command {
        let mut command = self.interpreter.command();
        if let Some(pip) = self.interpreter.wheel() {
            command.env("PYTHONPATH", pip);
        }
        command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        command.env("PIP_ROOT_USER_ACTION", "ignore");
        command
    }

    /// A program that comes with a package.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.packages.join(below)
    }
}

impl Interpreter {
    fn find() -> Result<Self, String> {
        if debian::is_here() {
            return Tree::find(PYTHON).map(Interpreter::Debian);
        }
        let mut version = Interpreter::Machine.command();
        let output = version.arg("--version").stderr(Stdio::null()).output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        let found = String::from_utf8_lossy(&output).into_owned();
        Version::AtLeast("3.9").check("python3", printed(&found))?;
        Ok(Interpreter::Machine)
    }

    fn command(&self) -> Command {
        let mut command = match self {
            Interpreter::Debian(tree) => tree.command("usr/bin/python3.11"),
            Interpreter::Machine => Command::new("python3"),
        };
        command.env_remove("PYTHONHOME").env("PYTHONNOUSERSITE", "1");
        // Else the checks would leave files beside the scripts.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// The wheel of pip, if it is one.
    fn wheel(&self) -> Option<PathBuf> {
        let Interpreter::Debian(tree) = self else {
            return None;
        };
        let wheels = fs::read_dir(tree.path(WHEELS)).into_iter().flatten().flatten();
        let mut wheels = wheels.map(|entry| entry.path());
        wheels.find(|wheel| wheel.to_string_lossy().contains("/pip-"))
    }
}
