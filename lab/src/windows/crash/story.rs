//! A program that loses its share several times: its dumps, and the reports that Windows would
//! write beside them.
//!
//! The page of `netswap diagnose` shows what netswap prints for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::super::wine::{SHARE, windows};
use super::super::{Printed, Setup, Told, ran};
use super::compare::{diagnosis, expect, path_in_dump, read};
use super::{Bits, Crash, DUMPS, Dump, Kind, LIBRARY, NETWORK, PROGRAM, build, dumps_of};
use crate::released::released;

/// The images of the story. Neither has the bit.
const BITS: Bits = Bits::Neither;

/// The folders of the dumps and of the reports, below [`DUMPS`].
const OF_DUMPS: &str = "dumps";
const OF_REPORTS: &str = "reports";

/// The crashes. Each has the process ID that Windows puts into the dump's name, the place of the
/// page and the offset in it, and the access. The flag is true if the dump has all memory.
const CRASHES: [(u32, &str, u32, &str, bool); 5] = [
    (2216, "dll", 0, "execute", true),
    (4128, "dll", 0x5e0, "execute", false),
    (5084, "dll", 0x1c58, "read", false),
    (6340, "exe", 0x2a0, "execute", false),
    (9932, "dll", 0x900, "execute", false),
];

/// Seconds from 1601, when Windows' time begins, to 1970.
const TO_1970: u64 = 11_644_473_600;

pub(in super::super) fn story(setup: &Setup<'_>) -> Result<Told, String> {
    build(setup)?;
    let crashes = CRASHES.map(|(process, place, offset, access, full)| {
        let kind = Kind::InPage { place, offset, access, status: NETWORK };
        (format!("{OF_DUMPS}/{PROGRAM}.{process}.dmp"), Crash { bits: BITS, kind, full })
    });
    let dumps = dumps_of(setup, &crashes)?;
    let netswap = released("netswap")?;
    let folder = setup.wine.drive().join(DUMPS);
    let (first, read) = dumps.first().zip(read(&dumps)?.into_iter().next()).ok_or("no dump")?;
    let reports = reports(&folder.join(OF_REPORTS), first, &read)?;
    tell_the_same(setup, &netswap, &reports)?;

    let one = format!("{OF_DUMPS}/{PROGRAM}.2216.dmp");
    let report = format!("{OF_REPORTS}/InPageError/Report.wer");
    let printed = vec![
        printed("one-dump", &netswap, &folder, &one)?,
        printed("many-dumps", &netswap, &folder, OF_DUMPS)?,
        printed("report", &netswap, &folder, &report)?,
    ];
    let mut megabytes = 0;
    for dump in dumps.iter().filter(|dump| dump.crash.full) {
        megabytes += fs::metadata(&dump.file).map_err(|error| error.to_string())?.len() >> 20;
        fs::remove_file(&dump.file).map_err(|error| error.to_string())?;
    }
    let text = format!("{} dumps, {megabytes} MiB with all memory, and two reports", dumps.len());
    Ok(Told { printed, ..text.into() })
}

/// Runs `netswap diagnose` in the folder of the story.
fn printed(
    name: &'static str,
    netswap: &Path,
    folder: &Path,
    path: &str,
) -> Result<Printed, String> {
    let ran = ran(Command::new(netswap).args(["diagnose", path]).current_dir(folder))?;
    ran.expect(1, &[])?;
    let text = format!("```text\n$ netswap diagnose {path}\n{}```\n", ran.stdout);
    Ok(Printed { page: "diagnose.md", name, text })
}

/// The reports that Windows Error Reporting would write for the first crash: one of an in-page
/// error, and one of an ordinary crash.
struct Reports {
    in_page: PathBuf,
    crash: PathBuf,
}

/// Writes the reports in UTF-16, as Windows does. The values come from what an independent reader
/// read from the dump.
fn reports(folder: &Path, dump: &Dump, read: &Value) -> Result<Reports, String> {
    let number = |value: &Value, field: &str| {
        let number = value.get(field).and_then(Value::as_u64);
        number.ok_or_else(|| format!("{field} is not told: {read}"))
    };
    let modules = read.get("modules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let name = path_in_dump(BITS, LIBRARY);
    let library = modules.iter().find(|module| module.get("name") == Some(&Value::from(&*name)));
    let library = library.ok_or_else(|| format!("{LIBRARY} is not in it: {read}"))?;
    let time_stamp = number(library, "time_stamp")?;
    let offset = dump.address - number(library, "base")?;
    let time = (number(read, "time")? + TO_1970) * 10_000_000;
    let path = |image| windows(SHARE, &BITS.folder().join(image));
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
        let folder = file.parent().unwrap_or(folder);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, bytes))
            .map_err(|error| format!("{}: {error}", file.display()))?;
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

/// Checks that netswap finds what each report contains: the status in one, the module in the other.
fn tell_the_same(setup: &Setup<'_>, netswap: &Path, reports: &Reports) -> Result<(), String> {
    let text = |text: &str| Some(text.to_owned());
    let path = |image| Some(windows(SHARE, &BITS.folder().join(image)));
    let said = diagnosis(setup, netswap, &reports.in_page)?;
    expect(
        &said,
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
    let said = diagnosis(setup, netswap, &reports.crash)?;
    expect(
        &said,
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
