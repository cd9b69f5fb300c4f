//! A file with several names is changed once, and links are followed only on request.

use std::fs;
use std::os::unix::fs::symlink;

use snapbox::str;

use testkit::image::{Image, NET, Sum};
use testkit::share::Share;

use crate::json;

fn tool() -> Vec<u8> {
    Image::exe().sum(Sum::Right).bytes()
}

/// Runs `netswap patch` and returns the path and status of each file.
fn statuses(share: &Share, arguments: &[&str]) -> Vec<(String, String)> {
    let run = share.netswap(["patch", "--format", "json"]).args(arguments).assert().code(0);
    crate::statuses(&run, "files")
}

/// Whether one of the two files was patched, and the other was not.
fn is_patched_once(statuses: &[(String, String)]) -> bool {
    let mut words: Vec<_> = statuses.iter().map(|(_, status)| status.as_str()).collect();
    words.sort_unstable();
    matches!(words[..], ["patched", "skipped" | "unchanged"])
}

#[test]
fn hard_linked_file_is_patched_once_and_restored() {
    for arguments in [&["."][..], &[".", "-j1"], &["a.exe", "deep/b.exe"]] {
        for _ in 0..10 {
            let share = Share::new([("a.exe", tool()), ("deep/other.txt", Vec::new())]);
            fs::hard_link(share.path("a.exe"), share.path("deep/b.exe")).unwrap();
            let statuses = statuses(&share, arguments);
            assert!(is_patched_once(&statuses), "{statuses:?}");
            assert_eq!(share.entries().len(), 1);
            for name in ["a.exe", "deep/b.exe"] {
                assert_eq!(share.characteristics(name) & NET, NET, "{name}");
            }
            share.undo().code(0);
            assert_eq!((share.read("a.exe"), share.read("deep/b.exe")), (tool(), tool()));
        }
    }
}

/// The file's group may write to it, but its owner may not.
#[test]
fn unwritable_hard_linked_file_is_refused_twice() {
    use std::os::unix::fs::PermissionsExt;

    let share = Share::new([("a.exe", tool())]);
    fs::hard_link(share.path("a.exe"), share.path("b.exe")).unwrap();
    fs::set_permissions(share.path("a.exe"), fs::Permissions::from_mode(0o464)).unwrap();
    let run = share.unprivileged(["patch", ".", "--format", "json"]).assert().code(1);
    let report = json(&run);
    assert_eq!(report["summary"]["refused"], 2, "{report}");
}

#[test]
fn dry_run_counts_a_hard_linked_file_once() {
    let share = Share::new([("a.exe", tool())]);
    fs::hard_link(share.path("a.exe"), share.path("b.exe")).unwrap();
    let dry = share.run(["patch", ".", "--dry-run", "--format", "json"]).code(0);
    let report = json(&dry);
    assert_eq!(report["summary"]["changed"], 1, "{report}");
}

/// The order and the statuses of the two names must not depend on timing.
#[test]
fn report_of_a_hard_linked_file_is_deterministic() {
    let report = |_| {
        let share = Share::new([("a.exe", tool())]);
        fs::hard_link(share.path("a.exe"), share.path("b.exe")).unwrap();
        statuses(&share, &["a.exe", "b.exe"])
    };
    let first = report(0);
    for other in (0..40).map(report) {
        assert_eq!(other, first);
    }
}

#[test]
fn named_symbolic_link_is_refused_by_default() {
    let share = Share::new([("real/tool.exe", tool())]);
    symlink("real/tool.exe", share.path("link.exe")).unwrap();
    let before = share.state();
    share.run(["patch", "link.exe"]).code(1).stderr_eq("").stdout_eq(str![[r"
refused    link.exe
           symbolic-link: it is a symbolic link

symbolic-link: 1 file
  name its target, or pass --follow-links

1 file: 1 refused (0 other files, [..] s)

"]]);
    assert_eq!(share.state(), before);
    share.run(["patch", "link.exe", "--follow-links"]).code(0);
    assert_eq!(share.characteristics("real/tool.exe") & NET, NET);
    assert!(share.path("link.exe").is_symlink());
    share.undo().code(0);
    assert!(share.holds("real/tool.exe", &tool()));
    assert!(share.path("link.exe").is_symlink());
}

#[test]
fn link_in_a_folder_is_followed_only_on_request() {
    let share = Share::new([("tree/readme.txt", Vec::new()), ("elsewhere/tool.exe", tool())]);
    symlink("../elsewhere/tool.exe", share.path("tree/link.exe")).unwrap();
    symlink("../elsewhere", share.path("tree/folder")).unwrap();
    let before = share.state();
    share.run(["patch", "tree"]).code(3);
    assert_eq!(share.state(), before);
    let statuses = statuses(&share, &["tree", "--follow-links"]);
    assert!(is_patched_once(&statuses), "{statuses:?}");
    assert_eq!(share.characteristics("elsewhere/tool.exe") & NET, NET);
    assert_eq!(share.entries().len(), 1);
}

#[test]
fn named_link_to_a_folder_is_followed() {
    let share = Share::new([("real/tool.exe", tool())]);
    symlink("real", share.path("link")).unwrap();
    share.run(["patch", "link"]).code(0);
    assert_eq!(share.characteristics("real/tool.exe") & NET, NET);
}

#[test]
fn file_and_its_link_are_patched_once() {
    for arguments in [&["."][..], &["link.exe", "tool.exe"], &["tool.exe", "link.exe"]] {
        let share = Share::new([("tool.exe", tool())]);
        symlink("tool.exe", share.path("link.exe")).unwrap();
        let statuses = statuses(&share, &[arguments, &["--follow-links"]].concat());
        assert!(is_patched_once(&statuses), "{statuses:?}");
        assert_eq!(share.entries().len(), 1);
        share.undo().code(0);
        assert!(share.holds("tool.exe", &tool()));
    }
}

#[test]
fn file_named_twice_is_patched_once() {
    let share = Share::new([("tool.exe", tool())]);
    for arguments in [["tool.exe", "./tool.exe"], [".", "tool.exe"]] {
        let statuses = statuses(&share, &arguments);
        let patched = statuses.iter().filter(|(_, status)| status == "patched");
        assert_eq!(patched.count(), 1, "{statuses:?}");
        assert!(!statuses.iter().any(|(_, status)| status == "refused"), "{statuses:?}");
        assert_eq!(share.entries().len(), 1);
        let journal = share.journal();
        share.undo().code(0);
        fs::remove_file(journal).unwrap();
        assert!(share.holds("tool.exe", &tool()));
    }
}

#[test]
fn loop_of_links_ends() {
    let share = Share::new([("deep/tool.exe", tool())]);
    symlink("..", share.path("deep/up")).unwrap();
    symlink("self.exe", share.path("self.exe")).unwrap();
    let run = share.run(["patch", ".", "--follow-links"]).code(2).stderr_eq("");
    run.stdout_eq(str![[r"
journal: [..].journal
unreadable ./self.exe
           unreadable: Too many levels of symbolic links (os error 40)
patched    ./deep/tool.exe  swap-run: none -> net

unreadable: 1 file
  check that it is a file or folder, that this account can read it, and that no
  other program has it open

1 file: 1 patched (0 other files, 1 unreadable, [..] s)
to undo it:
    netswap undo [..].journal

"]]);
    assert_eq!(share.characteristics("deep/tool.exe") & NET, NET);
}

#[test]
fn dangling_link_is_an_error() {
    let share = Share::new([("tool.exe", tool())]);
    symlink("gone.exe", share.path("link.exe")).unwrap();
    share.run(["patch", "link.exe"]).code(2);
    share.run(["patch", ".", "--follow-links"]).code(2);
    assert_eq!(share.characteristics("tool.exe") & NET, NET);
}
