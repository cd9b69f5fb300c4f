//! Wine, which runs Windows programs here: a prefix of its own, and a share that is a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::debian::Debian;
use crate::process::{cache, check, root};

const PROGRAM: &str = "usr/lib/wine/wine64";
const SERVER: &str = "usr/lib/wine/wineserver";

/// The share that Windows programs see as `\\\\fileserver\\tools`.
pub(crate) const SHARE: &str = r"\\fileserver\tools";

/// The drive that the share is mapped to.
pub(crate) const MAPPED: &str = "T:";

/// Wine and its prefix.
pub(crate) struct Wine<'a> {
    debian: &'a Debian,
    prefix: PathBuf,
}

impl<'a> Wine<'a> {
    /// Creates the prefix of this name, in place of an older one.
    ///
    /// # Errors
    ///
    /// If Wine creates no prefix, or a program for it does not compile.
    pub(crate) fn start(debian: &'a Debian, name: &str) -> Result<Self, String> {
        let wine = Wine { debian, prefix: cache()?.join("windows").join(name) };
        wine.put_in_place()?;
        let _ = fs::remove_dir_all(&wine.prefix);
        let system = wine.prefix.join("drive_c/windows/system32");
        fs::create_dir_all(&system).map_err(|error| error.to_string())?;
        // A library of another package, which Wine's own need and look for there.
        let zlib = debian.tree.path("usr/x86_64-w64-mingw32/lib/zlib1.dll");
        fs::copy(zlib, system.join("zlib1.dll")).map_err(|error| error.to_string())?;
        // Else it ends, and starts again, between two programs.
        check(wine.server().arg("--persistent"))?;
        // What it says of the missing 32-bit half is no failure; the folder tells.
        let mut boot = wine.program("wineboot");
        let _ = boot.arg("--init").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !system.join("kernel32.dll").exists() {
            return Err("wineboot made no prefix".to_owned());
        }
        let mut gcc = debian.gcc();
        gcc.args(["-O1", "-shared", "-o"]).arg(system.join("bcryptprimitives.dll"));
        check(gcc.arg(root().join("xtask/windows/bcryptprimitives.c")).arg("-ladvapi32"))?;
        wine.compile("run")?;
        fs::create_dir_all(wine.share()).map_err(|error| error.to_string())?;
        let mut link = Command::new("ln");
        link.args(["-s", "unc/fileserver/tools", "t:"]).current_dir(wine.prefix.join("dosdevices"));
        check(&mut link)?;
        Ok(wine)
    }

    /// Puts the server where Wine looks for it: there is a script, which looks where it is installed.
    fn put_in_place(&self) -> Result<(), String> {
        let place = self.debian.tree.path(SERVER);
        let _ = fs::remove_file(&place);
        let server = self.debian.tree.path("usr/lib/wine/wineserver64");
        fs::copy(server, place).map(drop).map_err(|error| error.to_string())
    }

    fn server(&self) -> Command {
        let mut server = self.debian.tree.command(SERVER);
        server.env("WINEPREFIX", &self.prefix).stdout(Stdio::null()).stderr(Stdio::null());
        server
    }

    /// What it says of its version.
    pub(crate) fn version(&self) -> String {
        self.debian.tree.version(PROGRAM).unwrap_or_default()
    }

    /// The folder that the share is.
    pub(crate) fn share(&self) -> PathBuf {
        self.prefix.join("dosdevices/unc/fileserver/tools")
    }

    /// The folder that drive `C:` is.
    pub(crate) fn drive(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    /// Compiles `xtask/windows/NAME.c` to a program on drive `C:`.
    pub(crate) fn compile(&self, name: &str) -> Result<(), String> {
        let mut gcc = self.debian.gcc();
        gcc.args(["-O1", "-Wall", "-Wextra", "-o"])
            .arg(self.drive().join(name).with_extension("exe"));
        check(gcc.arg(root().join("xtask/windows").join(name).with_extension("c")))
    }

    /// A Windows program, by its Windows path.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.program(r"C:\run.exe");
        command.arg(program);
        command
    }

    fn program(&self, program: &str) -> Command {
        let mut command = self.debian.tree.command(PROGRAM);
        command.arg(program).env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all");
        command.env("WINESERVER", self.debian.tree.path(SERVER)).stdin(Stdio::null());
        command.current_dir(self.drive());
        command
    }
}

impl Drop for Wine<'_> {
    /// Its server goes on for a while by itself.
    fn drop(&mut self) {
        let _ = self.server().arg("--kill").status();
    }
}

/// A path below the drive or the share as Windows programs name it.
pub(crate) fn windows(root: &str, below: &Path) -> String {
    format!("{root}\\{}", below.to_string_lossy().replace('/', "\\"))
}
