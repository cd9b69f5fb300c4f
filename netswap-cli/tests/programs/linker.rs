//! The program `netswap-linker`, with a script in place of the real linker. `builds/linker.rs` has
//! the tests with GNU ld.
//!
//! These tests need Unix, because on Windows the script would have to be a program. Only the names
//! that `PATH` is searched for differ on Windows, and unit tests cover them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::image::{CD, Image, NET, Sum, checksum, right_checksum};
use testkit::share::Share;
use testkit::{Run, clean_environment, fake_linker};

/// The program that runs the real linker and then sets the bit.
const LINKER: &str = env!("CARGO_BIN_EXE_netswap-linker");

/// Returns a command that runs a program in the folder, without a configured real linker.
fn command(folder: &Share, program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    clean_environment(command.args(arguments).current_dir(&folder.root));
    command
}

/// Returns a command that runs `netswap-linker` with the script as the real linker.
fn linker(folder: &Share, arguments: &[&str]) -> Command {
    let mut command = command(folder, Path::new(LINKER), arguments);
    command.env("NETSWAP_LINKER", fake_linker());
    command
}

/// Returns the same command, with a script that writes these bytes to `output`.
fn link(folder: &Share, bytes: &[u8], output: &str, arguments: &[&str]) -> Command {
    folder.write("linked", bytes);
    let mut command = linker(folder, arguments);
    command.env("FAKE_IMAGE", "linked").env("FAKE_OUTPUT", output);
    command
}

/// Returns the bits that the independent reader finds.
fn bits(folder: &Share, name: &str) -> u16 {
    folder.characteristics(name) & (NET | CD)
}

/// Returns an image with a checksum, as GNU ld writes it.
fn image() -> Vec<u8> {
    Image::exe().sum(Sum::Right).bytes()
}

#[test]
fn arguments_streams_and_exit_status_pass_through() {
    let folder = Share::new([]);
    let mut command = linker(&folder, &["-o", "t.exe", "a b", "", "--odd=\"'\\", "@missing"]);
    command.env("FAKE_STATUS", "7");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"read by the linker\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(text(output.stdout), "<-o>\n<t.exe>\n<a b>\n<>\n<--odd=\"'\\>\n<@missing>\n");
    assert_eq!(text(output.stderr), "read by the linker\n");
}

#[test]
fn signal_gives_the_exit_code_of_shells() {
    let folder = Share::new([]);
    for (signal, code) in [("KILL", 137), ("TERM", 143)] {
        let run = Run::capture(linker(&folder, &["-o", "t.exe"]).env("FAKE_SIGNAL", signal));
        assert_eq!(run.code, code, "{run:#?}");
    }
}

#[test]
fn every_form_of_output_argument_sets_the_bit() {
    let folder = Share::new([]);
    folder.write("response", "a.o\n-o\nmy\\ t\\\\.exe\n");
    folder.write("outer", "a.o @response");
    folder.write("response-of-msvc", crate::utf_16("\"a.obj\"\n\"/OUT:my t\\.exe\"\n"));
    let table = [
        // arguments -> the file that is linked
        (&["a.o", "-o", "t.exe"][..], "t.exe"),
        (&["a.o", "-ot.exe"], "t.exe"),
        (&["a.o", "--output=t.exe"], "t.exe"),
        (&["a.o", "--output", "t.exe"], "t.exe"),
        (&["a.o", "-Wl,-o,t.exe"], "t.exe"),
        (&["a.o", "-o", "t"], "t"),
        (&["a.o", "-o", "t"], "t.exe"),
        (&["-shared", "a.o", "-o", "t.dll"], "t.dll"),
        (&["a.o"], "a.exe"),
        (&["@response"], "my t\\.exe"),
        (&["@outer"], "my t\\.exe"),
        (&["@response-of-msvc"], "my t\\.exe"),
        (&["a.obj", "/OUT:t.exe"], "t.exe"),
    ];
    for (arguments, output) in table {
        let run = Run::capture(&mut link(&folder, &image(), output, arguments));
        assert_eq!((run.code, &*run.stderr), (0, ""), "{arguments:?}");
        assert_eq!(bits(&folder, output), NET, "{arguments:?}");
        let bytes = folder.read(output);
        assert_eq!(checksum(&bytes), right_checksum(&bytes), "{arguments:?}");
        fs::remove_file(folder.path(output)).unwrap();
    }
}

#[test]
fn only_the_bit_and_the_checksum_change() {
    let folder = Share::new([]);
    let before = Image::exe().overlay(5000).sum(Sum::Right).bytes();
    let run = Run::capture(&mut link(&folder, &before, "t.exe", &["-o", "t.exe"]));
    assert_eq!(run.code, 0, "{run:#?}");
    let after = folder.read("t.exe");
    assert_eq!(after.len(), before.len());
    let changed: Vec<_> = (0..after.len()).filter(|at| after[*at] != before[*at]).collect();
    // The high byte of Characteristics comes first. All other changes are in the checksum.
    assert_eq!(changed[0], 0x80 + 23);
    assert!(changed[1..].iter().all(|at| (0x80 + 88..0x80 + 92).contains(at)), "{changed:?}");
    // An output that already has the bit is not written again.
    folder.write("once.exe", &after);
    let stamp = |name| {
        let metadata = fs::metadata(folder.path(name)).unwrap();
        (metadata.ino(), metadata.mtime_nsec())
    };
    let before = stamp("once.exe");
    assert_eq!(Run::capture(&mut linker(&folder, &["-o", "once.exe"])).code, 0);
    assert_eq!(stamp("once.exe"), before);
}

#[test]
fn other_files_are_left_alone_silently() {
    let folder = Share::new([]);
    let table: [(&str, Vec<u8>); 5] = [
        ("an import library", b"!<arch>\n/               0".to_vec()),
        ("an object", [0x64, 0x86, 1, 0].repeat(200)),
        ("a program for Linux", b"\x7fELF\x02\x01\x01\0".repeat(40)),
        ("a program for UEFI", Image::exe().efi().bytes()),
        ("an empty file", Vec::new()),
    ];
    for (what, bytes) in table {
        let run = Run::capture(&mut link(&folder, &bytes, "t.exe", &["-o", "t.exe"]));
        assert_eq!((run.code, &*run.stderr), (0, ""), "{what}");
        assert!(folder.holds("t.exe", &bytes), "{what}");
    }
    for output in ["not-made.exe", "/dev/null"] {
        let run = Run::capture(&mut linker(&folder, &["-o", output]));
        assert_eq!((run.code, &*run.stderr), (0, ""), "{output}");
    }
}

#[test]
fn query_or_failed_link_keeps_the_older_image() {
    let folder = Share::new([]);
    let queries =
        ["--version", "--help", "-###", "-dumpmachine", "-print-file-name=x", "-print-search-dirs"];
    folder.write("t.exe", image());
    for query in queries {
        let run = Run::capture(&mut linker(&folder, &[query, "-o", "t.exe"]));
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(run.stdout.starts_with(&format!("<{query}>\n")), "{run:#?}");
        assert!(folder.holds("t.exe", &image()), "{query}");
    }
    let run = Run::capture(linker(&folder, &["a.o", "-o", "t.exe"]).env("FAKE_STATUS", "1"));
    assert_eq!((run.code, &*run.stderr), (1, ""));
    assert!(folder.holds("t.exe", &image()));
    // In contrast, a successful link changes the image.
    assert_eq!(Run::capture(&mut linker(&folder, &["a.o", "-o", "t.exe"])).code, 0);
    assert_eq!(bits(&folder, "t.exe"), NET);
}

#[test]
fn help_and_version_alone_need_no_linker() {
    let folder = Share::new([]);
    let run = |program: &Path, arguments: &[&str]| {
        let mut command = command(&folder, program, arguments);
        Run::capture(command.env("PATH", "").env("NETSWAP", "nonsense"))
    };
    let own = Path::new(LINKER);
    let version = concat!("netswap-linker ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((run(own, &["--version"]).code, &*run(own, &["--version"]).stdout), (0, version));
    let help = run(own, &["--help"]);
    assert_eq!((help.code, &*help.stderr), (0, ""));
    assert!(help.stdout.contains("NETSWAP_LINKER"), "{help:#?}");
    assert!(help.stdout.lines().all(|line| line.len() <= 80), "{help:#?}");
    // By its own name with the target, too.
    let named = folder.path("netswap-linker-x86_64-pc-windows-gnu");
    symlink(LINKER, &named).unwrap();
    assert_eq!(run(&named, &["--version"]).stdout, version);
    // With another argument, or by a linker's name, the question is for the real linker.
    assert_eq!(run(own, &["--version", "-v"]).code, 1);
    let gcc = folder.path("x86_64-w64-mingw32-gcc");
    symlink(LINKER, &gcc).unwrap();
    let run = run(&gcc, &["--version"]);
    assert_eq!((run.code, &*run.stdout), (1, ""));
}

#[test]
fn image_that_cannot_get_the_bit_fails_the_link() {
    let folder = Share::new([]);
    let mut cut = image();
    cut.truncate(0xa0);
    let table = [
        (Image::exe().certificate(64).bytes(), "the linker signed it"),
        (cut, "the file ends inside its headers"),
    ];
    for (bytes, why) in table {
        let run = Run::capture(&mut link(&folder, &bytes, "t.exe", &["-o", "t.exe"]));
        assert_eq!(run.code, 1, "{why}");
        let start = "error: netswap-linker: linked t.exe, but failed to set the bit in it: ";
        assert!(run.stderr.starts_with(&format!("{start}{why}; ")), "{run:#?}");
        assert!(folder.holds("t.exe", &bytes), "{why}");
    }
}

#[test]
fn netswap_variable_selects_the_bits() {
    let folder = Share::new([]);
    for (value, expected) in [("off", 0), ("net", NET), ("cd", CD), ("net,cd", NET | CD), ("", NET)]
    {
        let mut command = link(&folder, &image(), "t.exe", &["-o", "t.exe"]);
        let run = Run::capture(command.env("NETSWAP", value));
        assert_eq!((run.code, bits(&folder, "t.exe")), (0, expected), "{value}: {run:#?}");
        assert_eq!(folder.holds("t.exe", &image()), expected == 0, "{value}");
    }
    let run = Run::capture(linker(&folder, &["-o", "t.exe"]).env("NETSWAP", "yes"));
    assert_eq!((run.code, &*run.stdout), (1, ""), "the real linker was run");
    assert_eq!(
        run.stderr,
        "error: netswap-linker: the environment variable NETSWAP is \"yes\"; set it to one of off, net, cd, net,cd, or unset it\n"
    );
}

#[test]
fn target_variable_overrides_the_general_one() {
    let folder = Share::new([]);
    let link = |output: &str| {
        let mut command = command(&folder, Path::new(LINKER), &["-m64", "-o", output]);
        command.env("NETSWAP_LINKER", "/not/there/for-all");
        Run::capture(command.env("NETSWAP_LINKER_I686_PC_WINDOWS_GNU", fake_linker()))
    };
    assert_eq!(link("target/i686-pc-windows-gnu/t.exe").code, 0);
    let run = link("target/x86_64-pc-windows-gnu/t.exe");
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("failed to run the linker /not/there/for-all: "), "{run:#?}");
    assert!(run.stderr.contains("set NETSWAP_LINKER"), "{run:#?}");
}

#[test]
fn usual_linker_in_path_is_never_this_program() {
    let folder = Share::new([]);
    let (first, second) = (folder.path("first"), folder.path("second"));
    fs::create_dir(&first).unwrap();
    fs::create_dir(&second).unwrap();
    // A user may put this program into `PATH` under the real linker's name.
    let name = "i686-w64-mingw32-gcc";
    symlink(LINKER, first.join(name)).unwrap();
    let output = "target/i686-pc-windows-gnu/debug/t.exe";
    fs::create_dir_all(folder.path(output).parent().unwrap()).unwrap();
    folder.write("linked", image());
    let folders = [first.clone(), second.clone(), "/usr/bin".into(), "/bin".into()];
    let path = std::env::join_paths(folders).unwrap();
    let run = |program: &Path| {
        let mut command = command(&folder, program, &["-o", output]);
        command.env("FAKE_IMAGE", "linked").env("FAKE_OUTPUT", output);
        Run::capture(command.env("PATH", &path))
    };
    for program in [Path::new(LINKER), &first.join(name)] {
        let _ = fs::remove_file(second.join(name));
        let missing = run(program);
        assert_eq!((missing.code, &*missing.stdout), (1, ""), "{missing:#?}");
        let expected = "error: netswap-linker: failed to find the linker for i686-pc-windows-gnu: i686-w64-mingw32-gcc in PATH is netswap-linker itself; set NETSWAP_LINKER or NETSWAP_LINKER_I686_PC_WINDOWS_GNU to the real linker\n";
        assert_eq!(missing.stderr, expected);
        symlink(fake_linker(), second.join(name)).unwrap();
        let found = run(program);
        assert_eq!((found.code, &*found.stderr), (0, ""), "{found:#?}");
        assert_eq!(bits(&folder, output), NET);
    }
}

#[test]
fn variable_that_names_this_program_is_an_error() {
    let folder = Share::new([]);
    let (link, same) = (folder.path("link"), folder.path("same"));
    symlink(LINKER, &link).unwrap();
    // A hard link is impossible if the folder is on another disk.
    if fs::hard_link(LINKER, &same).is_err() {
        symlink(&link, &same).unwrap();
    }
    for linker in [Path::new(LINKER), &link, &same] {
        let mut command = command(&folder, Path::new(LINKER), &["-o", "t.exe"]);
        let run = Run::capture(command.env("NETSWAP_LINKER", linker));
        assert_eq!(run.code, 1, "{run:#?}");
        let expected = format!(
            "error: netswap-linker: the environment variable NETSWAP_LINKER is {}, which is netswap-linker itself; set it to the real linker\n",
            linker.display()
        );
        assert_eq!(run.stderr, expected);
    }
}

#[test]
fn linker_that_calls_this_program_is_an_error() {
    let folder = Share::new([]);
    let run = Run::capture(linker(&folder, &["-o", "t.exe"]).env("FAKE_CALLS", LINKER));
    assert_eq!((run.code, &*run.stdout), (1, "<-o>\n<t.exe>\n"));
    let expected = format!(
        "error: netswap-linker: the linker {} has called netswap-linker again; set NETSWAP_LINKER to the real linker\n",
        fake_linker().display()
    );
    assert_eq!(run.stderr, expected);
}

#[test]
fn response_file_that_is_a_pipe_is_refused() {
    let folder = Share::new([]);
    crate::make_pipe(&folder.path("pipe"));
    let run = Run::capture(&mut linker(&folder, &["@pipe"]));
    assert_eq!((run.code, &*run.stdout), (1, ""));
    let expected = "error: netswap-linker: failed to read the response file pipe: it is not a regular file; pass the linker a readable file\n";
    assert_eq!(run.stderr, expected);
}
