//! `netswap patch` refuses files that it would break or can't change, and leaves them unchanged.

use snapbox::str;

use testkit::image::{
    CERTIFICATE, CLR, Image, MAGIC, NET, Strong, Sum, checksum, directory, dos, nt,
    other_executable, put16, put32, right_checksum,
};
use testkit::share::Share;

use crate::json;

/// Checks that `netswap patch` refuses an image with this code and leaves it unchanged.
fn check_refused(bytes: Vec<u8>, code: &str) {
    let share = Share::new([("bad.exe", bytes)]);
    let before = share.state();
    let run = share.run(["patch", "bad.exe", "--format", "json"]).code(1).stderr_eq("");
    let report = json(&run);
    assert_eq!(report["files"][0]["status"], "refused", "{report}");
    assert_eq!(report["files"][0]["findings"][0]["code"], code, "{report}");
    assert_eq!(report["journal"], serde_json::Value::Null);
    assert_eq!(share.state(), before);
}

/// Checks that an image is patched with these arguments, and that undo restores it.
fn check_patched_and_restored(image: &Image, arguments: &[&str]) {
    let share = Share::new([("tool.exe", image.bytes())]);
    share.netswap(["patch", "tool.exe"]).args(arguments).assert().code(0).stderr_eq("");
    assert_eq!(share.characteristics("tool.exe") & NET, NET);
    share.undo().code(0).stderr_eq("");
    assert!(share.holds("tool.exe", &image.bytes()));
}

#[test]
fn signed_file_is_patched_on_request_and_restored() {
    for sum in [Sum::None, Sum::Right] {
        let signed = Image::exe().certificate(1000).certificate(77).sum(sum);
        check_refused(signed.bytes(), "signature-would-break");
        check_patched_and_restored(&signed, &["--break-signature"]);
        check_patched_and_restored(&signed.x86(), &["--break-signature"]);
    }
}

#[test]
fn checksum_includes_the_certificates() {
    let signed = Image::exe().certificate(1001).sum(Sum::Right);
    let share = Share::new([("tool.exe", signed.bytes())]);
    share.run(["patch", "tool.exe", "--break-signature"]).code(0);
    let patched = share.read("tool.exe");
    assert_eq!(checksum(&patched), right_checksum(&patched));
}

/// A malformed certificate table counts as a signature, if it is in the file.
#[test]
fn malformed_table_is_refused() {
    for (image, table, start, code) in [
        (Image::exe().certificate(64), CERTIFICATE, 4, "signature-would-break"),
        (Image::exe().assembly(Strong::None), CLR, 0x00ff_0000, "malformed-image"),
    ] {
        let mut bytes = image.bytes();
        let entry = directory(&bytes, table);
        put32(&mut bytes, entry, start);
        check_refused(bytes, code);
    }
}

#[test]
fn only_an_existing_strong_name_is_refused() {
    for image in [Image::exe(), Image::exe().x86()] {
        let signed = image.clone().assembly(Strong::Signed);
        check_refused(signed.bytes(), "strong-name-would-break");
        check_patched_and_restored(&signed, &["--break-strong-name"]);
        check_patched_and_restored(&image.clone().assembly(Strong::Delayed), &[]);
        check_patched_and_restored(&image.assembly(Strong::None), &[]);
    }
}

#[test]
fn each_risk_needs_its_own_option() {
    let both = Image::exe().assembly(Strong::Signed).certificate(64);
    let share = Share::new([("tool.exe", both.bytes())]);
    let before = share.state();
    share.run(["patch", "tool.exe", "--break-signature"]).code(1);
    share.run(["patch", "tool.exe", "--break-strong-name"]).code(1);
    assert_eq!(share.state(), before);
    check_patched_and_restored(&both, &["--break-signature", "--break-strong-name"]);
}

#[test]
fn named_file_that_is_no_image_is_refused() {
    let long_text = "MZ begins this text, which is longer than a DOS header, and no image at all.";
    for bytes in [
        b"".to_vec(),
        b"MZ".to_vec(),
        b"\x7fELF\x02\x01\x01".to_vec(),
        long_text.as_bytes().to_vec(),
        dos(),
        other_executable(*b"NE"),
        other_executable(*b"LE"),
        other_executable(*b"LX"),
    ] {
        check_refused(bytes, "not-an-image");
    }
}

#[test]
fn truncated_or_malformed_image_is_refused() {
    let whole = Image::exe().sum(Sum::Right).overlay(100).bytes();
    for length in [0x3f, 0x81, 0x90, 0x97, 0x180] {
        check_refused(whole[..length].to_vec(), "truncated-image");
    }
    let mut bytes = whole;
    let magic = nt(&bytes) + MAGIC;
    put16(&mut bytes, magic, 0x0107);
    check_refused(bytes, "malformed-image");
    // Without all its sections.
    check_refused(Image::exe().bytes()[..0x200].to_vec(), "truncated-image");
    check_patched_and_restored(&Image::exe(), &[]);
}

#[test]
fn folder_refuses_only_broken_images() {
    let share = Share::new([
        ("a-text.txt", b"MZ, a text".to_vec()),
        ("b-dos.com", dos()),
        ("c-ne.exe", other_executable(*b"NE")),
        ("d-le.vxd", other_executable(*b"LE")),
        ("e-empty", Vec::new()),
        ("f-cut.exe", Image::exe().bytes()[..0x90].to_vec()),
        ("g-cut.dll", Image::dll().bytes()[..0x200].to_vec()),
        ("h-good.exe", Image::exe().bytes()),
    ]);
    share.run(["patch", "."]).code(1).stderr_eq("").stdout_eq(str![[r"
journal: [..].journal
refused    ./f-cut.exe
           truncated-image: the file ends inside its headers
refused    ./g-cut.dll
           truncated-image: the file ends before its last section does
patched    ./h-good.exe  swap-run: none -> net

truncated-image: 1 file
  copy or build the file again

truncated-image: 1 file
  copy or build the file again; Windows does not load this one
  or pass --accept truncated-image, and keep in mind that a new copy lacks the
  bit

3 files: 1 patched, 2 refused (5 other files, [..] s)
to undo it:
    netswap undo [..].journal

"]]);
    assert_eq!(share.characteristics("h-good.exe") & NET, NET);
    assert_eq!(share.entries().len(), 1);
}

#[cfg(unix)]
mod permissions {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    /// Creates a share with a program of this mode.
    fn share_with_mode(mode: u32) -> Share {
        let share = Share::new([("tool.exe", Image::exe().sum(Sum::Right).bytes())]);
        set_permissions(share.path("tool.exe"), Permissions::from_mode(mode)).unwrap();
        share
    }

    fn mode(share: &Share) -> u32 {
        share.path("tool.exe").metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn read_only_file_is_refused_even_for_root() {
        for mode_before in [0o444, 0o555, 0o400] {
            let share = share_with_mode(mode_before);
            let before = share.read("tool.exe");
            // Root could write to the file despite its mode.
            let run = share.run(["patch", "tool.exe"]).code(1).stderr_eq("");
            run.stdout_eq(str![[r"
refused    tool.exe
           read-only: it is read-only

read-only: 1 file
  pass --include-read-only to change it and keep it read-only

1 file: 1 refused (0 other files, [..] s)

"]]);
            share.unprivileged(["patch", "tool.exe"]).assert().code(1);
            assert_eq!((share.read("tool.exe"), mode(&share)), (before, mode_before));
            assert!(share.journals().is_empty());
        }
    }

    #[test]
    fn read_only_file_is_patched_and_stays_read_only() {
        for mode_before in [0o444, 0o555, 0o400] {
            let arguments = ["patch", "tool.exe", "--include-read-only"];
            let by_root = share_with_mode(mode_before);
            by_root.run(arguments).code(0);
            let share = share_with_mode(mode_before);
            let before = share.read("tool.exe");
            share.unprivileged(arguments).assert().code(0);
            for share in [&by_root, &share] {
                assert_eq!(share.characteristics("tool.exe") & NET, NET);
                assert_eq!(mode(share), mode_before);
                assert_eq!(share.entries()[0]["read_only"], true);
            }
            let journal = share.journal();
            share.unprivileged(["undo", journal.to_str().unwrap()]).assert().code(0);
            assert_eq!((share.read("tool.exe"), mode(&share)), (before, mode_before));
        }
    }

    #[test]
    fn writable_file_stays_writable() {
        let share = share_with_mode(0o640);
        share.run(["patch", "tool.exe", "--include-read-only"]).code(0);
        share.undo().code(0);
        assert_eq!(mode(&share), 0o640);
    }

    /// The file is not read-only, because its group may write to it. But its owner may not.
    #[test]
    fn unwritable_file_is_refused_without_a_journal() {
        let share = share_with_mode(0o464);
        let before = share.read("tool.exe");
        let run = share.unprivileged(["patch", "tool.exe"]).assert().code(1).stderr_eq("");
        run.stdout_eq(str![[r"
refused    tool.exe
           unwritable: Permission denied (os error 13)

unwritable: 1 file
  check that this account may write to it and that its disk is not full

1 file: 1 refused (0 other files, [..] s)

"]]);
        share.unprivileged(["patch", "tool.exe", "--include-read-only"]).assert().code(1);
        assert_eq!((share.read("tool.exe"), mode(&share)), (before, 0o464));
        assert!(share.journals().is_empty());
    }

    /// A private mount needs a mount namespace, which not every system allows.
    #[cfg(target_os = "linux")]
    #[test]
    fn file_on_a_read_only_file_system_is_refused() {
        let unshare = ["--user", "--map-root-user", "--mount"];
        let probe = std::process::Command::new("unshare").args(unshare).arg("true").status();
        if !probe.is_ok_and(|status| status.success()) {
            eprintln!("skipped: unshare can't create a mount namespace here");
            return;
        }
        let share = share_with_mode(0o644);
        let before = share.state();
        let script = "mount --bind . . && mount -o remount,bind,ro . && cd \"$PWD\" && \
            exec \"$0\" patch tool.exe";
        let command = snapbox::cmd::Command::new("unshare").args(unshare);
        let command = command.args(["sh", "-c", script, env!("CARGO_BIN_EXE_netswap")]);
        let run = share.account(command).assert().code(1).stderr_eq("");
        run.stdout_eq(str![[r"
refused    tool.exe
           unwritable: Read-only file system (os error 30)

unwritable: 1 file
  check that this account may write to it and that its disk is not full

1 file: 1 refused (0 other files, [..] s)

"]]);
        assert_eq!(share.state(), before);
    }

    #[test]
    fn unreadable_paths_do_not_stop_the_others() {
        let share = share_with_mode(0o200);
        share.write("shut/b.exe", Image::exe().bytes());
        share.write("z.exe", Image::exe().bytes());
        let run = share.unprivileged(["patch", "."]);
        set_permissions(share.path("shut"), Permissions::from_mode(0o000)).unwrap();
        let run = run.assert().code(2).stderr_eq("");
        set_permissions(share.path("shut"), Permissions::from_mode(0o755)).unwrap();
        run.stdout_eq(str![[r"
journal: [..].journal
unreadable .: 2 files
           unreadable: Permission denied (os error 13)
           shut, tool.exe
patched    ./z.exe  swap-run: none -> net

unreadable: 2 files
  check that it is a file or folder, that this account can read it, and that no
  other program has it open

1 file: 1 patched (0 other files, 2 unreadable, [..] s)
to undo it:
    netswap undo [..].journal

"]]);
        assert_eq!(share.characteristics("z.exe") & NET, NET);
        assert_eq!(share.characteristics("shut/b.exe") & NET, 0);
    }
}
