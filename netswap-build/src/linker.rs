//! What a linker of each family calls the argument, and which family it is (pure).

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use crate::rustflags::LinkerFlags;
use crate::{BuildEnv, Target};

/// A linker that the caller vouches for, see [`SwapRun::linker`](crate::SwapRun::linker).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Linker {
    /// LLVM's LLD, called directly or by a compiler driver.
    Lld,
    /// GNU ld of binutils.
    GnuLd,
    /// `zig cc`, as cargo-zigbuild sets it up.
    Zig,
}

/// Linkers that share a spelling of the argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// Microsoft's link.exe, and lld-link or rust-lld in its place.
    Msvc,
    /// LLD's MinGW mode behind a compiler driver, clang or gcc.
    LldDriver,
    /// LLD's MinGW mode called directly.
    LldDirect,
    /// GNU ld.
    GnuLd,
    /// `zig cc`.
    Zig,
    /// Some linker for Windows that this version knows nothing of.
    Unknown,
}

/// How a family was worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Basis {
    /// It is the target's usual linker.
    Target,
    /// From the file name of this configured linker (`RUSTC_LINKER` or `-Clinker`).
    Linker(String),
    /// From this setting among the rustflags.
    Rustflags(String),
    /// The build script said so.
    Caller,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Basis::Target => f.write_str("the target's usual linker"),
            Basis::Linker(path) => write!(f, "the configured linker {path}"),
            Basis::Rustflags(flag) => write!(f, "{flag} in the rustflags"),
            Basis::Caller => f.write_str("SwapRun::linker in build.rs"),
        }
    }
}

/// One row for each family: its name in the receipt, its name for people, and the spelling of the
/// network and of the removable bit, if it has any.
///
/// Sources: Microsoft Learn, "/SWAPRUN (Load Linker Output to Swap File)"; LLD's MinGW driver
/// (`lld/MinGW/Options.td`: `-Xlink=`); for the others, no such option in their manuals.
const FAMILIES: [(Family, &str, &str, Option<[&str; 2]>); 6] = [
    (Family::Msvc, "msvc", "link.exe or lld-link", Some(["/SWAPRUN:NET", "/SWAPRUN:CD"])),
    (
        Family::LldDriver,
        "lld-driver",
        "LLD behind a compiler driver",
        Some(["-Wl,-Xlink=/swaprun:net", "-Wl,-Xlink=/swaprun:cd"]),
    ),
    (Family::LldDirect, "lld-direct", "LLD", Some(["-Xlink=/swaprun:net", "-Xlink=/swaprun:cd"])),
    (Family::GnuLd, "gnu-ld", "GNU ld", None),
    (Family::Zig, "zig", "zig cc", None),
    (Family::Unknown, "unknown", "the linker of this target", None),
];

impl Family {
    fn row(self) -> (&'static str, &'static str, Option<[&'static str; 2]>) {
        FAMILIES
            .iter()
            .find(|row| row.0 == self)
            .map_or(("unknown", "this linker", None), |row| (row.1, row.2, row.3))
    }

    /// Its name in the receipt.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Its name in a sentence.
    pub(crate) fn title(self) -> &'static str {
        self.row().1
    }

    /// The arguments that set the network and the removable bit; `None` where the linker has none.
    pub fn arguments(self) -> Option<[&'static str; 2]> {
        self.row().2
    }

    /// Which family links for this target, and how that is known.
    pub(crate) fn of(target: Target, caller: Option<Linker>, env: &BuildEnv) -> (Family, Basis) {
        let flags = LinkerFlags::of(&env.rustflags);
        let program =
            flags.linker.map(OsStr::new).or_else(|| env.linker.as_deref().map(Path::as_os_str));
        let how = Called::of(&stem(program), flags.flavor, target);

        match target {
            // One spelling for all linkers of these targets, so nothing has to be worked out.
            Target::Msvc => return (Family::Msvc, Basis::Target),
            Target::OtherWindows if caller.is_none() => return (Family::Unknown, Basis::Target),
            _ => {}
        }
        if let Some(linker) = caller {
            let family = match linker {
                Linker::Lld if how == Called::Lld => Family::LldDirect,
                Linker::Lld => Family::LldDriver,
                Linker::GnuLd => Family::GnuLd,
                Linker::Zig => Family::Zig,
            };
            return (family, Basis::Caller);
        }

        let by_program = || match (flags.flavor, program) {
            (Some(flavor), _) if how != Called::Zig => {
                Basis::Rustflags(format!("-Clinker-flavor={flavor}"))
            }
            (_, Some(program)) => Basis::Linker(program.to_string_lossy().into_owned()),
            (_, None) => Basis::Target,
        };
        match (how, flags.driven) {
            (Called::Zig, _) => (Family::Zig, by_program()),
            (Called::Lld, _) => (Family::LldDirect, by_program()),
            (Called::LldDriver, _) => (Family::LldDriver, by_program()),
            (Called::Driver, Some(driven)) => {
                let family = if is_lld(driven) { Family::LldDriver } else { Family::GnuLd };
                (family, Basis::Rustflags(format!("-fuse-ld={driven}")))
            }
            (Called::Driver, None) if target == Target::GnuLlvm => {
                (Family::LldDriver, Basis::Target)
            }
            (Called::GnuLd, _) | (Called::Driver, None) => (Family::GnuLd, by_program()),
        }
    }
}

/// What rustc runs to link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    /// A compiler driver, which runs a linker of its choice.
    Driver,
    /// A compiler driver that rustc tells to run LLD.
    LldDriver,
    /// LLD itself.
    Lld,
    /// GNU ld itself.
    GnuLd,
    /// `zig cc`.
    Zig,
}

impl Called {
    /// From the program's file name and `-Clinker-flavor`, in the way that rustc infers a flavor
    /// ([the rustc book](https://doc.rust-lang.org/rustc/codegen-options/index.html#linker-flavor)).
    fn of(stem: &str, flavor: Option<&str>, target: Target) -> Self {
        if stem == "zig" || stem.starts_with("zigcc") || stem.starts_with("zig-") {
            return Called::Zig;
        }
        // LLVM's MinGW toolchain installs LLD under GNU ld's name.
        let bare_ld = if target == Target::GnuLlvm { Called::Lld } else { Called::GnuLd };
        match flavor {
            Some("gnu-lld" | "ld.lld" | "lld") => return Called::Lld,
            Some("gnu-lld-cc") => return Called::LldDriver,
            Some("gnu" | "ld") => return bare_ld,
            _ => {}
        }
        if is_lld(stem) {
            Called::Lld
        } else if stem == "ld" || stem.ends_with("-ld") || stem.ends_with("ld.bfd") {
            bare_ld
        } else {
            Called::Driver
        }
    }
}

/// Whether this names LLD, be it a path, a file name with a version, or the word of `-fuse-ld=`.
fn is_lld(linker: &str) -> bool {
    let stem = stem(Some(OsStr::new(linker)));
    matches!(stem.as_str(), "lld" | "rust-lld" | "ld.lld") || stem.ends_with("-ld.lld")
}

/// A program's file name in lower case, without folder, `.exe` and version: `C:\bin\Ld.lld-19.exe`
/// is `ld.lld`. Both separators count on every host, since a path may come from a configuration
/// that several share.
fn stem(program: Option<&OsStr>) -> String {
    let name = program.unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(name);
    match name.rsplit_once('-') {
        Some((stem, version)) if version.chars().all(|c| c.is_ascii_digit() || c == '.') => stem,
        _ => name,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::for_tests;

    /// The family, for a configured linker and rustflags.
    fn family(env: &str, abi: &str, linker: &str, rustflags: &[&str]) -> Family {
        let mut build = for_tests("x86_64-pc-windows-…", "windows", env, Some(abi));
        build.linker = Some(linker.into()).filter(|_| !linker.is_empty());
        build.rustflags = rustflags.iter().map(|flag| (*flag).into()).collect();
        Family::of(Target::of(&build), None, &build).0
    }

    #[test]
    #[rustfmt::skip]
    fn the_linker_table_read_whole() {
        use Family::{GnuLd, LldDirect, LldDriver, Msvc, Unknown, Zig};
        let lld = &["-Clink-arg=-fuse-ld=lld"][..];
        let table = [
            // env, abi, RUSTC_LINKER, rustflags -> family
            ("msvc", "", "", &[][..], Msvc),
            ("msvc", "", "rust-lld", &[], Msvc),
            ("msvc", "", r"C:\VC\link.exe", lld, Msvc),
            ("gnu", "llvm", "", &[], LldDriver),
            ("gnu", "llvm", "x86_64-w64-mingw32-clang", &[], LldDriver),
            ("gnu", "llvm", "x86_64-w64-mingw32-gcc", &[], LldDriver),
            ("gnu", "llvm", "rust-lld", &[], LldDirect),
            ("gnu", "llvm", "/usr/bin/ld.lld-19", &[], LldDirect),
            ("gnu", "llvm", "x86_64-w64-mingw32-ld", &[], LldDirect),
            ("gnu", "llvm", "clang", &["-Clink-arg=-fuse-ld=bfd"], GnuLd),
            ("gnu", "llvm", "clang", &["-Clinker-flavor=gnu-lld"], LldDirect),
            ("gnu", "", "", &[], GnuLd),
            ("gnu", "", "x86_64-w64-mingw32-gcc", &[], GnuLd),
            ("gnu", "", "x86_64-w64-mingw32-gcc-12", lld, LldDriver),
            ("gnu", "", "", &["-Clink-arg=-fuse-ld=/usr/bin/ld.lld-19"], LldDriver),
            ("gnu", "", "", &["-Clink-arg=-fuse-ld=lld-19"], LldDriver),
            ("gnu", "", "", &["-Clink-arg=--ld-path=/opt/ld.lld"], LldDriver),
            ("gnu", "", "", &["-Clink-arg=-fuse-ld=lld", "-Clink-arg=-fuse-ld=bfd"], GnuLd),
            ("gnu", "", "", &["-Clinker-flavor=gnu-lld-cc"], LldDriver),
            ("gnu", "", "clang", &[], GnuLd),
            ("gnu", "", "rust-lld", &[], LldDirect),
            ("gnu", "", "Rust-LLD.exe", &[], LldDirect),
            ("gnu", "", "gcc", &["-Clinker=rust-lld"], LldDirect),
            ("gnu", "", "ld", lld, GnuLd),
            ("gnu", "", "/cache/zigcc-x86_64-pc-windows-gnu.sh", &[], Zig),
            ("gnu", "", "/cache/zigcc-x86_64-pc-windows-gnu.sh", lld, Zig),
            ("gnu", "", "zig", &[], Zig),
            ("new", "", "", &[], Unknown),
        ];
        for (env, abi, linker, flags, expected) in table {
            assert_eq!(family(env, abi, linker, flags), expected, "{env} {abi} {linker} {flags:?}");
        }
    }

    #[test]
    fn the_caller_decides_which_linker_but_not_how_it_is_called() {
        let mut build = for_tests("x86_64-pc-windows-gnu", "windows", "gnu", Some(""));
        let lld = |build: &BuildEnv| Family::of(Target::Gnu, Some(Linker::Lld), build);
        assert_eq!(lld(&build), (Family::LldDriver, Basis::Caller));
        build.linker = Some("rust-lld".into());
        assert_eq!(lld(&build), (Family::LldDirect, Basis::Caller));
        let zig = Family::of(Target::GnuLlvm, Some(Linker::Zig), &build);
        assert_eq!(zig, (Family::Zig, Basis::Caller));
    }

    #[test]
    fn the_basis_names_what_decided() {
        let mut build = for_tests("x86_64-pc-windows-gnu", "windows", "gnu", Some(""));
        let basis = |build: &BuildEnv| Family::of(Target::Gnu, None, build).1.to_string();
        assert_eq!(basis(&build), "the target's usual linker");
        build.linker = Some("/usr/bin/x86_64-w64-mingw32-gcc".into());
        assert_eq!(basis(&build), "the configured linker /usr/bin/x86_64-w64-mingw32-gcc");
        build.rustflags = vec!["-Clink-arg=-fuse-ld=lld".into()];
        assert_eq!(basis(&build), "-fuse-ld=lld in the rustflags");
    }

    #[test]
    fn each_family_stands_in_the_table_once() {
        for (family, name, ..) in FAMILIES {
            assert_eq!(family.name(), name);
            assert_eq!(FAMILIES.iter().filter(|row| row.1 == name).count(), 1);
        }
    }
}
