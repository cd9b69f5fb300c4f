//! Wine, which runs Windows programs here. It has its own prefix, and a folder serves as the share.

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
    /// Creates the prefix with this name. Replaces an existing one.
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
        // Wine's own libraries need this one from another package, and look for it in this folder.
        let zlib = debian.tree.path("usr/x86_64-w64-mingw32/lib/zlib1.dll");
        fs::copy(zlib, system.join("zlib1.dll")).map_err(|error| error.to_string())?;
        // Without this, the server ends and starts again between two programs.
        check(wine.server().arg("--persistent"))?;
        // wineboot complains about the missing 32-bit half, which is no failure. The check of the
        // folder decides.
        let mut boot = wine.program("wineboot");
        let _ = boot.arg("--init").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !system.join("kernel32.dll").exists() {
            return Err("wineboot made no prefix".to_owned());
        }
        let mut gcc = debian.gcc();
        gcc.args(["-O1", "-shared", "-o"]).arg(system.join("bcryptprimitives.dll"));
        check(gcc.arg(root().join("lab/windows/bcryptprimitives.c")).arg("-ladvapi32"))?;
        wine.compile("run")?;
        fs::create_dir_all(wine.share()).map_err(|error| error.to_string())?;
        let mut link = Command::new("ln");
        link.args(["-s", "unc/fileserver/tools", "t:"]).current_dir(wine.prefix.join("dosdevices"));
        check(&mut link)?;
        Ok(wine)
    }

    /// Puts the server where Wine looks for it. The package has a script there, which looks in the
    /// folder of an installed Wine.
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

    /// Returns Wine's version.
    pub(crate) fn version(&self) -> String {
        self.debian.tree.version(PROGRAM).unwrap_or_default()
    }

    /// Returns the folder that serves as the share.
    pub(crate) fn share(&self) -> PathBuf {
        self.prefix.join("dosdevices/unc/fileserver/tools")
    }

    /// Returns the folder that serves as drive `C:`.
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

/// Returns a path below the drive or the share in the form for Windows programs.
pub(crate) fn windows(root: &str, below: &Path) -> String {
    format!("{root}\\{}", below.to_string_lossy().replace('/', "\\"))
}
