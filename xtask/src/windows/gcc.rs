//! gcc with another assembler and linker configured.
//!
//! Debian's MinGW gcc is configured with `--with-as=/usr/bin/x86_64-w64-mingw32-as` and a like `--with-ld`. If these
//! files exist, gcc and collect2, which it runs to link, run them, whatever `-fuse-ld=` says. Whether they exist depends
//! on what is installed, so the checks use copies that have other paths there.

use std::fs;
use std::path::{Path, PathBuf};

use super::debian::{Debian, GCC};
use crate::process::at;
use crate::tools::Tree;

/// The paths that Debian's gcc and collect2 have in them.
const ASSEMBLER: &str = "/usr/bin/x86_64-w64-mingw32-as";
const LINKER: &str = "/usr/bin/x86_64-w64-mingw32-ld";

const COLLECT2: &str = "usr/lib/gcc/x86_64-w64-mingw32/12-win32/collect2";

/// gcc without an assembler of its own. It finds its other parts by the folder that it is in.
pub(super) const GCC_ANYWHERE: &str = "usr/bin/x86_64-w64-mingw32-gcc-anywhere";

/// A program that does not exist: gcc and collect2 then look for one beside gcc, and `-fuse-ld=` counts.
const NONE: &str = "/nonexistent";

/// Writes a gcc into the tree, and a collect2 into the folder for gcc's option `-B`, that run nothing installed.
pub(super) fn write_gcc(tree: &Tree, folder: &Path) -> Result<(), String> {
    write_with(&tree.path(GCC), ASSEMBLER, NONE, &tree.path(GCC_ANYWHERE))?;
    write_collect2(tree, folder, NONE)
}

/// Writes a collect2 with this path of the linker into the folder.
fn write_collect2(tree: &Tree, folder: &Path, linker: &str) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    write_with(&tree.path(COLLECT2), LINKER, linker, &folder.join("collect2"))
}

/// Writes a copy of a program in which a path is replaced by one that is not longer.
fn write_with(from: &Path, old: &str, new: &str, to: &Path) -> Result<(), String> {
    let mut bytes = fs::read(from).map_err(at(from))?;
    // Not where it is part of a longer text.
    let old = [old.as_bytes(), b"\0"].concat();
    let place = bytes.windows(old.len()).position(|window| window == old);
    let field = place.and_then(|place| bytes.get_mut(place..place + old.len()));
    let field = field.filter(|_| new.len() < old.len());
    let field = field.ok_or_else(|| format!("{} has no room for {new}", from.display()))?;
    field.fill(0);
    for (byte, new) in field.iter_mut().zip(new.bytes()) {
        *byte = new;
    }
    let partial = to.with_extension(std::process::id().to_string());
    fs::write(&partial, bytes).map_err(at(&partial))?;
    let permissions = fs::metadata(from).map_err(at(from))?.permissions();
    let placed = fs::set_permissions(&partial, permissions).and_then(|()| fs::rename(&partial, to));
    placed.map_err(at(to))
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
        debian.tree.script(&gcc.script, GCC_ANYWHERE, &format!("-B'{}'", folder.display()))?;
        Ok(gcc)
    }
}

impl Drop for GccWithLinker {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.short);
    }
}
