//! Links images without a library, for each target in each way that is available here.

use std::path::PathBuf;
use std::process::Command;

use super::gcc::GccWithLinker;
use super::link_result::{LinkResult, SetBy, characteristics};
use super::std_targets::{GNU, GNULLVM, cargo_variable};
use super::{Evidence, Setup, target_dir};
use crate::files::{create_folder, remove_file, root, write};
use crate::process::{all_output, cargo};
use crate::rustc::hermetic_targets;

pub(super) struct Fixture {
    folder: &'static str,
    package: &'static str,
    image: &'static str,
}

const PROGRAM: Fixture = Fixture { folder: "bin-only", package: "bin-only", image: "bin-only.exe" };
pub(super) const DLL: Fixture =
    Fixture { folder: "cdylib", package: "plug-in", image: "plug_in.dll" };

const AARCH64_GNULLVM: &str = "aarch64-pc-windows-gnullvm";
const I686_GNULLVM: &str = "i686-pc-windows-gnullvm";
const I686_GNU: &str = "i686-pc-windows-gnu";

/// The program that rustc runs as its linker.
#[derive(Clone, Copy)]
enum Linker {
    /// The Rust toolchain's LLD, under its own name.
    RustLld,
    /// A program of Debian's packages, by its name on other systems.
    Debian(&'static str),
    /// netswap-linker, which runs a program of Debian's packages.
    Netswap(&'static str),
}

struct Way {
    targets: &'static [&'static str],
    linker: Linker,
    /// The description of the linker on the page.
    linked_by: &'static str,
    /// The flags for rustc.
    flags: &'static str,
    /// Whether the right argument or program sets the bit.
    expected: fn(&SetBy) -> bool,
}

/// Whether the argument `-Xlink=/swaprun:net` sets the bit.
fn xlink(set_by: &SetBy) -> bool {
    matches!(set_by, SetBy::Argument(argument) if argument.ends_with("-Xlink=/swaprun:net"))
}

const LD_32: &str = "i686-w64-mingw32-ld";
const GCC: &str = "x86_64-w64-mingw32-gcc";
const CLANG: &str = "x86_64-w64-mingw32-clang";

const WAYS: [Way; 8] = [
    Way {
        targets: &[GNULLVM, AARCH64_GNULLVM, I686_GNULLVM],
        linker: Linker::RustLld,
        linked_by: "LLD, called by rustc",
        flags: "",
        expected: xlink,
    },
    Way {
        targets: &[GNULLVM],
        linker: Linker::Debian(CLANG),
        linked_by: "LLD behind clang",
        flags: "-Clink-arg=-fuse-ld=lld -Clink-arg=-nostartfiles",
        expected: xlink,
    },
    // This is the way that the explanation of linker-unsupported recommends.
    Way {
        targets: &[GNU],
        linker: Linker::Debian("clang"),
        linked_by: "LLD behind clang",
        flags: "-Clink-arg=--target=x86_64-w64-windows-gnu -Clink-arg=-fuse-ld=lld -Clink-arg=-nostartfiles",
        expected: xlink,
    },
    Way {
        targets: &[GNU],
        linker: Linker::Debian(GCC),
        linked_by: "LLD behind a gcc without `--with-ld`",
        // gcc looks for LLD in the folder of its own programs. `-B` adds the folder of scripts.
        flags: "-Clink-arg=-fuse-ld=lld -Clink-arg=-B{scripts} -Clink-arg=-nostartfiles",
        expected: xlink,
    },
    Way {
        targets: &[GNU],
        linker: Linker::Debian(GCC),
        linked_by: "GNU ld behind gcc",
        flags: "-Clink-arg=-nostartfiles",
        expected: |set_by| *set_by == SetBy::Nothing,
    },
    Way {
        targets: &[GNU],
        linker: Linker::Netswap(GCC),
        linked_by: "GNU ld behind gcc",
        flags: "-Clink-arg=-nostartfiles",
        expected: |set_by| *set_by == SetBy::Linker,
    },
    Way {
        targets: &[I686_GNU],
        linker: Linker::Debian(LD_32),
        linked_by: "GNU ld, called by rustc",
        flags: "-Clinker-flavor=ld",
        expected: |set_by| *set_by == SetBy::Nothing,
    },
    Way {
        targets: &[I686_GNU],
        linker: Linker::Netswap(LD_32),
        linked_by: "GNU ld, called by rustc",
        flags: "-Clinker-flavor=ld",
        expected: |set_by| *set_by == SetBy::Linker,
    },
];

/// Links for each target of `cargo xtask verify` with rust-lld.
pub(super) fn msvc(_: &Setup<'_>) -> Result<Evidence, String> {
    let mut results = Vec::new();
    for target in hermetic_targets()? {
        let result = link(&PROGRAM, &target, "LLD (lld-link), as rust-lld", &|_| {})?;
        if result.set_by != SetBy::Argument("/SWAPRUN:NET".to_owned()) {
            return Err(format!("{target}: the bit is set by {:?}", result.set_by));
        }
        results.push(result);
    }
    Ok(Evidence::new(format!("{} targets", results.len()), results))
}

/// Links for the MinGW targets in all ways of the table.
pub(super) fn mingw(setup: &Setup<'_>) -> Result<Evidence, String> {
    let empty = empty_mingw()?;
    let mut results = Vec::new();
    for way in &WAYS {
        for target in way.targets {
            let scripts = setup.debian.scripts();
            let flags = way.flags.replace("{scripts}", &scripts.to_string_lossy());
            let flags = format!("-Cpanic=abort -Lnative={} {flags}", empty.display());
            let configure = |cargo: &mut Command| {
                let linker = match way.linker {
                    Linker::RustLld => "rust-lld".into(),
                    Linker::Debian(name) => setup.debian.script(name),
                    Linker::Netswap(name) => {
                        cargo.env("NETSWAP_LINKER", setup.debian.script(name));
                        setup.linker.clone()
                    }
                };
                cargo.env(cargo_variable(target, "LINKER"), linker);
                cargo.env(cargo_variable(target, "RUSTFLAGS"), &flags);
            };
            let result = link(&PROGRAM, target, way.linked_by, &configure)?;
            if !(way.expected)(&result.set_by) {
                let (linked_by, set_by) = (way.linked_by, result.set_by);
                return Err(format!("{target}, {linked_by}: the bit is set by {set_by:?}"));
            }
            results.push(result);
        }
    }
    Ok(Evidence::new(format!("{} ways", results.len()), results))
}

/// Checks that a gcc that is configured with GNU ld ignores `-fuse-ld=lld`. netswap-build can't
/// know that.
pub(super) fn gcc_with_linker(setup: &Setup<'_>) -> Result<Evidence, String> {
    let empty = empty_mingw()?;
    let ld = setup.debian.script("x86_64-w64-mingw32-ld");
    let gcc = GccWithLinker::new(&setup.debian.tree, &ld, &target_dir())?;
    let flags = format!(
        "-Cpanic=abort -Lnative={} -Clink-arg=-fuse-ld=lld -Clink-arg=-B{} -Clink-arg=-nostartfiles",
        empty.display(),
        setup.debian.scripts().display()
    );
    let configure = |cargo: &mut Command| {
        cargo.env(cargo_variable(GNU, "LINKER"), &gcc.script);
        cargo.env(cargo_variable(GNU, "RUSTFLAGS"), &flags);
    };
    match link(&PROGRAM, GNU, "gcc", &configure) {
        Err(log) if log.contains(DISAMBIGUATE) => Ok(format!("`{DISAMBIGUATE}`").into()),
        Err(log) => Err(log),
        Ok(_) => Err("the link does not fail".to_owned()),
    }
}

/// The error of GNU ld for LLD's argument.
const DISAMBIGUATE: &str = "unable to disambiguate: -Xlink=/swaprun:net";

/// Links the fixture with and without the bit. `configure` changes each Cargo command.
pub(super) fn link(
    fixture: &Fixture,
    target: &str,
    linked_by: &'static str,
    configure: &dyn Fn(&mut Command),
) -> Result<LinkResult, String> {
    let fixtures = root().join("fixtures");
    let target_dir = target_dir().join("fixtures");
    let build = |netswap: &str| {
        let mut cargo = cargo(&["build", "--quiet", "--offline", "--target", target]);
        cargo.arg("--config").arg(fixtures.join(".cargo").join("config.toml"));
        cargo.current_dir(fixtures.join(fixture.folder)).env("CARGO_TARGET_DIR", &target_dir);
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "NETSWAP_LINKER"] {
            cargo.env_remove(name);
        }
        configure(&mut cargo);
        let image = target_dir.join(target).join("debug").join(fixture.image);
        // If the build does not write it, the image of an earlier build must not be read.
        remove_file(&image)?;
        all_output(cargo.env("NETSWAP", netswap))?;
        characteristics(&image)
    };
    let (off, on) = (build("off")?, build("net")?);
    let set_by = SetBy::find(fixture.package, &target_dir, target)?;
    let (target, image) = (target.to_owned(), format!("{}, without std", fixture.image));
    LinkResult { target, linked_by, set_by, image, off, on, is_run: false }.checked()
}

/// Creates empty libraries and objects with MinGW's names. The fixtures use nothing of MinGW.
fn empty_mingw() -> Result<PathBuf, String> {
    const LIBRARIES: [&str; 13] = [
        "advapi32", "gcc", "gcc_eh", "kernel32", "mingw32", "mingwex", "moldname", "msvcrt",
        "pthread", "shell32", "ucrt", "unwind", "user32",
    ];
    let folder = create_folder(target_dir().join("empty"))?;
    let write_empty = |name: &str| write(&folder.join(name), "!<arch>\n");
    LIBRARIES.iter().try_for_each(|library| write_empty(&format!("lib{library}.a")))?;
    ["crt2.o", "rsbegin.o", "rsend.o"].into_iter().try_for_each(write_empty)?;
    Ok(folder)
}
