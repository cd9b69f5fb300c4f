//! Wine, which runs Windows programs here. It has its own prefix, and a folder serves as the share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::debian::Debian;
use crate::files::{at, cache, create_folder, empty_folder, remove_file, root};
use crate::process::check;

const PROGRAM: &str = "usr/lib/wine/wine64";
const SERVER: &str = "usr/lib/wine/wineserver";

/// The path of the share for Windows programs.
pub(crate) const SHARE: &str = r"\\fileserver\tools";

/// The drive that the share is mapped to.
pub(crate) const MAPPED: &str = "T:";

pub(crate) struct Wine<'a> {
    debian: &'a Debian,
    prefix: PathBuf,
}

impl<'a> Wine<'a> {
    /// Creates the prefix with this name. Replaces an existing one.
    pub(crate) fn start(debian: &'a Debian, name: &str) -> Result<Self, String> {
        let wine = Wine { debian, prefix: cache()?.join("windows").join(name) };
        wine.copy_server()?;
        let prefix = empty_folder(wine.prefix.clone())?;
        let system = create_folder(prefix.join("drive_c/windows/system32"))?;
        // Wine's own libraries need this one from another package, and look for it in this folder.
        let zlib = debian.tree.path("usr/x86_64-w64-mingw32/lib/zlib1.dll");
        fs::copy(&zlib, system.join("zlib1.dll")).map_err(at(&zlib))?;
        // Without this, the server ends and starts again between two programs.
        check(wine.server().arg("--persistent"))?;
        // wineboot fails, but only because the 32-bit part is missing. The system folder decides.
        let mut boot = wine.program("wineboot");
        let _ = boot.arg("--init").stdout(Stdio::null()).stderr(Stdio::null()).status();
        ensure!(system.join("kernel32.dll").exists(), "wineboot created no prefix");
        let mut gcc = debian.gcc();
        gcc.args(["-O1", "-shared", "-o"]).arg(system.join("bcryptprimitives.dll"));
        check(gcc.arg(root().join("lab/windows/bcryptprimitives.c")).arg("-ladvapi32"))?;
        wine.compile("run")?;
        create_folder(wine.share())?;
        let mut link = Command::new("ln");
        link.args(["-s", "unc/fileserver/tools", "t:"]).current_dir(wine.prefix.join("dosdevices"));
        check(&mut link)?;
        Ok(wine)
    }

    /// Copies the server to the path where Wine looks for it. The package has a script there, which
    /// looks in the folder of an installed Wine.
    fn copy_server(&self) -> Result<(), String> {
        let path = self.debian.tree.path(SERVER);
        remove_file(&path)?;
        let server = self.debian.tree.path("usr/lib/wine/wineserver64");
        fs::copy(&server, path).map(drop).map_err(at(&server))
    }

    fn server(&self) -> Command {
        let mut server = self.debian.tree.command(SERVER);
        server.env("WINEPREFIX", &self.prefix).stdout(Stdio::null()).stderr(Stdio::null());
        server
    }

    pub(crate) fn version(&self) -> String {
        self.debian.tree.version(PROGRAM).unwrap_or_default()
    }

    /// Returns the folder that serves as the share.
    pub(crate) fn share(&self) -> PathBuf {
        self.prefix.join("dosdevices/unc/fileserver/tools")
    }

    pub(crate) fn drive(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    /// Compiles `lab/windows/NAME.c` to a program on drive `C:`.
    pub(crate) fn compile(&self, name: &str) -> Result<(), String> {
        let mut gcc = self.debian.gcc();
        gcc.args(["-O1", "-Wall", "-Wextra", "-o"])
            .arg(self.drive().join(name).with_extension("exe"));
        check(gcc.arg(root().join("lab/windows").join(name).with_extension("c")))
    }

    /// Returns a command that runs a Windows program, given its Windows path.
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
    /// Stops the server, which would otherwise run on for a while.
    fn drop(&mut self) {
        let _ = self.server().arg("--kill").status();
    }
}

/// Returns the Windows path of a file below a drive or the share.
pub(crate) fn windows_path(root: &str, below: &Path) -> String {
    format!("{root}\\{}", below.to_string_lossy().replace('/', "\\"))
}
