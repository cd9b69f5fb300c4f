//! A DLL that a build script links without Cargo. Real compilers link it with the arguments that
//! netswap-build returns.

use std::fs;
use std::path::Path;

use netswap_build::{BuildEnv, Companion, Error, Outcome, SwapRun};
use tempfile::TempDir;
use testkit::{Run, found_tool, independently_read, rusts_lld};

const MSVC: &str = "x86_64-pc-windows-msvc";
const GNU: &str = "x86_64-pc-windows-gnu";
const GNULLVM: &str = "x86_64-pc-windows-gnullvm";

const BITS: u16 = 0x0c00;

/// A DLL without any library, in a folder of its own.
struct Dll {
    folder: TempDir,
    compiler: cc::Tool,
}

impl Dll {
    /// To be linked by the compiler of this path, as `cc` finds it for the target.
    fn by(compiler: &Path, target: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = "__declspec(dllexport) int answer(void) { return 42; }\n\
             int _DllMainCRTStartup(void *a, unsigned b, void *c) { (void)a; (void)b; (void)c; return 1; }\n";
        fs::write(folder.path().join("helper.c"), source).unwrap();
        let mut build = cc::Build::new();
        build.compiler(compiler).target(target).host("x86_64-unknown-linux-gnu");
        build.opt_level(0).cargo_metadata(false).flag("-fuse-ld=lld");
        for flag in flags {
            build.flag(flag);
        }
        let compiler = build.get_compiler();
        Dll { folder, compiler }
    }

    /// Links it with these arguments in front of the companion's, and those behind.
    fn link(&self, before: &[&str], companion: &Companion, behind: &[&str]) -> Run {
        let mut link = self.compiler.to_command();
        link.arg("helper.c").args(before).args(&companion.arguments).args(behind);
        link.current_dir(self.folder.path());
        // lld-link and ld.lld, by their own names.
        #[expect(clippy::disallowed_methods, reason = "it is set for a child process")]
        let path = std::env::var_os("PATH").unwrap();
        let paths = std::iter::once(rusts_lld()).chain(std::env::split_paths(&path));
        Run::capture(link.env("PATH", std::env::join_paths(paths).unwrap()))
    }

    /// Links it, and returns its Characteristics.
    fn linked(&self, before: &[&str], companion: &Companion, behind: &[&str]) -> u16 {
        let run = self.link(before, companion, behind);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(!run.stderr.contains("swaprun"), "{run:#?}");
        let dll = self.folder.path().join("helper.dll");
        let characteristics = independently_read(&dll);
        assert_ne!(characteristics & 0x2000, 0, "it is no DLL");
        fs::remove_file(dll).unwrap();
        characteristics
    }

    /// Links it with and without the bits.
    fn has_the_bits_unless_switched_off(&self, target: &str, before: &[&str], behind: &[&str]) {
        let with = plan(&self.compiler, target, "").unwrap();
        assert_eq!(with.outcome, Outcome::Emitted);
        assert_eq!(self.linked(before, &with, behind) & BITS, BITS, "{with:?}");

        // The twin: what sets them is the arguments.
        let without = plan(&self.compiler, target, "off").unwrap();
        assert_eq!(without.outcome, Outcome::SwitchedOff);
        assert!(without.arguments.is_empty());
        // Nothing else says `/link` then.
        let link: &[&str] = if self.compiler.is_like_msvc() { &["/link"] } else { &[] };
        let behind = [link, behind].concat();
        assert_eq!(self.linked(before, &without, &behind) & BITS, 0);
    }
}

fn plan(compiler: &cc::Tool, target: &str, netswap: &str) -> Result<Companion, Error> {
    let env = if target == MSVC { "msvc" } else { "gnu" };
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
    let dll = Dll::by(&found_tool("clang-cl"), MSVC, &[]);
    assert!(dll.compiler.is_like_msvc());
    dll.has_the_bits_unless_switched_off(MSVC, &CL, &["/NODEFAULTLIB", ENTRY]);
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn second_link_option_is_rejected() {
    let dll = Dll::by(&found_tool("clang-cl"), MSVC, &[]);
    let companion = plan(&dll.compiler, MSVC, "").unwrap();
    let before = [&CL[..], &["/link", "/NODEFAULTLIB", ENTRY]].concat();
    let run = dll.link(&before, &companion, &[]);
    // An error to LLD 19, a warning to LLD 22.
    assert!(run.stderr.contains("/link"), "{run:#?}");
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn clang_for_msvc_sets_both_bits() {
    let dll = Dll::by(&found_tool("clang"), MSVC, &[]);
    assert!(!dll.compiler.is_like_msvc() && dll.compiler.is_like_clang());
    let entry = format!("-Wl,{ENTRY}");
    let before = ["-shared", "-o", "helper.dll", "-nostdlib", &entry];
    dll.has_the_bits_unless_switched_off(MSVC, &before, &[]);
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn clang_for_mingw_sets_both_bits() {
    let before = ["-shared", "-o", "helper.dll", "-nostdlib", "-Wl,-e,_DllMainCRTStartup"];
    for target in [GNU, GNULLVM] {
        let dll = Dll::by(&found_tool("x86_64-w64-mingw32-clang"), target, &[]);
        dll.has_the_bits_unless_switched_off(target, &before, &[]);
    }
}

#[test]
#[ignore = "needs clang, which `cargo xtask test` fetches"]
fn required_bit_is_an_error_with_gnu_ld() {
    let dll = Dll::by(&found_tool("x86_64-w64-mingw32-clang"), GNU, &["-fuse-ld=bfd"]);
    let error = plan(&dll.compiler, GNU, "").unwrap_err().to_string();
    assert!(error.starts_with("GNU ld (behind the compiler "), "{error}");
}
