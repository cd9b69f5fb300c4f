//! The options that several commands share.

use snapbox::str;
use testkit::image::two_tools;
use testkit::share::Share;

use crate::{ndjson, stdout};

/// The commands that search files and folders.
const COMMANDS: [&str; 4] = ["verify", "inspect", "patch", "diagnose"];

/// Creates a share with an image that has the bit, and one that lacks it.
fn share() -> Share {
    let share = Share::new([]);
    for (tool, bytes) in two_tools() {
        share.write(&format!("bin/{tool}"), bytes);
    }
    share
}

/// Returns the paths in a report for programs.
fn paths(share: &Share, arguments: &[&str], list: &[u8]) -> Vec<String> {
    let run = share.netswap([]).args(arguments).args(["--format", "ndjson"]);
    let run = run.stdin(list).assert();
    let paths =
        ndjson(&run).into_iter().filter_map(|line| line["path"].as_str().map(str::to_owned));
    paths.collect()
}

#[test]
fn paths_come_from_a_list() {
    let share = share();
    let list = b"\xef\xbb\xbfbin/no-bit.exe\r\n\r\nbin/with-bit.exe\r\n";
    share.write("list.txt", list);
    let both = ["bin/no-bit.exe", "bin/with-bit.exe"];
    for command in ["verify", "inspect", "patch"] {
        assert_eq!(paths(&share, &[command, "--files-from", "list.txt"], b""), both, "{command}");
        assert_eq!(paths(&share, &[command, "--files-from", "-"], list), both, "{command}");
        let null = [command, "-0", "--files-from", "-"];
        assert_eq!(paths(&share, &null, b"bin/no-bit.exe\0bin/with-bit.exe\0"), both);
        assert_eq!(paths(&share, &[command, "--files-from", "-"], b"bin"), both);
        // The paths among the arguments come first.
        let arguments = [command, "bin/with-bit.exe", "--files-from", "-"];
        assert_eq!(
            paths(&share, &arguments, b"bin/no-bit.exe"),
            ["bin/with-bit.exe", "bin/no-bit.exe"]
        );
    }
}

#[test]
fn paths_in_a_list_are_no_globs() {
    let share = share();
    let run = share.netswap(["verify", "--files-from", "-"]).stdin("bin/*.exe\n").assert().code(2);
    run.stderr_eq("error: failed to find bin/*.exe: [..]; name a file or folder that exists\n");
    share.run(["verify", "bin/*.exe"]).code(1);
}

#[test]
fn unusable_list_is_an_error() {
    let share = share();
    share.write("empty.txt", "\r\n\n");
    for command in COMMANDS {
        let run = share.run([command, "bin", "--files-from", "empty.txt"]).code(2);
        run.stdout_eq("").stderr_eq(str![[r"
error: failed to read the paths in empty.txt: it lists no path

"]]);
        share.netswap([command, "--files-from", "-"]).stdin("").assert().code(2).stderr_eq(str![[
            r"
error: failed to read the paths in standard input: it lists no path

"
        ]]);
        let run = share.run([command, "--files-from", "no-such.txt"]).code(2);
        run.stderr_eq("error: failed to read the paths in no-such.txt: [..]\n");
        share.netswap([command, "--files-from", "-"]).stdin("a\nb\0c\0").assert().code(2).stderr_eq(
            str![[r"
error: failed to read the paths in standard input: line 2: it has a NUL character; pass -0 if one ends each path

"]],
        );
        share.run([command, "bin", "-0"]).code(2);
    }
    share.run(["verify", "--files-from", "empty.txt", "--release"]).code(2);
    for command in ["inspect", "patch", "diagnose"] {
        let run = share.run([command]).code(2);
        let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(error.contains("<PATHS|--files-from <FILE>>"), "{error}");
    }
    assert_eq!(stdout(&share.run(["verify", "bin", "-0"])), "");
}

/// Returns the names of the files in the share's folder.
fn names(share: &Share) -> Vec<String> {
    let entries = share.root.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn report_in_a_file_is_that_of_standard_output() {
    let share = share();
    for format in ["human", "json", "ndjson"] {
        for (arguments, code, summary) in [
            (&["verify", "bin"][..], 1, "2 images: 1 passed, 1 failed ([..])\n"),
            (&["inspect", "bin"], 0, "2 files\n"),
            (&["patch", "bin", "-n"], 0, "2 files: 1 to patch, 1 unchanged ([..])\n"),
            (&["diagnose", "bin"], 3, "0 files\n"),
        ] {
            let run = share.netswap([]).args(arguments).args(["--format", format]);
            let expected = stdout(&run.assert().code(code));
            let run = share.netswap([]).args(arguments).args(["--format", format]);
            let run = run.args(["--output", "report"]).assert().code(code);
            run.stdout_eq(summary);
            let report = String::from_utf8(share.read("report")).unwrap();
            let without_time = |text: &str| {
                let lines = text.lines().filter(|line| !line.contains(" s)"));
                let lines = lines.map(|line| line.split("\"seconds\"").next().unwrap());
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(without_time(&report), without_time(&expected), "{arguments:?} {format}");
            let quiet = ["--output", "report", "--quiet", "--format", format];
            share.netswap([]).args(arguments).args(quiet).assert().code(code).stdout_eq("");
            assert_eq!(names(&share), ["bin", "report"]);
        }
    }
    share.run(["patch", "bin", "--journal", "journal", "--output", "report"]).code(0);
    let run = share.run(["undo", "journal", "--output", "report"]).code(0);
    run.stdout_eq("1 file: 1 restored ([..] s)\n");
    let report = String::from_utf8(share.read("report")).unwrap();
    assert!(report.starts_with("restored   bin"), "{report}");
    share.run(["undo", "journal", "-q", "--output", "report"]).code(0).stdout_eq("");
}

#[test]
fn failed_command_leaves_no_report() {
    let share = share();
    share.write("old", "old report");
    for command in COMMANDS {
        for output in ["old", "new"] {
            let run = share.run([command, "no-such", "--output", output]).code(2);
            run.stdout_eq("").stderr_eq("error: failed to find no-such: [..]\n");
        }
        for (output, why) in [
            ("no/such/report", "[..]"),
            ("bin", "it is a folder; name a file"),
            ("new/", "it is a folder; name a file"),
        ] {
            let run = share.run([command, "bin", "--output", output]).code(2);
            let error = format!("error: failed to write the report: {output}: {why}\n");
            run.stdout_eq("").stderr_eq(error);
        }
    }
    share.run(["undo", "no-such", "--output", "new"]).code(2);
    // The journal exists already, which is an error before the first change.
    share.run(["patch", "bin", "--journal", "old", "--output", "new"]).code(2);
    assert_eq!(names(&share), ["bin", "old"]);
    assert!(share.holds("old", b"old report"));
    share.run(["inspect", "bin", "--quiet"]).code(2);
}

/// `/dev/full` can't be written, but renaming a file to it would replace it.
#[cfg(target_os = "linux")]
#[test]
fn device_is_no_file_for_a_report() {
    let share = share();
    let run = share.run(["patch", "bin", "--output", "/dev/full"]).code(2);
    run.stderr_eq("error: failed to write the report: /dev/full: it is not a regular file\n");
    share.run(["verify", "bin"]).code(1);
}

#[test]
fn exclude_that_matches_nothing_is_a_warning() {
    let share = share();
    for (command, code) in [("verify", 1), ("inspect", 0), ("patch", 0), ("diagnose", 3)] {
        let errors = |globs: &[&str], code| {
            let globs = globs.iter().flat_map(|glob| ["--exclude", glob]);
            let run = share.netswap([command, "."]).args(globs).assert().code(code);
            let text = String::from_utf8(run.get_output().stderr.clone()).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with("error: nothing to "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let warning = |glob| {
            format!("warning: --exclude: `{glob}` matched no file or folder; check its spelling")
        };
        assert_eq!(errors(&["bni/", "with-*", "*.dll"], code), ["bni/", "*.dll"].map(warning));
        // A later glob that matches the same files counts too, and so does a folder.
        assert_eq!(errors(&["with-*", "WITH-BIT.exe"], code), [""; 0]);
        assert_eq!(errors(&["bin"], 3), [""; 0]);
        let error = "error: --exclude: invalid glob `[`: `[` without `]`; `[[]` matches a bracket";
        assert_eq!(errors(&["["], 2), [error]);
    }
    let run = share.run(["verify", "no-such", "--exclude", "a"]).code(2);
    run.stderr_eq("error: failed to find no-such: [..]\n");
}
