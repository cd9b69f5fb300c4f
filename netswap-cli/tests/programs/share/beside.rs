//! `netswap verify PROGRAM` also verifies the DLLs that the program loads from its own folder.

use snapbox::str;

use super::paths;
use crate::{json, stdout};
use testkit::image::{
    CD, DELAY_IMPORT, IMPORT, Image, NET, directory, get32, put_directory, put32,
};
use testkit::share::Share;

fn tool() -> Image {
    Image::exe().with(NET)
}

fn protected() -> Vec<u8> {
    Image::dll().with(NET).bytes()
}

fn unprotected() -> Vec<u8> {
    Image::dll().bytes()
}

/// Verifies the named files and returns the paths of all verified images.
fn verified(share: &Share, named: &[&str]) -> Vec<String> {
    paths(&share.netswap(["verify", "--format", "json"]).args(named).assert())
}

#[test]
fn unprotected_dll_has_its_own_code() {
    let tool = tool().import("KERNEL32.dll").import("helper.dll").delay_import("late.dll");
    let share = Share::new([
        ("tool.exe", tool.bytes()),
        ("helper.dll", unprotected()),
        ("late.dll", protected()),
    ]);
    let run = share.run(["verify", "tool.exe"]).code(1).stderr_eq("");
    run.stdout_eq(str![[r"
FAILED  helper.dll
        beside-dll-unprotected: tool.exe loads this DLL, and
        IMAGE_FILE_NET_RUN_FROM_SWAP is not set in it

beside-dll-unprotected: 1 file
  link with /SWAPRUN:NET, or set the bit before signing:
      netswap patch helper.dll

3 images: 2 passed, 1 failed (0 other files, [..] s)
commit if all bits were set: 8.0 KiB, on a machine that runs all of them

"]]);
    share.write("helper.dll", protected());
    share.run(["verify", "tool.exe"]).code(0);
}

#[test]
fn only_imported_dlls_are_included() {
    for image in [tool(), tool().x86()] {
        let image = image.import("a.dll").delay_import("b.dll").import("not-there.dll");
        let share = Share::new([
            ("tool.exe", image.bytes()),
            ("a.dll", protected()),
            ("b.dll", protected()),
            ("other.dll", unprotected()),
            ("deep/not-there.dll", unprotected()),
        ]);
        assert_eq!(verified(&share, &["tool.exe"]), ["tool.exe", "a.dll", "b.dll"]);
    }
}

/// Linkers from before 2000 write addresses. Newer ones write offsets from the image's base.
#[test]
fn old_delay_import_is_included() {
    let mut bytes = tool().x86().delay_import("b.dll").bytes();
    let table = 0x200 + get32(&bytes, directory(&bytes, DELAY_IMPORT)) as usize - 0x1000;
    let name = get32(&bytes, table + 4) as usize;
    put32(&mut bytes, table, 0);
    put32(&mut bytes, table + 4, 0x1000_0000 + name);
    let share = Share::new([("tool.exe", bytes), ("b.dll", protected())]);
    assert_eq!(verified(&share, &["tool.exe"]), ["tool.exe", "b.dll"]);
}

#[test]
fn dlls_of_dlls_are_included_even_in_a_cycle() {
    let dll = |import| Image::dll().with(NET).import(import).bytes();
    let share = Share::new([
        ("tool.exe", tool().import("a.dll").bytes()),
        ("a.dll", dll("b.dll")),
        ("b.dll", Image::dll().with(NET).delay_import("c.dll").bytes()),
        ("c.dll", dll("a.dll")),
    ]);
    assert_eq!(verified(&share, &["tool.exe"]), ["tool.exe", "a.dll", "b.dll", "c.dll"]);
    share.run(["verify", "tool.exe"]).code(0);
    share.write("c.dll", Image::dll().import("a.dll").bytes());
    share.run(["verify", "tool.exe"]).code(1);
}

#[test]
fn case_and_missing_extension_do_not_matter() {
    let image = tool().import("HELPER.DLL").import("plain").delay_import("Ümlaut.dll");
    let share = Share::new([
        ("tool.exe", image.bytes()),
        ("Helper.dll", protected()),
        ("PLAIN.dll", protected()),
        ("ümlaut.DLL", protected()),
    ]);
    let expected = ["tool.exe", "Helper.dll", "PLAIN.dll", "ümlaut.DLL"];
    assert_eq!(verified(&share, &["tool.exe"]), expected);
}

#[test]
fn each_dll_is_listed_once() {
    let image = tool().import("helper.dll").bytes();
    let share =
        Share::new([("a.exe", image.clone()), ("b.exe", image), ("helper.dll", unprotected())]);
    assert_eq!(verified(&share, &["a.exe", "b.exe"]), ["a.exe", "helper.dll", "b.exe"]);
    assert_eq!(verified(&share, &["a.exe", "helper.dll"]), ["a.exe", "helper.dll"]);
    assert_eq!(verified(&share, &["helper.dll", "a.exe"]), ["helper.dll", "a.exe"]);
    let run = share.run(["verify", ".", "--format", "json"]).code(1);
    assert_eq!(paths(&run).len(), 3);
    assert!(stdout(&run).contains("net-swap-missing"));
}

#[test]
fn named_dll_includes_no_other_dll() {
    let share = Share::new([
        ("a.dll", Image::dll().with(NET).import("b.dll").bytes()),
        ("b.dll", unprotected()),
    ]);
    assert_eq!(verified(&share, &["a.dll"]), ["a.dll"]);
    share.run(["verify", "a.dll"]).code(0);
}

#[test]
fn text_file_is_skipped_and_broken_dll_fails() {
    let share = Share::new([
        ("tool.exe", tool().import("text.dll").import("cut.dll").bytes()),
        ("text.dll", b"no image".to_vec()),
    ]);
    share.run(["verify", "tool.exe"]).code(0);
    share.write("cut.dll", &protected()[..0x90]);
    share.run(["verify", "tool.exe"]).code(1).stderr_eq("").stdout_eq(str![[r"
FAILED  cut.dll
        truncated-image: the file ends inside its headers

truncated-image: 1 file
  copy or build the file again

2 images: 1 passed, 1 failed (0 other files, [..] s)

"]]);
}

#[test]
fn dlls_follow_the_policy_of_the_program() {
    let share = Share::new([
        ("tool.exe", tool().with(CD).import("helper.dll").bytes()),
        ("helper.dll", protected()),
        ("netswap.toml", b"swap-run = [\"net\", \"cd\"]\n".to_vec()),
    ]);
    share.run(["verify", "tool.exe", "--policy", "netswap.toml"]).code(1).stderr_eq("").stdout_eq(
        str![[r"
FAILED  helper.dll
        beside-dll-unprotected: tool.exe loads this DLL, and
        IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP is not set in it

beside-dll-unprotected: 1 file
  link with /SWAPRUN:CD, or set the bit before signing:
      netswap patch --swap-run cd helper.dll

2 images: 1 passed, 1 failed (0 other files, [..] s)
commit if all bits were set: 8.0 KiB, on a machine that runs all of them
policy: netswap.toml

"]],
    );
    let allow = "[[allow]]\nimage = \"helper.dll\"\nreason = \"never unloaded\"\n";
    share.write("netswap.toml", allow);
    share.write("helper.dll", unprotected());
    share.run(["verify", "tool.exe", "--policy", "netswap.toml"]).code(0);
}

#[test]
fn malformed_import_table_is_a_finding() {
    let whole = tool().import("helper.dll").bytes();
    let mut outside = whole.clone();
    put_directory(&mut outside, IMPORT, 0x00ff_0000, 40);
    let share = Share::new([("tool.exe", outside)]);
    share.run(["verify", "tool.exe"]).code(1).stderr_eq("").stdout_eq(str![[r"
FAILED  tool.exe
        malformed-image: its import table can't be read completely: it is
        outside the file

malformed-image: 1 file
  build the file again; the DLLs that it names there were not checked

1 image: 1 failed (0 other files, [..] s)

"]]);
    // For a folder, netswap does not read the import tables.
    share.run(["verify", "."]).code(0);

    let table = 0x200 + get32(&whole, directory(&whole, IMPORT)) as usize - 0x1000;
    let mut nameless = whole;
    put32(&mut nameless, table + 12, 0x00ff_0000);
    share.write("tool.exe", nameless);
    share.run(["verify", "tool.exe"]).code(1);
}

/// Windows does not read the delay-load table when it loads an image.
#[test]
fn malformed_delay_load_table_hides_nothing() {
    let whole = tool().import("helper.dll").delay_import("late.dll").bytes();
    for (start, size) in [(0xffff_fff0, 0x40), (0xff, 0), (0x00ff_0000, 0x40)] {
        let mut bytes = whole.clone();
        put_directory(&mut bytes, DELAY_IMPORT, start, size);
        let share = Share::new([("tool.exe", bytes), ("helper.dll", unprotected())]);
        let run = share.run(["verify", "tool.exe", "--format", "json"]).code(1);
        let report = json(&run);
        let image = |index: usize| &report["images"][index];
        assert_eq!(image(0)["path"], "tool.exe", "{report}");
        assert_eq!(image(0)["status"], "passed", "{report}");
        assert_eq!(image(0)["findings"][0]["code"], "malformed-image", "{report}");
        assert_eq!(image(1)["findings"][0]["code"], "beside-dll-unprotected", "{report}");
        share.write("helper.dll", protected());
        let text = stdout(&share.run(["verify", "tool.exe"]).code(0));
        assert!(text.contains("malformed-image: its delay-load import table can't be"), "{text}");
        let text = stdout(&share.run(["inspect", "tool.exe"]).code(1));
        assert!(text.contains("\n  imports     helper.dll in the same folder, protected\n"));
        assert!(text.contains("unreadable delay-load import table: "), "{text}");
    }
}

#[test]
fn dlls_of_windows_are_not_included() {
    let names = ["KERNEL32.dll", "user32.dll", "api-ms-win-core-file-l1-1-0.dll", "ext-ms-a.dll"];
    let image = names.iter().fold(tool(), |image, name| image.import(name));
    let share = Share::new([("tool.exe", image.bytes()), ("ucrtbase.dll", unprotected())]);
    for name in names {
        share.write(name, unprotected());
    }
    assert_eq!(verified(&share, &["tool.exe"]), ["tool.exe"]);
    let image = image.import("api-ms-win-crt-stdio-l1-1-0.dll");
    share.write("tool.exe", image.bytes());
    assert_eq!(verified(&share, &["tool.exe"]), ["tool.exe", "ucrtbase.dll"]);
}

#[test]
fn flat_image_is_followed_to_its_dlls() {
    let image = tool().flat().import("helper.dll").delay_import("late.dll");
    let share = Share::new([
        ("tool.exe", image.bytes()),
        ("helper.dll", unprotected()),
        ("late.dll", protected()),
    ]);
    assert_eq!(verified(&share, &["tool.exe"]), ["tool.exe", "helper.dll", "late.dll"]);
    let text = stdout(&share.run(["inspect", "tool.exe"]).code(0));
    assert!(text.contains("helper.dll in the same folder, not protected"), "{text}");
    share.run(["patch", "tool.exe", "--clear"]).code(0);
}

#[test]
fn import_with_a_folder_is_ignored() {
    let names = ["../outside.dll", "deep/inside.dll", "..\\outside.dll", "..", "."];
    let image = names.iter().fold(tool(), |image, name| image.import(name));
    let share = Share::new([
        ("bin/tool.exe", image.bytes()),
        ("outside.dll", unprotected()),
        ("bin/deep/inside.dll", unprotected()),
    ]);
    assert_eq!(verified(&share, &["bin/tool.exe"]), ["bin/tool.exe"]);
}

#[test]
fn thousands_of_imports_are_read() {
    let image = (0..3000).fold(tool(), |image, number| image.import(&format!("{number}.dll")));
    let share = Share::new([("tool.exe", image.bytes()), ("2999.dll", unprotected())]);
    assert_eq!(verified(&share, &["tool.exe"]), ["tool.exe", "2999.dll"]);
}
