//! zig and cargo-zigbuild from their Python packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::Debian;
use crate::files::{cache, root, write_script};
use crate::process::{check, output};
use crate::tools::Python;

pub(super) struct Zig {
    python: Python,
    /// The folder for files that zig and cargo-zigbuild compile once.
    cache: PathBuf,
}

impl Zig {
    /// Fetches zig and cargo-zigbuild. `Err` gives the reason if that fails.
    pub(super) fn find() -> Result<Self, String> {
        Ok(Zig { python: Python::find()?, cache: cache()?.join("zig") })
    }

    fn zig(&self) -> PathBuf {
        self.python.path("ziglang/zig")
    }

    fn cargo_zigbuild(&self) -> PathBuf {
        self.python.path("bin/cargo-zigbuild")
    }

    pub(super) fn versions(&self) -> Result<String, String> {
        let zig = output(Command::new(self.zig()).arg("version"))?;
        let zigbuild = output(Command::new(self.cargo_zigbuild()).arg("--version"))?;
        Ok(format!("zig {}, {}", zig.trim(), zigbuild.trim()))
    }

    /// Sets the variables of a command that contain the paths of zig and of its caches.
    pub(super) fn set_paths(&self, command: &mut Command) {
        command.env("CARGO_ZIGBUILD_ZIG_PATH", self.zig());
        command.env("ZIG_GLOBAL_CACHE_DIR", self.cache.join("cache"));
        command.env("ZIG_LOCAL_CACHE_DIR", self.cache.join("cache"));
        command.env("CARGO_ZIGBUILD_CACHE_DIR", self.cache.join("zigbuild"));
    }

    /// Writes a script that runs the same linker as cargo-zigbuild would.
    pub(super) fn linker(&self, folder: &Path, debian: &Debian) -> Result<PathBuf, String> {
        let path = folder.join("zig-linker");
        let command = format!(
            "exec '{}' zig cc -- -target x86_64-windows-gnu \"$@\" '-L{}'\n",
            self.cargo_zigbuild().display(),
            debian.substitutes().display()
        );
        write_script(&path, &command)?;
        Ok(path)
    }

    /// Links a small program. The first link makes zig compile its C library into the cache.
    pub(super) fn prepare(&self, folder: &Path, debian: &Debian) -> Result<(), String> {
        let mut link = Command::new(self.linker(folder, debian)?);
        self.set_paths(&mut link);
        link.arg(root().join("lab/windows/hold.c")).arg("-lunwind");
        check(link.arg("-o").arg(folder.join("hold.exe")))
    }

    /// Returns a `cargo zigbuild` command with this Cargo command's folder and environment.
    pub(super) fn zigbuild(&self, cargo: &Command) -> Command {
        let mut command = Command::new(self.cargo_zigbuild());
        command.arg("zigbuild").env("CARGO", cargo.get_program());
        for (name, value) in cargo.get_envs().filter(|(name, _)| *name != "CARGO") {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = cargo.get_current_dir() {
            command.current_dir(folder);
        }
        self.set_paths(&mut command);
        command
    }
}
