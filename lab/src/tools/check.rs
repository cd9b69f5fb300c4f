//! Checks that tools have the required version, whatever is installed on the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::debian::is_here;
use crate::NotPassed;
use crate::process::{at, everything, scratch};

/// A package list as apt has it on a machine whose lists are old.
const OLD_LIST: &str = "\
Package: upx-ucl
Version: 3.96-3
Architecture: amd64
Maintainer: Nobody <nobody@example.org>
Filename: pool/main/u/upx-ucl/upx-ucl_3.96-3_amd64.deb
Size: 1
Description: an old version
";

/// Fetches small tools into an empty cache, and into caches with other versions. `Err` describes
/// the failure.
///
/// # Errors
///
/// Returns an error if a tool of the wrong version is used.
pub fn check() -> Result<(), NotPassed> {
    if !is_here() {
        return Err(NotPassed::NotRun("this is not Debian".to_owned()));
    }
    let folder = scratch("tools-check");
    let _ = fs::remove_dir_all(&folder);
    let machine = OldMachine::new(&folder)?;
    machine.is_old()?;

    let printed = machine.fetch("upx-ucl")?;
    expect(&printed, "fetching Debian's lists of packages")?;
    expect(&printed, "upx-ucl: 4.2 or newer")?;
    if machine.fetch("upx-ucl")?.contains("fetching") {
        return Err("a copy of the right version was fetched again".to_owned().into());
    }

    // A program that has the wrong version.
    let program = machine.cache.join("debian/upx/root/usr/bin/upx-ucl");
    fs::write(&program, "#!/bin/sh\necho upx 3.96\n").map_err(at(&program))?;
    let printed = machine.fetch("upx-ucl")?;
    expect(&printed, "upx-ucl: version 4.2 or newer is needed, 3.96 was found")?;
    expect_no_shell_script(&program)?;

    // A package that has the wrong version, and has no program to print it.
    machine.fetch("mingw-w64-tools")?;
    let list = machine.cache.join("debian/genpeimg/packages.txt");
    fs::write(&list, "mingw-w64-tools 9.0.0-1\n").map_err(at(&list))?;
    let printed = machine.fetch("mingw-w64-tools")?;
    expect(&printed, "mingw-w64-tools: version 10.0 or newer is needed, 9.0.0 was found")?;
    println!("old lists, another program and another package: the right version was fetched");
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
        let lists = folder.join("lists");
        fs::create_dir_all(lists.join("partial")).map_err(at(folder))?;
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(at(&path)).map(|()| path)
        };
        fs::create_dir_all(folder.join("local")).map_err(at(folder))?;
        write("local/Packages", OLD_LIST)?;
        let source = format!("deb [trusted=yes] file:{} ./\n", folder.join("local").display());
        let sources = write("sources.list", &source)?;
        let configuration = format!(
            "Dir::State::lists \"{}\";\nDir::State::status \"/dev/null\";\nDir::Etc::sourcelist \"{}\";\nAPT::Sandbox::User \"root\";\n",
            lists.display(),
            sources.display()
        );
        let apt = write("apt.conf", &configuration)?;
        // Without the lists of the machine's archives, the old list is all that apt knows.
        let mut update = Command::new("apt-get");
        update.args(["-qq", "--option", "Dir::Etc::sourceparts=/dev/null", "update"]);
        everything(update.env("APT_CONFIG", &apt))?;
        Ok(OldMachine { cache: folder.join("cache"), apt })
    }

    /// Checks that apt uses the old list.
    fn is_old(&self) -> Result<(), String> {
        let mut policy = Command::new("apt-cache");
        policy.args(["policy", "upx-ucl"]).env("APT_CONFIG", &self.apt);
        expect(&everything(&mut policy)?, "Candidate: 3.96-3")
    }

    /// Runs `cargo xtask tools` on this machine.
    fn fetch(&self, name: &str) -> Result<String, String> {
        let xtask = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut tools = Command::new(xtask);
        tools.args(["tools", name]).stdin(Stdio::null());
        everything(tools.env("NETSWAP_CACHE", &self.cache).env("APT_CONFIG", &self.apt))
    }
}

fn expect(printed: &str, part: &str) -> Result<(), String> {
    if printed.contains(part) {
        Ok(())
    } else {
        Err(format!("`{part}` was not printed, but:\n{printed}"))
    }
}

fn expect_no_shell_script(program: &Path) -> Result<(), String> {
    let bytes = fs::read(program).map_err(at(program))?;
    if bytes.starts_with(b"#!") {
        Err(format!("{} was not replaced", program.display()))
    } else {
        Ok(())
    }
}
