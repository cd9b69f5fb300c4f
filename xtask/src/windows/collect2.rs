//! collect2, which gcc runs to link, with another linker configured.
//!
//! Debian's MinGW gcc is configured with `--with-ld=/usr/bin/x86_64-w64-mingw32-ld`. If that file exists,
//! collect2 runs it, whatever `-fuse-ld=` says. Whether it exists depends on what is installed, so the
//! checks use copies of collect2 that have another path there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::{Debian, GCC};
use crate::process::{at, check};
use crate::tools::Tree;

/// The path that Debian's collect2 has in it.
const LINKER: &[u8] = b"/usr/bin/x86_64-w64-mingw32-ld";

const COLLECT2: &str = "usr/lib/gcc/x86_64-w64-mingw32/12-win32/collect2";

/// A linker that does not exist: collect2 then looks for one beside gcc, and `-fuse-ld=` counts.
pub(super) const NO_LINKER: &str = "/nonexistent/ld";

/// Writes a collect2 with this path of the linker into the folder, for gcc's option `-B`.
pub(super) fn write_collect2(tree: &Tree, folder: &Path, linker: &str) -> Result<(), String> {
    let from = tree.path(COLLECT2);
    let mut bytes = fs::read(&from).map_err(at(&from))?;
    let length = LINKER.len();
    let place = bytes.windows(length).position(|window| window == LINKER);
    let field = place.and_then(|place| bytes.get_mut(place..place + length));
    let field = field.filter(|_| linker.len() <= length);
    let field = field.ok_or_else(|| format!("{} has no room for {linker}", from.display()))?;
    field.fill(0);
    for (byte, new) in field.iter_mut().zip(linker.bytes()) {
        *byte = new;
    }
    fs::create_dir_all(folder).map_err(at(folder))?;
    let to = folder.join("collect2");
    let _ = fs::remove_file(&to);
    fs::write(&to, bytes).map_err(at(&to))?;
    check(Command::new("chmod").arg("+x").arg(&to))
}

/// A gcc that is configured with GNU ld, as Debian's is where its packages are installed.
pub(super) struct GccWithLinker {
    /// The script that runs it.
    pub(super) script: PathBuf,
    /// It has GNU ld under a name that is short enough for collect2.
    short: PathBuf,
}

impl GccWithLinker {
    pub(super) fn new(debian: &Debian, folder: &Path) -> Result<Self, String> {
        let folder = folder.join("gcc-with-ld");
        let short = PathBuf::from(format!("/tmp/netswap-{}", std::process::id()));
        fs::create_dir(&short).map_err(at(&short))?;
        let gcc = GccWithLinker { script: folder.join("x86_64-w64-mingw32-gcc"), short };
        let linker = gcc.short.join("ld");
        fs::copy(debian.script("x86_64-w64-mingw32-ld"), &linker).map_err(at(&linker))?;
        write_collect2(&debian.tree, &folder, &linker.to_string_lossy())?;
        debian.tree.script(&gcc.script, GCC, &format!("-B'{}'", folder.display()))?;
        Ok(gcc)
    }
}

impl Drop for GccWithLinker {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.short);
    }
}
