//! The location of the journal, and that no file changes without a journal.

use std::fs;

use snapbox::str;

use testkit::image::{Image, NET, Sum};
use testkit::share::Share;

use crate::schema::parse_document;

fn share() -> Share {
    Share::new([("tool.exe", Image::exe().sum(Sum::Right).bytes())])
}

#[cfg(unix)]
#[test]
fn journal_is_in_the_accounts_state_folder() {
    let share = share();
    share.run(["patch", "tool.exe"]).code(0);
    let journal = share.journal();
    assert_eq!(journal.parent().unwrap(), share.home.join(".local/state/netswap"));
    let state = share.beside("state");
    share.netswap(["patch", "tool.exe", "--clear"]).env("XDG_STATE_HOME", &state).assert().code(0);
    assert_eq!(fs::read_dir(state.join("netswap")).unwrap().count(), 1);
    assert_eq!(share.journals(), [journal]);
}

#[cfg(unix)]
#[test]
fn relative_state_folder_is_ignored() {
    for name in ["", "state"] {
        let share = share();
        share.netswap(["patch", "tool.exe"]).env("XDG_STATE_HOME", name).assert().code(0);
        assert!(share.journal().starts_with(share.home.join(".local/state/netswap")), "{name:?}");
        assert_eq!(fs::read_dir(&share.root).unwrap().count(), 1, "{name:?}");
    }
}

/// Whoever can write to a journal can make `netswap undo` write other bytes to the share's files.
#[cfg(unix)]
#[test]
fn nobody_else_can_change_the_journal() {
    use std::os::unix::fs::PermissionsExt;

    let share = share();
    share.run(["patch", "tool.exe"]).code(0);
    let mode = share.journal().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o022, 0, "{mode:o}");
}

#[test]
fn named_journal_replaces_the_default_one() {
    let share = share();
    let run = share.run(["patch", "tool.exe", "--journal", "../my.journal"]).code(0);
    run.stdout_eq(str![[r"
journal: ../my.journal
patched    tool.exe  swap-run: none -> net

1 file: 1 patched (0 other files, [..] s)
to undo it:
    netswap undo ../my.journal

"]]);
    assert!(share.journals().is_empty());
    let run = share.run(["undo", "../my.journal"]).code(0).stderr_eq("");
    run.stdout_eq(str![[r"
restored   tool.exe  swap-run: net -> none

1 file: 1 restored ([..] s)

"]]);
}

#[test]
fn journal_has_one_object_per_line() {
    let share = share();
    share.run(["patch", "tool.exe", "--journal", "../my.journal"]).code(0);
    let expected = str![[r#"
{"schema":"netswap.journal/1","netswap":"0.1.0","created":"[..]"}
{"path":"[..]/share/tool.exe","length":1024,"headers":"6eb5cd59","read_only":false,"offset":150,"old":"22000b020000000000000000000000000000000000000000000000000010000000000010000000020000060000000000000006000000000000000020000000020000c4e70000","new":"22080b020000000000000000000000000000000000000000000000000010000000000010000000020000060000000000000006000000000000000020000000020000c4ef0000"}

"#]];
    snapbox::assert_data_eq!(fs::read_to_string(share.beside("my.journal")).unwrap(), expected);
}

#[test]
fn journal_that_cannot_be_created_changes_nothing() {
    let share = share();
    share.write("precious", "do not lose");
    let before = share.state();
    for (journal, error) in [
        ("precious", "File exists (os error 17)"),
        ("no/such/journal", "No such file or directory (os error 2)"),
    ] {
        let run = share.run(["patch", "tool.exe", "--journal", journal]).code(2).stdout_eq("");
        run.stderr_eq(format!(
            "error: failed to write the journal {journal}: {error}; nothing was changed; choose another file with --journal FILE\n"
        ));
        assert_eq!(share.state(), before);
    }
}

/// Even after an error, the output is a complete document or empty.
#[test]
fn failed_journal_leaves_no_partial_json() {
    let share = Share::new([
        ("a.exe", Image::exe().with(NET).bytes()),
        ("b.exe", Image::exe().bytes()),
        ("precious", Vec::new()),
    ]);
    let arguments = ["patch", ".", "--journal", "precious", "--format", "json", "-j1"];
    let run = share.run(arguments).code(2);
    let stdout = &run.get_output().stdout;
    if !stdout.is_empty() {
        parse_document(str::from_utf8(stdout).unwrap());
    }
}

#[cfg(unix)]
#[test]
fn account_without_a_home_must_name_a_journal() {
    use testkit::share::is_root;

    if !is_root() {
        eprintln!("skipped: only root can become an account without a home");
        return;
    }
    let share = share();
    let run = |arguments: [&str; 2]| {
        share.unprivileged(arguments).env_remove("HOME").args(["--journal"]).args(["a.journal"])
    };
    let before = share.read("tool.exe");
    let none = share.unprivileged(["patch", "tool.exe"]).env_remove("HOME").assert().code(2);
    none.stdout_eq("").stderr_eq(str![[r"
error: failed to write the journal: this account has no home folder to keep it in; nothing was changed; choose another file with --journal FILE

"]]);
    assert!(share.holds("tool.exe", &before));
    run(["patch", "tool.exe"]).assert().code(0);
    assert_eq!(share.characteristics("tool.exe") & NET, NET);
}

/// As on a full disk, the journal can grow only to 1 KiB, which is too little for 40 tools.
#[cfg(target_os = "linux")]
#[test]
fn only_files_in_a_full_journal_are_changed() {
    use std::collections::BTreeSet;

    let share = Share::new([]);
    let names: Vec<_> = (0..40).map(|number| format!("tool{number:02}.exe")).collect();
    for name in &names {
        share.write(name, Image::exe().bytes());
    }
    let script = "trap '' XFSZ; ulimit -f 2; exec \"$0\" patch .";
    let command = snapbox::cmd::Command::new("sh");
    let command = command.args(["-c", script, env!("CARGO_BIN_EXE_netswap")]);
    let run = share.account(command).assert().code(2);
    // Changes before the error are reported.
    let text = crate::stdout(&run);
    assert!(text.contains("\n           tool00.exe, "), "{text:?}");
    run.stderr_eq(str![[r"
error: failed to write the journal [..]/home/.local/state/netswap/[..].journal: File too large (os error 27); no further files are changed; netswap undo restores the changed ones

"]]);
    let journal = fs::read_to_string(share.journal()).unwrap();
    let complete = journal.lines().filter_map(|line| serde_json::from_str(line).ok());
    let recorded: BTreeSet<_> = complete
        .filter_map(|entry: serde_json::Value| entry["path"].as_str().map(str::to_owned))
        .collect();
    let is_recorded = |name: &&String| recorded.contains(share.path(name).to_str().unwrap());
    let is_patched = |name: &&String| share.characteristics(name) & NET == NET;
    assert!(names.iter().filter(is_patched).all(|name| is_recorded(&name)));
    assert!(names.iter().any(|name| is_patched(&name)));
    assert!(!names.iter().all(|name| is_patched(&name)));
    share.undo().code(0);
    assert!(names.iter().all(|name| share.read(name) == Image::exe().bytes()));
}
