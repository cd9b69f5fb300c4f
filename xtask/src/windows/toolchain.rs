//! A Rust with std for Windows, a linker, and what it links with: what is installed, else Debian's.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::debian::Unpacked;
use crate::process::{cache, cargo, check, output, root, variable};
use crate::verify::has_std;

pub(crate) const TARGET: &str = "x86_64-pc-windows-msvc";

/// One Rust with the source of its library, a linker that is `link`, import libraries, and a C compiler
/// for the start-up object.
const PACKAGES: [&str; 7] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "lld-19",
    "gcc-mingw-w64-x86-64-win32",
    "mingw-w64-x86-64-dev",
    "libz-mingw-w64",
];

/// The programs of these packages that are run here.
const CARGO: &str = "usr/bin/cargo";
const RUSTC: &str = "usr/bin/rustc";
const LINKER: &str = "usr/bin/lld-link-19";
const GCC: &str = "usr/bin/x86_64-w64-mingw32-gcc-win32";

/// The import libraries that std and its users name, and those of MinGW that hold them.
const LIBRARIES: [(&str, &str); 10] = [
    ("advapi32", "advapi32"),
    ("bcrypt", "bcrypt"),
    ("dbghelp", "dbghelp"),
    ("kernel32", "kernel32"),
    ("ntdll", "ntdll"),
    ("synchronization", "synchronization"),
    ("user32", "user32"),
    ("userenv", "userenv"),
    ("ws2_32", "ws2_32"),
    // Not that library's C runtime, but the one that every Windows has.
    ("msvcrt", "ucrt"),
];

/// C functions that Rust's own names ask for and MinGW's import library lacks.
const MATHEMATICS: [&str; 6] = ["ceil", "floor", "fmod", "pow", "round", "trunc"];

/// How Windows programs are built here.
pub(crate) enum Toolchain {
    /// With the Cargo at hand; the libraries lie in these folders, if it does not know itself.
    Installed(Option<OsString>),
    /// With the Rust of Debian's packages.
    Debian(Debian),
}

/// Debian's packages, unpacked, and what was made of them.
pub(crate) struct Debian {
    pub(crate) tree: Unpacked,
    /// Import libraries, and the start-up object.
    libraries: PathBuf,
}

impl Toolchain {
    /// What is installed, else what Debian has. `Err` says why there is neither.
    pub(crate) fn find() -> Result<Self, String> {
        if has_std(TARGET) {
            if cfg!(windows) {
                return Ok(Toolchain::Installed(None));
            }
            if let Some(folders) = xwin() {
                return Ok(Toolchain::Installed(Some(folders)));
            }
        }
        Debian::find().map(Toolchain::Debian)
    }

    /// What is used, for whoever reads the report.
    pub(crate) fn describe(&self) -> String {
        match self {
            Toolchain::Installed(None) => "the installed toolchain".to_owned(),
            Toolchain::Installed(Some(_)) => {
                "the installed standard library, rust-lld and cargo-xwin's Windows SDK".to_owned()
            }
            Toolchain::Debian(debian) => {
                let version = |program| debian.version(program).unwrap_or_default();
                format!("{}, {}, import libraries of MinGW", version(RUSTC), version(LINKER))
            }
        }
    }

    /// Cargo as it builds for Windows. What it builds for the host is built as ever.
    pub(crate) fn cargo(&self, folder: &Path) -> Command {
        let mut command = match self {
            Toolchain::Installed(libraries) => {
                let mut command = cargo(&[]);
                if let Some(libraries) = libraries {
                    command.env("LIB", libraries);
                    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER", "rust-lld");
                }
                command
            }
            Toolchain::Debian(debian) => debian.cargo(),
        };
        command.current_dir(folder);
        command
    }

    /// The arguments of a build for Windows.
    pub(crate) fn arguments(&self) -> &'static [&'static str] {
        match self {
            Toolchain::Installed(_) => &["--target", TARGET],
            Toolchain::Debian(_) => &["--target", TARGET, "-Zbuild-std=std,panic_abort"],
        }
    }
}

/// The folders of the Windows SDK's libraries in the cache of cargo-xwin.
fn xwin() -> Option<OsString> {
    let home = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = home("XWIN_CACHE_DIR")
        .or_else(|| Some(home("XDG_CACHE_HOME")?.join("cargo-xwin")))
        .or_else(|| Some(home("HOME")?.join(".cache").join("cargo-xwin")))?;
    let folders = ["crt/lib/x86_64", "sdk/lib/um/x86_64", "sdk/lib/ucrt/x86_64"]
        .map(|folder| cache.join("xwin").join(folder));
    let are_there = folders.iter().all(|folder| folder.is_dir());
    // The variable's form is that of Windows.
    let folders = folders.map(|folder| folder.to_string_lossy().into_owned());
    are_there.then(|| folders.join(";").into())
}

impl Debian {
    fn find() -> Result<Self, String> {
        let tree = Unpacked::kept("windows")?;
        let debian = Debian { tree, libraries: cache()?.join("windows") };
        if !debian.starts() {
            debian.tree.fetch(&PACKAGES)?;
        }
        if !debian.starts() {
            return Err(format!("not all programs of {} start", PACKAGES.join(", ")));
        }
        debian.make_libraries()?;
        Ok(debian)
    }

    fn starts(&self) -> bool {
        [CARGO, RUSTC, LINKER, GCC].into_iter().all(|program| self.version(program).is_some())
            && self.tree.path("usr/src").is_dir()
    }

    /// The first line of what a program says of its version.
    fn version(&self, program: &str) -> Option<String> {
        let output = self.tree.command(program).arg("--version").stderr(Stdio::null()).output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
    }

    /// A program of binutils for Windows' images.
    pub(crate) fn binutils(&self, program: &str) -> Command {
        self.tree.command(&format!("usr/bin/x86_64-w64-mingw32-{program}"))
    }

    /// The Characteristics of an image as binutils reads them.
    pub(crate) fn characteristics(&self, image: &Path) -> Result<u32, String> {
        let mut objdump = self.binutils("objdump");
        let text = output(objdump.arg("--private-headers").arg(image))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Characteristics 0x"));
        let digits = line.and_then(|line| line.split_whitespace().next());
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        number.ok_or_else(|| format!("objdump tells no Characteristics of {}", image.display()))
    }

    /// A compiler of C for Windows.
    pub(crate) fn gcc(&self) -> Command {
        let mut gcc = self.tree.command(GCC);
        gcc.env("PATH", self.path_variable());
        gcc
    }

    /// Makes the import libraries and the start-up object, which is quicker than to tell whether they
    /// are as they should be.
    fn make_libraries(&self) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.libraries.display());
        fs::create_dir_all(&self.libraries).map_err(failed)?;
        for (name, of_mingw) in LIBRARIES {
            let from = format!("usr/x86_64-w64-mingw32/lib/lib{of_mingw}.a");
            let to = self.libraries.join(format!("{name}.lib"));
            fs::copy(self.tree.path(&from), to).map_err(failed)?;
        }
        let definition = self.libraries.join("mathematics.def");
        let exports: Vec<_> = MATHEMATICS.iter().map(|name| format!("    {name}\n")).collect();
        let text = format!("LIBRARY ucrtbase.dll\nEXPORTS\n{}", exports.concat());
        fs::write(&definition, text).map_err(failed)?;
        let argument = |option: &str, path: &Path| format!("{option}{}", path.display());
        let mut lib = self.tree.command(LINKER);
        lib.args(["/lib", "/machine:x64"]).arg(argument("/def:", &definition));
        check(lib.arg(argument("/out:", &self.libraries.join("mathematics.lib"))))?;
        let mut gcc = self.gcc();
        gcc.args(["-O1", "-Wall", "-Wextra", "-ffreestanding", "-fno-stack-protector", "-c", "-o"]);
        check(gcc.arg(self.start()).arg(root().join("xtask/windows/start.c")))
    }

    fn start(&self) -> PathBuf {
        self.libraries.join("start.o")
    }

    fn path_variable(&self) -> OsString {
        let mut folders = vec![self.tree.path("usr/bin")];
        folders.extend(std::env::split_paths(&variable("PATH").unwrap_or_default()));
        std::env::join_paths(folders).unwrap_or_default()
    }

    fn cargo(&self) -> Command {
        let mut cargo = self.tree.command(CARGO);
        for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "NETSWAP"]
        {
            cargo.env_remove(name);
        }
        let flags = [
            "-Cpanic=abort".to_owned(),
            format!("-Clink-arg={}", self.start().display()),
            "-Clink-arg=mathematics.lib".to_owned(),
        ];
        cargo.env("PATH", self.path_variable()).env("RUSTC", self.tree.path(RUSTC));
        cargo.env("LIB", &self.libraries).env("RUSTC_BOOTSTRAP", "1");
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER", self.tree.path(LINKER));
        cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_RUSTFLAGS", flags.join(" "));
        cargo
    }
}
