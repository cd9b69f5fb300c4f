//! `netswap verify` on the files and folders of a share.

mod baseline;
mod beside;
mod formats;
mod html;
mod policy;

use snapbox::cmd::OutputAssert;
use snapbox::str;
use testkit::image::{CD, Image, NET, dos, other_executable};
use testkit::share::Share;

use crate::{json, ndjson, statuses, stdout};

/// Returns an image with the bit.
fn good() -> Vec<u8> {
    Image::exe().with(NET).bytes()
}

/// Returns an image without the bit.
fn bad() -> Vec<u8> {
    Image::exe().bytes()
}

fn paths(run: &OutputAssert) -> Vec<String> {
    statuses(run, "images").into_iter().map(|(path, _)| path).collect()
}

#[test]
fn each_file_is_verified_once() {
    let share = Share::new([("sub/a.exe", bad()), ("sub/b.exe", good()), ("c.exe", bad())]);
    let images =
        |named: &[&str]| paths(&share.netswap(["verify", "--format", "json"]).args(named).assert());
    let once = ["./c.exe", "./sub/a.exe", "./sub/b.exe"];
    assert_eq!(images(&[".", "sub", "sub/a.exe"]), once);
    assert_eq!(images(&["sub", "."]), ["sub/a.exe", "sub/b.exe", "./c.exe"]);
    assert_eq!(images(&["sub/a.exe", "c.exe"]), ["sub/a.exe", "c.exe"]);
    let link = |name: &str| std::fs::hard_link(share.path("sub/a.exe"), share.path(name)).unwrap();
    link("z.exe");
    link("a-first.exe");
    let once = ["./a-first.exe", "./c.exe", "./sub/b.exe"];
    assert_eq!(images(&["."]), once);
    let summary = json(&share.run(["verify", ".", "--format", "json"]))["summary"].clone();
    assert_eq!((&summary["images"], &summary["failed"]), (&3.into(), &2.into()));
}

#[cfg(unix)]
#[test]
fn followed_links_to_one_file_count_once() {
    let share = Share::new([("real/a.exe", bad())]);
    std::os::unix::fs::symlink("real", share.path("link")).unwrap();
    std::os::unix::fs::symlink("real/a.exe", share.path("z.exe")).unwrap();
    let run = share.run(["verify", ".", "--follow-links", "--format", "json"]);
    assert_eq!(paths(&run), ["./link/a.exe"]);
}

#[test]
fn each_file_of_a_share_is_verified() {
    let share = Share::new([
        ("a/good.exe", good()),
        ("a/bad.DLL", Image::dll().x86().with(CD).bytes()),
        ("b/cut.exe", bad()[..0x90].to_vec()),
        ("b/dos.com", dos()),
        ("b/old.exe", other_executable(*b"NE")),
        ("b/signed", Image::exe().certificate(64).bytes()),
        ("boot.efi", Image::exe().efi().bytes()),
        ("readme.txt", b"MZ is no image".to_vec()),
    ]);
    share.run(["verify", "."]).code(1).stderr_eq("").stdout_eq(str![[r"
FAILED  ./a/bad.DLL
        net-swap-missing: IMAGE_FILE_NET_RUN_FROM_SWAP is not set
FAILED  ./b/cut.exe
        truncated-image: the file ends inside its headers
FAILED  ./b/signed
        net-swap-missing: IMAGE_FILE_NET_RUN_FROM_SWAP is not set

net-swap-missing: 1 file
  link with /SWAPRUN:NET, or set the bit before signing:
      netswap patch ./a/bad.DLL

truncated-image: 1 file
  copy or build the file again

net-swap-missing: 1 signed file
  setting the bit would invalidate the signature; the choices are:
  - ask the vendor for a build with /SWAPRUN:NET
  - set the bit, and sign again with a certificate of your own
  - run from a local disk
  - set the bit, if nothing checks the signature
  to set it:
      netswap patch --break-signature ./b/signed

5 images: 1 passed, 3 failed, 1 allowed (3 other files, [..] s)
allowed: 1 image: UEFI loads it, not Windows
commit if all bits were set: 16.0 KiB, on a machine that runs all of them

"]]);
    share.run(["verify", "boot.efi"]).code(3);
    share.run(["verify", "boot.efi", "a/good.exe"]).code(0);
}

#[test]
fn excluded_files_are_not_verified() {
    let share = Share::new([
        ("bad.exe", bad()),
        ("good.exe", good()),
        ("old/bad.exe", bad()),
        ("deep/old/bad.dll", bad()),
    ]);
    share.run(["verify", ".", "--exclude", "BAD.*"]).code(0);
    share.run(["verify", ".", "--exclude", "bad.exe", "--exclude", "deep/old"]).code(0);
    share.run(["verify", ".", "--exclude", "bad.exe", "--exclude", "old"]).code(0);
    share.run(["verify", ".", "--exclude", "bad.exe", "--exclude", "/old"]).code(1);
    share.run(["verify", ".", "--exclude", "old"]).code(1);
    share.run(["verify", ".", "--exclude", "*"]).code(3);
    share.run(["verify", "bad.exe", "--exclude", "bad.exe"]).code(3);
    share.run(["verify", ".", "--exclude", "a{"]).code(2).stdout_eq("").stderr_eq(str![[r"
error: --exclude: invalid glob `a{`: `{` without `}`; `[{]` matches a brace

"]]);
}

#[test]
fn quiet_reports_only_failures() {
    let share = Share::new([("bad.exe", bad()), ("good.exe", good()), ("b.efi", Vec::new())]);
    let run = share.run(["verify", ".", "--quiet"]).code(1).stderr_eq("");
    run.stdout_eq(str![[r"
FAILED  ./bad.exe
        net-swap-missing: IMAGE_FILE_NET_RUN_FROM_SWAP is not set

net-swap-missing: 1 file
  link with /SWAPRUN:NET, or set the bit before signing:
      netswap patch ./bad.exe

2 images: 1 passed, 1 failed (1 other file, [..] s)
commit if all bits were set: 8.0 KiB, on a machine that runs all of them

"]]);
    share.run(["verify", "good.exe", "-q"]).code(0).stderr_eq("").stdout_eq(str![[r"
1 image: 1 passed (0 other files, [..] s)

"]]);
    // It does not change JSON.
    let run = share.run(["verify", ".", "--quiet", "--format", "json"]).code(1);
    assert_eq!(paths(&run).len(), 2);
}

/// On Linux every account can open this file, but not even root can read its first page.
#[cfg(target_os = "linux")]
#[test]
fn only_unreadable_files_can_be_ignored() {
    let share = Share::new([("bad.exe", bad()), ("good.exe", good())]);
    let mem = "/proc/self/mem";
    for (option, code) in [(&[][..], 2), (&["--ignore-unreadable"], 0)] {
        let run = share.netswap(["verify", mem, "good.exe"]).args(option).assert().code(code);
        run.stderr_eq("").stdout_eq(str![[r"
UNREAD  /proc/self/mem
        unreadable: Input/output error (os error 5)

unreadable: 1 file
  check that it is a file or folder, that this account can read it, and that no
  other program has it open

1 image: 1 passed (0 other files, 1 unreadable, [..] s)

"]]);
    }
    share.run(["verify", mem, "bad.exe", "--ignore-unreadable"]).code(1);
    // Without an image there is nothing to verify.
    share.run(["verify", mem, "--ignore-unreadable"]).code(3);
}

#[cfg(unix)]
#[test]
fn unreadable_folder_does_not_stop_the_others() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let share = Share::new([("shut/bad.exe", bad()), ("good.exe", good())]);
    let verify = share.unprivileged(["verify", "."]);
    let ignoring = share.unprivileged(["verify", ".", "--ignore-unreadable"]);
    set_permissions(share.path("shut"), Permissions::from_mode(0o000)).unwrap();
    let (run, ignoring) = (verify.assert(), ignoring.assert());
    set_permissions(share.path("shut"), Permissions::from_mode(0o755)).unwrap();
    run.code(2).stderr_eq("").stdout_eq(str![[r"
UNREAD  ./shut
        unreadable: Permission denied (os error 13)

unreadable: 1 file
  check that it is a file or folder, that this account can read it, and that no
  other program has it open

1 image: 1 passed (0 other files, 1 unreadable, [..] s)

"]]);
    ignoring.code(0);
}

#[test]
fn report_is_sorted_for_any_number_of_jobs() {
    let share = Share::new([]);
    for number in 0..400 {
        let bytes = if number % 3 == 0 { good() } else { bad() };
        share.write(&format!("{}/{}/{number:03}.exe", number % 7, number % 5), bytes);
        share.write(&format!("{}/{number:03}.txt", number % 11), "no image");
    }
    for format in ["human", "json", "ndjson"] {
        let report = |jobs| {
            let run = share.run(["verify", ".", "--format", format, "--jobs", jobs]).code(1);
            without_seconds(&stdout(&run))
        };
        let expected = report("1");
        assert!(expected.contains("400"), "{expected}");
        assert_eq!([report("2"), report("64")], [expected.clone(), expected]);
    }
    let run = share.run(["verify", ".", "--format", "json"]).code(1);
    let statuses = statuses(&run, "images");
    assert_eq!(statuses.len(), 400);
    assert!(statuses.is_sorted());
}

fn without_seconds(report: &str) -> String {
    let lines = report.lines().map(|line| match line.rsplit_once(", ") {
        Some((before, time)) if time.ends_with(" s)") => before,
        _ => line.split("\"seconds\":").next().unwrap(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn named_paths_keep_their_order() {
    let share = Share::new([("a.exe", good()), ("b/c.exe", bad()), ("d.exe", good())]);
    let run = share.run(["verify", "d.exe", "b", "a.exe", "--format", "json"]).code(1);
    let paths = paths(&run);
    assert_eq!(paths.join(" ").replace('\\', "/"), "d.exe b/c.exe a.exe");
}

#[test]
fn thousands_of_files_give_valid_reports() {
    let share = Share::new([]);
    for number in 0..5000 {
        let bytes = if number % 2 == 0 { good() } else { bad() };
        share.write(&format!("{number:04}.exe"), bytes);
    }
    let run = share.run(["verify", ".", "--format", "json"]).code(1).stderr_eq("");
    let statuses = statuses(&run, "images");
    assert_eq!(statuses.len(), 5000);
    assert!(statuses.is_sorted());
    let report = json(&run);
    assert_eq!(report["schema"], "netswap.verify/1");
    let summary = &report["summary"];
    assert_eq!((&summary["passed"], &summary["failed"]), (&2500.into(), &2500.into()));
    let run = share.run(["verify", ".", "--format", "ndjson"]).code(1);
    assert_eq!(ndjson(&run).len(), 5001);
}

#[cfg(unix)]
#[test]
fn links_are_followed_on_request_and_loops_end() {
    use std::os::unix::fs::symlink;

    let share = Share::new([("tree/good.exe", good()), ("elsewhere/bad.exe", bad())]);
    symlink("..", share.path("tree/loop")).unwrap();
    symlink("../elsewhere", share.path("tree/link")).unwrap();
    share.run(["verify", "tree"]).code(0);
    let run = share.run(["verify", "tree", "--follow-links", "--format", "json"]).code(1);
    let paths = paths(&run);
    assert!(paths.contains(&"tree/link/bad.exe".to_owned()), "{paths:?}");
    assert!(paths.len() < 10, "{paths:?}");
}

#[cfg(unix)]
#[test]
fn dangling_followed_link_is_unreadable() {
    let share = Share::new([("good.exe", good())]);
    std::os::unix::fs::symlink("gone.exe", share.path("link.exe")).unwrap();
    share.run(["verify", "."]).code(0);
    let run = share.run(["verify", ".", "--follow-links"]).code(2).stderr_eq("");
    run.stdout_eq(str![[r"
UNREAD  ./link.exe
        unreadable: No such file or directory (os error 2)

unreadable: 1 file
  name a file or folder that exists

1 image: 1 passed (0 other files, 1 unreadable, [..] s)

"]]);
}

#[test]
fn glob_is_expanded_without_a_shell() {
    let share = Share::new([("a.dll", good()), ("b.DLL", good()), ("bad.exe", bad())]);
    let run = share.run(["verify", "*.dll", "--format", "json"]).code(0);
    assert_eq!(paths(&run).len(), 2);
    share.run(["verify", "*.*"]).code(1);
    share.run(["verify", "*.ocx"]).code(2).stdout_eq("").stderr_eq(str![[r"
error: failed to find *.ocx: no file or folder matches it; name files and folders that exist

"]]);
}
