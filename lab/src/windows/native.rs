//! Tests the example with native parts: C++ in the program, and a DLL that its build script links.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::compile_by;
use super::seen::{Seen, SetBy, characteristics};
use super::toolchain::{GNU, GNULLVM, MSVC, XTASK, in_cargo, with_std};
use super::wine::{SHARE, windows};
use super::{Setup, Told, ran, target_dir};
use crate::examples::NATIVE_TOOL;
use crate::process::check;

/// The images of the example. `cargo xtask package` puts them into one folder.
const PROGRAM: &str = "native-tool.exe";
const HELPER: &str = "helper.dll";

/// The targets, and the compiler and linker of the build script's DLL for each.
const WAYS: [(&str, &str, &str); 4] = [
    (MSVC, "clang-cl", "LLD (lld-link) behind clang-cl"),
    (MSVC, "clang", "LLD (lld-link) behind clang"),
    (GNULLVM, "x86_64-w64-mingw32-clang", "LLD behind clang"),
    (GNU, "x86_64-w64-mingw32-clang", "LLD behind clang"),
];

/// Packages and verifies the example with its own xtask, with and without the bit. Runs it from the
/// share, where it finds its helper in its own folder.
pub(super) fn packaged(setup: &Setup<'_>) -> Result<Told, String> {
    let mut seen = Vec::new();
    for (target, compiler, linked_by) in WAYS {
        let log = Log::read(setup, compiler)?;
        let folder = Path::new("native").join(target).join(compiler);
        let (off, _) = package(setup, target, &log, "off", 1, &folder)?;
        let (on, set_by) = package(setup, target, &log, "net", 0, &folder)?;
        runs(setup, &folder)?;
        let (target, linked_by) = (target.to_owned(), linked_by.to_owned());
        let image = format!("{HELPER} of {}", NATIVE_TOOL.name);
        let one = Seen { target, linked_by, set_by, image, off, on, is_run: true };
        one.check()?;
        seen.push(one);
    }
    Ok(Told::new(format!("{PROGRAM} and {HELPER} in {} ways", seen.len()), seen))
}

/// Builds the package and copies it below the share. Returns the helper's Characteristics and what
/// set the bit.
fn package(
    setup: &Setup<'_>,
    target: &str,
    log: &Log,
    netswap: &str,
    code: i32,
    place: &Path,
) -> Result<(u16, SetBy), String> {
    let mut cargo = setup.toolchain.cargo(target, &NATIVE_TOOL.folder());
    compile_by(&mut cargo, target, &log.compiler, &log.script);
    if target == GNU {
        cargo.env(in_cargo(GNU, "LINKER"), &setup.linker);
        cargo.env("NETSWAP_LINKER", setup.debian().script("x86_64-w64-mingw32-gcc"));
    }
    let _ = fs::remove_file(&log.file);
    cargo.args(XTASK).args(["package", "--locked", "--quiet"]).args(with_std(target));
    cargo.env("CARGO_TARGET_DIR", target_dir()).env("NETSWAP", netswap);
    ran(&mut cargo)?.expect(code, &[PROGRAM, HELPER])?;
    let dist = NATIVE_TOOL.folder().join("dist");
    let place = setup.wine.share().join(place);
    fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    for name in [PROGRAM, HELPER] {
        fs::copy(dist.join(name), place.join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok((characteristics(&place.join(HELPER))?, log.set_by()?))
}

/// Runs the program with and without its helper, by its path on the share.
fn runs(setup: &Setup<'_>, folder: &Path) -> Result<(), String> {
    let run = |code, said: &[&str]| {
        let program = windows(SHARE, &folder.join(PROGRAM));
        ran(setup.wine.command(&program).arg("Ada"))?.expect(code, said)
    };
    run(0, &["native-tool, with helper 1\n", "Hello, Ada!\n"])?;
    let helper = setup.wine.share().join(folder).join(HELPER);
    let aside = helper.with_extension("aside");
    let failed = |error: std::io::Error| format!("{}: {error}", helper.display());
    fs::rename(&helper, &aside).map_err(failed)?;
    // The loader ends a program that lacks a DLL. This is the low byte of STATUS_DLL_NOT_FOUND.
    run(0x35, &[])?;
    fs::rename(&aside, &helper).map_err(failed)
}

/// A compiler that logs its arguments.
struct Log {
    compiler: String,
    script: PathBuf,
    file: PathBuf,
}

impl Log {
    fn read(setup: &Setup<'_>, compiler: &str) -> Result<Self, String> {
        let folder = target_dir().join("logged");
        let (script, file) = (folder.join(compiler), folder.join(format!("{compiler}.log")));
        let text = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{}'\nexec '{}' \"$@\"\n",
            file.display(),
            setup.debian().script(compiler).display()
        );
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&script, text));
        written.map_err(|error| format!("{}: {error}", script.display()))?;
        check(Command::new("chmod").arg("+x").arg(&script))?;
        Ok(Log { compiler: compiler.to_owned(), script, file })
    }

    /// Finds the logged argument that sets the bit.
    fn set_by(&self) -> Result<SetBy, String> {
        let log = fs::read_to_string(&self.file)
            .map_err(|error| format!("{}: {error}", self.file.display()))?;
        let mut arguments = log.lines();
        let argument = arguments.find(|line| line.to_lowercase().contains("swaprun"));
        Ok(argument.map_or(SetBy::Nothing, |argument| SetBy::Argument(argument.to_owned())))
    }
}
