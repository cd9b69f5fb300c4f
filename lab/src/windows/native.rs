//! Tests the example with native parts: C++ in the program, and a DLL that its build script links.

use std::fs;
use std::path::{Path, PathBuf};

use super::debian::set_cc_compiler;
use super::link_result::{LinkResult, SetBy, characteristics};
use super::std_targets::{GNU, GNULLVM, MSVC, XTASK, cargo_variable, with_std};
use super::wine::{SHARE, windows_path};
use super::{Evidence, Setup, run_program, target_dir};
use crate::examples::NATIVE_TOOL;
use crate::files::{at, create_folder, remove_file, write_script};

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
pub(super) fn package_and_run(setup: &Setup<'_>) -> Result<Evidence, String> {
    let mut results = Vec::new();
    for (target, compiler, linked_by) in WAYS {
        let log = LoggingCompiler::create(setup, compiler)?;
        let folder = Path::new("native").join(target).join(compiler);
        let (off, _) = package(setup, target, &log, "off", 1, &folder)?;
        let (on, set_by) = package(setup, target, &log, "net", 0, &folder)?;
        run(setup, &folder)?;
        let (target, image) = (target.to_owned(), format!("{HELPER} of {}", NATIVE_TOOL.name));
        let result = LinkResult { target, linked_by, set_by, image, off, on, is_run: true };
        results.push(result.checked()?);
    }
    Ok(Evidence::new(format!("{PROGRAM} and {HELPER} in {} ways", results.len()), results))
}

/// Builds the package and copies it below the share. Returns the helper's Characteristics and what
/// set the bit.
fn package(
    setup: &Setup<'_>,
    target: &str,
    log: &LoggingCompiler,
    netswap: &str,
    code: i32,
    folder: &Path,
) -> Result<(u16, SetBy), String> {
    let mut cargo = setup.debian.cargo(target, &NATIVE_TOOL.folder());
    set_cc_compiler(&mut cargo, target, &log.compiler, &log.script);
    if target == GNU {
        cargo.env(cargo_variable(GNU, "LINKER"), &setup.linker);
        cargo.env("NETSWAP_LINKER", setup.debian.script("x86_64-w64-mingw32-gcc"));
    }
    remove_file(&log.file)?;
    cargo.args(XTASK).args(["package", "--locked", "--quiet"]).args(with_std(target));
    run_program(cargo.env("NETSWAP", netswap))?.expect(code, &[PROGRAM, HELPER])?;
    let dist = NATIVE_TOOL.folder().join("dist");
    let folder = create_folder(setup.wine.share().join(folder))?;
    for name in [PROGRAM, HELPER] {
        fs::copy(dist.join(name), folder.join(name)).map_err(at(&dist.join(name)))?;
    }
    Ok((characteristics(&folder.join(HELPER))?, log.set_by()?))
}

/// Runs the program with and without its helper, by its path on the share.
fn run(setup: &Setup<'_>, folder: &Path) -> Result<(), String> {
    let expect = |code, parts: &[&str]| {
        let program = windows_path(SHARE, &folder.join(PROGRAM));
        run_program(setup.wine.command(&program).arg("Ada"))?.expect(code, parts)
    };
    expect(0, &["native-tool, with helper 1\n", "Hello, Ada!\n"])?;
    let helper = setup.wine.share().join(folder).join(HELPER);
    let aside = helper.with_extension("aside");
    fs::rename(&helper, &aside).map_err(at(&helper))?;
    // The loader ends a program that lacks a DLL. This is the low byte of STATUS_DLL_NOT_FOUND.
    expect(0x35, &[])?;
    fs::rename(&aside, &helper).map_err(at(&helper))
}

/// A compiler that logs its arguments.
struct LoggingCompiler {
    compiler: String,
    script: PathBuf,
    file: PathBuf,
}

impl LoggingCompiler {
    fn create(setup: &Setup<'_>, compiler: &str) -> Result<Self, String> {
        let folder = target_dir().join("logged");
        let (script, file) = (folder.join(compiler), folder.join(format!("{compiler}.log")));
        let commands = format!(
            "printf '%s\\n' \"$@\" >>'{}'\nexec '{}' \"$@\"\n",
            file.display(),
            setup.debian.script(compiler).display()
        );
        write_script(&script, &commands)?;
        Ok(LoggingCompiler { compiler: compiler.to_owned(), script, file })
    }

    /// Finds the logged argument that sets the bit.
    fn set_by(&self) -> Result<SetBy, String> {
        let log = fs::read_to_string(&self.file).map_err(at(&self.file))?;
        let mut arguments = log.lines();
        let argument = arguments.find(|line| line.to_lowercase().contains("swaprun"));
        Ok(argument.map_or(SetBy::Nothing, |argument| SetBy::Argument(argument.to_owned())))
    }
}
