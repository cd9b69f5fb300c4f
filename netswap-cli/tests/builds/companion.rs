//! A DLL that a build script links without Cargo. Real compilers link it with the arguments that
//! netswap-build returns.

use std::fs;

use netswap_build::{BuildEnv, Companion, Error, Outcome, SwapRun};
use tempfile::TempDir;
use testkit::image::{CD, NET};
use testkit::{Run, X64, fetched_tool, independently_read};

use crate::empty_mingw::GNU;
use crate::mingw::GNULLVM;
use crate::path_with_lld;

const BITS: u16 = NET | CD;

/// A DLL that needs no library, and the folder in which it is linked.
struct Dll {
    folder: TempDir,
    compiler: cc::Tool,
}

impl Dll {
    /// Writes the source, and configures this compiler for the target and linker with `cc`.
    fn new(compiler: &str, target: &str, linker: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = "__declspec(dllexport) int answer(void) { return 42; }\n\
             int _DllMainCRTStartup(void *a, unsigned b, void *c) { (void)a; (void)b; (void)c; return 1; }\n";
        fs::write(folder.path().join("helper.c"), source).unwrap();
        let mut build = cc::Build::new();
        build.compiler(fetched_tool(compiler)).target(target).host("x86_64-unknown-linux-gnu");
        build.opt_level(0).cargo_metadata(false).flag(format!("-fuse-ld={linker}"));
        Dll { folder, compiler: build.get_compiler() }
    }

    /// Links the DLL with the companion's arguments between these arguments.
    fn link(&self, before: &[&str], companion: &Companion, after: &[&str]) -> Run {
        let mut link = self.compiler.to_command();
        link.arg("helper.c").args(before).args(&companion.arguments).args(after);
        link.current_dir(self.folder.path());
        Run::capture(link.env("PATH", path_with_lld()))
    }

    /// Links the DLL and returns its Characteristics.
    fn characteristics(&self, before: &[&str], companion: &Companion, after: &[&str]) -> u16 {
        let run = self.link(before, companion, after);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(!run.stderr.contains("swaprun"), "{run:#?}");
        let dll = self.folder.path().join("helper.dll");
        let characteristics = independently_read(&dll);
        assert_ne!(characteristics & 0x2000, 0, "it is no DLL");
        fs::remove_file(dll).unwrap();
        characteristics
    }

    /// Checks that the companion's arguments set both bits, and that nothing else does.
    fn check_bits(&self, target: &str, before: &[&str], after: &[&str]) {
        let with = plan(&self.compiler, target, "").unwrap();
        assert_eq!(with.outcome, Outcome::Emitted);
        assert_eq!(self.characteristics(before, &with, after) & BITS, BITS, "{with:?}");

        // Without the companion's arguments, the bits are not set.
        let without = plan(&self.compiler, target, "off").unwrap();
        assert_eq!(without.outcome, Outcome::SwitchedOff);
        assert!(without.arguments.is_empty());
        // The companion's arguments, which are missing here, begin with `/link`.
        let link: &[&str] = if self.compiler.is_like_msvc() { &["/link"] } else { &[] };
        let after = [link, after].concat();
        assert_eq!(self.characteristics(before, &without, &after) & BITS, 0);
    }
}

fn plan(compiler: &cc::Tool, target: &str, netswap: &str) -> Result<Companion, Error> {
    let env = if target == X64 { "msvc" } else { "gnu" };
    let vars = [
        ("CARGO_PKG_NAME", "tool"),
        ("TARGET", target),
        ("OUT_DIR", "out"),
        ("CARGO_CFG_TARGET_OS", "windows"),
        ("CARGO_CFG_TARGET_ENV", env),
        ("CARGO_CFG_TARGET_ABI", if target == GNULLVM { "llvm" } else { "" }),
        ("NETSWAP", netswap),
    ];
    let env =
        BuildEnv::from_vars(|name| vars.iter().find(|var| var.0 == name).map(|var| var.1.into()));
    SwapRun::new().removable(true).required(true).plan_companion(compiler, &env?)
}

const CL: [&str; 2] = ["/LD", "/Fehelper.dll"];
const ENTRY: &str = "/ENTRY:_DllMainCRTStartup";

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn clang_cl_sets_both_bits() {
    let dll = Dll::new("clang-cl", X64, "lld");
    assert!(dll.compiler.is_like_msvc());
    dll.check_bits(X64, &CL, &["/NODEFAULTLIB", ENTRY]);
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn second_link_option_is_rejected() {
    let dll = Dll::new("clang-cl", X64, "lld");
    let companion = plan(&dll.compiler, X64, "").unwrap();
    let before = [&CL[..], &["/link", "/NODEFAULTLIB", ENTRY]].concat();
    let run = dll.link(&before, &companion, &[]);
    // An error in LLD 19, a warning in LLD 22.
    assert!(run.stderr.contains("/link"), "{run:#?}");
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn clang_for_msvc_sets_both_bits() {
    let dll = Dll::new("clang", X64, "lld");
    assert!(!dll.compiler.is_like_msvc() && dll.compiler.is_like_clang());
    let entry = format!("-Wl,{ENTRY}");
    let before = ["-shared", "-o", "helper.dll", "-nostdlib", &entry];
    dll.check_bits(X64, &before, &[]);
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn clang_for_mingw_sets_both_bits() {
    let before = ["-shared", "-o", "helper.dll", "-nostdlib", "-Wl,-e,_DllMainCRTStartup"];
    for target in [GNU, GNULLVM] {
        let dll = Dll::new("x86_64-w64-mingw32-clang", target, "lld");
        dll.check_bits(target, &before, &[]);
    }
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn required_bit_is_an_error_with_gnu_ld() {
    let dll = Dll::new("x86_64-w64-mingw32-clang", GNU, "bfd");
    let error = plan(&dll.compiler, GNU, "").unwrap_err().to_string();
    assert!(error.starts_with("GNU ld (behind the compiler "), "{error}");
}
