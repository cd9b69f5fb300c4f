//! `netswap diagnose` on the dumps of the fuzzing corpus, and on reports in the format of Windows.
//! `cargo xtask windows` diagnoses dumps from the real `MiniDumpWriteDump`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::image::{CHARACTERISTICS, CHECKSUM, nt, put16};
use testkit::{Run, repository};

use crate::schema::parse_lines;

/// A report of an in-page error.
const IN_PAGE: &str = "Version=1\r\nEventType=InPageError\r\nEventTime=133174872880298997\r\n\
    Sig[0].Name=Error Status Code\r\nSig[0].Value=c000020c\r\nSig[1].Value=00000004\r\n\
    AppName=Ledger\r\nAppPath=Z:\\ledger.exe\r\n";

/// A report of a crash with an in-page error. It lacks the status behind the error.
const CRASH: &str = "Version=1\r\nEventType=APPCRASH\r\nSig[0].Value=ledger.exe\r\n\
    Sig[3].Value=Ledger.exe\r\nSig[5].Value=6377b0f2\r\nSig[6].Value=c0000006\r\nSig[7].Value=0906bc\r\n\
    LoadedModule[0]=\\\\depot\\tools\\ledger.exe\r\nLoadedModule[1]=\\\\depot\\tools\\rates.dll\r\n\
    AppPath=\\\\depot\\tools\\ledger.exe\r\n";

/// Names and contents.
type Files<'a> = &'a [(&'a str, &'a [u8])];

fn netswap(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netswap"));
    Run::capture(command.arg("diagnose").args(arguments).current_dir(folder))
}

fn folder(files: Files) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

pub(crate) fn dump(name: &str) -> Vec<u8> {
    fs::read(repository().join("fuzz/corpus/minidump").join(name)).unwrap()
}

/// Diagnoses these files in a folder of their own and checks the exit code.
fn diagnose(files: Files, arguments: &[&str], code: i32) -> Run {
    let run = netswap(folder(files).path(), arguments);
    assert_eq!(run.code, code, "{run:#?}");
    run
}

/// Does the same with `--format ndjson` and returns its objects.
fn rows(files: Files, arguments: &[&str], code: i32) -> Vec<Value> {
    let run = diagnose(files, &[&["--format", "ndjson"], arguments].concat(), code);
    parse_lines(&run.stdout)
}

fn check_contains(run: &Run, parts: &[&str]) {
    for part in parts {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
}

#[test]
fn one_screen_shows_cause_image_and_command() {
    let run = diagnose(&[("a.dmp", &dump("x64-without-memory"))], &["a.dmp"], 1);
    let parts = [
        "share-lost: a page of an image was lost with its share",
        "0xC000020C STATUS_CONNECTION_DISCONNECTED",
        r"page of     \\server\tools\tool.exe + 0x1000",
        r"from the share \\server\tools",
        "swap-run    unknown: pass --images PATH to search for the file",
        r"netswap patch \\server\tools\tool.exe",
    ];
    check_contains(&run, &parts);
    assert!(run.stdout.lines().count() <= 25, "{}", run.stdout);
}

#[test]
fn dumps_of_each_machine_give_the_same_diagnosis() {
    let names = ["x64", "x64-full", "x64-full-padded", "x86", "x86-full", "arm64", "arm64-full"];
    for name in names {
        let rows = rows(&[("a.dmp", &dump(name))], &["a.dmp"], 1);
        assert_eq!(rows[0]["cause"], "share-lost", "{name}");
        assert_eq!(rows[0]["image"]["bit"], "set", "{name}");
        assert_eq!(rows[0]["image"]["bits"]["from"], "dump", "{name}");
        assert_eq!(rows[0]["advice"], json!(["had-the-bit", "read-the-others"]), "{name}");
    }
}

#[test]
fn memory_outside_images_is_classified() {
    for (name, place, advice, sentence) in [
        ("x64-mapped", "mapped", "copy-the-data", "a file mapped as data, or shared memory"),
        ("x64-private", "private", "check-the-page-file", "the program's private memory\n"),
        ("x64-image-without-module", "not-told", "tell-the-place", "    !address 0x11000\n"),
        ("x64-two-parameters", "memory", "read-the-log", "The dump does not show which. "),
    ] {
        let dump = dump(name);
        let rows = rows(&[("a.dmp", &dump)], &["a.dmp"], 1);
        assert_eq!(rows[0]["place"], place, "{name}");
        assert_eq!(rows[0]["advice"][0], advice, "{name}");
        assert_eq!(rows[1]["groups"][0]["place"], place, "{name}");
        check_contains(&diagnose(&[("a.dmp", &dump)], &["a.dmp"], 1), &[sentence]);
    }
}

#[test]
fn dump_cut_off_in_its_memory_is_diagnosed() {
    let dump = dump("x64-full-cut-off");
    let rows = rows(&[("a.dmp", &dump)], &["a.dmp"], 1);
    assert_eq!(rows[0]["cause"], "share-lost");
    assert_eq!(rows[0]["is_cut_off"], true);
    let run = diagnose(&[("a.dmp", &dump)], &["a.dmp"], 1);
    check_contains(&run, &["cut off     The dump is incomplete"]);
}

#[test]
fn long_image_list_is_shortened() {
    let module = |index| format!("LoadedModule[{index}]=\\\\depot\\tools\\{index}.dll\r\n");
    let modules: Vec<_> = (2..32).map(module).collect();
    let report = [&[CRASH.to_owned()][..], &modules].concat().concat();
    let run = diagnose(&[("Report.wer", report.as_bytes())], &["Report.wer"], 1);
    let listed = run.stdout.lines().filter(|line| line.contains(".dll  unknown: "));
    assert_eq!(listed.count(), 7, "{}", run.stdout);
    check_contains(&run, &[" and 24 more: 24 unknown\n"]);
}

#[test]
fn other_crashes_are_grouped_by_exception() {
    let with_status = |code| CRASH.replace("c0000006", code).into_bytes();
    let (a, b) = (with_status("c0000005"), with_status("e06d7363"));
    let files: Files = &[("1/Report.wer", &a), ("2/Report.wer", &b), ("3/Report.wer", &a)];
    let run = diagnose(files, &["."], 0);
    assert!(run.stdout.starts_with("2 crashes: not-an-in-page-error, 0xC0000005\n"), "{run:#?}");
    check_contains(&run, &["\n1 crash: not-an-in-page-error, 0xE06D7363\n"]);
}

#[test]
fn reports_are_read_in_both_encodings() {
    for bytes in [IN_PAGE.as_bytes().to_vec(), crate::utf_16(IN_PAGE)] {
        let rows = rows(&[("Report.wer", &bytes)], &["Report.wer"], 1);
        assert_eq!(rows[0]["cause"], "share-lost");
        assert_eq!(rows[0]["image"], Value::Null);
        let origin = json!({"kind": "drive", "drive": "Z"});
        assert_eq!(rows[0]["others"][0]["origin"], origin);
        assert_eq!(rows[0]["place"], "not-told");
    }
}

#[test]
fn report_without_a_status_has_unclear_cause() {
    let run = diagnose(&[("Report.wer", CRASH.as_bytes())], &["Report.wer"], 1);
    let parts = [
        "cause-unclear:",
        "This image's code crashed; the page may belong to another image.",
        "same share  rates.dll  unknown",
    ];
    check_contains(&run, &parts);
}

#[test]
fn folder_groups_crashes_and_ignores_other_files() {
    let files: Files = &[
        ("1/a.dmp", &dump("x64")),
        ("2/b.dmp", &dump("x64-full")),
        ("3/Report.wer", IN_PAGE.as_bytes()),
        ("notes.txt", b"EventType is a word"),
        ("empty", b""),
    ];
    let run = diagnose(files, &["."], 1);
    assert!(run.stdout.starts_with("2 crashes: share-lost, 0xC000020C\n"), "{}", run.stdout);
    let parts = [
        "failed at   1 address\n",
        "example     ./1/a.dmp\n",
        "\n1 crash: share-lost, 0xC000020C\n",
    ];
    check_contains(&run, &parts);
    let rows = rows(files, &["."], 1);
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[3]["groups"].as_array().unwrap().len(), 2);
}

#[test]
fn other_exceptions_name_no_image() {
    let text = CRASH.replace("c0000006", "c0000005");
    let files: Files = &[("Report.wer", text.as_bytes())];
    let rows = rows(files, &["Report.wer"], 0);
    assert_eq!((&rows[0]["image"], &rows[0]["others"]), (&Value::Null, &json!([])));
    let run = diagnose(files, &["Report.wer"], 0);
    check_contains(&run, &["not-an-in-page-error:"]);
    for part in ["netswap patch", "same share", "swap-run"] {
        assert!(!run.stdout.contains(part), "{part}: {}", run.stdout);
    }
}

#[test]
fn unreadable_dump_names_the_file_and_exits_with_2() {
    for (bytes, reason) in [
        (dump("x64-cut-off"), "it ends before the end of its list of module names"),
        (dump("x64-endless-modules"), "its module list is malformed"),
        (dump("x64-living"), "it contains no exception"),
        (dump("kernel"), "it is a kernel dump"),
        (b"MZ".to_vec(), "it is neither a minidump nor a Report.wer"),
        (b"Version=1\r\nEventType=APPCRASH\r\n".to_vec(), "it lacks the line `Sig[6].Value`"),
    ] {
        let run = diagnose(&[("a.dmp", &bytes)], &["a.dmp"], 2);
        assert!(run.stdout.starts_with("a.dmp\n  unreadable: "), "{}", run.stdout);
        check_contains(&run, &[reason]);
    }
}

#[test]
fn folder_without_dumps_has_nothing_to_diagnose() {
    let run = diagnose(&[("notes.txt", b"nothing")], &["."], 3);
    assert!(run.stderr.contains("nothing to diagnose"), "{}", run.stderr);
    diagnose(&[("notes.txt", b"nothing")], &["missing.dmp"], 2);
}

/// The header fields that identify an image, and its Characteristics.
#[derive(Clone, Copy)]
struct Header {
    time_stamp: u32,
    size: u32,
    checksum: u32,
    characteristics: u16,
}

/// The header that the dumps record for the crashed image. It has the bit.
const RECORDED: Header =
    Header { time_stamp: 7, size: 0x5000, checksum: 5, characteristics: 0x0822 };

fn image(header: Header) -> Vec<u8> {
    let mut image = fs::read(repository().join("fuzz/corpus/header/pe32-plus")).unwrap();
    let nt = nt(&image);
    put16(&mut image, nt + CHARACTERISTICS, header.characteristics);
    for (at, value) in [(8, header.time_stamp), (80, header.size), (CHECKSUM, header.checksum)] {
        image[nt + at..][..4].copy_from_slice(&value.to_le_bytes());
    }
    image
}

/// Returns a dump without memory, whose first module has this `CheckSum`.
fn dump_with(checksum: u32) -> Vec<u8> {
    const AT: usize = 32 + 5 * 12 + 56 + 168 + 4 + 12;
    let mut dump = dump("x64-without-memory");
    dump[AT..][..4].copy_from_slice(&checksum.to_le_bytes());
    dump
}

#[test]
fn bit_is_read_from_the_crashed_image() {
    let no_checksum = Header { checksum: 0, ..RECORDED };
    let no_bit = Header { characteristics: 0x0022, ..RECORDED };
    for (checksum, header, from, bit) in [
        (5, RECORDED, "file", "set"),
        (5, no_bit, "file", "not-set"),
        // Patched or signed since the crash.
        (6, RECORDED, "later", "set-now"),
        (6, no_bit, "later", "not-known"),
        // Without a checksum nothing shows whether the file was patched since the crash.
        (0, no_checksum, "later", "set-now"),
        (0, Header { checksum: 0, ..no_bit }, "file", "not-set"),
        (5, Header { time_stamp: 8, ..RECORDED }, "other-build", "not-known"),
        (5, Header { size: 0x6000, ..RECORDED }, "other-build", "not-known"),
    ] {
        let (dump, image) = (dump_with(checksum), image(header));
        let files: Files = &[("a.dmp", &dump), ("share/Tool.EXE", &image), ("share/x.dll", b"")];
        for images in ["share", "share/Tool.EXE"] {
            let rows = rows(files, &["a.dmp", "--images", images], 1);
            assert_eq!(rows[0]["image"]["bits"]["from"], from, "{rows:?}");
            assert_eq!(rows[0]["image"]["bit"], bit, "{rows:?}");
        }
    }
}

#[test]
fn no_patch_is_advised_if_the_bit_is_set_now() {
    let files: Files = &[("a.dmp", &dump_with(4)), ("share/tool.exe", &image(RECORDED))];
    let run = diagnose(files, &["a.dmp", "--images", "share"], 1);
    check_contains(&run, &["The file has the bit now."]);
    assert!(!run.stdout.contains("netswap patch"), "{}", run.stdout);
}

#[test]
fn crashed_image_is_found_among_its_namesakes() {
    let files: Files = &[
        ("a.dmp", &dump_with(5)),
        ("1/tool.exe", &image(Header { time_stamp: 8, ..RECORDED })),
        ("2/tool.exe", &image(Header { checksum: 6, ..RECORDED })),
        ("3/tool.exe", &image(RECORDED)),
        ("4/tool.exe", &image(Header { time_stamp: 9, ..RECORDED })),
        ("5/tool.exe", b"MZ"),
    ];
    let found = |images: &[&str]| {
        let rows = rows(files, &[&["a.dmp", "--images"], images].concat(), 1);
        let bits = &rows[0]["image"]["bits"];
        let path = bits["path"].as_str().unwrap_or_default().trim_start_matches("./");
        format!("{} {path}", bits["from"].as_str().unwrap())
    };
    assert_eq!(found(&["."]), "file 3/tool.exe");
    assert_eq!(found(&["1", "--images", "2"]), "later 2/tool.exe");
    assert_eq!(found(&["1", "--images", "5"]), "other-build 1/tool.exe");
    assert_eq!(found(&["a.dmp"]), "not-found ");
}

#[cfg(target_os = "linux")]
#[test]
fn image_below_an_invalid_name_is_in_the_report() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = folder(&[("a.dmp", &dump_with(5))]);
    let images = folder.path().join(OsStr::from_bytes(b"\xff"));
    fs::create_dir(&images).unwrap();
    fs::write(images.join("tool.exe"), image(RECORDED)).unwrap();
    let run = netswap(folder.path(), &["a.dmp", "--images", ".", "--format", "ndjson"]);
    let bits = &parse_lines(&run.stdout)[0]["image"]["bits"];
    assert_eq!(bits["path"], "./\u{fffd}/tool.exe");
    assert_eq!(bits["path_bytes"], "2e2fff2f746f6f6c2e657865");
}

#[test]
fn unreadable_image_is_not_reported_as_missing() {
    let files: Files = &[("a.dmp", &dump_with(5)), ("share/tool.exe", &image(RECORDED)[..0x50])];
    let run = diagnose(files, &["a.dmp", "--images", "share"], 1);
    check_contains(&run, &["unknown: share/tool.exe: the file ends inside its headers\n"]);
}

#[test]
fn invalid_dump_in_a_folder_is_unreadable() {
    let hang = b"Version=1\r\nEventType=AppHangB1\r\n";
    let folder = folder(&[
        ("a.dmp", &dump("x64")),
        ("b.DMP", b""),
        ("c/Report.wer", b"\xff\xfe"),
        ("d/Report.wer", hang),
        ("notes.txt", b""),
    ]);
    let run = netswap(folder.path(), &["."]);
    assert_eq!(run.code, 2, "{run:#?}");
    let unreadable = run.stdout.matches("unreadable: it is neither a minidump nor a Report.wer");
    assert_eq!(unreadable.count(), 2, "{}", run.stdout);
    assert_eq!(netswap(folder.path(), &["d"]).code, 3);
    assert_eq!(netswap(folder.path(), &["d/Report.wer"]).code, 2);
}

#[test]
fn report_identifies_only_images_in_its_signature() {
    let (ledger, rates) = (image(Header { time_stamp: 0x6377_b0f2, ..RECORDED }), image(RECORDED));
    let files: Files = &[
        ("Report.wer", CRASH.as_bytes()),
        ("share/ledger.exe", &ledger),
        ("share/rates.dll", &rates),
    ];
    let rows = rows(files, &["Report.wer", "--images", "share"], 1);
    assert_eq!(rows[0]["image"]["bits"]["from"], "later", "{rows:?}");
    assert_eq!(rows[0]["image"]["bit"], "set-now", "{rows:?}");
    assert_eq!(rows[0]["others"][0]["bits"]["from"], "same-name", "{rows:?}");
    assert_eq!(rows[0]["others"][0]["bit"], "not-known", "{rows:?}");
}

fn at_time(dump: &[u8], time: u32) -> Vec<u8> {
    let mut dump = dump.to_vec();
    dump[20..24].copy_from_slice(&time.to_le_bytes());
    dump
}

#[test]
fn group_shows_bit_counts_and_a_crash_with_known_bit() {
    let (without, with) = (dump("x64-without-memory"), dump("x64"));
    let times = [1_600_000_000, 1_600_000_001, 1_700_000_000, 1_600_000_002];
    let dumps = [&without, &with, &without, &with].into_iter().zip(times);
    let dumps: Vec<_> = dumps.map(|(dump, time)| at_time(dump, time)).collect();
    let names = ["1.dmp", "2.dmp", "3.dmp", "4.dmp"];
    let files: Vec<_> = names.into_iter().zip(dumps.iter().map(Vec::as_slice)).collect();
    let parts = [
        "  swap-run    2 unknown, 2 set\n",
        "  time        2020-09-13T12:26:40Z to 2023-11-14T22:13:20Z\n",
        "  example     ./4.dmp\n",
        "  The image had the bit when it was loaded, so setting it does not help.",
    ];
    check_contains(&diagnose(&files, &["."], 1), &parts);
    let rows = rows(&files, &["."], 1);
    let bits = &rows[4]["groups"][0]["bits"];
    assert_eq!(*bits, json!({"not-known": 2, "set": 2}));
}

#[cfg(unix)]
#[test]
fn unsearchable_image_path_exits_with_2() {
    let folder = folder(&[("a.dmp", &dump_with(5))]);
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let run = netswap(folder.path(), &["a.dmp", "--images", "socket"]);
    assert_eq!(run.code, 2, "{run:#?}");
    let error = "failed to search socket for images: it is neither";
    assert!(run.stderr.contains(error), "{}", run.stderr);
    check_contains(&run, &["share-lost"]);
}

#[test]
fn file_text_is_escaped_for_the_terminal() {
    let report = b"Version=1\nEventType=\x1b]0;title\x07\x1b[2JAPPCRASH\n";
    let run = diagnose(&[("a.wer", report)], &["a.wer"], 2);
    check_contains(&run, &[r"it reports `\u{1b}]0;title\u{7}\u{1b}[2JAPPCRASH`"]);
}

/// Returns a report of an in-page error with this underlying status, program and modules.
fn in_page(status: &str, program: &str, modules: &[&str]) -> Vec<u8> {
    let modules = modules.iter().enumerate();
    let modules = modules.map(|(at, module)| format!("LoadedModule[{at}]={module}\n"));
    let start =
        format!("Version=1\nEventType=InPageError\nSig[0].Value={status}\nAppPath={program}\n");
    (start + &modules.collect::<String>()).into_bytes()
}

#[test]
fn local_program_gets_no_patch_command() {
    let local = in_page("c000020c", r"C:\Ledger\ledger.exe", &[r"C:\Ledger\ledger.exe"]);
    let run = diagnose(&[("Report.wer", &local)], &["Report.wer"], 1);
    assert!(!run.stdout.contains("netswap patch"), "{}", run.stdout);
}

#[test]
fn local_program_may_lose_a_library_on_a_share() {
    let modules = [r"C:\Ledger\ledger.exe", r"\\depot\tools\rates.dll"];
    let local = in_page("c000020c", r"C:\Ledger\ledger.exe", &modules);
    let run = diagnose(&[("Report.wer", &local)], &["Report.wer"], 1);
    check_contains(&run, &[r"netswap verify \\depot\tools", "same share  rates.dll  "]);
}

#[test]
fn program_need_not_be_the_first_module() {
    let modules = [r"C:\Windows\SYSTEM32\ntdll.dll", r"\\depot\tools\ledger.exe"];
    let report = in_page("c000020c", r"\\depot\tools\ledger.exe", &modules);
    let rows = rows(&[("Report.wer", &report)], &["Report.wer"], 1);
    assert_eq!(rows[0]["others"][0]["path"], r"\\depot\tools\ledger.exe");
    assert_eq!(rows[0]["others"].as_array().unwrap().len(), 1);
}

#[test]
fn crash_in_a_local_library_has_unclear_cause() {
    let text = CRASH.replace("Sig[3].Value=Ledger.exe", "Sig[3].Value=vcruntime140.dll");
    let text = text + "LoadedModule[2]=C:\\Windows\\System32\\vcruntime140.dll\r\n";
    let rows = rows(&[("Report.wer", text.as_bytes())], &["Report.wer"], 1);
    assert_eq!(rows[0]["cause"], "cause-unclear");
    assert_eq!(rows[0]["place"], "not-told");
    assert_eq!(rows[0]["others"].as_array().unwrap().len(), 2);
}

#[test]
fn crashes_are_grouped_by_program_ignoring_case() {
    let report = |program: &str| in_page("c000020c", program, &[]);
    let (a, b) = (report(r"\\depot\tools\ledger.exe"), report(r"\\other\apps\payroll.exe"));
    let c = report(r"\\DEPOT\tools\Ledger.exe");
    let files: Files = &[("1/Report.wer", &a), ("2/Report.wer", &b), ("3/Report.wer", &c)];
    let run = diagnose(files, &["."], 1);
    assert!(run.stdout.starts_with("2 crashes: share-lost, "), "{}", run.stdout);
    let payroll = r"program     \\other\apps\payroll.exe";
    check_contains(&run, &["\n1 crash: share-lost, ", payroll, r"verify \\other\apps"]);
}

#[test]
fn images_without_the_bit_come_first() {
    let run = diagnose(&[("a.dmp", &dump("x64-many-of-a-share"))], &["a.dmp"], 1);
    for (part, count) in [
        (r"page of     \\server\tools\2.dll + 0x1000", 1),
        (".dll  not set: ", 7),
        (".dll  set: ", 0),
        ("and 16 more: 4 not set, 12 set", 1),
        (r"netswap patch \\server\tools\", 8),
        (r"netswap patch \\server\tools\1.dll", 0),
    ] {
        let lines = run.stdout.lines().filter(|line| line.contains(part)).count();
        assert_eq!(lines, count, "{part}: {}", run.stdout);
    }
}

#[test]
fn output_fits_into_80_columns() {
    let statuses = ["c000020c", "c000009c", "c0000013", "c000009a", "c0000120", "c0001234"];
    let programs =
        [r"\\depot\tools\a.exe", r"Z:\a.exe", r"C:\a.exe", r"\Device\CdRom0\a.exe", "a.exe"];
    let dumps = fs::read_dir(repository().join("fuzz/corpus/minidump")).unwrap();
    let dumps = dumps.map(|dump| fs::read(dump.unwrap().path()).unwrap());
    let reports = statuses
        .iter()
        .flat_map(|status| programs.map(|program| in_page(status, program, &[program])));
    let crashes =
        programs.map(|program| CRASH.replace(r"\\depot\tools\ledger.exe", program).into_bytes());
    let all: Vec<_> = dumps.chain(reports).chain(crashes).collect();
    assert!(all.len() > 40);
    for bytes in &all {
        let folder = folder(&[("a.dmp", bytes), ("tool.exe", &image(RECORDED))]);
        for arguments in [&["a.dmp"][..], &["a.dmp", "--images", "tool.exe"]] {
            let run = netswap(folder.path(), arguments);
            for line in run.stdout.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}

#[test]
fn table_has_a_row_for_each_file() {
    let files: Files = &[("a.wer", IN_PAGE.as_bytes()), ("b.dmp", b"MDMP")];
    let run = diagnose(files, &["--format", "csv", "a.wer", "b.dmp"], 2);
    let lines: Vec<_> = run.stdout.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(
        lines,
        [
            "path,status,cause,program,image,swap_run,time,exception,nt_status,nt_status_name,\
             place,offset,error",
            "a.wer,share,share-lost,Z:\\ledger.exe,,,2023-01-06T14:01:28Z,0xC0000006,0xC000020C,\
             STATUS_CONNECTION_DISCONNECTED,not-told,,",
            "b.dmp,unreadable,,,,,,,,,,,it ends before the end of its header; copy it again",
        ]
    );
}

#[test]
fn page_begins_with_the_result() {
    let files: Files = &[("a.wer", IN_PAGE.as_bytes()), ("b.wer", CRASH.as_bytes())];
    let run = diagnose(files, &["--format", "html", "."], 1);
    check_contains(
        &run,
        &[
            "<title>netswap diagnose: .</title>",
            "<p class=\"result bad\">1 of 2 crashes happened because a network share was lost. \
             1 of 2 crashes may have happened because a network share was lost.</p>",
            "<code>share-lost</code><span>1 file</span>",
            "<pre>net use",
            "<pre>netswap explain share-lost</pre>",
        ],
    );
    // The commands are about images, not about the dumps.
    assert!(!run.stdout.contains("netswap patch ./"), "{run:#?}");
}
