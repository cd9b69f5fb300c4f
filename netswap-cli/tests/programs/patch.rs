//! `netswap patch` and `netswap undo`: what they change in real files, and what they keep.

mod hazards;
mod journal;
mod links;
mod names;
mod refused;
mod report;
mod tables;
mod undo;

use snapbox::str;
use testkit::image::{
    CD, CHARACTERISTICS, CHECKSUM, Image, NET, Sum, checksum, nt, right_checksum,
};
use testkit::share::Share;

fn share_with(image: &Image) -> Share {
    Share::new([("tool.exe", image.bytes())])
}

#[test]
fn bits_are_set_alone_and_together() {
    let table = [
        (&[][..], NET),
        (&["--swap-run", "net"], NET),
        (&["--swap-run", "cd"], CD),
        (&["--swap-run", "net,cd"], NET | CD),
        (&["--swap-run", "cd,net,cd"], NET | CD),
        (&["--swap-run", "both"], NET | CD),
        (&["--swap-run", "both,net"], NET | CD),
    ];
    for (arguments, bits) in table {
        for image in [Image::exe(), Image::dll(), Image::exe().x86(), Image::dll().x86()] {
            let share = share_with(&image);
            let before = share.characteristics("tool.exe");
            share.netswap(["patch", "tool.exe"]).args(arguments).assert().code(0);
            assert_eq!(share.characteristics("tool.exe"), before | bits, "{arguments:?}");
        }
    }
}

#[test]
fn clear_removes_only_the_named_bits() {
    let table = [
        ("net", NET | CD, CD),
        ("cd", NET | CD, NET),
        ("net,cd", CD, 0),
        ("both", NET | CD, 0),
        ("net", CD, CD),
    ];
    for (words, before, after) in table {
        let share = share_with(&Image::exe().with(before));
        share.run(["patch", "tool.exe", "--clear", "--swap-run", words]).code(0);
        assert_eq!(share.characteristics("tool.exe"), 0x0022 | after, "{words} {before:#x}");
    }
}

#[test]
fn only_two_fields_change_at_any_header_offset() {
    for e_lfanew in [0x40, 0x80, 0x81, 0x82, 0x83, 0xf8, 3800, 4000, 4096, 100_001] {
        let table = Image::exe().import("kernel32.dll").delay_import("b.dll").overlay(777);
        for image in [table.clone(), table.x86()] {
            let image = image.e_lfanew(e_lfanew).sum(Sum::Right);
            let share = share_with(&image);
            share.run(["patch", "tool.exe"]).code(0);
            let (before, after) = (image.bytes(), share.read("tool.exe"));
            let nt = nt(&before);
            let may_change = |at: usize| {
                at == nt + CHARACTERISTICS + 1 || (nt + CHECKSUM..nt + CHECKSUM + 4).contains(&at)
            };
            assert_eq!(before.len(), after.len());
            let mut changed = (0..before.len()).filter(|&at| before[at] != after[at]);
            let wrong = changed.find(|&at| !may_change(at));
            assert_eq!(wrong, None, "{e_lfanew:#x}");
            assert_eq!(after[nt + CHARACTERISTICS + 1], before[nt + CHARACTERISTICS + 1] | 8);
        }
    }
}

#[test]
fn checksum_stays_zero_or_correct_at_any_length() {
    for overlay in [0, 1, 2, 3] {
        for e_lfanew in [0x80, 0x81] {
            for flags in ["net", "cd", "net,cd"] {
                let image = Image::exe().overlay(overlay).e_lfanew(e_lfanew);
                let share = Share::new([
                    ("none.exe", image.clone().sum(Sum::None).bytes()),
                    ("right.exe", image.sum(Sum::Right).bytes()),
                ]);
                share.run(["patch", ".", "--swap-run", flags]).code(0);
                assert_eq!(checksum(&share.read("none.exe")), 0);
                let right = share.read("right.exe");
                assert_eq!(checksum(&right), right_checksum(&right), "{overlay} {flags}");
            }
        }
    }
}

#[test]
fn stale_checksum_is_recomputed_only_on_request() {
    let image = Image::exe().sum(Sum::Stale).overlay(1);
    let share = share_with(&image);
    share.run(["patch", "tool.exe"]).code(0);
    let patched = share.read("tool.exe");
    assert_ne!(checksum(&patched), right_checksum(&patched));
    for image in [image, Image::exe(), Image::exe().x86().sum(Sum::Right)] {
        let share = share_with(&image);
        share.run(["patch", "tool.exe", "--recompute-checksum"]).code(0);
        let patched = share.read("tool.exe");
        assert_eq!(checksum(&patched), right_checksum(&patched));
        share.undo().code(0);
        assert!(share.holds("tool.exe", &image.bytes()));
    }
}

#[test]
fn checksum_of_a_file_with_the_bit_is_recomputed() {
    let image = Image::exe().with(NET).sum(Sum::Stale);
    let share = share_with(&image);
    share.run(["patch", "tool.exe"]).code(0);
    assert!(share.holds("tool.exe", &image.bytes()));
    share.run(["patch", "tool.exe", "--recompute-checksum"]).code(0);
    let patched = share.read("tool.exe");
    assert_eq!(checksum(&patched), right_checksum(&patched));
    assert_eq!(share.characteristics("tool.exe"), 0x0022 | NET);
}

#[test]
fn folder_patches_images_and_ignores_other_files() {
    let share = Share::new([
        ("a.exe", Image::exe().bytes()),
        ("deep/er/b.DLL", Image::dll().x86().bytes()),
        ("deep/no-extension", Image::exe().bytes()),
        ("readme.txt", b"MZ is no image".to_vec()),
    ]);
    share.run(["patch", "."]).code(0).stderr_eq("").stdout_eq(str![[r"
journal: [..].journal
patched    ./a.exe  swap-run: none -> net
patched    ./deep/er/b.DLL  swap-run: none -> net
patched    ./deep/no-extension  swap-run: none -> net

3 files: 3 patched (1 other file, [..] s)
to undo it:
    netswap undo [..].journal

"]]);
    for name in ["a.exe", "deep/er/b.DLL", "deep/no-extension"] {
        assert_eq!(share.characteristics(name) & NET, NET, "{name}");
    }
    assert_eq!(share.read("readme.txt"), b"MZ is no image");
}

#[test]
fn unchanged_files_need_no_journal() {
    let share = Share::new([
        ("a.exe", Image::exe().with(NET).bytes()),
        ("signed.exe", Image::exe().with(NET | CD).certificate(100).bytes()),
    ]);
    let before = share.state();
    share.run(["patch", "."]).code(0).stderr_eq("").stdout_eq(str![[r"
2 files: 2 unchanged (0 other files, [..] s)

"]]);
    share.run(["patch", "a.exe", "--clear", "--swap-run", "cd"]).code(0);
    assert_eq!(share.state(), before);

    share.write("c.exe", Image::exe().sum(Sum::Right).bytes());
    share.run(["patch", "c.exe"]).code(0);
    let before = share.state();
    share.run(["patch", "c.exe"]).code(0);
    assert_eq!(share.state(), before);
}

#[test]
fn dry_run_reports_changes_without_making_them() {
    let share = Share::new([
        ("a.exe", Image::exe().sum(Sum::Right).bytes()),
        ("b.exe", Image::exe().with(NET).bytes()),
        ("c.exe", Image::exe().certificate(64).bytes()),
    ]);
    let before = share.state();
    let run = share.run(["patch", ".", "--dry-run"]).code(1).stderr_eq("");
    run.stdout_eq(str![[r"
refused    ./c.exe
           signature-would-break: it is signed
to patch   ./a.exe  swap-run: none -> net

signature-would-break: 1 signed file
  the choices are:
  - ask the vendor for a build with /SWAPRUN:NET
  - pass --break-signature, and sign again with a certificate of your own
  - run from a local disk
  - pass --break-signature, if nothing checks the signature

3 files: 1 to patch, 1 unchanged, 1 refused (0 other files, [..] s)
nothing was changed

"]]);
    let journal = share.beside("my.journal");
    share.run(["patch", "a.exe", "-n", "--journal", journal.to_str().unwrap()]).code(0);
    assert_eq!(share.state(), before);
    share.run(["patch", "a.exe"]).code(0);
    assert_ne!(share.state(), before);
}

#[test]
fn glob_is_expanded_without_a_shell() {
    let share = Share::new([
        ("a.dll", Image::dll().bytes()),
        ("b.DLL", Image::dll().bytes()),
        ("deep/c.dll", Image::dll().bytes()),
        ("d.exe", Image::exe().bytes()),
    ]);
    share.run(["patch", "*.dll"]).code(0);
    for (name, is_patched) in
        [("a.dll", true), ("b.DLL", true), ("deep/c.dll", false), ("d.exe", false)]
    {
        assert_eq!(share.characteristics(name) & NET == NET, is_patched, "{name}");
    }
    share.run(["patch", "**/[c].dll"]).code(0);
    assert_eq!(share.characteristics("deep/c.dll") & NET, NET);
}

#[test]
fn missing_path_changes_nothing() {
    let share = share_with(&Image::exe());
    let before = share.state();
    for (path, error) in [
        ("gone.exe", "No such file or directory (os error 2); name a file or folder that exists"),
        ("*.ocx", "no file or folder matches it; name files and folders that exist"),
        (
            "[.exe",
            "Pattern syntax error near position 0: invalid range pattern; name files and folders that exist",
        ),
    ] {
        let run = share.run(["patch", "tool.exe", path]).code(2).stdout_eq("");
        run.stderr_eq(format!("error: failed to find {path}: {error}\n"));
    }
    assert_eq!(share.state(), before);
}

#[test]
fn file_named_like_a_glob_is_patched() {
    let share = Share::new([("[ab].exe", Image::exe().bytes()), ("a.exe", Image::exe().bytes())]);
    share.run(["patch", "[ab].exe"]).code(0);
    assert_eq!(share.characteristics("[ab].exe") & NET, NET);
    assert_eq!(share.characteristics("a.exe") & NET, 0);
}

#[test]
fn excluded_files_are_not_changed() {
    let share = Share::new([
        ("a.exe", Image::exe().bytes()),
        ("old/a.exe", Image::exe().bytes()),
        ("b.DLL", Image::dll().bytes()),
    ]);
    share.run(["patch", ".", "--exclude", "old", "--exclude", "*.dll"]).code(0);
    assert_eq!(share.characteristics("a.exe") & NET, NET);
    assert_eq!(share.characteristics("old/a.exe") & NET, 0);
    assert_eq!(share.characteristics("b.DLL") & NET, 0);
    share.run(["patch", ".", "--exclude", "{"]).code(2).stdout_eq("").stderr_eq(str![[r"
error: --exclude: invalid glob `{`: `{` without `}`; `[{]` matches a brace

"]]);
}

#[test]
fn worst_file_decides_the_exit_code() {
    let share = Share::new([
        ("good.exe", Image::exe().bytes()),
        ("signed.exe", Image::exe().certificate(64).bytes()),
        ("empty/readme.txt", b"no image".to_vec()),
        ("efi/boot.efi", Image::exe().efi().bytes()),
    ]);
    share.run(["patch", "efi", "good.exe"]).code(0);
    share.run(["patch", "good.exe"]).code(0);
    share.run(["patch", "good.exe", "signed.exe"]).code(1);
    share.run(["patch", "good.exe", "signed.exe", "gone.exe"]).code(2);
    share.run(["patch", "empty"]).code(3);
    share.run(["patch", "efi"]).code(3);
    share.run(["patch"]).code(2);
}

#[test]
fn unknown_bit_name_changes_nothing() {
    let share = share_with(&Image::exe());
    let before = share.state();
    let run = share.run(["patch", "tool.exe", "--swap-run", "nett"]).code(2).stdout_eq("");
    run.stderr_eq(str![[r"
error: invalid value 'nett' for '--swap-run <BITS>'
  [possible values: net, cd, both]

  tip: a similar value exists: 'net'

For more information, try '--help'.

"]]);
    for words in ["", "net;cd", "net,", "0x0800"] {
        share.run(["patch", "tool.exe", "--swap-run", words]).code(2);
    }
    share.run(["patch", "tool.exe", "--brake-signature"]).code(2);
    assert_eq!(share.state(), before);
}

/// The other tests patch handmade images. A real linker writes this one.
#[test]
fn linked_image_is_patched_and_restored() {
    let project = testkit::Project::new("two-tools");
    project.verified(1, &[]);
    let tool = project.built("no-bit.exe");
    let bytes = std::fs::read(&tool).unwrap();
    let share = Share::new([("no-bit.exe", bytes.clone())]);
    share.run(["patch", "no-bit.exe"]).code(0);
    assert_eq!(share.characteristics("no-bit.exe") & NET, NET);
    share.undo().code(0);
    assert!(share.holds("no-bit.exe", &bytes));
}
