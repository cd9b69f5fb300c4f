//! Debian's packages for Windows builds: Rust with the source of its library, compilers, linkers,
//! and libraries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::gcc::{GCC, GCC_ANYWHERE, write_gcc};
use super::std_targets::{GNU, GNULLVM, MSVC, cargo_variable};
use super::target_dir;
use crate::env::variable;
use crate::files::{at, cache, create_folder, lock_cache, root, write};
use crate::process::{check, output};
use crate::tools::{Tree, WINDOWS};

/// The programs that the tests run.
const CARGO: &str = "usr/bin/cargo";
const RUSTC: &str = "usr/bin/rustc";
const LLD_LINK: &str = "usr/bin/lld-link-19";
const LLD: &str = "usr/bin/ld.lld-19";
const CLANG: &str = "usr/bin/clang-19";
const LD: &str = "usr/bin/x86_64-w64-mingw32-ld";
const LD_32: &str = "usr/bin/i686-w64-mingw32-ld";

/// The names that these programs have on other systems, and the arguments that each script adds.
///
/// `{usr}` is where clang looks for MinGW. `{gcc}` has a collect2 that runs no installed linker.
const SCRIPTS: [(&str, &str, &str); 9] = [
    ("clang", CLANG, ""),
    ("clang-cl", CLANG, "--driver-mode=cl"),
    ("x86_64-w64-mingw32-clang", CLANG, "--target=x86_64-w64-windows-gnu --sysroot='{usr}'"),
    ("x86_64-w64-mingw32-gcc", GCC_ANYWHERE, "-B'{gcc}'"),
    ("x86_64-w64-mingw32-ld", LD, ""),
    ("i686-w64-mingw32-ld", LD_32, ""),
    ("ld.lld", LLD, ""),
    ("lld-link", LLD_LINK, ""),
    ("llvm-lib", LLD_LINK, "/lib"),
];

const MINGW_LIBRARIES: &str = "usr/x86_64-w64-mingw32/lib";

/// The headers for C and C++ for msvc. MinGW's headers are not meant for that target.
const HEADERS: &str = "netswap-cli/tests/runtime";

/// The import libraries that std and its users name.
const LIBRARIES: [&str; 10] = [
    "advapi32",
    "bcrypt",
    "dbghelp",
    "kernel32",
    "ntdll",
    "synchronization",
    "user32",
    "userenv",
    "ws2_32",
    "ucrt",
];

/// C functions that Rust's functions of the same names call, and that MinGW's import library lacks.
const MATHEMATICS: [&str; 7] = ["ceil", "floor", "fmod", "pow", "powf", "round", "trunc"];

/// Debian's unpacked packages, and files that are derived from them.
pub(crate) struct Debian {
    pub(super) tree: Tree,
    /// The folder of the libraries and scripts that are derived from the packages.
    derived: PathBuf,
}

impl Debian {
    /// Fetches missing packages. `Err` gives the reason if that fails.
    pub(crate) fn find() -> Result<Self, String> {
        let debian = Debian { tree: Tree::find(WINDOWS)?, derived: cache()?.join("windows") };
        // `cargo xtask prepare` may be using the files, so they are written only if necessary.
        let _lock = lock_cache("windows")?;
        let source = debian.source()?;
        let marker = debian.derived.join("source.txt");
        if fs::read_to_string(&marker).ok().as_ref() != Some(&source) {
            debian.write_derived_files()?;
            write(&marker, source)?;
        }
        debian.check_assembler()?;
        Ok(debian)
    }

    /// Returns a command for a binutils program for Windows images.
    pub(super) fn binutils(&self, program: &str) -> Command {
        self.tree.command(&format!("usr/bin/x86_64-w64-mingw32-{program}"))
    }

    /// Returns a command for a C compiler for Windows.
    pub(super) fn gcc(&self) -> Command {
        Command::new(self.script("x86_64-w64-mingw32-gcc"))
    }

    /// Returns the folder of the scripts. Each has the name that its program has on other systems.
    pub(crate) fn scripts(&self) -> PathBuf {
        self.derived.join("bin")
    }

    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.scripts().join(name)
    }

    /// Returns all that the derived files depend on: the packages and this code.
    fn source(&self) -> Result<String, String> {
        let code = [
            include_str!("debian.rs"),
            include_str!("gcc.rs"),
            include_str!("../../windows/start.c"),
        ];
        Ok([self.tree.packages()?, self.tree.path("").display().to_string(), code.concat()]
            .concat())
    }

    /// Checks that gcc runs the assembler of the tree. An installed one can have another version.
    fn check_assembler(&self) -> Result<(), String> {
        let assembler = output(self.gcc().arg("-print-prog-name=as"))?;
        let assembler = Path::new(assembler.trim_end());
        ensure!(
            assembler.starts_with(self.tree.path("")),
            "gcc runs an installed assembler: {}",
            assembler.display()
        );
        Ok(())
    }

    fn write_derived_files(&self) -> Result<(), String> {
        create_folder(self.scripts())?;
        let gcc = self.derived.join("gcc");
        write_gcc(&self.tree, &gcc)?;
        for (name, program, first) in SCRIPTS {
            let first = first.replace("{usr}", &self.tree.path("usr").to_string_lossy());
            let first = first.replace("{gcc}", &gcc.to_string_lossy());
            self.tree.write_script(&self.script(name), program, &first)?;
        }
        for name in LIBRARIES {
            let library = self.tree.path(&format!("{MINGW_LIBRARIES}/lib{name}.a"));
            let copy = self.derived.join(format!("{name}.lib"));
            fs::copy(library, &copy).map_err(at(&copy))?;
        }
        self.build_c_runtime()?;
        let substitutes = create_folder(self.substitutes())?;
        // For gnullvm, std names LLVM's libunwind. GCC's library has the same functions.
        let unwind = output(self.gcc().arg("-print-file-name=libgcc_eh.a"))?;
        let copy = substitutes.join("libunwind.a");
        fs::copy(unwind.trim_end(), &copy).map_err(at(&copy))?;
        // Debian's rustc names this library for GNU targets, and zig does not have it.
        write(&substitutes.join("libssp_nonshared.a"), "!<arch>\n")
    }

    /// Builds the C runtime for msvc, under the names of the DLL and of the static library. It
    /// contains the start-up object, and the functions that every Windows has.
    fn build_c_runtime(&self) -> Result<(), String> {
        let exports: Vec<_> = MATHEMATICS.iter().map(|name| format!("    {name}\n")).collect();
        let definition = format!("LIBRARY ucrtbase.dll\nEXPORTS\n{}", exports.concat());
        write(&self.derived.join("mathematics.def"), definition)?;
        write(&self.derived.join("oldnames.lib"), "!<arch>\n")?;
        let lib = |arguments: &[&str]| {
            let mut lib = Command::new(self.script("llvm-lib"));
            check(lib.args(arguments).current_dir(&self.derived))
        };
        lib(&["/machine:x64", "/def:mathematics.def", "/out:mathematics.lib"])?;
        let mut gcc = self.gcc();
        gcc.args(["-O1", "-Wall", "-Wextra", "-ffreestanding", "-fno-stack-protector", "-c"]);
        gcc.arg("-o").arg(self.derived.join("start.o"));
        check(gcc.arg(root().join("lab/windows/start.c")))?;
        for name in ["msvcrt", "libcmt"] {
            lib(&[&format!("/out:{name}.lib"), "start.o", "ucrt.lib", "mathematics.lib"])?;
        }
        Ok(())
    }

    /// Returns the folder of libraries that MinGW has under other names than builds use.
    pub(super) fn substitutes(&self) -> PathBuf {
        self.derived.join("mingw")
    }

    /// Returns the versions of the tools, and that of the Rust that runs this program.
    pub(super) fn versions(&self) -> Vec<String> {
        let tools = [RUSTC, LLD, CLANG, GCC, LD].map(|program| self.tree.version(program));
        let current = output(Command::new("rustc").arg("--version")).ok();
        let current = current.map(|version| format!("{} and its LLD, without std", version.trim()));
        tools.into_iter().flatten().chain(current).collect()
    }

    /// Returns a Cargo command that builds for the target in the folder with Debian's Rust. Builds
    /// for the host are unchanged.
    pub(super) fn cargo(&self, target: &str, folder: &Path) -> Command {
        let mut cargo = self.tree.command(CARGO);
        cargo.current_dir(folder).env("CARGO_TARGET_DIR", target_dir());
        for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "NETSWAP"]
        {
            cargo.env_remove(name);
        }
        let mut folders = vec![self.scripts(), self.tree.path("usr/bin")];
        folders.extend(std::env::split_paths(&variable("PATH").unwrap_or_default()));
        cargo.env("PATH", std::env::join_paths(folders).unwrap_or_default());
        cargo.env("RUSTC", self.tree.path(RUSTC)).env("RUSTC_BOOTSTRAP", "1");
        // Everything is compiled only once, so incremental data would be useless.
        cargo.env("CARGO_INCREMENTAL", "0");
        let (linker, flags) = match target {
            GNU => ("x86_64-w64-mingw32-gcc", ""),
            GNULLVM => ("x86_64-w64-mingw32-clang", "-Clink-arg=-fuse-ld=lld"),
            _ => {
                cargo.env("LIB", &self.derived);
                ("lld-link", "")
            }
        };
        let flags = format!("-Cpanic=abort -Lnative={} {flags}", self.substitutes().display());
        cargo.env(cargo_variable(target, "LINKER"), self.script(linker));
        cargo.env(cargo_variable(target, "RUSTFLAGS"), flags);
        let compiler = if target == MSVC { "clang-cl" } else { "x86_64-w64-mingw32-clang" };
        set_cc_compiler(&mut cargo, target, compiler, &self.script(compiler));
        cargo
    }
}

/// Sets the crate cc's compiler for C and C++, which `script` runs, and its linker LLD.
pub(super) fn set_cc_compiler(cargo: &mut Command, target: &str, compiler: &str, script: &Path) {
    let include = if compiler == "clang-cl" { "-imsvc" } else { "-isystem" };
    let headers = root().join(HEADERS);
    let flags = match target {
        MSVC => format!("-fuse-ld=lld {include} {}", headers.display()),
        _ => "-fuse-ld=lld".to_owned(),
    };
    let archiver = if target == MSVC { "llvm-lib" } else { "x86_64-w64-mingw32-ar" };
    let target = target.replace('-', "_");
    cargo.env(format!("AR_{target}"), archiver);
    for name in ["CC", "CXX"] {
        cargo.env(format!("{name}_{target}"), script);
        cargo.env(format!("{}FLAGS_{target}", name.replace("CC", "C")), &flags);
    }
}
