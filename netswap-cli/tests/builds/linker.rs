//! Cargo, rustc and GNU ld, with `netswap-linker` between the last two and without it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::empty_mingw::{GNU, gnu_ld, with_empty_mingw};
use testkit::image::{CD, CHARACTERISTICS, NET, checksum, nt, right_checksum};
use testkit::{Project, fake_linker, found_tool, independently_read};

/// The program that runs the real linker and then sets the bit.
pub(crate) const LINKER: &str = env!("CARGO_BIN_EXE_netswap-linker");

/// The fixture linked by GNU ld, which rustc calls directly; by way of this program, or not.
fn project(fixture: &str, by_way_of: bool) -> Project {
    let ld = gnu_ld();
    let project = with_empty_mingw(fixture, GNU, if by_way_of { LINKER } else { &ld });
    let flags = format!("-Cpanic=abort -Clinker-flavor=ld -Lnative={}", project.root.display());
    project.env("RUSTFLAGS", &flags).env("NETSWAP_LINKER", &ld)
}

fn built(project: &Project, profile: &str, name: &str) -> PathBuf {
    project.root.join("target").join(GNU).join(profile).join(name)
}

/// Whether the image has the bit; its checksum must be right.
fn has_bit(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap();
    assert_ne!(checksum(&bytes), 0, "GNU ld writes one");
    assert_eq!(checksum(&bytes), right_checksum(&bytes), "{}", path.display());
    independently_read(path) & NET != 0
}

const BUILD: [&str; 4] = ["build", "--offline", "--target", GNU];

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn programs_and_dlls_get_the_bit() {
    for (fixture, name) in [("bin-only", "bin-only.exe"), ("cdylib", "plug_in.dll")] {
        for by_way_of in [true, false] {
            let project = project(fixture, by_way_of);
            let run = project.cargo(&BUILD);
            assert_eq!(run.code, 0, "{run:#?}");
            assert_eq!(has_bit(&built(&project, "debug", name)), by_way_of, "{name}");
        }
    }
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn stripped_program_keeps_the_bit() {
    for by_way_of in [true, false] {
        let project = project("bin-only", by_way_of);
        project.append("Cargo.toml", "\n[profile.release]\nstrip = true\n");
        let run = project.cargo(&[&BUILD[..], &["--release"]].concat());
        assert_eq!(run.code, 0, "{run:#?}");
        assert_eq!(has_bit(&built(&project, "release", "bin-only.exe")), by_way_of);
    }
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn each_build_sets_the_bit_again() {
    let project = project("bin-only", true);
    let program = built(&project, "debug", "bin-only.exe");
    for change in ["", "\n// Changed.\n", "\npub extern \"C\" fn more() {}\n"] {
        project.append("src/main.rs", change);
        let run = project.cargo(&BUILD);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(has_bit(&program), "{change:?}");
    }
    // Cargo finds nothing to do for what was changed behind its back.
    let run = project.cargo(&[&BUILD[..], &["-v"]].concat());
    assert!(run.stderr.contains("Fresh bin-only"), "{run:#?}");
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn many_arguments_come_in_a_response_file() {
    let project = project("bin-only", true);
    let build = "fn main() {
    let folder = \"x\".repeat(200);
    for number in 0..15_000 {
        println!(\"cargo:rustc-link-arg=-L{folder}{number}\");
    }
}
";
    project.write("build.rs", build);
    let log = project.root.join("log");
    let project = project
        .env("NETSWAP_LINKER", fake_linker().to_str().unwrap())
        .env("FAKE_CALLS", &gnu_ld())
        .env("FAKE_LOG", log.to_str().unwrap());
    let run = project.cargo(&BUILD);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let arguments = fs::read_to_string(log).unwrap();
    assert!(arguments.starts_with("<@") && arguments.lines().count() == 1, "{arguments:.300}");
    assert!(has_bit(&built(&project, "debug", "bin-only.exe")));
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn failed_link_reads_as_without_netswap_linker() {
    let failed = |by_way_of| {
        let project = project("bin-only", by_way_of);
        let script = "fn main() { println!(\"cargo:rustc-link-arg=not-there.o\"); }\n";
        project.write("build.rs", script);
        let run = project.cargo(&BUILD);
        assert_eq!(run.code, 101, "{run:#?}");
        assert!(!built(&project, "debug", "bin-only.exe").exists());
        let said = |text: &str| run.stderr.find(text).map(|at| run.stderr[at..].lines().next());
        [said("exit status: "), said("cannot find ")].map(|line| line.flatten().map(str::to_owned))
    };
    let expected = ["exit status: 1", "cannot find not-there.o: No such file or directory"];
    for by_way_of in [true, false] {
        assert_eq!(failed(by_way_of), expected.map(|line| Some(line.to_owned())));
    }
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn verify_passes_without_a_build_warning() {
    for by_way_of in [true, false] {
        let project = project("bin-only", by_way_of);
        let run = project.verify(&["--target", GNU, "--format", "json"]);
        let row = &run.rows()["bin-only.exe"];
        if by_way_of {
            assert!(run.code == 0 && row.passed(), "{run:#?}");
        } else {
            assert!(run.code == 1 && row.failed("linker-unsupported"), "{run:#?}");
        }
        assert_eq!(run.stderr.contains("netswap-build: GNU ld"), !by_way_of, "{run:#?}");
    }
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn bit_cleared_after_the_link_is_found() {
    let project = project("bin-only", true);
    assert_eq!(project.cargo(&BUILD).code, 0);
    let program = built(&project, "debug", "bin-only.exe");
    let mut bytes = fs::read(&program).unwrap();
    let field = nt(&bytes) + CHARACTERISTICS;
    bytes[field + 1] &= !NET.to_be_bytes()[0];
    fs::write(&program, bytes).unwrap();
    let run = project.verify(&["--target", GNU, "--format", "json"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.rows()["bin-only.exe"].failed("lost-after-link"), "{run:#?}");
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn netswap_variable_sets_both_required_bits() {
    let project = project("both-bits", true);
    let run = project.verify(&["--target", GNU, "--format", "json"]);
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("Set NETSWAP=net,cd in the environment of the build"), "{run:#?}");
    let project = project.env("NETSWAP", "net,cd");
    let run = project.verify(&["--target", GNU, "--format", "json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(run.rows()["both-bits.exe"].characteristics & (NET | CD), NET | CD);
}

/// The fixture linked by MinGW's gcc; by way of this program, or not.
fn with_gcc(fixture: &str, by_way_of: bool) -> Project {
    let gcc = found_tool("x86_64-w64-mingw32-gcc").into_os_string().into_string().unwrap();
    let project = with_empty_mingw(fixture, GNU, if by_way_of { LINKER } else { &gcc });
    let flags =
        format!("-Cpanic=abort -Lnative={} -Clink-arg=-nostartfiles", project.root.display());
    project.env("RUSTFLAGS", &flags).env("NETSWAP_LINKER_X86_64_PC_WINDOWS_GNU", &gcc)
}

#[test]
#[ignore = "needs MinGW's gcc, which `cargo xtask test` fetches"]
fn gcc_links_programs_and_dlls_with_the_bit() {
    for (fixture, name) in [("bin-only", "bin-only.exe"), ("cdylib", "plug_in.dll")] {
        for by_way_of in [true, false] {
            let project = with_gcc(fixture, by_way_of);
            let run = project.cargo(&BUILD);
            assert_eq!(run.code, 0, "{run:#?}");
            assert_eq!(has_bit(&built(&project, "debug", name)), by_way_of, "{name}");
        }
    }
}
