//! Builds with Cargo, rustc and GNU ld, with and without `netswap-linker` between rustc and GNU ld.

use std::fs;
use std::path::{Path, PathBuf};

use crate::check_stderr;
use crate::empty_mingw::{GNU, gnu_ld, verify, with_empty_mingw};
use testkit::image::{CD, NET, checksum, right_checksum};
use testkit::{Project, Run, fake_linker, fetched_tool, independently_read};

/// The program that runs the real linker and then sets the bit.
pub(crate) const LINKER: &str = env!("CARGO_BIN_EXE_netswap-linker");

/// Returns a fixture that GNU ld links. rustc calls GNU ld, or `netswap-linker` if `is_wrapped`.
fn project(fixture: &str, is_wrapped: bool) -> Project {
    let ld = gnu_ld();
    let linker = if is_wrapped { LINKER } else { &ld };
    with_empty_mingw(fixture, GNU, linker, "-Clinker-flavor=ld").env("NETSWAP_LINKER", &ld)
}

fn built(project: &Project, profile: &str, name: &str) -> PathBuf {
    project.root.join("target").join(GNU).join(profile).join(name)
}

/// Whether the image has the bit. Also checks its checksum.
fn has_bit(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap();
    assert_ne!(checksum(&bytes), 0, "GNU ld writes one");
    assert_eq!(checksum(&bytes), right_checksum(&bytes), "{}", path.display());
    independently_read(path) & NET != 0
}

const BUILD: [&str; 4] = ["build", "--offline", "--target", GNU];

/// Builds a project with these additional arguments, which must succeed.
fn build(project: &Project, arguments: &[&str]) -> Run {
    let run = project.cargo(&[&BUILD[..], arguments].concat());
    assert_eq!(run.code, 0, "{run:#?}");
    run
}

/// Checks that programs and DLLs have the bit if `netswap-linker` wraps the linker.
fn check_wrapped(project: fn(&str, bool) -> Project) {
    for (fixture, name) in [("bin-only", "bin-only.exe"), ("cdylib", "plug_in.dll")] {
        for is_wrapped in [true, false] {
            let project = project(fixture, is_wrapped);
            build(&project, &[]);
            assert_eq!(has_bit(&built(&project, "debug", name)), is_wrapped, "{name}");
        }
    }
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn programs_and_dlls_get_the_bit() {
    check_wrapped(project);
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn stripped_program_keeps_the_bit() {
    for is_wrapped in [true, false] {
        let project = project("bin-only", is_wrapped);
        project.append("Cargo.toml", "\n[profile.release]\nstrip = true\n");
        build(&project, &["--release"]);
        assert_eq!(has_bit(&built(&project, "release", "bin-only.exe")), is_wrapped);
    }
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn each_build_sets_the_bit_again() {
    let project = project("bin-only", true);
    let program = built(&project, "debug", "bin-only.exe");
    for change in ["", "\n// Changed.\n", "\npub extern \"C\" fn more() {}\n"] {
        project.append("src/main.rs", change);
        build(&project, &[]);
        assert!(has_bit(&program), "{change:?}");
    }
    // Cargo does not notice that the image changed after the link.
    let run = build(&project, &["-v"]);
    assert!(run.stderr.contains("Fresh bin-only"), "{run:#?}");
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn many_arguments_come_in_a_response_file() {
    let project = project("bin-only", true);
    let script = "fn main() {
    let folder = \"x\".repeat(200);
    for number in 0..15_000 {
        println!(\"cargo:rustc-link-arg=-L{folder}{number}\");
    }
}
";
    project.write("build.rs", script);
    let log = project.root.join("log");
    let project = project
        .env("NETSWAP_LINKER", fake_linker().to_str().unwrap())
        .env("FAKE_CALLS", &gnu_ld())
        .env("FAKE_LOG", log.to_str().unwrap());
    build(&project, &[]);
    let arguments = fs::read_to_string(log).unwrap();
    assert!(arguments.starts_with("<@") && arguments.lines().count() == 1, "{arguments:.300}");
    assert!(has_bit(&built(&project, "debug", "bin-only.exe")));
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn failed_link_reads_as_without_netswap_linker() {
    let failure = |is_wrapped| {
        let project = project("bin-only", is_wrapped);
        let script = "fn main() { println!(\"cargo:rustc-link-arg=not-there.o\"); }\n";
        project.write("build.rs", script);
        let run = project.cargo(&BUILD);
        assert_eq!(run.code, 101, "{run:#?}");
        assert!(!built(&project, "debug", "bin-only.exe").exists());
        let find = |text: &str| run.stderr.find(text).map(|at| run.stderr[at..].lines().next());
        [find("exit status: "), find("cannot find ")].map(|line| line.flatten().map(str::to_owned))
    };
    let expected = ["exit status: 1", "cannot find not-there.o: No such file or directory"];
    for is_wrapped in [true, false] {
        assert_eq!(failure(is_wrapped), expected.map(|line| Some(line.to_owned())));
    }
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn verify_passes_without_a_build_warning() {
    for is_wrapped in [true, false] {
        let project = project("bin-only", is_wrapped);
        let run = verify(&project, GNU, i32::from(!is_wrapped));
        let row = &run.rows()["bin-only.exe"];
        let is_right = if is_wrapped { row.passed() } else { row.failed("linker-unsupported") };
        assert!(is_right, "{run:#?}");
        let warning = "warning: bin-only@0.1.0: netswap-build: GNU ld";
        assert_eq!(run.stderr.contains(warning), !is_wrapped, "{run:#?}");
    }
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn bit_cleared_after_the_link_is_found() {
    let project = project("bin-only", true);
    build(&project, &[]);
    crate::clear_bit(&built(&project, "debug", "bin-only.exe"));
    let run = verify(&project, GNU, 1);
    assert!(run.rows()["bin-only.exe"].failed("lost-after-link"), "{run:#?}");
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn netswap_variable_sets_both_required_bits() {
    let project = project("both-bits", true);
    let run = project.verify(&["--target", GNU]);
    check_stderr(&run, 2, &["Set NETSWAP=net,cd in the environment of the build"]);
    let project = project.env("NETSWAP", "net,cd");
    let run = verify(&project, GNU, 0);
    assert_eq!(run.rows()["both-bits.exe"].characteristics & (NET | CD), NET | CD);
}

/// Returns a fixture that MinGW's gcc links. rustc calls gcc, or `netswap-linker` if `is_wrapped`.
fn with_gcc(fixture: &str, is_wrapped: bool) -> Project {
    let gcc = fetched_tool("x86_64-w64-mingw32-gcc").into_os_string().into_string().unwrap();
    let linker = if is_wrapped { LINKER } else { &gcc };
    with_empty_mingw(fixture, GNU, linker, "-Clink-arg=-nostartfiles")
        .env("NETSWAP_LINKER_X86_64_PC_WINDOWS_GNU", &gcc)
}

#[test]
#[ignore = "needs MinGW's gcc, which `cargo xtask test` fetches"]
fn gcc_links_programs_and_dlls_with_the_bit() {
    check_wrapped(with_gcc);
}
