//! Checks that tools have the required version, whatever is installed on the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::debian::is_debian;
use crate::NotPassed;
use crate::files::{at, create_folder, empty_folder, scratch, write};
use crate::process::all_output;

/// A package list of apt that contains an old version.
const OLD_LIST: &str = "\
Package: upx-ucl
Version: 3.96-3
Architecture: amd64
Maintainer: Nobody <nobody@example.org>
Filename: pool/main/u/upx-ucl/upx-ucl_3.96-3_amd64.deb
Size: 1
Description: an old version
";

/// A program of another version.
const SHELL_SCRIPT: &str = "#!/bin/sh\necho upx 3.96\n";

/// Fetches small tools into an empty cache, and into caches with other versions.
pub fn check() -> Result<(), NotPassed> {
    if !is_debian() {
        return Err(NotPassed::NotRun("this is not Debian".to_owned()));
    }
    let machine = OldMachine::new(&empty_folder(scratch("tools-check"))?)?;
    machine.check_list()?;

    let output = machine.fetch("upx-ucl")?;
    expect(&output, "fetching Debian's lists of packages")?;
    expect(&output, "upx-ucl: 4.2 or newer")?;
    if machine.fetch("upx-ucl")?.contains("fetching") {
        return Err("a tool of the right version was fetched again".to_owned().into());
    }

    // Replaces a program by one of another version.
    let program = machine.cache.join("debian/upx/root/usr/bin/upx-ucl");
    write(&program, SHELL_SCRIPT)?;
    let output = machine.fetch("upx-ucl")?;
    expect(&output, "upx-ucl: version 4.2 or newer is needed, 3.96 was found")?;
    if fs::read(&program).map_err(at(&program))? == SHELL_SCRIPT.as_bytes() {
        return Err(format!("{} was not replaced", program.display()).into());
    }

    // Replaces the recorded version of a package without a program.
    machine.fetch("mingw-w64-tools")?;
    let list = machine.cache.join("debian/genpeimg/packages.txt");
    write(&list, "mingw-w64-tools 9.0.0-1\n")?;
    let output = machine.fetch("mingw-w64-tools")?;
    expect(&output, "mingw-w64-tools: version 10.0 or newer is needed, 9.0.0 was found")?;
    println!("old package list, other program, other package: the right version was fetched");
    Ok(())
}

/// A machine with old package lists and an empty cache.
struct OldMachine {
    cache: PathBuf,
    /// The path of apt's configuration.
    apt: PathBuf,
}

impl OldMachine {
    fn new(folder: &Path) -> Result<Self, String> {
        let [lists, local, sources, apt] =
            ["lists", "local", "sources.list", "apt.conf"].map(|name| folder.join(name));
        create_folder(lists.join("partial"))?;
        write(&local.join("Packages"), OLD_LIST)?;
        write(&sources, format!("deb [trusted=yes] file:{} ./\n", local.display()))?;
        let configuration = format!(
            "Dir::State::lists \"{}\";\nDir::State::status \"/dev/null\";\nDir::Etc::sourcelist \"{}\";\nAPT::Sandbox::User \"root\";\n",
            lists.display(),
            sources.display()
        );
        write(&apt, configuration)?;
        // Excludes the machine's archives, so that apt knows only the old list.
        let mut update = Command::new("apt-get");
        update.args(["-qq", "--option", "Dir::Etc::sourceparts=/dev/null", "update"]);
        all_output(update.env("APT_CONFIG", &apt))?;
        Ok(OldMachine { cache: folder.join("cache"), apt })
    }

    /// Checks that apt uses the old list.
    fn check_list(&self) -> Result<(), String> {
        let mut policy = Command::new("apt-cache");
        policy.args(["policy", "upx-ucl"]).env("APT_CONFIG", &self.apt);
        expect(&all_output(&mut policy)?, "Candidate: 3.96-3")
    }

    /// Runs `cargo xtask tools` on this machine.
    fn fetch(&self, name: &str) -> Result<String, String> {
        let xtask = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut tools = Command::new(xtask);
        tools.args(["tools", name]).stdin(Stdio::null());
        all_output(tools.env("NETSWAP_CACHE", &self.cache).env("APT_CONFIG", &self.apt))
    }
}

fn expect(output: &str, part: &str) -> Result<(), String> {
    ensure!(output.contains(part), "the output lacks `{part}`:\n{output}");
    Ok(())
}
