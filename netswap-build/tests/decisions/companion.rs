//! The arguments for a link by the build script itself, for compilers that the crate `cc` finds.

use netswap_build::{Companion, Error, Linker, Outcome, SwapRun};

use crate::{build_env, GNU, LINUX, MSVC, RERUN};

/// Returns a compiler of this name with these flags, as a build script gets it for the target.
fn compiler(program: &str, [target, ..]: [&str; 3], flags: &[&str]) -> cc::Tool {
    let mut build = cc::Build::new();
    build.compiler(program).target(target).host(LINUX[0]).opt_level(0).cargo_metadata(false);
    for flag in flags {
        build.flag(flag);
    }
    build.get_compiler()
}

fn plan(
    wanted: &SwapRun,
    compiler: &cc::Tool,
    target: [&str; 3],
    netswap: &str,
) -> Result<Companion, Error> {
    wanted.plan_companion(compiler, &build_env(target, &[("NETSWAP", netswap)])?)
}

#[cfg(unix)]
#[test]
fn non_windows_target_gets_no_argument() {
    let cc = compiler("cc", LINUX, &[]);
    let wanted = SwapRun::new().removable(true).required(true);
    for target in [LINUX, ["x86_64-unknown-uefi", "uefi", ""], ["x86_64-pc-cygwin", "cygwin", ""]] {
        let companion = plan(&wanted, &cc, target, "nonsense").unwrap();
        assert_eq!(companion.outcome, Outcome::NotWindows, "{target:?}");
        assert!(companion.arguments.is_empty(), "{companion:?}");
        assert_eq!(companion.to_string(), RERUN);
    }
}

#[test]
fn gnu_ld_gets_a_warning_with_alternatives() {
    let gcc = compiler("x86_64-w64-mingw32-gcc", GNU, &[]);
    let companion = plan(&SwapRun::new(), &gcc, GNU, "").unwrap();
    assert_eq!(companion.outcome, Outcome::Unsupported);
    assert!(companion.arguments.is_empty(), "{companion:?}");
    let text = companion.to_string();
    let warning = text.strip_prefix(RERUN).unwrap();
    assert!(warning.starts_with("cargo:warning=netswap-build: GNU ld"), "{text}");
    assert_eq!(warning.lines().count(), 1, "{text}");
    for word in ["mingw32-gcc", "`tool`", GNU[0], "-fuse-ld=lld", "gnullvm", "netswap patch"] {
        assert!(warning.contains(word), "{word} is missing: {text}");
    }

    let error = plan(&SwapRun::new().required(true), &gcc, GNU, "").unwrap_err();
    assert!(warning.contains(&error.to_string()), "{error}\n{warning}");
}

#[test]
fn lld_is_found_in_the_flags_or_set_by_the_caller() {
    let lld = ["-Wl,-Xlink=/swaprun:net"];
    let gcc = compiler("x86_64-w64-mingw32-gcc", GNU, &["-fuse-ld=lld"]);
    let companion = plan(&SwapRun::new().required(true), &gcc, GNU, "").unwrap();
    assert_eq!(companion.arguments, lld);
    assert_eq!(companion.to_string(), RERUN);

    let gcc = compiler("x86_64-w64-mingw32-gcc", GNU, &[]);
    let wanted = SwapRun::new().linker(Linker::Lld).required(true);
    assert_eq!(plan(&wanted, &gcc, GNU, "").unwrap().arguments, lld);
}

#[test]
fn cl_and_clang_cl_get_link_before_the_argument() {
    // These need not exist: cc then decides by the name.
    for program in ["cl.exe", "clang-cl", "/opt/llvm/bin/clang-cl"] {
        let cl = compiler(program, MSVC, &[]);
        let companion = plan(&SwapRun::new(), &cl, MSVC, "").unwrap();
        assert_eq!(companion.arguments, ["/link", "/SWAPRUN:NET"], "{program}");
    }
}

#[test]
fn netswap_variable_overrides_the_code() {
    let cl = compiler("clang-cl", MSVC, &[]);
    let wanted = SwapRun::new().required(true);
    for (value, outcome, expected) in [
        ("off", Outcome::SwitchedOff, &[][..]),
        ("cd", Outcome::Emitted, &["/link", "/SWAPRUN:CD"]),
        ("net,cd", Outcome::Emitted, &["/link", "/SWAPRUN:NET", "/SWAPRUN:CD"]),
    ] {
        let companion = plan(&wanted, &cl, MSVC, value).unwrap();
        assert_eq!(companion.outcome, outcome, "NETSWAP={value}");
        assert_eq!(companion.arguments, expected, "NETSWAP={value}");
    }
    let error = plan(&wanted, &cl, MSVC, "on").unwrap_err().to_string();
    assert!(error.contains("off, net, cd, net,cd"), "{error}");

    let gcc = compiler("x86_64-w64-mingw32-gcc", GNU, &[]);
    let companion = plan(&wanted, &gcc, GNU, "off").unwrap();
    assert_eq!((companion.outcome, &*companion.to_string()), (Outcome::SwitchedOff, RERUN));
}
