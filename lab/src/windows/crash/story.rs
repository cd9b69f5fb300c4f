//! A program that loses its share several times: its dumps, and the reports that Windows would also
//! write.
//!
//! The page about `netswap diagnose` shows netswap's output for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::super::wine::{SHARE, windows_path};
use super::super::{Evidence, Excerpt, Setup, run_program};
use super::compare::{diagnosis, expect, path_in_dump, read};
use super::{Bits, Crash, DUMPS, Dump, Kind, LIBRARY, NETWORK, PROGRAM, build, create_dumps};
use crate::files::{at, write};
use crate::programs;

/// The images of the story. Neither has the bit.
const BITS: Bits = Bits::Neither;

/// The folders of the dumps and of the reports, below [`DUMPS`].
const DUMP_FOLDER: &str = "dumps";
const REPORT_FOLDER: &str = "reports";

/// The crashes: the process ID in the name of the dump, the place and offset of the address, and
/// the access. The last value is whether the dump contains all memory.
const CRASHES: [(u32, &str, u32, &str, bool); 5] = [
    (2216, "dll", 0, "execute", true),
    (4128, "dll", 0x5e0, "execute", false),
    (5084, "dll", 0x1c58, "read", false),
    (6340, "exe", 0x2a0, "execute", false),
    (9932, "dll", 0x900, "execute", false),
];

/// Seconds from 1601, when Windows' time begins, to 1970.
const SECONDS_TO_1970: u64 = 11_644_473_600;

pub(in super::super) fn story(setup: &Setup<'_>) -> Result<Evidence, String> {
    build(setup)?;
    let crashes = CRASHES.map(|(process, place, offset, access, full)| {
        let kind = Kind::InPage { place, offset, access, status: NETWORK };
        (format!("{DUMP_FOLDER}/{PROGRAM}.{process}.dmp"), Crash { bits: BITS, kind, full })
    });
    let dumps = create_dumps(setup, &crashes)?;
    let netswap = programs::release("netswap")?;
    let folder = setup.wine.drive().join(DUMPS);
    let (first, read) = dumps.first().zip(read(&dumps)?.into_iter().next()).ok_or("no dump")?;
    let reports = write_reports(&folder.join(REPORT_FOLDER), first, &read)?;
    check_reports(setup, &netswap, &reports)?;

    let one = format!("{DUMP_FOLDER}/{PROGRAM}.2216.dmp");
    let report = format!("{REPORT_FOLDER}/InPageError/Report.wer");
    let excerpts = vec![
        excerpt("one-dump", &netswap, &folder, &one)?,
        excerpt("many-dumps", &netswap, &folder, DUMP_FOLDER)?,
        excerpt("report", &netswap, &folder, &report)?,
    ];
    let mut megabytes = 0;
    for dump in dumps.iter().filter(|dump| dump.crash.full) {
        megabytes += fs::metadata(&dump.file).map_err(at(&dump.file))?.len() >> 20;
        fs::remove_file(&dump.file).map_err(at(&dump.file))?;
    }
    let summary =
        format!("{} dumps, {megabytes} MiB with all memory, and two reports", dumps.len());
    Ok(Evidence { excerpts, ..summary.into() })
}

/// Runs `netswap diagnose` in this folder, and returns its output for the page.
fn excerpt(
    name: &'static str,
    netswap: &Path,
    folder: &Path,
    path: &str,
) -> Result<Excerpt, String> {
    let mut diagnose = Command::new(netswap);
    let outcome = run_program(diagnose.args(["diagnose", path]).current_dir(folder))?;
    let output = outcome.expect_code(1)?.text();
    let text = format!("```text\n$ netswap diagnose {path}\n{output}```\n");
    Ok(Excerpt { page: "diagnose.md", name, text })
}

/// The reports that Windows Error Reporting would write for the first crash: one of an in-page
/// error, and one of an ordinary crash.
struct Reports {
    in_page: PathBuf,
    crash: PathBuf,
}

/// Writes the reports in UTF-16, as Windows does, with values from an independent reader.
fn write_reports(folder: &Path, dump: &Dump, read: &Value) -> Result<Reports, String> {
    let number = |value: &Value, field: &str| {
        let number = value.get(field).and_then(Value::as_u64);
        number.ok_or_else(|| format!("dumps.py does not report {field}: {read}"))
    };
    let modules = read.get("modules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let name = path_in_dump(BITS, LIBRARY);
    let library = modules.iter().find(|module| module.get("name") == Some(&Value::from(&*name)));
    let library = library.ok_or_else(|| format!("dumps.py does not find {LIBRARY}: {read}"))?;
    let time_stamp = number(library, "time_stamp")?;
    let offset = dump.address - number(library, "base")?;
    let time = (number(read, "time")? + SECONDS_TO_1970) * 10_000_000;
    let path = |image| windows_path(SHARE, &BITS.folder().join(image));
    let (program, library) = (path(PROGRAM), path(LIBRARY));
    let end = format!(
        "LoadedModule[0]={program}\r\nLoadedModule[1]=C:\\Windows\\SYSTEM32\\ntdll.dll\r\n\
         LoadedModule[2]={library}\r\nAppName={PROGRAM}\r\nAppPath={program}\r\n"
    );
    let report = |event: &str, signature: &[&str]| {
        let start = format!("Version=1\r\nEventType={event}\r\nEventTime={time}\r\n");
        let line = |(index, value): (usize, &&str)| format!("Sig[{index}].Value={value}\r\n");
        let lines: Vec<_> = signature.iter().enumerate().map(line).collect();
        let text = [&start, &lines.concat(), &end].map(String::as_str).concat();
        let file = folder.join(event).join("Report.wer");
        let units = [0xfeff].into_iter().chain(text.encode_utf16());
        let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
        write(&file, bytes)?;
        Ok::<_, String>(file)
    };
    let status = format!("{NETWORK:08x}");
    let (time_stamp, offset) = (format!("{time_stamp:08x}"), format!("{offset:016x}"));
    let signature =
        [PROGRAM, "0.0.0.0", &time_stamp, LIBRARY, "0.0.0.0", &time_stamp, "c0000006", &offset];
    Ok(Reports {
        in_page: report("InPageError", &[&status, "00000004"])?,
        crash: report("APPCRASH", &signature)?,
    })
}

/// Checks that netswap finds the status in one report and the module in the other.
fn check_reports(setup: &Setup<'_>, netswap: &Path, reports: &Reports) -> Result<(), String> {
    let text = |text: &str| Some(text.to_owned());
    let path = |image| Some(windows_path(SHARE, &BITS.folder().join(image)));
    let found = diagnosis(setup, netswap, &reports.in_page)?;
    expect(
        &found,
        [
            ("/cause", text("share-lost")),
            ("/status", Some(format!("0x{NETWORK:08X}"))),
            ("/place", text("not-told")),
            ("/program", path(PROGRAM)),
            ("/others/0/path", path(PROGRAM)),
            ("/others/0/origin/share", text(SHARE)),
            ("/others/1/path", path(LIBRARY)),
        ],
    )?;
    let found = diagnosis(setup, netswap, &reports.crash)?;
    expect(
        &found,
        [
            ("/cause", text("cause-unclear")),
            ("/place", text("instruction")),
            ("/image/path", path(LIBRARY)),
            ("/image/origin/share", text(SHARE)),
            // The report has the same time stamp as the dump, which identifies the file.
            ("/image/bits/from", text("file")),
            ("/image/bit", text("not-set")),
            ("/others/0/path", path(PROGRAM)),
        ],
    )
}
