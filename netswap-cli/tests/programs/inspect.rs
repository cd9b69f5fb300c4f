//! `netswap inspect`.

use serde_json::Value;
use snapbox::str;
use testkit::image::{
    CD, CERTIFICATE, CLR, DELAY_IMPORT, IMPORT, Image, MAGIC, NET, Strong, Sum, checksum,
    directory, dos, get32, nt, other_executable, put_directory, put16, put32, right_checksum,
};
use testkit::share::Share;

use crate::{json, ndjson, stdout};

/// Creates a share with DLLs of every kind, and a program with every property that is reported.
fn full_share() -> Share {
    let tool = Image::exe()
        .with(NET)
        .import("KERNEL32.dll")
        .import("good.dll")
        .import("BAD.dll")
        .import("text.dll")
        .delay_import("late.dll")
        .delay_import("WININET.dll")
        .assembly(Strong::Signed)
        .certificate(1000)
        .certificate(77)
        .sum(Sum::Stale);
    Share::new([
        ("tool.exe", tool.bytes()),
        ("good.dll", Image::dll().with(NET).bytes()),
        ("bad.dll", Image::dll().with(CD).bytes()),
        ("late.dll", Image::dll().with(NET | CD).bytes()),
        ("text.dll", b"no image".to_vec()),
        ("other.dll", Image::dll().bytes()),
    ])
}

/// Inspects an invalid image. Returns the codes of its findings, and the first finding's message.
fn inspect_invalid(bytes: Vec<u8>) -> (Vec<String>, String) {
    let share = Share::new([("bad.exe", bytes)]);
    let before = share.state();
    let run = share.run(["inspect", "bad.exe", "--format", "json"]).code(1).stderr_eq("");
    assert_eq!(share.state(), before);
    let report = json(&run);
    let findings = report["images"][0]["findings"].as_array().unwrap();
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let codes = findings.iter().map(|finding| text(finding, "code")).collect();
    (codes, text(&findings[0], "message"))
}

#[test]
fn human_report_shows_every_property() {
    let share = full_share();
    share.run(["inspect", "tool.exe"]).code(0).stderr_eq("").stdout_eq(str![[r"
tool.exe
  kind        exe for x64, PE32+, 2.6 KiB (2,616 bytes)
  swap-run    net set     IMAGE_FILE_NET_RUN_FROM_SWAP
              cd  not set IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP
  commit      8.0 KiB (8,192 bytes) on each machine that runs it from a share
  checksum    0x00004e12, wrong: it should be 0x00004e17
  signature   certificate table of 2 entries, 1,080 bytes at 0x600; not verified
  strong name signed
  imports     good.dll in the same folder, protected
              bad.dll in the same folder, not protected
              text.dll in the same folder, unreadable or not an image
              late.dll in the same folder, protected
              KERNEL32.dll, WININET.dll
  patching    refused: signature-would-break: it is signed
              refused: strong-name-would-break: it is a .NET assembly with a
              strong name

"]]);
}

#[test]
fn json_report_has_every_field() {
    let share = full_share();
    let run = share.run(["inspect", "tool.exe", "--format", "json"]).code(0).stderr_eq("");
    json(&run);
    run.stdout_eq(str![[r#"
{
"schema": "netswap.inspect/1",
"images": [
{"path":"tool.exe","kind":"exe","machine":"x64","format":"PE32+","characteristics":"0x0822","swap_run":["net"],"subsystem":3,"file_size":2616,"size_of_image":8192,"commit":8192,"checksum":{"stored":"0x00004e12","computed":"0x00004e17","state":"stale"},"certificate_table":{"state":"well-formed","offset":1536,"size":1080,"entries":2},"managed":true,"strong_name":"signed","imports":[{"name":"KERNEL32.dll","delayed":false,"beside":[]},{"name":"good.dll","delayed":false,"beside":[{"path":"good.dll","swap_run":["net"]}]},{"name":"BAD.dll","delayed":false,"beside":[{"path":"bad.dll","swap_run":["cd"]}]},{"name":"text.dll","delayed":false,"beside":[{"path":"text.dll","swap_run":null}]},{"name":"late.dll","delayed":true,"beside":[{"path":"late.dll","swap_run":["net","cd"]}]},{"name":"WININET.dll","delayed":true,"beside":[]}],"import_problem":null,"delay_import_problem":null,"maker":{"signer":null,"vendor":null,"product":null},"hazards":[{"code":"signature-would-break","message":"it is signed","help":"the choices are:/n- ask the vendor for a build with /SWAPRUN:NET/n- pass --break-signature, and sign again with a certificate of your own/n- run from a local disk/n- pass --break-signature, if nothing checks the signature","severity":"refusal"},{"code":"strong-name-would-break","message":"it is a .NET assembly with a strong name","help":"ask the vendor for a build with the bit, or pass --break-strong-name","severity":"refusal"}],"findings":[]}
]
}

"#]]);
}

#[test]
fn absent_properties_are_reported_as_none() {
    let share = Share::new([("a.exe", Image::exe().x86().bytes())]);
    share.run(["inspect", "a.exe"]).code(0).stderr_eq("").stdout_eq(str![[r"
a.exe
  kind        exe for x86, PE32, 1.0 KiB (1,024 bytes)
  swap-run    net not set IMAGE_FILE_NET_RUN_FROM_SWAP
              cd  not set IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP
  commit      8.0 KiB (8,192 bytes) on each machine that runs it from a share,
              once a bit is set
  checksum    none
  signature   none
  imports     none

"]]);
    share.run(["inspect", "a.exe", "--format", "ndjson"]).code(0).stdout_eq(str![[r#"
{"type":"image","path":"a.exe","kind":"exe","machine":"x86","format":"PE32","characteristics":"0x0102","swap_run":[],"subsystem":3,"file_size":1024,"size_of_image":8192,"commit":8192,"checksum":{"stored":"0x00000000","computed":"0x0000627c","state":"none"},"certificate_table":{"state":"absent"},"managed":false,"strong_name":null,"imports":[],"import_problem":null,"delay_import_problem":null,"maker":{"signer":null,"vendor":null,"product":null},"hazards":[],"findings":[]}

"#]]);
}

#[test]
fn checksum_strong_name_and_kind_are_distinguished() {
    let value = |image: Image, label: &str| {
        let share = Share::new([("a.exe", image.bytes())]);
        let text = stdout(&share.run(["inspect", "a.exe"]).code(0));
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(|line| line.trim().to_owned()).unwrap_or_default()
    };
    let (right, stale) = (Image::exe().sum(Sum::Right), Image::exe().sum(Sum::Stale));
    let valid = format!("{:#010x}, valid", checksum(&right.bytes()));
    let (stored, should) = (checksum(&stale.bytes()), right_checksum(&stale.bytes()));
    let wrong = format!("{stored:#010x}, wrong: it should be {should:#010x}");
    let assembly = |name| Image::dll().assembly(name);
    for (label, image, expected) in [
        ("checksum", Image::exe(), "none"),
        ("checksum", right, &valid),
        ("checksum", stale, &wrong),
        ("strong name", assembly(Strong::None), "none"),
        ("strong name", assembly(Strong::Delayed), "delay-signed (space is reserved)"),
        ("strong name", assembly(Strong::Signed), "signed"),
        ("strong name", Image::dll(), ""),
    ] {
        assert_eq!(value(image, label), expected, "{label}");
    }
    for (image, expected) in [
        (Image::exe(), "exe for x64, PE32+, "),
        (Image::dll().x86(), "dll for x86, PE32, "),
        (Image::exe().efi(), "efi for x64, PE32+, "),
    ] {
        let kind = value(image, "kind");
        assert!(kind.starts_with(expected), "{kind}");
    }
}

#[test]
fn malformed_certificate_table_is_a_finding() {
    let whole = Image::exe().certificate(64).certificate(40).bytes();
    let table = get32(&whole, directory(&whole, CERTIFICATE)) as usize;
    for (entry, length, expected) in [
        (Some((table + 4, 96)), None, "it does not begin at a multiple of 8 bytes"),
        (None, Some(0), "an entry is shorter than its header"),
        (None, Some(7), "an entry is shorter than its header"),
        (None, Some(105), "an entry reaches beyond the table"),
        (None, Some(0xffff_ffff), "an entry reaches beyond the table"),
    ] {
        let mut bytes = whole.clone();
        if let Some((start, size)) = entry {
            put_directory(&mut bytes, CERTIFICATE, start, size);
        }
        if let Some(length) = length {
            put32(&mut bytes, table, length);
        }
        let (codes, message) = inspect_invalid(bytes);
        assert_eq!(codes, ["malformed-image"]);
        assert_eq!(message, format!("its certificate table is malformed: {expected}"));
    }
    let share = Share::new([("good.exe", whole)]);
    share.run(["inspect", "good.exe"]).code(0);
}

#[test]
fn certificate_table_outside_the_file_is_no_signature() {
    let whole = Image::exe().certificate(64).bytes();
    let table = get32(&whole, directory(&whole, CERTIFICATE)) as usize;
    for (start, size) in [(table, 72), (0x7fff_fff8, 64), (0xffff_fff8, 0xffff_ffff)] {
        let mut bytes = whole.clone();
        put_directory(&mut bytes, CERTIFICATE, start, size);
        let share = Share::new([("a.exe", bytes)]);
        let report = json(&share.run(["inspect", "a.exe", "--format", "json"]).code(0));
        let image = &report["images"][0];
        assert_eq!(image["certificate_table"]["state"], "outside-file", "{report}");
        assert_eq!(image["hazards"].as_array().unwrap().len(), 0, "{report}");
        let text = stdout(&share.run(["inspect", "a.exe"]).code(0));
        assert!(
            text.contains(&format!("\n  signature   none: the headers name {size} bytes at"))
                || size > 999 && text.contains("\n  signature   none: the headers name "),
            "{text}"
        );
        let report = json(&share.run(["verify", "a.exe", "--format", "json"]).code(1));
        assert_eq!(report["images"][0]["signed"], false, "{report}");
        share.run(["patch", "a.exe"]).code(0);
    }
}

#[test]
fn table_outside_the_file_is_a_finding() {
    let whole = Image::exe().import("a.dll").delay_import("b.dll").assembly(Strong::Signed);
    for (index, expected) in [
        (IMPORT, "its import table can't be read completely: it is outside the file"),
        (
            DELAY_IMPORT,
            "its delay-load import table can't be read completely: it is outside the file",
        ),
        (CLR, "the CLR runtime header is outside the file"),
    ] {
        let mut bytes = whole.bytes();
        put_directory(&mut bytes, index, 0x00ff_0000, 72);
        let (codes, message) = inspect_invalid(bytes);
        assert_eq!((codes.join(" ").as_str(), message.as_str()), ("malformed-image", expected));
    }
}

#[test]
fn nameless_import_and_endless_table_are_findings() {
    let whole = Image::exe().import("a.dll").bytes();
    // The section's address is 0x1000, and it begins at 0x200 in the file.
    let table = get32(&whole, directory(&whole, IMPORT)) as usize - 0x1000 + 0x200;
    let mut bytes = whole.clone();
    put32(&mut bytes, table + 12, 0x0fff_0000);
    let nameless = "its import table can't be read completely: an entry has no name in the file";
    assert_eq!(inspect_invalid(bytes).1, nameless);
    let mut bytes = whole.clone();
    let name = get32(&whole, table + 12) as usize - 0x1000 + 0x200;
    bytes[name] = 0;
    assert_eq!(inspect_invalid(bytes).1, nameless);

    let endless = (0..4097).fold(Image::exe(), |image, _| image.import("a.dll"));
    assert_eq!(
        inspect_invalid(endless.bytes()).1,
        "its import table can't be read completely: it has no end"
    );
}

#[test]
fn truncated_file_is_a_finding() {
    let whole = Image::exe().bytes();
    let cut = |length: usize| inspect_invalid(whole[..length].to_vec()).0;
    assert_eq!(cut(0x90), ["truncated-image"]);
    assert_eq!(cut(0x200), ["truncated-image"]);
    let share = Share::new([("cut.exe", whole[..0x200].to_vec())]);
    share.run(["inspect", "cut.exe"]).code(1).stderr_eq("").stdout_eq(str![[r"
cut.exe
  kind        exe for x64, PE32+, 512 bytes
  swap-run    net not set IMAGE_FILE_NET_RUN_FROM_SWAP
              cd  not set IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP
  commit      8.0 KiB (8,192 bytes) on each machine that runs it from a share,
              once a bit is set
  checksum    none
  signature   none
  imports     none
  patching    refused: truncated-image: the file ends before its last section
              does
  truncated-image: the file ends before its last section does
  copy or build the file again

"]]);
}

#[test]
fn all_faults_are_reported() {
    let mut bytes = Image::exe().import("a.dll").assembly(Strong::None).certificate(64).bytes();
    let certificates = get32(&bytes, directory(&bytes, CERTIFICATE)) as usize;
    put32(&mut bytes, certificates, 7);
    for index in [IMPORT, DELAY_IMPORT, CLR] {
        put_directory(&mut bytes, index, 0x00ff_0000, 72);
    }
    assert_eq!(inspect_invalid(bytes).0, ["malformed-image"; 4]);
}

#[test]
fn named_file_that_is_no_image_is_a_finding() {
    let (ne, le) = (other_executable(*b"NE"), other_executable(*b"LE"));
    for bytes in [b"no image".to_vec(), Vec::new(), dos(), ne, le] {
        assert_eq!(inspect_invalid(bytes).0, ["not-an-image"]);
    }
    let mut bytes = Image::exe().bytes();
    let magic = nt(&bytes) + MAGIC;
    put16(&mut bytes, magic, 0x0107);
    assert_eq!(inspect_invalid(bytes).0, ["malformed-image"]);
    let share = Share::new([("readme.txt", b"no image".to_vec())]);
    share.run(["inspect", "readme.txt"]).code(1).stderr_eq("").stdout_eq(str![[r"
readme.txt
  not-an-image: it is not a PE image
  name a Windows program or DLL

"]]);
}

#[test]
fn folder_lists_its_images_sorted_by_path() {
    let share = Share::new([
        ("a.exe", Image::exe().sum(Sum::Right).bytes()),
        ("deep/b.dll", Image::dll().with(NET).bytes()),
        ("deep/readme.txt", b"no image".to_vec()),
    ]);
    let run = share.run(["inspect", "."]).code(0).stderr_eq("");
    run.stdout_eq(str![[r"
./a.exe
  kind        exe for x64, PE32+, 1.0 KiB (1,024 bytes)
  swap-run    net not set IMAGE_FILE_NET_RUN_FROM_SWAP
              cd  not set IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP
  commit      8.0 KiB (8,192 bytes) on each machine that runs it from a share,
              once a bit is set
  checksum    0x0000e7c4, valid
  signature   none
  imports     none

./deep/b.dll
  kind        dll for x64, PE32+, 1.0 KiB (1,024 bytes)
  swap-run    net set     IMAGE_FILE_NET_RUN_FROM_SWAP
              cd  not set IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP
  commit      8.0 KiB (8,192 bytes) on each machine that runs it from a share
  checksum    none
  signature   none
  imports     none

"]]);
    let report =
        |jobs| stdout(&share.run(["inspect", ".", "--format", "json", "--jobs", jobs]).code(0));
    assert_eq!(report("1"), report("64"));
    let run = share.run(["inspect", ".", "--exclude", "deep", "--format", "ndjson"]).code(0);
    assert_eq!(ndjson(&run).len(), 1);
}

#[test]
fn worst_file_decides_the_exit_code() {
    let share = Share::new([
        ("good.exe", Image::exe().bytes()),
        ("cut.exe", Image::exe().bytes()[..0x90].to_vec()),
        ("empty/readme.txt", b"no image".to_vec()),
    ]);
    share.run(["inspect", "good.exe"]).code(0);
    share.run(["inspect", "good.exe", "cut.exe", "good.exe"]).code(1);
    share.run(["inspect", "good.exe", "cut.exe", "gone.exe"]).code(2);
    share.run(["inspect", "empty"]).code(3);
    share.run(["inspect", "*.ocx"]).code(2).stdout_eq("");
    share.run(["inspect"]).code(2).stdout_eq("");
    let report = json(&share.run(["inspect", "empty", "--format", "json"]).code(3));
    assert_eq!(report["images"], serde_json::json!([]));
}

#[test]
fn missing_file_stops_before_anything_is_read() {
    let share = Share::new([("good.exe", Image::exe().bytes())]);
    let run = share.run(["inspect", "gone.exe", "good.exe"]).code(2).stdout_eq("");
    run.stderr_eq("error: failed to find gone.exe: [..]; name a file or folder that exists\n");
}

#[test]
fn every_possible_file_of_an_import_is_listed() {
    let share = Share::new([
        ("tool.exe", Image::exe().import("HELPER").bytes()),
        ("helper.dll", Image::dll().with(NET).bytes()),
        ("Helper.DLL", Image::dll().bytes()),
    ]);
    let report = json(&share.run(["inspect", "tool.exe", "--format", "json"]).code(0));
    let expected = serde_json::json!([
        {"path": "Helper.DLL", "swap_run": []},
        {"path": "helper.dll", "swap_run": ["net"]},
    ]);
    assert_eq!(report["images"][0]["imports"][0]["beside"], expected);
}

#[cfg(unix)]
#[test]
fn file_and_import_names_cannot_forge_a_line() {
    let image = Image::exe().import("a\nchecksum    none\u{1b}[2J\u{202e}.dll");
    let share = Share::new([("x\nsigned\u{1b}[2J.exe", image.bytes())]);
    let text = stdout(&share.run(["inspect", "."]).code(0).stderr_eq(""));
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    assert!(!text.lines().any(|line| line.starts_with(['s', 'c'])), "{text}");
}
