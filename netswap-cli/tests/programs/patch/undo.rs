//! `netswap undo` restores files that are still as `netswap patch` left them, and no others.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use snapbox::cmd::OutputAssert;
use snapbox::str;

use testkit::image::{CHARACTERISTICS, CHECKSUM, Image, NET, Sum, get32, nt, put32};
use testkit::share::Share;

use crate::schema::{parse_document, parse_lines};
use crate::{json, ndjson, stdout};

fn tool() -> Image {
    Image::exe().sum(Sum::Right)
}

/// Creates a share with three patched tools.
fn patched_share() -> Share {
    let share = Share::new(["a.exe", "b.exe", "c.exe"].map(|name| (name, tool().bytes())));
    share.run(["patch", ".", "--jobs", "1"]).code(0);
    share
}

/// Whether `a.exe` and `c.exe` are as they were before the patch.
fn are_restored(share: &Share) -> bool {
    ["a.exe", "c.exe"].iter().all(|name| share.holds(name, &tool().bytes()))
}

fn undo_lines(share: &Share, lines: &[String]) -> OutputAssert {
    let text = lines.join("\n") + "\n";
    fs::write(share.beside("changed.journal"), text).unwrap();
    share.run(["undo", "../changed.journal"])
}

fn journal_lines(share: &Share) -> Vec<String> {
    fs::read_to_string(share.journal()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn undo_restores_every_byte_and_keeps_the_journal() {
    let share = Share::new([
        ("a.exe", tool().bytes()),
        ("b.dll", Image::dll().x86().overlay(3).bytes()),
        ("c.exe", Image::exe().sum(Sum::Stale).e_lfanew(5000).bytes()),
        ("d.exe", Image::exe().with(NET).bytes()),
    ]);
    let all = ["a.exe", "b.dll", "c.exe", "d.exe"];
    let before = all.map(|name| share.read(name));
    share.run(["patch", ".", "--swap-run", "net,cd", "--recompute-checksum"]).code(0);
    let journal = fs::read(share.journal()).unwrap();
    share.undo().code(0).stderr_eq("").stdout_eq(str![[r"
restored   .: 3 files  swap-run: net, cd -> none
           a.exe, b.dll, c.exe
restored   d.exe  swap-run: net, cd -> net

4 files: 4 restored ([..] s)

"]]);
    assert_eq!(all.map(|name| share.read(name)), before);
    assert_eq!(fs::read(share.journal()).unwrap(), journal);
}

#[test]
fn cleared_bit_is_set_again() {
    let share = Share::new([("a.exe", tool().with(NET).bytes())]);
    share.run(["patch", "a.exe", "--clear"]).code(0);
    assert_eq!(share.characteristics("a.exe"), 0x0022);
    share.undo().code(0);
    assert!(share.holds("a.exe", &tool().with(NET).bytes()));
}

#[test]
fn second_undo_changes_nothing() {
    let share = patched_share();
    share.undo().code(0);
    let before = share.state();
    share.undo().code(0).stderr_eq("").stdout_eq(str![[r"
3 files: 3 unchanged ([..] s)
nothing was changed: the files already have their original bytes
to see other journals:
    netswap undo --list

"]]);
    assert_eq!(share.state(), before);
}

#[test]
fn two_patches_are_undone_in_reverse_order() {
    let share = Share::new([("a.exe", tool().bytes())]);
    share.run(["patch", "a.exe", "--journal", "../1"]).code(0);
    let between = share.read("a.exe");
    share.run(["patch", "a.exe", "--swap-run", "cd", "--journal", "../2"]).code(0);
    let after = share.read("a.exe");
    share.run(["undo", "../1"]).code(1);
    assert!(share.holds("a.exe", &after));
    share.run(["undo", "../2"]).code(0);
    assert!(share.holds("a.exe", &between));
    share.run(["undo", "../1"]).code(0);
    assert!(share.holds("a.exe", &tool().bytes()));
}

#[test]
fn dry_run_lists_files_and_changes_nothing() {
    let share = patched_share();
    let journal = share.journal();
    share.run(["undo", "--dry-run", journal.to_str().unwrap()]).code(0);
    share.write("b.exe", "another file");
    let before = share.state();
    let run = share.run(["undo", "--dry-run", journal.to_str().unwrap()]).code(1).stderr_eq("");
    run.stdout_eq(str![[r"
refused    b.exe
           changed-since: it is no longer an image
to restore .: 2 files  swap-run: net -> none
           a.exe, c.exe

changed-since: 1 file
  if it was replaced by another version, there is nothing to do; otherwise
  restore it from a backup

3 files: 2 to restore, 1 refused ([..] s)
nothing was changed

"]]);
    assert_eq!(share.state(), before);
    let text = stdout(&share.undo().code(1));
    assert!(text.contains("2 restored"), "{text}");
    assert_ne!(share.state(), before);
}

/// Changes the four bytes at an offset from the NT headers.
fn change32(bytes: &mut [u8], offset: usize, change: fn(usize) -> usize) {
    let at = nt(bytes) + offset;
    let now = get32(bytes, at) as usize;
    put32(bytes, at, change(now));
}

#[test]
fn only_files_changed_since_are_refused() {
    type Edit = fn(&mut Vec<u8>);
    let edits: [(&str, Edit); 9] = [
        ("it grew", |bytes| bytes.push(0)),
        ("it shrank", |bytes| bytes.truncate(bytes.len() - 1)),
        ("it is empty", Vec::clear),
        ("it is text", |bytes| bytes.fill(b'x')),
        ("another link date", |bytes| change32(bytes, 8, |_| 1)),
        ("another section", |bytes| {
            let name = nt(bytes) + 24 + 240;
            bytes[name] = b'x';
        }),
        ("a bit of another kind", |bytes| change32(bytes, CHARACTERISTICS, |now| now | 0x0200)),
        ("the other bit", |bytes| change32(bytes, CHARACTERISTICS, |now| now | 0x0400)),
        ("another checksum", |bytes| change32(bytes, CHECKSUM, |now| now ^ 0x0101_0101)),
    ];
    for (what, edit) in edits {
        let share = patched_share();
        let mut bytes = share.read("b.exe");
        edit(&mut bytes);
        share.write("b.exe", &bytes);
        let text = stdout(&share.undo().code(1).stderr_eq(""));
        assert!(text.contains("changed-since") && text.contains("2 restored, 1 refused"), "{text}");
        assert!(share.holds("b.exe", &bytes), "{what}");
        assert!(are_restored(&share), "{what}");
    }
}

#[test]
fn missing_and_replaced_files_are_refused() {
    let share = patched_share();
    fs::remove_file(share.path("a.exe")).unwrap();
    fs::remove_file(share.path("b.exe")).unwrap();
    fs::create_dir(share.path("b.exe")).unwrap();
    let mut bytes = share.read("c.exe");
    bytes.push(0);
    share.write("c.exe", bytes);
    share.undo().code(1).stderr_eq("").stdout_eq(str![[r"
refused    a.exe
           changed-since: the file no longer exists
refused    b.exe
           changed-since: it was replaced by a folder
refused    c.exe
           changed-since: its length has changed since the patch

changed-since: 3 files
  if it was replaced by another version, there is nothing to do; otherwise
  restore it from a backup

3 files: 3 refused ([..] s)

"]]);
}

#[test]
fn changes_outside_the_headers_are_allowed() {
    let share = patched_share();
    let mut bytes = share.read("a.exe");
    *bytes.last_mut().unwrap() ^= 1;
    share.write("a.exe", bytes);
    share.undo().code(0);
    assert_eq!(share.characteristics("a.exe"), 0x0022);
}

/// A power failure can stop a write.
#[test]
fn partial_write_is_undone() {
    let before = tool().bytes();
    let share = Share::new([("a.exe", before.clone())]);
    share.run(["patch", "a.exe"]).code(0);
    let after = share.read("a.exe");
    let start = nt(&before) + CHARACTERISTICS;
    for end in start..start + 70 {
        share.write("a.exe", [&after[..end], &before[end..]].concat());
        share.undo().code(0);
        assert!(share.holds("a.exe", &before), "{end}");
    }
}

#[test]
fn incomplete_last_line_is_ignored() {
    let share = patched_share();
    let text = fs::read_to_string(share.journal()).unwrap();
    fs::write(share.journal(), &text[..text.len() - 10]).unwrap();
    let patched = share.read("c.exe");
    share.undo().code(0).stderr_eq("");
    assert!(share.holds("a.exe", &tool().bytes()));
    assert!(share.holds("b.exe", &tool().bytes()));
    assert!(share.holds("c.exe", &patched));
}

#[test]
fn broken_line_is_reported_with_its_number() {
    let share = patched_share();
    let mut lines = journal_lines(&share);
    lines[2] = "{\"path\":".to_owned();
    undo_lines(&share, &lines).code(2).stderr_eq(str![[r"
error: failed to read the journal ../changed.journal, line 3: EOF while parsing a value

"]]);
    assert!(are_restored(&share) && !share.holds("b.exe", &tool().bytes()));
}

#[test]
fn restores_despite_a_broken_line_are_reported() {
    for format in ["human", "json", "ndjson"] {
        let share = patched_share();
        let mut lines = journal_lines(&share);
        lines[2] = "{}".to_owned();
        fs::write(share.journal(), lines.join("\n") + "\n").unwrap();
        let run = share.run(["undo", share.journal().to_str().unwrap(), "--format", format]);
        let text = stdout(&run.code(2));
        assert!(text.contains("a.exe") && text.contains("c.exe"), "{format}: {text}");
        match format {
            "json" => drop(parse_document(&text)),
            "ndjson" => drop(parse_lines(&text)),
            _ => {}
        }
    }
}

#[test]
fn thousands_of_broken_lines_do_not_stop_undo() {
    let share = patched_share();
    let mut lines = journal_lines(&share);
    let last = lines.pop().unwrap();
    lines.extend(std::iter::repeat_n("{}".to_owned(), 10_000));
    lines.push(last);
    undo_lines(&share, &lines).code(2);
    assert!(are_restored(&share));
}

#[test]
fn invalid_journal_changes_nothing() {
    let share = patched_share();
    let head = "{\"schema\":\"netswap.journal/2\",\"netswap\":\"9\",\"created\":\"\"}\n";
    share.write("other.journal", head);
    let before = share.state();
    for (journal, error) in [
        ("a.exe", "it does not begin like a netswap journal"),
        ("gone.journal", "No such file or directory (os error 2)"),
        (
            "other.journal",
            "its schema is `netswap.journal/2`, but this netswap reads `netswap.journal/1`",
        ),
    ] {
        let run = share.run(["undo", journal]).code(2).stdout_eq("");
        run.stderr_eq(format!("error: failed to read the journal {journal}: {error}\n"));
    }
    share.run(["undo", "."]).code(2).stdout_eq("");
    share.run(["undo"]).code(2).stdout_eq("");
    assert_eq!(share.state(), before);
}

#[test]
fn empty_journal_has_nothing_to_undo() {
    let share = patched_share();
    let head = journal_lines(&share)[0].clone() + "\n";
    let journal = share.beside("empty.journal");
    for length in [0, 1, head.len() - 1, head.len()] {
        fs::write(&journal, &head[..length]).unwrap();
        let run = share.run(["undo", journal.to_str().unwrap()]).code(3);
        run.stderr_eq(str![[r"
error: nothing to undo: the journal [..]empty.journal has no entries

"]]);
    }
}

/// Changes one field in the entry of `b.exe` and undoes that journal.
fn undo_hostile(share: &Share, field: &str, value: Value) -> OutputAssert {
    let mut lines = journal_lines(share);
    let mut entry: Value = serde_json::from_str(&lines[2]).unwrap();
    assert!(entry["path"].as_str().unwrap().ends_with("b.exe"));
    entry[field] = value;
    lines[2] = entry.to_string();
    undo_lines(share, &lines)
}

#[test]
fn hostile_journal_never_changes_a_file() {
    let share = patched_share();
    let entry = share.entries()[1].clone();
    let with = |field: &str, index: usize, byte: &str| {
        let mut text = entry[field].as_str().unwrap().to_owned();
        text.replace_range(2 * index..2 * index + 2, byte);
        json!(text)
    };
    let table = [
        // A byte between the two fields, and bits other than the two.
        ("old", with("old", 10, "ff"), 2),
        ("old", with("old", 0, "23"), 2),
        ("old", with("old", 1, "ff"), 2),
        ("new", with("new", 65, "ff"), 2),
        // Other lengths.
        ("old", json!(""), 2),
        ("old", json!("22"), 2),
        ("new", json!("2208"), 2),
        ("old", json!("0g"), 2),
        // Other offsets, and other files.
        ("offset", json!(0), 1),
        ("offset", json!(0x97), 1),
        ("offset", json!(u64::MAX), 1),
        ("offset", json!(-1), 2),
        ("path", json!("b.exe"), 2),
        ("path", json!("../share/b.exe"), 2),
        ("path", json!(""), 2),
        ("length", json!(1), 1),
        ("headers", json!("00000000"), 1),
        ("headers", json!("0"), 2),
        ("read_only", json!("yes"), 2),
        ("run", json!("rm"), 2),
    ];
    for (field, value, code) in table {
        let share = patched_share();
        let before = share.read("b.exe");
        undo_hostile(&share, field, value.clone()).code(code);
        assert!(share.holds("b.exe", &before), "{field} {value}");
        assert!(are_restored(&share), "{field} {value}");
    }
    undo_hostile(&share, "read_only", json!(false)).code(0);
    assert!(share.holds("b.exe", &tool().bytes()));
}

#[test]
fn journal_cannot_make_undo_write_to_other_files() {
    let share = patched_share();
    share.write("secret.txt", vec![b'x'; tool().bytes().len()]);
    let before = share.read("secret.txt");
    undo_hostile(&share, "path", json!(share.path("secret.txt"))).code(1);
    assert!(share.holds("secret.txt", &before));
}

#[cfg(unix)]
#[test]
fn pipe_in_place_of_a_file_does_not_block() {
    let share = patched_share();
    fs::remove_file(share.path("b.exe")).unwrap();
    crate::make_pipe(&share.path("b.exe"));
    let journal = share.journal();
    let run = share.netswap(["undo", journal.to_str().unwrap()]);
    run.timeout(std::time::Duration::from_secs(20)).assert().code(2);
    assert!(share.holds("a.exe", &tool().bytes()));
}

/// A file that undo refuses keeps its permissions.
#[cfg(unix)]
#[test]
fn refused_file_is_not_made_read_only() {
    let share = patched_share();
    share.write("b.exe", Image::exe().overlay(7).bytes());
    undo_hostile(&share, "read_only", json!(true)).code(1);
    assert!(!share.path("b.exe").metadata().unwrap().permissions().readonly());
}

/// Creates a share with two tools, each patched with its own journal, and returns the journals.
fn share_with_two_journals() -> (Share, Vec<PathBuf>) {
    let share = Share::new([("a.exe", tool().bytes()), ("b.exe", tool().bytes())]);
    share.run(["patch", "a.exe"]).code(0);
    let first = share.journal();
    share.run(["patch", "b.exe"]).code(0);
    let second = share.journals().into_iter().find(|path| *path != first).unwrap();
    (share, vec![first, second])
}

#[test]
fn list_shows_the_newest_journal_last() {
    let (share, journals) = share_with_two_journals();
    // A journal elsewhere is not listed.
    share.run(["patch", ".", "--clear", "--journal", "../own.journal"]).code(0);
    let run = share.run(["undo", "--list"]).code(0).stderr_eq("");
    let text = stdout(&run);
    run.stdout_eq(str![[r"
20[..] UTC         1 file  [..]/home/[..].journal
20[..] UTC         1 file  [..]/home/[..].journal

"]]);
    let shown: Vec<PathBuf> =
        text.lines().map(|line| line.rsplit("  ").next().unwrap().into()).collect();
    assert_eq!(shown, journals);
    let report: Value = json(&share.run(["undo", "--list", "--format", "json"]).code(0));
    assert_eq!(report["schema"], "netswap.journals/1");
    assert_eq!(report["journals"][1]["path"], json!(journals[1]));
    assert_eq!(report["journals"][1]["files"], 1);
    assert!(report["journals"][1]["created"].as_str().unwrap().starts_with("20"));
    let lines = ndjson(&share.run(["undo", "--list", "--format", "ndjson"]).code(0));
    assert_eq!(json!(lines.len()), json!(report["journals"].as_array().unwrap().len()));
    assert_eq!((&lines[0]["type"], &lines[0]["path"]), (&json!("journal"), &json!(journals[0])));
}

#[test]
fn last_undoes_the_newest_journal_only() {
    let (share, journals) = share_with_two_journals();
    share.run(["undo", "--last", "--dry-run"]).code(0);
    let expected = format!(
        "journal: {}\nrestored   b.exe  swap-run: net -> none\n\n1 file: 1 restored ([..] s)\n",
        journals[1].display()
    );
    share.run(["undo", "--last"]).code(0).stderr_eq("").stdout_eq(expected);
    assert!(share.holds("b.exe", &tool().bytes()) && !share.holds("a.exe", &tool().bytes()));
    // Another time it says that there is nothing to do, and does not go on with the older one.
    share.run(["undo", "--last"]).code(0).stderr_eq("").stdout_eq(str![[r"
journal: [..].journal
1 file: 1 unchanged ([..] s)
nothing was changed: the files already have their original bytes
to see other journals:
    netswap undo --list

"]]);
    assert!(!share.holds("a.exe", &tool().bytes()));
    let run = share.run(["undo", "--last", "--format", "json"]).code(0);
    let run = run.stderr_eq("journal: [..].journal\n");
    assert_eq!(json(&run)["summary"]["unchanged"], 1);
}

#[test]
fn account_without_journals_has_nothing_to_list() {
    let share = Share::new([]);
    for option in ["--list", "--last"] {
        share.run(["undo", option]).code(3).stdout_eq("").stderr_eq(str![[r"
error: nothing to undo: this account's own folder has no journal

"]]);
    }
}

#[test]
fn exactly_one_journal_option_is_required() {
    let (share, journals) = share_with_two_journals();
    let journal = journals[0].to_str().unwrap();
    let before = share.state();
    share.run(["undo"]).code(2);
    share.run(["undo", "--list", "--last"]).code(2);
    share.run(["undo", "--list", journal]).code(2);
    share.run(["undo", "--last", journal]).code(2);
    share.run(["undo", "--list", "--dry-run"]).code(2);
    assert_eq!(share.state(), before);
}

#[test]
fn unreadable_journal_does_not_hide_the_others() {
    let (share, journals) = share_with_two_journals();
    fs::write(journals[0].with_file_name("x.journal"), "no journal").unwrap();
    let run = share.run(["undo", "--list"]).code(2);
    assert_eq!(stdout(&run).lines().count(), 2);
    run.stderr_eq(str![[r"
error: failed to read the journal [..]x.journal: it does not begin like a netswap journal

"]]);
    // It may be the newest.
    let before = share.state();
    share.run(["undo", "--last"]).code(2).stdout_eq("").stderr_eq(str![[r"
error: failed to read the journal [..]x.journal: it does not begin like a netswap journal
error: the newest journal is unknown: name the journal to undo

"]]);
    assert_eq!(share.state(), before);
}
