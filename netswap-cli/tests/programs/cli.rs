//! The output and the exit code of the program, for valid and invalid input.

use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use snapbox::str;
use testkit::image::{Image, MAGIC, nt, put16, two_tools};
use testkit::share::Share;
use testkit::{Project, X64};

use crate::{json, ndjson, stdout};

/// Creates a share with an image that has the bit, an image that lacks it, and a text file.
fn share() -> Share {
    let share = Share::new([("readme.txt", b"MZ is no image".to_vec())]);
    for (tool, bytes) in two_tools() {
        share.write(&format!("bin/{tool}"), bytes);
    }
    share
}

#[test]
fn json_report_has_every_field() {
    let share = share();
    let policy = "swap-run = [\"net\"]\n[[allow]]\nimage = \"no-*\"\nreason = \"not ours\"\n";
    share.write("bin/netswap.toml", policy);
    let run = share.run(["verify", "bin", "--policy", "bin/netswap.toml", "--format", "json"]);
    run.code(0).stderr_eq("").stdout_eq(str![[r#"
{
"schema": "netswap.verify/1",
"images": [
{"path":"bin/no-bit.exe","status":"allowed","modified":"[..]","kind":"exe","machine":"x64","characteristics":"0x0022","swap_run":[],"size_of_image":[..],"checksum":"0x00000000","signed":false,"signer":null,"package":null,"target":null,"reason":"not ours","findings":[{"code":"net-swap-missing","message":"IMAGE_FILE_NET_RUN_FROM_SWAP is not set","help":"link with /SWAPRUN:NET, or set the bit before signing:/n    netswap patch FILE"}]},
{"path":"bin/with-bit.exe","status":"passed","modified":"[..]","kind":"exe","machine":"x64","characteristics":"0x0822","swap_run":["net"],"size_of_image":[..],"checksum":"0x00000000","signed":false,"signer":null,"package":null,"target":null,"reason":null,"findings":[]}
],
"policy": {"default":["net"],"sources":[{"path":"bin/netswap.toml","swap_run":["net"],"allow":[{"image":"no-*","signed":false,"signer":null,"code":null,"until":null,"reason":"not ours","matched":1}]}],"ignored":null},
"summary": {"files":3,"images":2,"passed":1,"failed":0,"allowed":1,"not_images":1,"unreadable":0,"offline":0,"seconds":[..]}
}

"#]]);
}

#[test]
fn ndjson_has_one_line_per_image_and_a_summary() {
    let share = share();
    let lines = ndjson(&share.run(["verify", "bin", "--format", "ndjson"]));
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0]["path"], "bin/no-bit.exe");
    assert_eq!(lines[1]["status"], "passed");
    assert_eq!(lines[2]["summary"]["images"], 2);
}

#[test]
fn report_has_the_time_of_the_last_change() {
    let share = share();
    let modified = || {
        let report = json(&share.run(["verify", "bin", "--format", "json"]));
        report["images"][0]["modified"].clone()
    };
    let change = |time| {
        let file = File::options().write(true).open(share.path("bin/no-bit.exe"));
        file.unwrap().set_modified(time).unwrap();
    };
    change(UNIX_EPOCH + Duration::from_millis(1_795_887_979_900));
    assert_eq!(modified(), "2026-11-28T17:46:19Z");
    change(UNIX_EPOCH - Duration::from_secs(1));
    assert_eq!(modified(), serde_json::Value::Null);
}

#[test]
fn named_file_is_verified_alone() {
    let share = share();
    share.run(["verify", "bin/with-bit.exe"]).code(0);
    share.run(["verify", "bin/no-bit.exe"]).code(1);
}

#[test]
fn nothing_to_verify_exits_with_3() {
    let share = share();
    let run = share.run(["verify", "readme.txt"]);
    run.code(3).stdout_eq("0 images (1 other file, [..] s)\n").stderr_eq(str![[r"
error: nothing to verify: no Windows image found in the given files and folders

"]]);
    let report = json(&share.run(["verify", "readme.txt", "--format", "json"]).code(3));
    assert_eq!(report["images"], serde_json::json!([]));
    assert_eq!(report["summary"]["not_images"], 1);
}

#[test]
fn missing_path_is_named() {
    let share = share();
    share.run(["verify", "bin", "no/such.exe"]).code(2).stdout_eq("").stderr_eq(str![[r"
error: failed to find no/such.exe: [..]; name a file or folder that exists

"]]);
}

#[test]
fn unknown_optional_header_is_a_finding() {
    let share = share();
    let mut bytes = share.read("bin/with-bit.exe");
    let magic = nt(&bytes) + MAGIC;
    put16(&mut bytes, magic, 0x0107);
    share.write("bin/with-bit.exe", bytes);
    share.run(["verify", "bin/with-bit.exe"]).code(1).stdout_eq(str![[r"
FAILED  bin/with-bit.exe
        malformed-image: its optional header has the unknown magic number 0x0107

malformed-image: 1 file
  build the file again, or delete it

1 image: 1 failed (0 other files, [..] s)

"]]);
}

#[test]
fn exception_does_not_allow_a_truncated_image() {
    let share = share();
    share.write("bin/with-bit.exe", &Image::exe().bytes()[..0x90]);
    let policy = "[[allow]]\nimage = \"*\"\nreason = \"all of them\"\n";
    share.write("bin/netswap.toml", policy);
    let verify = |path| share.run(["verify", path, "--policy", "bin/netswap.toml"]);
    verify("bin/no-bit.exe").code(0);
    verify("bin").code(1);
}

#[cfg(unix)]
#[test]
fn named_pipe_does_not_block() {
    let share = share();
    crate::make_pipe(&share.path("pipe.exe"));
    let run = share.netswap(["verify", "pipe.exe"]);
    run.timeout(std::time::Duration::from_secs(20)).assert().code(2).stdout_eq(str![[r"
UNREAD  pipe.exe
        unreadable: it is neither a file nor a folder

unreadable: 1 file
  check that it is a file or folder, that this account can read it, and that no
  other program has it open

0 images (0 other files, 1 unreadable, [..] s)

"]]);
    share.run(["verify", "."]).code(1);
}

/// A closed pipe leaves the exit code as it is. A full disk changes it to 2.
#[cfg(target_os = "linux")]
#[test]
fn only_a_full_disk_changes_the_exit_code() {
    let share = share();
    let full_disk = || fs::File::create("/dev/full").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netswap"));
        command.args(arguments).current_dir(&share.root);
        command
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = run(&["verify", "bin"]).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
    let status = run(&["verify", "bin/with-bit.exe"]).stdout(full_disk()).status().unwrap();
    assert_eq!(status.code(), Some(2));
    let status = run(&["verify", "no/such"]).stderr(full_disk()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn json_has_the_unescaped_file_name() {
    let share = share();
    let name = "a\u{7f}\u{1b}[31mb.exe";
    fs::rename(share.path("bin/with-bit.exe"), share.path(name)).unwrap();
    let report = json(&share.run(["verify", name, "--format", "json"]));
    assert_eq!(report["images"][0]["path"], name);
}

#[test]
fn colours_follow_the_environment() {
    let share = share();
    let is_coloured = |variables: &[(&str, &str)]| {
        let run = share.netswap(["verify", "bin"]).envs(variables.iter().copied());
        run.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(!is_coloured(&[]));
    assert!(is_coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!is_coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn color_option_takes_precedence_over_the_environment() {
    let share = share();
    // clap's error is coloured too, and so is a file.
    for arguments in [
        &["verify", "bin"][..],
        &["inspect", "bin"],
        &["patch", "bin", "-n"],
        &["verify", "no-such"],
        &["verify", "--no-such-option"],
        &["patch", "bin", "-n", "--output", "report"],
        &["--help"],
    ] {
        let is_coloured = |options: &[&str], variable| {
            let command = share.netswap([]).args(options).args(arguments).env(variable, "1");
            let run = command.output().unwrap();
            let report = fs::read(share.path("report")).unwrap_or_default();
            [run.stdout, run.stderr, report].concat().contains(&0x1b)
        };
        assert!(is_coloured(&["--color", "always"], "NO_COLOR"), "{arguments:?}");
        assert!(is_coloured(&["--color=always"], "NO_COLOR"), "{arguments:?}");
        assert!(!is_coloured(&["--color", "never"], "CLICOLOR_FORCE"), "{arguments:?}");
        assert!(!is_coloured(&["--color", "auto"], "NO_COLOR"), "{arguments:?}");
    }
    let run = share.run(["verify", "bin", "--color", "always", "--format", "json"]);
    json(&run);
    share.run(["verify", "bin", "--color", "red"]).code(2).stdout_eq("");
}

#[test]
fn target_after_the_dashes_is_refused() {
    let project = Project::new("bin-only");
    let run = project.verify(&["--", "--target", X64]);
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("pass --target before `--`"), "{run:#?}");
}

#[test]
fn exception_without_a_match_is_stale() {
    let share = share();
    let policy = "[[allow]]\nimage = \"old-*.exe\"\nreason = \"was never rebuilt\"\n";
    share.write("netswap.toml", policy);
    share.run(["verify", ".", "--policy", "netswap.toml"]).code(1).stderr_eq(str![[r"
warning: netswap.toml: the exception for image = `old-*.exe` matches none of the images verified here; if it never does, remove it

"]]);
    // With a named file, the exception may be for others.
    let run = share.run(["verify", "bin/with-bit.exe", "--policy", "netswap.toml"]).code(0);
    run.stderr_eq("");
}

#[test]
fn policy_error_has_its_line_and_a_suggestion() {
    let share = share();
    let table = [
        (
            "swaprun = [\"net\"]\n",
            "error: failed to read the policy netswap.toml, line 1, column 1: unknown key `swaprun`; did you mean `swap-run`?\n",
        ),
        (
            "[[allow]]\nimage = \"*\"\nreason = \"\"\n",
            "error: failed to read the policy netswap.toml, line 3, column 10: the value must not be empty; fill it in\n",
        ),
    ];
    for (policy, message) in table {
        share.write("netswap.toml", policy);
        let run = share.run(["verify", ".", "--policy", "netswap.toml"]).code(2);
        run.stdout_eq("").stderr_eq(message);
    }
}

#[test]
fn invalid_manifest_policy_stops_before_the_build() {
    let project = Project::new("bin-only");
    project.append("Cargo.toml", "\n[package.metadata.netswap]\nallow = [{ image = \"a\" }]\n");
    let run = project.verify(&["--target", X64]);
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(run.stderr.contains("Cargo.toml, line 16, column 10: `reason` is missing"), "{run:#?}");
    assert!(!project.root.join("target").exists());
}

#[test]
fn policy_option_replaces_other_policies() {
    let share = share();
    share.write("strict.toml", "swap-run = [\"net\", \"cd\"]\n");
    let run = share.run(["verify", "bin/with-bit.exe", "--policy", "strict.toml"]);
    run.code(1).stdout_eq(str![[r"
FAILED  bin/with-bit.exe
        removable-swap-missing: IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP is not set

removable-swap-missing: 1 file
  link with /SWAPRUN:CD, or set the bit before signing:
      netswap patch --swap-run cd bin/with-bit.exe

1 image: 1 failed (0 other files, [..] s)
commit if all bits were set: 8.0 KiB, on a machine that runs all of them
policy: strict.toml

"]]);
    let run = share.run(["verify", "bin", "--policy", "lost.toml"]);
    run.code(2).stderr_eq("error: failed to read the policy lost.toml: [..]\n");
}

#[test]
fn missing_manifest_error_suggests_options() {
    let share = share();
    let run = share.run(["verify"]);
    run.code(2).stdout_eq("").stderr_eq(str![[r"
error: failed to read the workspace: could not find `Cargo.toml` in `[..]` or any parent directory; run this in a folder with a Cargo.toml, pass --manifest-path, or name the files and folders to verify

"]]);
}

#[cfg(unix)]
#[test]
fn file_name_cannot_forge_a_line() {
    let share = share();
    let name = "x\npassed  all.exe\u{1b}[2J\u{202e}.exe";
    fs::rename(share.path("bin/no-bit.exe"), share.path(name)).unwrap();
    let run = share.run(["verify", "."]);
    let text = stdout(&run.code(1));
    let expected = "FAILED  ./x/npassed  all.exe/u{1b}[2J/u{202e}.exe";
    assert_eq!(text.lines().next().unwrap().replace('\\', "/"), expected);
}

#[test]
fn explain_knows_all_codes_and_suggests_the_nearest() {
    let share = share();
    for code in netswap::Code::ALL {
        let run = share.run(["explain", code.name()]).code(0);
        // Not a snapshot, because snapbox turns backslashes into slashes.
        assert_eq!(stdout(&run), code.explanation());
    }
    let run = share.run(["explain", "-1073741300"]).code(0);
    let status = "0xC000020C is STATUS_CONNECTION_DISCONNECTED: The connection to the file server was lost.\n\n";
    assert_eq!(stdout(&run), status.to_owned() + netswap::Code::ShareLost.explanation());
    share.run(["explain", "net-swap-mising"]).code(2).stderr_eq(str![[r"
error: unknown code `net-swap-mising`; did you mean `net-swap-missing`? `netswap explain` lists all codes

"]]);
}

#[test]
fn wrong_usage_exits_with_2_and_help_with_0() {
    let share = share();
    share.run(["verify", "--relase"]).code(2);
    share.run(["verify", "a", "--release"]).code(2);
    share.run([]).code(2);
    share.run(["verify", "--help"]).code(0);
    share.run(["--version"]).code(0).stdout_eq("netswap 0.1.0\n");
}
