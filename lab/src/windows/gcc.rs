//! Copies of Debian's MinGW gcc that run no installed assembler or linker.
//!
//! Debian configures gcc with `--with-as=/usr/bin/x86_64-w64-mingw32-as` and
//! `--with-ld=/usr/bin/x86_64-w64-mingw32-ld`. If these files exist, gcc and its linker driver
//! collect2 run them and ignore `-fuse-ld=`. They exist only where the packages are installed, so
//! the checks replace both paths.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{at, create_folder};
use crate::tools::Tree;

/// The paths that are compiled into gcc and collect2.
const ASSEMBLER: &str = "/usr/bin/x86_64-w64-mingw32-as";
const LINKER: &str = "/usr/bin/x86_64-w64-mingw32-ld";

const COLLECT2: &str = "usr/lib/gcc/x86_64-w64-mingw32/12-win32/collect2";

pub(super) const GCC: &str = "usr/bin/x86_64-w64-mingw32-gcc-win32";

/// The copy of gcc, in the same folder: gcc finds its parts relative to itself.
pub(super) const GCC_ANYWHERE: &str = "usr/bin/x86_64-w64-mingw32-gcc-anywhere";

/// A path without a program. gcc and collect2 then search their own folders and obey `-fuse-ld=`.
const NONE: &str = "/nonexistent";

/// Writes a copy of gcc into the tree, and one of collect2 into the folder for `-B`.
pub(super) fn write_gcc(tree: &Tree, folder: &Path) -> Result<(), String> {
    copy_with_path(&tree.path(GCC), ASSEMBLER, NONE, &tree.path(GCC_ANYWHERE))?;
    write_collect2(tree, folder, NONE)
}

/// Writes into the folder a copy of collect2 that runs this linker.
fn write_collect2(tree: &Tree, folder: &Path, linker: &str) -> Result<(), String> {
    let folder = create_folder(folder.to_owned())?;
    copy_with_path(&tree.path(COLLECT2), LINKER, linker, &folder.join("collect2"))
}

/// Writes a copy of a program in which a path is replaced. The new path must not be longer.
fn copy_with_path(from: &Path, old: &str, new: &str, to: &Path) -> Result<(), String> {
    let mut bytes = fs::read(from).map_err(at(from))?;
    // The final zero byte is part of the search: gcc's configure command has the path, too.
    let old = [old.as_bytes(), b"\0"].concat();
    let start = bytes.windows(old.len()).position(|window| window == old);
    let field = start.and_then(|start| bytes.get_mut(start..start + old.len()));
    let field = field.filter(|_| new.len() < old.len());
    let field = field.ok_or_else(|| {
        format!("{} does not contain the path, or {new} is longer", from.display())
    })?;
    field.fill(0);
    for (byte, new) in field.iter_mut().zip(new.bytes()) {
        *byte = new;
    }
    let partial = to.with_extension(std::process::id().to_string());
    fs::write(&partial, bytes).map_err(at(&partial))?;
    let permissions = fs::metadata(from).map_err(at(from))?.permissions();
    let moved = fs::set_permissions(&partial, permissions).and_then(|()| fs::rename(&partial, to));
    moved.map_err(at(to))
}

/// A gcc that is configured with GNU ld, like Debian's when its packages are installed.
pub(super) struct GccWithLinker {
    /// The script that runs it.
    pub(super) script: PathBuf,
    /// A folder that contains GNU ld under a path short enough for collect2.
    short: PathBuf,
}

impl GccWithLinker {
    /// Makes it in a folder. `ld` is a script that runs GNU ld.
    pub(super) fn new(tree: &Tree, ld: &Path, folder: &Path) -> Result<Self, String> {
        let folder = folder.join("gcc-with-ld");
        let short = PathBuf::from(format!("/tmp/netswap-{}", std::process::id()));
        fs::create_dir(&short).map_err(at(&short))?;
        let gcc = GccWithLinker { script: folder.join("x86_64-w64-mingw32-gcc"), short };
        let linker = gcc.short.join("ld");
        fs::copy(ld, &linker).map_err(at(&linker))?;
        write_collect2(tree, &folder, &linker.to_string_lossy())?;
        tree.write_script(&gcc.script, GCC_ANYWHERE, &format!("-B'{}'", folder.display()))?;
        Ok(gcc)
    }
}

impl Drop for GccWithLinker {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.short);
    }
}
