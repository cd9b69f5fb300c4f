//! A baseline allows the failures that it lists. New failures still fail.

use std::fs;

use snapbox::str;

use super::{bad, good};
use crate::json;
use crate::schema::check_baseline;
use testkit::image::{Image, NET};
use testkit::share::Share;

/// Creates a share with two failures.
fn share() -> Share {
    Share::new([("a.exe", bad()), ("deep/b.dll", bad()), ("good.exe", good())])
}

/// Creates the same share, and beside it the baseline `known.json` that lists the failures.
fn share_with_baseline() -> Share {
    let share = share();
    share.run(["verify", ".", "--write-baseline", "../known.json"]).code(0);
    share
}

#[test]
fn baseline_allows_its_failures() {
    let share = share();
    let run = share.run(["verify", ".", "--write-baseline", "known.json"]).code(0).stderr_eq("");
    run.stdout_eq(str![[r"
3 images: 1 passed, 2 allowed (0 other files, [..] s)
allowed: 2 images: to be recorded in known.json

"]]);
    let expected = str![[r#"
{
"schema": "netswap.baseline/1",
"images": [
{"path":"a.exe","codes":["net-swap-missing"]},
{"path":"deep/b.dll","codes":["net-swap-missing"]}
]
}

"#]];
    snapbox::assert_data_eq!(String::from_utf8(share.read("known.json")).unwrap(), expected);
    check_baseline(&share.read("known.json")).unwrap();
    let run = share.run(["verify", ".", "--baseline", "known.json"]).code(0).stderr_eq("");
    run.stdout_eq(str![[r"
3 images: 1 passed, 2 allowed (1 other file, [..] s)
allowed: 2 images: known in known.json

"]]);
}

#[test]
fn empty_baseline_is_valid() {
    let share = Share::new([("good.exe", good())]);
    share.run(["verify", ".", "--write-baseline", "known.json"]).code(0);
    check_baseline(&share.read("known.json")).unwrap();
    share.run(["verify", ".", "--baseline", "known.json"]).code(0).stderr_eq("");
    share.write("bad.exe", bad());
    share.run(["verify", ".", "--baseline", "known.json"]).code(1);
}

#[test]
fn only_new_failures_fail() {
    let share = share_with_baseline();
    share.write("new.exe", bad());
    let run = share.run(["verify", ".", "--baseline", "../known.json"]).code(1).stderr_eq("");
    run.stdout_eq(str![[r"
FAILED  ./new.exe
        net-swap-missing: IMAGE_FILE_NET_RUN_FROM_SWAP is not set

net-swap-missing: 1 file
  link with /SWAPRUN:NET, or set the bit before signing:
      netswap patch ./new.exe

4 images: 1 passed, 1 failed, 2 allowed (0 other files, [..] s)
allowed: 2 images: known in ../known.json
commit if all bits were set: 8.0 KiB, on a machine that runs all of them

"]]);
}

#[test]
fn known_file_with_another_fault_fails() {
    let share = share_with_baseline();
    share.write("a.exe", &bad()[..0x90]);
    share.run(["verify", ".", "--baseline", "../known.json"]).code(1);
    share.write("a.exe", bad());
    share.write("policy.toml", "swap-run = [\"net\", \"cd\"]\n");
    let strict = ["verify", ".", "--baseline", "../known.json", "--policy", "policy.toml"];
    share.run(strict).code(1);
}

#[test]
fn stale_entry_is_a_warning() {
    let share = share_with_baseline();
    share.write("a.exe", good());
    fs::remove_file(share.path("deep/b.dll")).unwrap();
    share.run(["verify", ".", "--baseline", "../known.json"]).code(0).stderr_eq(str![[r"
warning: ../known.json: entry net-swap-missing for [..]share/a.exe no longer occurs; --write-baseline removes it
warning: ../known.json: entry net-swap-missing for [..]share/deep/b.dll no longer occurs; --write-baseline removes it

"]]);
}

#[test]
fn baseline_is_updated_from_itself() {
    let share = share_with_baseline();
    share.write("a.exe", good());
    let both = ["verify", ".", "--baseline", "../known.json", "--write-baseline", "../known.json"];
    share.run(both).code(0);
    share.run(["verify", ".", "--baseline", "../known.json"]).code(0).stderr_eq("");
    share.write("a.exe", bad());
    share.run(["verify", ".", "--baseline", "../known.json"]).code(1);
}

fn known(share: &Share) -> Vec<String> {
    let text = fs::read_to_string(share.beside("known.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let images = document["images"].as_array().unwrap().iter();
    images.map(|image| image["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn writing_replaces_only_the_entries_of_scanned_paths() {
    let share = share_with_baseline();
    let write = |path: &str, arguments: &[&str]| {
        let run = share.netswap(["verify", path, "--write-baseline", "../known.json"]);
        run.args(arguments).assert()
    };
    share.write("deep/c.dll", bad());
    write("deep", &[]).code(0);
    assert_eq!(known(&share), ["share/a.exe", "share/deep/b.dll", "share/deep/c.dll"]);
    share.write("deep/b.dll", good());
    write("deep/c.dll", &[]).code(0);
    assert_eq!(known(&share), ["share/a.exe", "share/deep/b.dll", "share/deep/c.dll"]);
    write(".", &["--exclude", "deep"]).code(0);
    assert_eq!(known(&share), ["share/a.exe", "share/deep/b.dll", "share/deep/c.dll"]);
    fs::remove_file(share.path("a.exe")).unwrap();
    write(".", &[]).code(0);
    assert_eq!(known(&share), ["share/deep/c.dll"]);
}

#[test]
fn incomplete_run_writes_no_baseline() {
    let share = share_with_baseline();
    let before = fs::read(share.beside("known.json")).unwrap();
    fs::create_dir(share.path("empty")).unwrap();
    // As if the share were not mounted.
    let run = share.run(["verify", "empty", "--write-baseline", "../known.json"]).code(3);
    run.stderr_eq(str![[r"
error: the baseline ../known.json was not written, because no image was found
error: nothing to verify: no Windows image found in the given files and folders

"]]);
    assert_eq!(fs::read(share.beside("known.json")).unwrap(), before);
    share.run(["verify", "empty", "--write-baseline", "../new.json"]).code(3);
    assert!(!share.beside("new.json").exists());
}

#[cfg(unix)]
#[test]
fn entries_of_unreadable_files_stay() {
    let share = share_with_baseline();
    let before = fs::read(share.beside("known.json")).unwrap();
    for name in ["a.exe", "deep/b.dll"] {
        fs::remove_file(share.path(name)).unwrap();
    }
    std::os::unix::fs::symlink("gone.exe", share.path("a.exe")).unwrap();
    let write = |arguments: &[&str]| {
        let run = share.netswap(["verify", ".", "--follow-links", "--write-baseline"]);
        run.arg("../known.json").args(arguments).assert()
    };
    write(&[]).code(2).stderr_eq(str![[r"
error: the baseline ../known.json was not written, because a file or folder could not be read

"]]);
    assert_eq!(fs::read(share.beside("known.json")).unwrap(), before);
    write(&["--ignore-unreadable"]).code(0).stderr_eq("");
    assert_eq!(known(&share), ["share/a.exe"]);
}

#[test]
fn file_that_is_no_baseline_is_not_replaced() {
    let share = share();
    share.write("notes.json", "my notes");
    let run = share.run(["verify", ".", "--write-baseline", "notes.json"]).code(2);
    run.stderr_eq(str![[r"
error: failed to read the baseline notes.json: [..]

"]]);
    assert!(share.holds("notes.json", b"my notes"));
}

#[test]
fn json_report_includes_the_baseline() {
    let share = share_with_baseline();
    share.write("a.exe", good());
    for format in ["json", "ndjson"] {
        let run = share.run(["verify", ".", "--baseline", "../known.json", "--format", format]);
        run.code(0).stdout_eq(if format == "json" { str![[r#"
{
"schema": "netswap.verify/1",
"images": [
{"path":"./a.exe","status":"passed","modified":"[..]","kind":"exe","machine":"x64","characteristics":"0x0822","swap_run":["net"],"size_of_image":8192,"checksum":"0x00000000","signed":false,"signer":null,"package":null,"target":null,"reason":null,"findings":[]},
{"path":"./deep/b.dll","status":"allowed","modified":"[..]","kind":"exe","machine":"x64","characteristics":"0x0022","swap_run":[],"size_of_image":8192,"checksum":"0x00000000","signed":false,"signer":null,"package":null,"target":null,"reason":"known in ../known.json","findings":[{"code":"net-swap-missing","message":"IMAGE_FILE_NET_RUN_FROM_SWAP is not set","help":"link with /SWAPRUN:NET, or set the bit before signing:/n    netswap patch FILE"}]},
{"path":"./good.exe","status":"passed","modified":"[..]","kind":"exe","machine":"x64","characteristics":"0x0822","swap_run":["net"],"size_of_image":8192,"checksum":"0x00000000","signed":false,"signer":null,"package":null,"target":null,"reason":null,"findings":[]}
],
"policy": {"default":["net"],"sources":[],"ignored":null},
"baseline": {"source":{"path":"../known.json"},"known":2,"stale":[{"path":"[..]share/a.exe","code":"net-swap-missing"}]},
"summary": {"files":3,"images":3,"passed":2,"failed":0,"allowed":1,"not_images":0,"unreadable":0,"offline":0,"seconds":[..]}
}

"#]] } else { str![[r#"
{"type":"image","path":"./a.exe","status":"passed","modified":"[..]","kind":"exe","machine":"x64","characteristics":"0x0822","swap_run":["net"],"size_of_image":8192,"checksum":"0x00000000","signed":false,"signer":null,"package":null,"target":null,"reason":null,"findings":[]}
{"type":"image","path":"./deep/b.dll","status":"allowed","modified":"[..]","kind":"exe","machine":"x64","characteristics":"0x0022","swap_run":[],"size_of_image":8192,"checksum":"0x00000000","signed":false,"signer":null,"package":null,"target":null,"reason":"known in ../known.json","findings":[{"code":"net-swap-missing","message":"IMAGE_FILE_NET_RUN_FROM_SWAP is not set","help":"link with /SWAPRUN:NET, or set the bit before signing:/n    netswap patch FILE"}]}
{"type":"image","path":"./good.exe","status":"passed","modified":"[..]","kind":"exe","machine":"x64","characteristics":"0x0822","swap_run":["net"],"size_of_image":8192,"checksum":"0x00000000","signed":false,"signer":null,"package":null,"target":null,"reason":null,"findings":[]}
{"type":"summary","schema":"netswap.verify/1","policy":{"default":["net"],"sources":[],"ignored":null},"baseline":{"source":{"path":"../known.json"},"known":2,"stale":[{"path":"[..]share/a.exe","code":"net-swap-missing"}]},"summary":{"files":3,"images":3,"passed":2,"failed":0,"allowed":1,"not_images":0,"unreadable":0,"offline":0,"seconds":[..]}}

"#]] });
    }
}

#[test]
fn invalid_baseline_is_an_error() {
    let share = Share::new([("a.exe", bad())]);
    let table = [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{\"schema\": \"netswap.baseline/1\"}", "`images` is missing"),
        (
            "{\"schema\": \"netswap.baseline/2\", \"images\": []}",
            "its schema is not netswap.baseline/1",
        ),
        (
            "{\"schema\": \"netswap.baseline/1\", \"images\": [], \"all\": true}",
            "unknown key `all`",
        ),
    ];
    for (text, message) in table {
        fs::write(share.beside("known.json"), text).unwrap();
        assert!(check_baseline(text.as_bytes()).is_err(), "{text}");
        let run = share.run(["verify", ".", "--baseline", "../known.json"]);
        run.code(2).stdout_eq("").stderr_eq(format!(
            "error: failed to read the baseline ../known.json: {message}; create one with --write-baseline\n"
        ));
    }
    share.run(["verify", ".", "--baseline", "gone.json"]).code(2).stdout_eq("").stderr_eq(str![[r"
error: failed to read the baseline gone.json: No such file or directory (os error 2); create one with --write-baseline

"]]);
}

#[test]
fn unwritable_baseline_is_an_error() {
    let share = Share::new([("a.exe", bad())]);
    let run = share.run(["verify", ".", "--write-baseline", "no/such/known.json"]).code(2);
    run.stdout_eq("").stderr_eq(str![[r"
error: failed to write the baseline no/such/known.json: No such file or directory (os error 2)[..]

"]]);
}

#[test]
fn error_leaves_the_old_baseline_unchanged() {
    let share = share_with_baseline();
    let before = share.state();
    share.run(["verify", "gone.exe", "--write-baseline", "../known.json"]).code(2);
    fs::write(share.beside("policy.toml"), "nonsense").unwrap();
    let arguments = ["--policy", "../policy.toml", "--write-baseline", "../known.json"];
    share.netswap(["verify", "."]).args(arguments).assert().code(2);
    fs::remove_file(share.beside("policy.toml")).unwrap();
    assert_eq!(share.state(), before);
}

#[test]
fn baseline_works_from_any_folder_and_with_any_path() {
    let share = share_with_baseline();
    let (root, baseline) = (share.root.to_str().unwrap(), share.beside("known.json"));
    let baseline = baseline.to_str().unwrap();
    for (folder, path, baseline) in [
        (".", ".", "../known.json"),
        (".", ".", baseline),
        (".", root, baseline),
        (".", root, "../known.json"),
        ("..", "share", "known.json"),
        ("..", "./share", "./known.json"),
        ("deep", "..", "../../known.json"),
        ("deep", root, baseline),
        ("deep", "..", baseline),
        ("deep", root, "../../known.json"),
    ] {
        let command = share.netswap(["verify", path, "--baseline", baseline]);
        let run = command.current_dir(share.path(folder)).output().unwrap();
        let text = String::from_utf8_lossy(&run.stdout);
        assert_eq!(run.status.code(), Some(0), "in {folder}: {path}, {baseline}\n{text}");
    }
}

#[test]
fn share_can_be_moved_with_its_baseline() {
    let share = Share::new([("tools/a.exe", bad()), ("tools/deep/b.dll", bad())]);
    share.run(["verify", "tools", "--write-baseline", "tools/known.json"]).code(0);
    fs::rename(share.path("tools"), share.path("moved")).unwrap();
    share.run(["verify", "moved", "--baseline", "moved/known.json"]).code(0).stderr_eq("");
}

/// Other accounts read the baseline in a repository or on the share.
#[cfg(unix)]
#[test]
fn baseline_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;

    let share = share_with_baseline();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let any = share.beside("any.json");
    fs::write(&any, "").unwrap();
    let (any, known) = (mode(any), mode(share.beside("known.json")));
    assert_eq!(known, any, "{known:o} is not {any:o}");
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf_8_are_known_too() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let share = Share::new([("good.exe", good())]);
    for name in [&b"a\xff.exe"[..], b"b\n\x1b[2J.exe"] {
        fs::write(share.root.join(OsStr::from_bytes(name)), bad()).unwrap();
    }
    share.run(["verify", ".", "--write-baseline", "../known.json"]).code(0);
    share.run(["verify", ".", "--baseline", "../known.json"]).code(0).stderr_eq("");
    fs::write(share.root.join(OsStr::from_bytes(b"a\xfe.exe")), bad()).unwrap();
    share.run(["verify", ".", "--baseline", "../known.json"]).code(1);
}

#[cfg(target_os = "linux")]
#[test]
fn unreadable_file_is_never_known() {
    let share = Share::new([("a.exe", bad())]);
    let arguments = ["verify", "/proc/self/mem", "a.exe"];
    share.netswap(arguments).args(["--write-baseline", "../known.json"]).assert().code(2);
    share.netswap(arguments).args(["--baseline", "../known.json"]).assert().code(2);
}

/// The baseline is often in the folder that is verified.
#[test]
fn baseline_being_written_is_not_counted() {
    let share = Share::new([("a.exe", bad())]);
    let run = share.run(["verify", ".", "--write-baseline", "known.json", "--format", "json"]);
    let report = json(&run.code(0));
    assert_eq!(report["summary"]["files"], 1, "{report}");
}

#[test]
fn sibling_dll_is_known_by_its_own_path() {
    let program = Image::exe().with(NET).import("helper.dll");
    let share = Share::new([("tool.exe", program.bytes()), ("helper.dll", bad())]);
    share.run(["verify", "tool.exe", "--write-baseline", "../known.json"]).code(0);
    share.run(["verify", "tool.exe", "--baseline", "../known.json"]).code(0).stderr_eq("");
}
