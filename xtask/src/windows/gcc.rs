//! MinGW's gcc with and without a linker of its own.
//!
//! Debian configures it with `--with-ld=/usr/bin/x86_64-w64-mingw32-ld`. collect2, which gcc runs to
//! link, then ignores `-fuse-ld=lld` if that file exists. Whether it exists depends on what is installed,
//! so links use a collect2 with another path in place of that one.

use std::fs;
use std::path::{Path, PathBuf};

use super::debian::Debian;
use crate::process::{at, check};

/// The path that Debian's collect2 has in it.
const LINKER: &[u8] = b"/usr/bin/x86_64-w64-mingw32-ld";

const COLLECT2: &str = "usr/lib/gcc/x86_64-w64-mingw32/12-win32/collect2";

/// As GNU ld is found where no path is configured, or none that exists.
const NO_LINKER: &str = "/nonexistent/ld";

/// Writes a collect2 for a gcc without a linker of its own. Returns the folder for gcc's option `-B`.
pub(super) fn without_linker(debian: &Debian, folder: &Path) -> Result<PathBuf, String> {
    let folder = folder.join("gcc-without-ld");
    write(debian, &folder, NO_LINKER)?;
    Ok(folder)
}

/// A gcc that is configured with GNU ld, as Debian's is where its packages are installed.
pub(super) struct WithLinker {
    /// For gcc's option `-B`.
    pub(super) folder: PathBuf,
    /// It has GNU ld under a name that is short enough for collect2.
    short: PathBuf,
}

impl WithLinker {
    pub(super) fn new(debian: &Debian, folder: &Path) -> Result<Self, String> {
        let folder = folder.join("gcc-with-ld");
        let short = PathBuf::from(format!("/tmp/netswap-{}", std::process::id()));
        fs::create_dir(&short).map_err(at(&short))?;
        let with_linker = WithLinker { folder, short };
        let linker = with_linker.short.join("ld");
        fs::copy(debian.script("x86_64-w64-mingw32-ld"), &linker).map_err(at(&linker))?;
        write(debian, &with_linker.folder, &linker.to_string_lossy())?;
        Ok(with_linker)
    }
}

impl Drop for WithLinker {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.short);
    }
}

/// Writes a collect2 with this path of the linker into the folder.
fn write(debian: &Debian, folder: &Path, linker: &str) -> Result<(), String> {
    let from = debian.tree.path(COLLECT2);
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
    check(std::process::Command::new("chmod").arg("+x").arg(&to))
}
