//! Programs of Debian's packages, unpacked below `target`: nothing is installed.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{cache, check, is_there, output, scratch};

/// The root of a tree that packages were unpacked into.
pub(crate) struct Unpacked(PathBuf);

impl Unpacked {
    /// The tree of this name, whether or not anything is in it yet.
    pub(crate) fn tree(name: &str) -> Self {
        Unpacked(scratch("debian").join(name))
    }

    /// The tree of this name outside of the repository, kept from run to run.
    pub(crate) fn kept(name: &str) -> Result<Self, String> {
        Ok(Unpacked(cache()?.join("debian").join(name)))
    }

    /// A program in it, which finds its libraries there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        command.env("LD_LIBRARY_PATH", self.library_path());
        command
    }

    /// Where a file of a package lies.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join("root").join(file)
    }

    /// The folders of the libraries.
    pub(crate) fn library_path(&self) -> OsString {
        let mut folders = Vec::new();
        for lib in ["lib", "usr/lib"] {
            let entries = fs::read_dir(self.path(lib)).into_iter().flatten().flatten();
            let folder = |path: &PathBuf| path.to_string_lossy().ends_with("-linux-gnu");
            folders.push(self.path(lib));
            folders.extend(entries.map(|entry| entry.path()).filter(folder));
        }
        std::env::join_paths(folders).unwrap_or_default()
    }

    /// Fetches the packages, and those that they need and this machine lacks, and unpacks them.
    pub(crate) fn fetch(&self, packages: &[&str]) -> Result<(), String> {
        if !is_there("apt-get") || !is_there("dpkg") {
            return Err("this is no Debian: there is no apt-get".to_owned());
        }
        // A machine that never asked has no lists of packages yet, or old ones.
        if self.download(packages).is_err() {
            check(Command::new("apt-get").args(["-qq", "update"]).stdout(Stdio::null()))?;
            self.download(packages)?;
        }
        let files = fs::read_dir(self.0.join("packages")).map_err(|error| error.to_string())?;
        for file in files {
            let file = file.map_err(|error| error.to_string())?.path();
            check(Command::new("dpkg").arg("-x").arg(&file).arg(self.path("")))?;
            // They are as large as what comes of them.
            fs::remove_file(file).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn download(&self, packages: &[&str]) -> Result<(), String> {
        let folder = self.0.join("packages");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let mut apt = apt(&["--simulate", "--no-install-recommends", "install"], &folder);
        let simulated = output(apt.args(packages))?;
        let missing = simulated.lines().filter_map(|line| line.strip_prefix("Inst "));
        let mut all: Vec<_> = missing.filter_map(|line| line.split(' ').next()).collect();
        all.extend(packages);
        all.sort_unstable();
        all.dedup();
        check(apt_download(&folder).args(all))
    }
}

fn apt_download(folder: &Path) -> Command {
    let mut command = apt(&["download"], folder);
    command.stdout(Stdio::null());
    command
}

fn apt(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    // Root's files are not open to apt's own user, and need not be.
    command.args(["-qq", "--option", "APT::Sandbox::User=root"]).args(arguments);
    command.current_dir(folder);
    command
}
