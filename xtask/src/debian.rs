//! Programs of Debian's packages, unpacked below `target`: nothing is installed.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{cache, check, is_there, output, scratch};

const NO_DEBIAN: &str = "this is no Debian: there is no apt-get";

/// A tree that packages are unpacked into.
pub(crate) struct Unpacked {
    folder: PathBuf,
    /// More options for apt.
    options: Vec<OsString>,
}

impl Unpacked {
    /// The tree of this name, whether or not anything is in it yet.
    pub(crate) fn tree(name: &str) -> Self {
        Unpacked { folder: scratch("debian").join(name), options: Vec::new() }
    }

    /// The tree of this name outside of the repository, kept from run to run.
    pub(crate) fn kept(name: &str) -> Result<Self, String> {
        let folder = cache()?.join("debian").join(name);
        Ok(Unpacked { folder, options: Vec::new() })
    }

    /// The same, fetched from the backports to this machine's Debian, of which it need not know.
    pub(crate) fn with_backports(mut self) -> Result<Self, String> {
        if !is_there("apt-get") {
            return Err(NO_DEBIAN.to_owned());
        }
        let mut targets = Command::new("apt-get");
        targets.args(["indextargets", "--format", "$(REPO_URI) $(CODENAME)"]);
        let targets = output(targets.args(["Created-By: Packages", "Origin: Debian"]))?;
        let mut archives = targets.lines().filter_map(|line| line.split_once(' '));
        let main = archives.find(|(_, suite)| !suite.contains('-'));
        let (uri, suite) = main.ok_or("apt knows no archive of Debian: `apt-get update` first")?;
        let (lists, cache) = (self.folder.join("lists"), self.folder.join("cache"));
        let list = self.folder.join("backports.list");
        let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
        let text = format!("deb [signed-by={keys}] {uri} {suite}-backports main\n");
        let made = fs::create_dir_all(lists.join("partial"))
            .and_then(|()| fs::create_dir_all(cache.join("archives").join("partial")))
            .and_then(|()| fs::write(&list, text));
        made.map_err(|error| format!("{}: {error}", self.folder.display()))?;
        let values = [
            ("Dir::Etc::sourcelist", list.as_path()),
            ("Dir::Etc::sourceparts", Path::new("-")),
            ("Dir::State::lists", &lists),
            ("Dir::Cache", &cache),
        ];
        for (name, value) in values {
            self.options.extend(["--option".into(), format!("{name}={}", value.display()).into()]);
        }
        Ok(self)
    }

    /// A program in it, which finds its libraries there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        command.env("LD_LIBRARY_PATH", self.library_path());
        command
    }

    /// Writes a script that runs a program in it, with these arguments in front of the others.
    pub(crate) fn script(&self, path: &Path, program: &str, first: &str) -> Result<(), String> {
        let text = format!(
            "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' {first} \"$@\"\n",
            self.library_path().to_string_lossy(),
            self.path(program).display()
        );
        fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        check(Command::new("chmod").arg("+x").arg(path))
    }

    /// Where a file of a package lies.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join("root").join(file)
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
            return Err(NO_DEBIAN.to_owned());
        }
        // A machine that never asked has no lists of packages yet, or old ones, and none of the backports.
        if !self.options.is_empty() || self.download(packages).is_err() {
            check(self.apt(&["update"]).stdout(Stdio::null()))?;
            self.download(packages)?;
        }
        let files =
            fs::read_dir(self.folder.join("packages")).map_err(|error| error.to_string())?;
        for file in files {
            let file = file.map_err(|error| error.to_string())?.path();
            check(Command::new("dpkg").arg("-x").arg(&file).arg(self.path("")))?;
            // They are as large as what comes of them.
            fs::remove_file(file).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn download(&self, packages: &[&str]) -> Result<(), String> {
        let folder = self.folder.join("packages");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let mut install = self.apt(&["--simulate", "--no-install-recommends", "install"]);
        let simulated = output(install.args(packages))?;
        let missing = simulated.lines().filter_map(|line| line.strip_prefix("Inst "));
        let mut all: Vec<_> = missing.filter_map(|line| line.split(' ').next()).collect();
        all.extend(packages);
        all.sort_unstable();
        all.dedup();
        let mut download = self.apt(&["download"]);
        check(download.args(all).current_dir(folder).stdout(Stdio::null()))
    }

    fn apt(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        // Root's files are not open to apt's own user, and need not be.
        command.args(["-qq", "--option", "APT::Sandbox::User=root"]);
        command.args(&self.options).args(arguments);
        command
    }
}
