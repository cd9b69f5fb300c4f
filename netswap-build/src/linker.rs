//! The families of linkers, and the argument of each family (pure).

use std::ffi::OsStr;
use std::path::Path;

use crate::rustflags::LinkerFlags;
use crate::target::Target;
use crate::BuildEnv;

/// A linker that the caller names, see [`SwapRun::linker`](crate::SwapRun::linker).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Linker {
    /// LLVM's LLD, called directly or by a compiler driver.
    Lld,
    /// GNU ld of binutils.
    GnuLd,
    /// `zig cc`, as cargo-zigbuild sets it up.
    Zig,
}

/// A family of linkers that share the spelling of the argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Family {
    /// Microsoft's link.exe, and lld-link or rust-lld in its place.
    Msvc,
    /// LLD's MinGW mode behind a compiler driver, clang or gcc.
    LldDriver,
    /// LLD's MinGW mode called directly.
    LldDirect,
    GnuLd,
    Zig,
    /// `netswap-linker`, which runs GNU ld or zig and then sets the bits.
    NetswapLinker,
    /// An unknown linker for Windows.
    Unknown,
}

impl Family {
    /// Returns the name in the receipt.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Family::Msvc => "msvc",
            Family::LldDriver => "lld-driver",
            Family::LldDirect => "lld-direct",
            Family::GnuLd => "gnu-ld",
            Family::Zig => "zig",
            Family::NetswapLinker => "netswap-linker",
            Family::Unknown => "unknown",
        }
    }

    /// Returns the name for a sentence.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Family::GnuLd => "GNU ld",
            Family::Zig => "zig cc",
            _ => "the linker",
        }
    }

    /// Returns the arguments that set the network bit and the bit for removable media. `None` if
    /// the linker has none.
    ///
    /// Sources: Microsoft Learn, "/SWAPRUN (Load Linker Output to Swap File)"; LLD's MinGW driver
    /// (`lld/MinGW/Options.td`: `-Xlink=`). GNU ld's manual has no such option, and `zig cc` refuses
    /// both spellings.
    pub(crate) fn arguments(self) -> Option<[&'static str; 2]> {
        match self {
            Family::Msvc => Some(["/SWAPRUN:NET", "/SWAPRUN:CD"]),
            Family::LldDriver => Some(["-Wl,-Xlink=/swaprun:net", "-Wl,-Xlink=/swaprun:cd"]),
            Family::LldDirect => Some(["-Xlink=/swaprun:net", "-Xlink=/swaprun:cd"]),
            Family::GnuLd | Family::Zig | Family::NetswapLinker | Family::Unknown => None,
        }
    }

    /// Returns the family that links for this target, and a phrase with the reason.
    pub(crate) fn detect(
        target: Target,
        caller: Option<Linker>,
        env: &BuildEnv,
    ) -> (Family, String) {
        const USUAL: &str = "the target's usual linker";
        if let Target::Msvc = target {
            // All linkers of these targets share one spelling.
            return (Family::Msvc, USUAL.to_owned());
        }
        let flags = LinkerFlags::parse(&env.rustflags);
        let program = flags.linker.map(OsStr::new).or(env.linker.as_deref());
        let kind = ProgramKind::infer(program, flags.flavor, target);
        let name = file_name(program.unwrap_or_default());
        let is_netswap_linker = name.starts_with("netswap-linker");
        let gnu_ld = if is_netswap_linker { Family::NetswapLinker } else { Family::GnuLd };

        if let Some(linker) = caller {
            let family = match (linker, kind) {
                (Linker::Lld, ProgramKind::Lld | ProgramKind::GnuLd) => Family::LldDirect,
                (Linker::Lld, _) => Family::LldDriver,
                (Linker::Zig, _) if !is_netswap_linker => Family::Zig,
                (Linker::GnuLd | Linker::Zig, _) => gnu_ld,
            };
            return (family, "SwapRun::linker in build.rs".to_owned());
        }
        let drives_lld = match (kind, flags.driver_linker) {
            (ProgramKind::LldDriver, _) => true,
            (_, Some(driver_linker)) => is_lld(&file_name(OsStr::new(driver_linker))),
            (_, None) => matches!(target, Target::GnuLlvm),
        };
        let family = match (kind, target) {
            (ProgramKind::Zig, _) => Family::Zig,
            (_, Target::OtherWindows) => Family::Unknown,
            (ProgramKind::Lld, _) => Family::LldDirect,
            (ProgramKind::Driver | ProgramKind::LldDriver, _) if drives_lld => Family::LldDriver,
            (ProgramKind::Driver | ProgramKind::LldDriver | ProgramKind::GnuLd, _) => gnu_ld,
        };
        let basis = match (kind, flags.driver_linker, flags.flavor, program) {
            (ProgramKind::Driver, Some(driver_linker), ..) => {
                format!("-fuse-ld={driver_linker} in the rustflags")
            }
            (ProgramKind::Zig, _, _, Some(program)) | (_, _, None, Some(program)) => {
                format!("the configured linker {}", program.to_string_lossy())
            }
            (_, _, Some(flavor), _) => format!("-Clinker-flavor={flavor} in the rustflags"),
            (_, _, None, None) => USUAL.to_owned(),
        };
        (family, basis)
    }
}

/// The kind of program that rustc runs to link.
#[derive(Clone, Copy)]
enum ProgramKind {
    /// A compiler driver, which chooses the linker.
    Driver,
    /// A compiler driver that gets `-fuse-ld=lld` from rustc.
    LldDriver,
    Lld,
    GnuLd,
    Zig,
}

impl ProgramKind {
    /// Returns the kind for a program and a `-Clinker-flavor`, by rustc's rules for inferring a flavor
    /// ([the rustc book](https://doc.rust-lang.org/rustc/codegen-options/index.html#linker-flavor)).
    fn infer(program: Option<&OsStr>, flavor: Option<&str>, target: Target) -> Self {
        let name = file_name(program.unwrap_or_default());
        if is_zig(&name) {
            return ProgramKind::Zig;
        }
        let is_bare_ld = match flavor {
            Some("gnu-lld" | "ld.lld" | "lld") => return ProgramKind::Lld,
            Some("gnu-lld-cc") => return ProgramKind::LldDriver,
            Some("gnu" | "ld") | None if is_lld(&name) => return ProgramKind::Lld,
            Some("gnu" | "ld") => true,
            Some(_) => false,
            None => name == "ld" || name.ends_with("-ld") || name.ends_with("ld.bfd"),
        };
        match (is_bare_ld, target) {
            // LLVM's MinGW toolchain installs LLD under GNU ld's name.
            (true, Target::GnuLlvm) => ProgramKind::Lld,
            (true, _) => ProgramKind::GnuLd,
            (false, _) => ProgramKind::Driver,
        }
    }
}

/// Whether a file name, or the value of `-fuse-ld=`, is LLD's. It may end in a version.
pub(crate) fn is_lld(name: &str) -> bool {
    let starts = |start| name.starts_with(start);
    starts("lld") || starts("ld.lld") || starts("rust-lld") || name.ends_with("-ld.lld")
}

/// Whether a file name is zig's, or that of a wrapper script of cargo-zigbuild.
pub(crate) fn is_zig(name: &str) -> bool {
    name == "zig" || name.starts_with("zigcc") || name.starts_with("zig-")
}

/// Returns a program's file name in lower case, without `.exe`.
pub(crate) fn file_name(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or_default();
    let name = name.to_string_lossy().to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::for_tests;

    fn family(env: &str, abi: &str, linker: &str, rustflags: &[&str]) -> Family {
        let mut build = for_tests("x86_64-pc-windows-…", "windows", env, Some(abi));
        build.linker = Some(linker.into()).filter(|_| !linker.is_empty());
        build.rustflags = rustflags.join("\u{1f}");
        Family::detect(Target::from_env(&build), None, &build).0
    }

    #[test]
    #[rustfmt::skip]
    fn each_linker_has_its_family() {
        use Family::{GnuLd, LldDirect, LldDriver, Msvc, NetswapLinker, Unknown, Zig};
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
            ("gnu", "", "ld.lld", &["-Clinker-flavor=ld"], LldDirect),
            ("gnu", "", "some-ld", &["-Clinker-flavor=ld"], GnuLd),
            ("gnu", "", "x86_64-w64-mingw32-ld.bfd", &[], GnuLd),
            ("gnu", "", "x86_64-w64-mingw32-ld.lld", &[], LldDirect),
            ("gnu", "", "/cache/zigcc-x86_64-pc-windows-gnu.sh", &[], Zig),
            ("gnu", "", "/cache/zigcc-x86_64-pc-windows-gnu.sh", lld, Zig),
            ("gnu", "", "zig", &[], Zig),
            ("gnu", "", "netswap-linker", &[], NetswapLinker),
            ("gnu", "", "/opt/Netswap-Linker.exe", &[], NetswapLinker),
            ("gnu", "", "/opt/netswap-linker-x86_64-pc-windows-gnu", &[], NetswapLinker),
            ("gnu", "", "netswap-linker", &["-Clinker-flavor=ld"], NetswapLinker),
            ("gnu", "", "netswap-linker", lld, LldDriver),
            ("gnu", "", "gcc", &["-Clinker=netswap-linker"], NetswapLinker),
            ("gnu", "llvm", "netswap-linker", &[], LldDriver),
            ("msvc", "", "netswap-linker", &[], Msvc),
            ("new", "", "netswap-linker", &[], Unknown),
            ("new", "", "", &[], Unknown),
        ];
        for (env, abi, linker, flags, expected) in table {
            assert_eq!(family(env, abi, linker, flags), expected, "{env} {abi} {linker} {flags:?}");
        }
    }

    #[test]
    fn caller_sets_the_linker_not_its_invocation() {
        let mut build = for_tests("x86_64-pc-windows-gnu", "windows", "gnu", Some(""));
        let lld = |build: &BuildEnv| Family::detect(Target::Gnu, Some(Linker::Lld), build).0;
        assert_eq!(lld(&build), Family::LldDriver);
        build.linker = Some("rust-lld".into());
        assert_eq!(lld(&build), Family::LldDirect);
        build.linker = Some("x86_64-w64-mingw32-ld".into());
        assert_eq!(lld(&build), Family::LldDirect);
        let zig = Family::detect(Target::GnuLlvm, Some(Linker::Zig), &build);
        assert_eq!(zig, (Family::Zig, "SwapRun::linker in build.rs".to_owned()));
        let new = Family::detect(Target::OtherWindows, Some(Linker::GnuLd), &build).0;
        assert_eq!(new, Family::GnuLd);
        build.linker = Some("netswap-linker".into());
        for linker in [Linker::GnuLd, Linker::Zig] {
            let family = Family::detect(Target::Gnu, Some(linker), &build).0;
            assert_eq!(family, Family::NetswapLinker);
        }
    }

    #[test]
    fn basis_names_the_deciding_setting() {
        let mut build = for_tests("x86_64-pc-windows-gnu", "windows", "gnu", Some(""));
        let basis = |build: &BuildEnv| Family::detect(Target::Gnu, None, build).1;
        assert_eq!(basis(&build), "the target's usual linker");
        build.linker = Some("/usr/bin/x86_64-w64-mingw32-gcc".into());
        assert_eq!(basis(&build), "the configured linker /usr/bin/x86_64-w64-mingw32-gcc");
        build.rustflags = "-Clinker-flavor=gnu-lld-cc".into();
        assert_eq!(basis(&build), "-Clinker-flavor=gnu-lld-cc in the rustflags");
        build.rustflags = "-Clink-arg=-fuse-ld=lld".into();
        assert_eq!(basis(&build), "-fuse-ld=lld in the rustflags");
        build.linker = Some("/cache/zigcc-x86_64.sh".into());
        assert_eq!(basis(&build), "the configured linker /cache/zigcc-x86_64.sh");
    }
}
