//! Trees of Debian 12 packages, unpacked into the cache. Nothing is installed.
//!
//! The package lists are fetched into the cache too, because those of a machine can be missing or
//! months old. Packages and all their dependencies come from these lists, whatever the machine has.
//! The exceptions are the C library and the compiler, which every machine with Rust has.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::version::{upstream, version_in};
use super::{Source, TOOLS, Tool, Version};
use crate::files::{self, at, cache, create_folder, lock_cache, remove_folder, write};
use crate::process::{check, in_threads, is_installed, output, processors};

/// Debian 12. Its packages also run on newer systems.
const RELEASE: &str = "bookworm";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Packages that are skipped. The system's C library, compiler and package tools must match each
/// other. The rest are large data files that no program here reads.
const SKIPPED: [&str; 16] = [
    "binutils",
    "binutils-x86-64-linux-gnu",
    "cpp",
    "cpp-12",
    "debconf",
    "dpkg",
    "fontconfig-config",
    "fonts-dejavu-core",
    "gcc",
    "gcc-12",
    "iso-codes",
    "libc-dev-bin",
    "libc6",
    "libc6-dev",
    "linux-libc-dev",
    "tar",
];

/// The list of a tree's packages: `lld-19 1:19.1.7-3~deb12u1`. It is written last.
const PACKAGES: &str = "packages.txt";

pub(crate) struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// Returns the tree of this name, with the packages that the table lists for it.
    pub(crate) fn find(name: &'static str) -> Result<Self, String> {
        let tree = Tree { folder: cache()?.join("debian").join(name) };
        let _lock = lock_cache("debian")?;
        let tools: Vec<_> = TOOLS.iter().filter(|tool| tree_of(tool) == Some(name)).collect();
        let Err(why) = tree.check(&tools) else { return Ok(tree) };
        if tree.folder.exists() {
            println!("replacing the tools in {}: {why}", tree.folder.display());
            remove_folder(&tree.folder)?;
        }
        tree.fetch(&tools)?;
        tree.check(&tools)?;
        Ok(tree)
    }

    /// Checks the version of each tool: the one it prints, or else that of its package.
    fn check(&self, tools: &[&Tool]) -> Result<(), String> {
        let text = self.packages()?;
        let packages: BTreeMap<_, _> =
            text.lines().filter_map(|line| line.split_once(' ')).collect();
        for tool in tools {
            let package = packages.get(tool.name).map(|version| upstream(version));
            match tool.source {
                Source::Debian { program: Some(program), .. } if package.is_some() => {
                    let output = self.version(program);
                    tool.version.check(tool.name, output.as_deref().and_then(version_in))?;
                }
                _ => tool.version.check(tool.name, package)?,
            }
        }
        Ok(())
    }

    /// Returns the packages with their versions, as text.
    pub(crate) fn packages(&self) -> Result<String, String> {
        let list = self.folder.join(PACKAGES);
        fs::read_to_string(&list).map_err(at(&list))
    }

    /// Returns the line with the version from what a program prints for `--version`.
    pub(crate) fn version(&self, program: &str) -> Option<String> {
        let output = self.command(program).arg("--version").stderr(Stdio::null()).output();
        let output = output.ok().filter(|output| output.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // LLVM's tools print an address on the first line.
        let mut lines = text.lines().map(str::trim);
        lines.find(|line| version_in(line).is_some()).map(str::to_owned)
    }

    /// Returns a command for a program in the tree. The program finds its libraries there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        command.env("LD_LIBRARY_PATH", self.library_path());
        command
    }

    /// Writes a script that runs a program with the arguments `first` and its own.
    pub(crate) fn write_script(
        &self,
        path: &Path,
        program: &str,
        first: &str,
    ) -> Result<(), String> {
        let (libraries, program) = (self.library_path(), self.path(program));
        let (libraries, program) = (libraries.to_string_lossy(), program.display());
        let command = format!("LD_LIBRARY_PATH='{libraries}' exec '{program}' {first} \"$@\"\n");
        files::write_script(path, &command)
    }

    /// Returns the path of a file in a package.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join("root").join(file)
    }

    /// Returns the folders that contain the libraries.
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

    /// Downloads and unpacks the packages and all their dependencies.
    fn fetch(&self, tools: &[&Tool]) -> Result<(), String> {
        let archive = Archive::find()?;
        let names: Vec<_> = tools.iter().map(|tool| tool.name).collect();
        println!("fetching {} and their dependencies", names.join(", "));
        let packages = archive.closure(tools)?;
        let downloads = create_folder(self.folder.join("downloads"))?;
        let mut download = archive.apt(&["download"]);
        download.args(packages.iter().map(|(name, version)| format!("{name}={version}")));
        check(download.current_dir(&downloads).stdout(Stdio::null()))?;
        self.unpack(&downloads)?;
        // The downloads are as large as the unpacked files.
        remove_folder(&downloads)?;
        let lines: Vec<_> =
            packages.iter().map(|(name, version)| format!("{name} {version}\n")).collect();
        write(&self.folder.join(PACKAGES), lines.concat())
    }

    /// Unpacks all packages in a folder, the largest first, with one thread per processor.
    fn unpack(&self, folder: &Path) -> Result<(), String> {
        let entries = fs::read_dir(folder).map_err(at(folder))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort_by_key(|file| fs::metadata(file).map_or(0, |metadata| metadata.len()));
        let root = create_folder(self.path(""))?;
        in_threads(processors(), files, |file| {
            check(Command::new("dpkg").arg("-x").arg(&file).arg(&root))
        })
    }
}

fn tree_of(tool: &Tool) -> Option<&'static str> {
    match tool.source {
        Source::Debian { tree, .. } => Some(tree),
        _ => None,
    }
}

/// Whether Debian packages can be fetched and unpacked on this machine.
pub(crate) fn is_debian() -> bool {
    is_installed("apt-get") && is_installed("dpkg") && Path::new(KEYRING).exists()
}

/// Debian's archive, with package lists that this process fetched.
struct Archive {
    /// apt's options: they set the folder of the lists and disable the machine's own configuration.
    options: Vec<OsString>,
}

impl Archive {
    fn find() -> Result<&'static Self, String> {
        static ARCHIVE: OnceLock<Result<Archive, String>> = OnceLock::new();
        ARCHIVE.get_or_init(Archive::update).as_ref().map_err(String::clone)
    }

    /// Fetches the lists from the mirror that the machine is configured for.
    fn update() -> Result<Self, String> {
        ensure!(is_debian(), "this is not Debian: apt-get, dpkg or Debian's keyring is missing");
        let folder = cache()?.join("debian").join("archive");
        let mut errors = Vec::new();
        for mirror in mirrors(&folder)? {
            println!("fetching Debian's lists of packages");
            match Archive::new(&folder, &mirror) {
                Ok(archive) => return Ok(archive),
                Err(why) => errors.push(why),
            }
        }
        errors.push(format!("apt's configuration has no Debian mirror with {RELEASE}"));
        Err(errors.join("; "))
    }

    /// Fetches the package lists of one mirror.
    fn new(folder: &Path, (main, security): &Mirror) -> Result<Self, String> {
        for part in ["lists/partial", "cache/archives/partial"] {
            create_folder(folder.join(part))?;
        }
        let write_here = |name: &str, text: &str| {
            let file = folder.join(name);
            write(&file, text).map(|()| file)
        };
        let source =
            |uri: &str, suite: &str| format!("deb [signed-by={KEYRING}] {uri} {suite} main\n");
        let sources = [
            source(main, RELEASE),
            source(main, &format!("{RELEASE}-updates")),
            source(main, &format!("{RELEASE}-backports")),
            source(security, &format!("{RELEASE}-security")),
        ];
        let values = [
            ("Dir::Etc::sourcelist", write_here("sources.list", &sources.concat())?),
            ("Dir::Etc::sourceparts", "/dev/null".into()),
            ("Dir::Etc::preferences", "/dev/null".into()),
            ("Dir::Etc::preferencesparts", "/dev/null".into()),
            ("Dir::State::lists", folder.join("lists")),
            // No package counts as installed.
            ("Dir::State::status", write_here("status", "")?),
            ("Dir::Cache", folder.join("cache")),
            // Some machines disable this cache. Without it, each call reads the lists again.
            ("Dir::Cache::pkgcache", "pkgcache.bin".into()),
            ("Dir::Cache::srcpkgcache", "srcpkgcache.bin".into()),
            ("Acquire::GzipIndexes", "false".into()),
            ("Acquire::Languages", "none".into()),
        ];
        let mut options = Vec::new();
        for (name, value) in values {
            options.extend(["--option".into(), format!("{name}={}", value.display()).into()]);
        }
        let archive = Archive { options };
        check(archive.apt(&["update"]).stdout(Stdio::null()))?;
        let mut targets = archive.apt(&["indextargets", "--format", "$(ORIGIN) $(CODENAME)"]);
        let targets = output(targets.arg("Created-By: Packages"))?;
        let has_release = targets.lines().any(|target| target == format!("Debian {RELEASE}"));
        if has_release { Ok(archive) } else { Err(format!("{main} is not a Debian mirror")) }
    }

    /// Returns the packages and all their dependencies, with their versions.
    fn closure(&self, tools: &[&Tool]) -> Result<BTreeMap<String, String>, String> {
        let mut install = self.apt(&["--simulate", "--no-install-recommends", "install"]);
        // The updates have newer series than the release.
        install.args(tools.iter().map(|tool| match tool.version {
            Version::Series(_) => format!("{}/{RELEASE}", tool.name),
            Version::Exactly(_) | Version::AtLeast(_) => tool.name.to_owned(),
        }));
        let simulated = output(&mut install)?;
        let closure = simulated.lines().filter_map(parse_installed);
        let closure = closure.filter(|(name, _)| !SKIPPED.contains(name));
        Ok(closure.map(|(name, version)| (name.to_owned(), version.to_owned())).collect())
    }

    fn apt(&self, arguments: &[&str]) -> Command {
        let mut command = apt();
        command.arg("-qq").args(&self.options).args(arguments);
        command
    }
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    // apt's own user cannot read root's files, and does not need to.
    command.args(["--option", "APT::Sandbox::User=root"]);
    command
}

/// The addresses of a mirror for Debian's packages and for its security updates.
type Mirror = (String, String);

/// Returns the mirrors in apt's configuration. Needs no package lists.
fn mirrors(folder: &Path) -> Result<Vec<Mirror>, String> {
    let empty = folder.join("empty");
    create_folder(empty.join("partial"))?;
    let mut update = apt();
    update.arg("--option").arg(format!("Dir::State::lists={}", empty.display()));
    Ok(parse_mirrors(&output(update.args(["--print-uris", "update"]))?))
}

/// Reads what `apt-get --print-uris update` prints.
fn parse_mirrors(uris: &str) -> Vec<Mirror> {
    let archives = uris.lines().filter_map(|line| {
        let uri = line.strip_prefix('\'')?.split_once('\'')?.0;
        uri.strip_suffix("/InRelease")?.split_once("/dists/")
    });
    let archives: Vec<_> = archives.collect();
    let security = archives.iter().find(|(_, suite)| suite.ends_with("-security"));
    let mut mirrors = Vec::new();
    for (main, _) in archives.iter().filter(|(_, suite)| !suite.contains(['-', '/'])) {
        // The usual address on mirrors that have both.
        let default = || format!("{main}-security");
        let security = security.map_or_else(default, |(uri, _)| (*uri).to_owned());
        mirrors.push(((*main).to_owned(), security));
    }
    mirrors
}

/// Reads `Inst lld-19 (1:19.1.7-3~deb12u1 Debian:12.15/oldstable [amd64])`.
fn parse_installed(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
    let version = rest.strip_prefix('(')?.split(' ').next()?;
    Some((name, version))
}
