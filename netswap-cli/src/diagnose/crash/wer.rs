//! A `Report.wer` of Windows Error Reporting (WER): lines of `Key=Value`, usually in UTF-16.
//!
//! The format is not documented. This module is based on published reports:
//! [APPCRASH](https://github.com/microsoft/mfcmapi/issues/368),
//! [the same in German](https://github.com/owncloud/client/issues/498),
//! [BEX](https://github.com/mRemoteNG/mRemoteNG/issues/628),
//! [BEX64](https://github.com/GyulyVGC/sniffnet/issues/896),
//! [`MoAppCrash`](https://github.com/microsoft/terminal/issues/5632) and
//! [CLR20r3](https://github.com/pornganizer/PGV4/issues/69).
//!
//! The names of the signature values are in the user's language, so this module uses only their
//! indexes. A path in a value has single backslashes. For a packaged program, `NsAppName` is
//! `praid:` and a name instead of a file name.
//!
//! No published report of an `InPageError` was found. This module assumes the order in which
//! Windows shows the values to the user: the status (`Error Status Code`), then the kind of drive
//! (`Faulting Media Type`).

use std::borrow::Cow;

use super::{Crash, CrashError, Exception, IN_PAGE_ERROR, InPage, Module, NamedModule, file_name};
use crate::text::decode_utf_16;

/// The number of bytes that `is_report` reads. The first two lines fit into them.
const START: usize = 1024;

/// The longest name of an event that is shown, in characters.
const MAX_EVENT_LENGTH: usize = 64;

/// The keys of the signature values that the events below use.
const SIGNATURES: [&str; 9] = [
    "Sig[0].Value",
    "Sig[1].Value",
    "Sig[2].Value",
    "Sig[3].Value",
    "Sig[4].Value",
    "Sig[5].Value",
    "Sig[6].Value",
    "Sig[7].Value",
    "Sig[8].Value",
];

/// The exception code that the CLR raises for each .NET exception
/// ([`corexcep.h`](https://github.com/dotnet/runtime/blob/main/src/coreclr/inc/corexcep.h)).
const CLR_EXCEPTION: u32 = 0xE043_4352;

/// The meaning of an event's signature values.
#[derive(Clone, Copy)]
enum Layout {
    /// An exception ended the program. Has the indexes of the program's name, the module's name,
    /// the exception code, and the offset in the module. The time stamp is two values after each
    /// name.
    Exception { program: usize, module: usize, code: usize, offset: usize },
    /// Windows reported an in-page error as its own event. The first value is the NTSTATUS that
    /// caused it. The second is the kind of drive.
    InPage,
    /// A .NET exception ended the program. The signature has its assembly and method, but no
    /// module.
    Clr,
}

/// The events that report a program crash. `MoAppCrash` is for packaged programs. Its signature
/// starts with the name of the package.
const EVENTS: [(&str, Layout); 6] = [
    ("APPCRASH", Layout::Exception { program: 0, module: 3, code: 6, offset: 7 }),
    ("BEX", Layout::Exception { program: 0, module: 3, code: 7, offset: 6 }),
    ("BEX64", Layout::Exception { program: 0, module: 3, code: 7, offset: 6 }),
    ("MoAppCrash", Layout::Exception { program: 1, module: 4, code: 7, offset: 8 }),
    ("InPageError", Layout::InPage),
    ("CLR20r3", Layout::Clr),
];

/// Whether a file with these first bytes is a report.
pub fn is_report(start: &[u8]) -> bool {
    let text = decode(start.get(..START).unwrap_or(start));
    let mut lines = text.lines().map(str::trim_ascii).skip_while(|line| line.is_empty());
    let Some(first) = lines.next() else {
        return false;
    };
    let is_event = |line: &str| line.starts_with("EventType=");
    let is_version = |line: &str| {
        let version = line.strip_prefix("Version=");
        version.is_some_and(|version| !version.is_empty() && is_all_digits(version))
    };
    is_event(first) || (is_version(first) && lines.any(is_event))
}

fn is_all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a report.
///
/// # Errors
///
/// If the file is not a report, reports another event than a crash, or lacks a valid exception
/// code.
pub fn read(bytes: &[u8]) -> Result<Crash, CrashError> {
    if !is_report(bytes) {
        return Err(CrashError::UnknownFormat);
    }
    let text = decode(bytes);
    let lines = Lines::parse(&text);
    let event = lines.event.unwrap_or_default();
    let layout = EVENTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(event));
    let Some((_, layout)) = layout else {
        return Err(CrashError::OtherEvent(event.chars().take(MAX_EVENT_LENGTH).collect()));
    };
    let (exception, program, module) = match *layout {
        Layout::Exception { program, module, code, offset } => {
            let exception = Exception { code: lines.code(code)?, in_page: InPage::default() };
            (exception, lines.image(program), lines.faulting_module(module, offset))
        }
        Layout::InPage => {
            let status = lines.status()?;
            let in_page = InPage { status, ..InPage::default() };
            (Exception { code: IN_PAGE_ERROR, in_page }, None, None)
        }
        Layout::Clr => {
            let exception = Exception { code: CLR_EXCEPTION, in_page: InPage::default() };
            (exception, lines.image(0), None)
        }
    };
    let named: Vec<_> = program.iter().chain(&module).collect();
    let name = program.as_ref().map(|program| program.name.as_str());
    Ok(Crash {
        program: lines.program(name).map(str::to_owned),
        time: lines.time.and_then(seconds),
        exception,
        modules: lines.loaded_modules(&named),
        faulting_module: module,
        ..Crash::default()
    })
}

/// The values of a report, by key. If a key occurs twice, its first line counts.
#[derive(Default)]
struct Lines<'a> {
    event: Option<&'a str>,
    time: Option<&'a str>,
    path: Option<&'a str>,
    /// The names of the program. The one that is most likely a file name comes first.
    names: [Option<&'a str>; 3],
    signatures: [Option<&'a str>; SIGNATURES.len()],
    modules: Vec<(u32, &'a str)>,
}

impl<'a> Lines<'a> {
    fn parse(text: &'a str) -> Self {
        let mut lines = Lines::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            // Lines may be indented if the report was pasted.
            lines.add(key.trim_ascii(), value.trim_ascii());
        }
        lines
    }

    fn add(&mut self, key: &str, value: &'a str) {
        if let Some(index) = key.strip_prefix("LoadedModule[") {
            let index = index.strip_suffix(']').filter(|index| is_all_digits(index));
            if let Some(index) = index.and_then(|index| index.parse().ok())
                && !value.is_empty()
            {
                self.modules.push((index, value));
            }
            return;
        }
        let [ns_app_name, original_name, app_name] = &mut self.names;
        let line = match key {
            "EventType" => &mut self.event,
            "EventTime" => &mut self.time,
            "AppPath" => &mut self.path,
            "NsAppName" => ns_app_name,
            "OriginalFilename" => original_name,
            "AppName" => app_name,
            _ => {
                let mut signatures = SIGNATURES.iter().zip(&mut self.signatures);
                match signatures.find(|(name, _)| **name == key) {
                    Some((_, line)) => line,
                    None => return,
                }
            }
        };
        line.get_or_insert(value);
    }

    fn signature(&self, index: usize) -> Option<&'a str> {
        self.signatures.get(index).copied().flatten()
    }

    /// Returns the program's path, or else the name that is most likely its file name. `name` is
    /// the one in the signature.
    fn program<'b>(&'b self, name: Option<&'b str>) -> Option<&'b str> {
        let [ns_app_name, original_name, app_name] = self.names;
        [self.path, name, ns_app_name, original_name, app_name]
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty() && !name.starts_with("praid:"))
    }

    /// Returns the exception code at an index of the signature.
    fn code(&self, index: usize) -> Result<u32, CrashError> {
        let key = SIGNATURES.get(index).copied().unwrap_or_default();
        let value = self.signature(index).ok_or(CrashError::NoSignature(key))?;
        status(value).ok_or(CrashError::Malformed(key))
    }

    /// Returns the NTSTATUS that caused an in-page error: the first value that is an NTSTATUS and
    /// means an error.
    ///
    /// A later Windows may put other values before it. Names, versions, and time stamps before 2072
    /// don't have the bits of an error.
    fn status(&self) -> Result<Option<u32>, CrashError> {
        const SEVERITY_ERROR: u32 = 0xC000_0000;
        self.signature(0).ok_or(CrashError::NoSignature("Sig[0].Value"))?;
        let mut values = self.signatures.iter().flatten().filter_map(|value| status(value));
        Ok(values.find(|value| *value >= SEVERITY_ERROR && *value != IN_PAGE_ERROR))
    }

    /// Returns the image whose name is at an index of the signature. Its time stamp is two values
    /// after the name.
    fn image(&self, index: usize) -> Option<NamedModule> {
        let time_stamp = self.signature(index + 2).and_then(hex);
        Some(NamedModule {
            name: self.signature(index)?.to_owned(),
            time_stamp: time_stamp.and_then(|stamp| stamp.try_into().ok()),
            offset: None,
        })
    }

    /// Returns the module in which the program crashed. For an unknown module, Windows writes
    /// `StackHash_` and a number, or `unknown`. The offset is then not an offset in a module.
    fn faulting_module(&self, index: usize, offset: usize) -> Option<NamedModule> {
        let module = self.image(index)?;
        let name = module.name.strip_suffix("_unloaded").unwrap_or(&module.name);
        if name.is_empty() || name == "unknown" || name.starts_with("StackHash_") {
            return None;
        }
        let (name, offset) = (name.to_owned(), self.signature(offset).and_then(hex));
        Some(NamedModule { name, offset, ..module })
    }

    /// Returns the loaded images, sorted by their indexes. Only the images that the signature names
    /// have a time stamp.
    fn loaded_modules(&self, named: &[&NamedModule]) -> Vec<Module> {
        let mut modules = self.modules.clone();
        // The sort is stable, so `dedup_by_key` keeps the first line with each index.
        modules.sort_by_key(|(index, _)| *index);
        modules.dedup_by_key(|(index, _)| *index);
        let module = |(_, path): (_, &str)| {
            let name = file_name(path).to_lowercase();
            let mut same_name = named.iter().filter(|image| image.name.to_lowercase() == name);
            let time_stamp = same_name.find_map(|image| image.time_stamp);
            Module { path: path.to_owned(), time_stamp, ..Module::default() }
        };
        modules.into_iter().map(module).collect()
    }
}

/// Parses a hexadecimal number, with or without `0x`.
fn hex(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    // `from_str_radix` also accepts a sign.
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// Parses an NTSTATUS. Rejects a value without exactly eight digits, because it may be truncated.
fn status(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let status = (digits.len() == 8).then(|| hex(digits)).flatten()?;
    status.try_into().ok()
}

/// Converts a decimal FILETIME to seconds since 1970. A FILETIME counts 100 nanoseconds since 1601
/// ([documented](https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-filetime)).
fn seconds(filetime: &str) -> Option<u64> {
    const TICKS_PER_SECOND: u64 = 10_000_000;
    const SECONDS_FROM_1601_TO_1970: u64 = 11_644_473_600;
    let filetime: u64 = filetime.parse().ok()?;
    (filetime / TICKS_PER_SECOND).checked_sub(SECONDS_FROM_1601_TO_1970)
}

/// Decodes the text as little-endian UTF-16 if it starts like that, or else as UTF-8. Replaces
/// invalid characters.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xff, 0xfe, text @ ..] => decode_utf_16(text).into(),
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8_lossy(text),
        [1..=0xff, 0, ..] => decode_utf_16(bytes).into(),
        _ => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const APPCRASH: &str = "Version=1\r\n\
        EventType=APPCRASH\r\n\
        EventTime=133174872880298997\r\n\
        ReportType=2\r\n\
        Consent=1\r\n\
        UploadTime=133174872953844007\r\n\
        ReportStatus=268435456\r\n\
        Wow64Host=34404\r\n\
        NsAppName=ledger.exe\r\n\
        OriginalFilename=Ledger.EXE\r\n\
        TargetAppVer=2022//11//18:16:21:43!0!ledger.exe\r\n\
        Response.type=4\r\n\
        Sig[0].Name=Anwendungsname\r\n\
        Sig[0].Value=ledger.exe\r\n\
        Sig[1].Name=Anwendungsversion\r\n\
        Sig[1].Value=4.2.0.0\r\n\
        Sig[2].Name=Anwendungszeitstempel\r\n\
        Sig[2].Value=6377b117\r\n\
        Sig[3].Name=Fehlermodulname\r\n\
        Sig[3].Value=Übersicht.dll\r\n\
        Sig[4].Name=Fehlermodulversion\r\n\
        Sig[4].Value=4.2.0.1\r\n\
        Sig[5].Name=Fehlermodulzeitstempel\r\n\
        Sig[5].Value=6377b0f2\r\n\
        Sig[6].Name=Ausnahmecode\r\n\
        Sig[6].Value=c0000006\r\n\
        Sig[7].Name=Ausnahmeoffset\r\n\
        Sig[7].Value=00000000000906bc\r\n\
        DynamicSig[1].Name=Betriebsystemversion\r\n\
        DynamicSig[1].Value=10.0.22621.2.0.0.256.48\r\n\
        UI[2]=\\\\depot\\büro\\ledger.exe\r\n\
        LoadedModule[0]=\\\\depot\\büro\\ledger.exe\r\n\
        LoadedModule[1]=C:\\Windows\\SYSTEM32\\ntdll.dll\r\n\
        LoadedModule[2]=\\\\depot\\büro\\Übersicht.dll\r\n\
        State[0].Key=Transport.DoneStage1\r\n\
        State[0].Value=1\r\n\
        FriendlyEventName=Nicht mehr funktionsfähig\r\n\
        ConsentKey=APPCRASH\r\n\
        AppName=Das Hauptbuch\r\n\
        AppPath=\\\\depot\\büro\\ledger.exe\r\n";

    const IN_PAGE: &str = "Version=1\r\n\
        EventType=InPageError\r\n\
        EventTime=129953891640935850\r\n\
        Sig[0].Name=Error Status Code\r\n\
        Sig[0].Value=c000020c\r\n\
        Sig[1].Name=Faulting Media Type\r\n\
        Sig[1].Value=00000004\r\n\
        DynamicSig[1].Name=OS Version\r\n\
        DynamicSig[1].Value=6.1.7601.2.1.0.272.7\r\n\
        AppName=Ledger\r\n\
        AppPath=Z:\\ledger.exe\r\n";

    fn utf_16(text: &str, has_bom: bool) -> Vec<u8> {
        let bom = has_bom.then_some(0xfeff);
        bom.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    fn encodings(text: &str) -> [(&'static str, Vec<u8>); 4] {
        [
            ("UTF-16 with BOM", utf_16(text, true)),
            ("UTF-16", utf_16(text, false)),
            ("UTF-8 with BOM", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
            ("UTF-8", text.as_bytes().to_vec()),
        ]
    }

    fn module(path: &str) -> Module {
        Module { path: path.to_owned(), ..Module::default() }
    }

    fn module_with_stamp(path: &str, time_stamp: u32) -> Module {
        Module { time_stamp: Some(time_stamp), ..module(path) }
    }

    /// Creates a report of an event with these values in its signature.
    fn report(event: &str, values: &[&str]) -> String {
        let mut text = format!("Version=1\nEventType={event}\n");
        for (index, value) in values.iter().enumerate() {
            let _ = write!(text, "Sig[{index}].Name=?\nSig[{index}].Value={value}\n");
        }
        text
    }

    #[test]
    fn report_is_the_same_in_each_encoding() {
        let expected = Crash {
            program: Some(r"\\depot\büro\ledger.exe".to_owned()),
            time: Some(1_673_013_688),
            exception: Exception { code: IN_PAGE_ERROR, in_page: InPage::default() },
            faulting_module: Some(NamedModule {
                name: "Übersicht.dll".to_owned(),
                time_stamp: Some(0x6377_b0f2),
                offset: Some(0x906bc),
            }),
            modules: vec![
                module_with_stamp(r"\\depot\büro\ledger.exe", 0x6377_b117),
                module(r"C:\Windows\SYSTEM32\ntdll.dll"),
                module_with_stamp(r"\\depot\büro\Übersicht.dll", 0x6377_b0f2),
            ],
            ..Crash::default()
        };
        for (encoding, bytes) in encodings(APPCRASH) {
            assert_eq!(read(&bytes).unwrap(), expected, "{encoding}");
        }
        let unix_lines = APPCRASH.replace('\r', "");
        assert_eq!(read(unix_lines.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn in_page_error_has_its_status() {
        let in_page = |status| InPage { status, ..InPage::default() };
        for (encoding, bytes) in encodings(IN_PAGE) {
            let crash = read(&bytes).unwrap();
            let exception = Exception { code: IN_PAGE_ERROR, in_page: in_page(Some(0xC000_020C)) };
            let expected = Crash {
                program: Some(r"Z:\ledger.exe".to_owned()),
                time: Some(1_350_915_564),
                exception,
                ..Crash::default()
            };
            assert_eq!(crash, expected, "{encoding}");
        }
        for (values, expected) in [
            (&["c000009c", "00000003"][..], Some(0xC000_009C)),
            (&["0xC00000C4", "4"], Some(0xC000_00C4)),
            // No such report is known, but a later Windows may write one.
            (&["ledger.exe", "4.2.0.0", "6377b117", "c000020c"], Some(0xC000_020C)),
            (&["c0000006", "c000020c"], Some(0xC000_020C)),
            (&["00000000", "00000000"], None),
            (&["", ""], None),
            (&["fffffffffc000020c"], None),
            (&["-c000020c"], None),
        ] {
            let crash = read(report("InPageError", values).as_bytes()).unwrap();
            assert_eq!(crash.exception.in_page, in_page(expected), "{values:?}");
        }
    }

    #[test]
    fn each_event_has_its_own_layout() {
        let module = |name: &str, time_stamp, offset| {
            Some(NamedModule { name: name.to_owned(), time_stamp: Some(time_stamp), offset })
        };
        let images = ["a.exe", "1.0.0.0", "5e9d1acd", "b.dll", "1.0.0.1", "67005c2a"];
        let packaged = [&["Ledger_1.0_x64__8we", "praid:App"], &images[1..]].concat();
        for (event, values, code, named) in [
            (
                "APPCRASH",
                [&images[..], &["c0000005", "00114402"]].concat(),
                0xC000_0005,
                module("b.dll", 0x6700_5C2A, Some(0x11_4402)),
            ),
            (
                "BEX",
                [&images[..], &["00002b80", "c0000005", "00000008"]].concat(),
                0xC000_0005,
                module("b.dll", 0x6700_5C2A, Some(0x2B80)),
            ),
            (
                "BEX64",
                [&images[..], &["000000000006d4c8", "c0000409", "0000000000000005"]].concat(),
                0xC000_0409,
                module("b.dll", 0x6700_5C2A, Some(0x6_D4C8)),
            ),
            (
                "MoAppCrash",
                [&packaged[..], &["c0000006", "00000000000906bc"]].concat(),
                IN_PAGE_ERROR,
                module("b.dll", 0x6700_5C2A, Some(0x9_06BC)),
            ),
            (
                "CLR20r3",
                [
                    &images[..3],
                    &["Ledger.Core", "1.0.1.0", "bc8d6998", "92b", "41d", "System.IO.IO"],
                ]
                .concat(),
                CLR_EXCEPTION,
                None,
            ),
            ("appcrash", [&images[..], &["c0000005"]].concat(), 0xC000_0005, {
                module("b.dll", 0x6700_5C2A, None)
            }),
        ] {
            let crash = read(report(event, &values).as_bytes()).unwrap();
            assert_eq!(crash.exception.code, code, "{event}");
            assert_eq!(crash.exception.in_page, InPage::default(), "{event}");
            assert_eq!(crash.faulting_module, named, "{event}");
            let program = if event.starts_with("Mo") { None } else { Some("a.exe") };
            assert_eq!(crash.program.as_deref(), program, "{event}");
        }
    }

    #[test]
    fn unknown_module_is_left_out() {
        for (name, stamp, offset, expected) in [
            ("b.dll", "67005c2a", "0x10", Some(("b.dll", Some(0x6700_5C2A), Some(16)))),
            ("hook.dll_unloaded", "0", "10", Some(("hook.dll", Some(0), Some(16)))),
            ("b.dll", "2020-01-02", "PCH_E0_FROM_ntdll+0x9F954", Some(("b.dll", None, None))),
            ("b.dll", "167005c2a", "10000000000000000", Some(("b.dll", None, None))),
            ("StackHash_ac46", "00000000", "PCH_AE_FROM_ntdll+0x9E044", None),
            ("unknown", "00000000", "00000008", None),
            ("", "00000000", "00000008", None),
            ("_unloaded", "00000000", "00000008", None),
        ] {
            let values = ["a.exe", "1.0", "1", name, "1.0", stamp, "c0000006", offset];
            let crash = read(report("APPCRASH", &values).as_bytes()).unwrap();
            let expected = expected.map(|(name, time_stamp, offset)| NamedModule {
                name: name.to_owned(),
                time_stamp,
                offset,
            });
            assert_eq!(crash.faulting_module, expected, "{name} {stamp} {offset}");
        }
    }

    #[test]
    fn program_is_its_path_or_likeliest_name() {
        let start = "Version=1\nEventType=InPageError\nSig[0].Value=c000020c\n";
        for (lines, expected) in [
            ("AppName=Ledger\nAppPath=Z:\\a.exe\nNsAppName=a.exe", Some("Z:\\a.exe")),
            ("AppName=Ledger\nNsAppName=a.exe\nOriginalFilename=b.exe", Some("a.exe")),
            ("AppName=Ledger\nNsAppName=praid:App\nOriginalFilename=b.exe", Some("b.exe")),
            ("AppName=Ledger\nNsAppName=\nAppPath=", Some("Ledger")),
            ("", None),
        ] {
            let crash = read((start.to_owned() + lines).as_bytes()).unwrap();
            assert_eq!(crash.program.as_deref(), expected, "{lines}");
        }
    }

    #[test]
    fn first_line_of_a_key_counts() {
        let repeated_keys = [
            APPCRASH,
            "EventType=AppHangB1\r\nEventTime=1\r\nAppPath=C:\\b.exe\r\nSig[3].Value=b.dll\r\n\
             Sig[6].Value=c0000005\r\nLoadedModule[1]=C:\\b.dll\r\n",
        ];
        assert_eq!(
            read(repeated_keys.concat().as_bytes()).unwrap(),
            read(APPCRASH.as_bytes()).unwrap()
        );
    }

    #[test]
    fn modules_are_sorted_by_index() {
        let lines = "LoadedModule[10]=k\nLoadedModule[2]=c=d\nLoadedModule[x]=x\n\
                     LoadedModule[+1]=y\nLoadedModule[]=z\nLoadedModule[4294967296]=z\n\
                     LoadedModule[0]=\nLoadedModule[1=z\nLoadedModule[2]=e\n LoadedModule[1]=b\n";
        let text = report("APPCRASH", &["", "", "", "", "", "", "c0000006"]) + lines;
        let crash = read(text.as_bytes()).unwrap();
        assert_eq!(crash.modules, [module("b"), module("c=d"), module("k")]);
    }

    #[test]
    fn time_before_1970_is_left_out() {
        for (time, expected) in [
            ("116444736000000000", Some(0)),
            ("116444736009999999", Some(0)),
            ("116444735999999999", None),
            ("18446744073709551615", Some(1_833_029_933_770)),
            ("18446744073709551616", None),
            ("0", None),
            ("", None),
            ("-1", None),
            ("2026-01-02", None),
        ] {
            assert_eq!(seconds(time), expected, "{time}");
        }
    }

    #[test]
    fn other_event_is_rejected_by_name() {
        for event in ["AppHangB1", "AppHangXProcB1", "BlueScreen", "RADAR_PRE_LEAK_64", "BEX6", ""]
        {
            match read(report(event, &["a.exe"]).as_bytes()) {
                Err(CrashError::OtherEvent(name)) => assert_eq!(name, event),
                other => panic!("{event}: {other:?}"),
            }
        }
        match read(report(&"Ü".repeat(5000), &[]).as_bytes()) {
            Err(CrashError::OtherEvent(name)) => assert_eq!(name, "Ü".repeat(MAX_EVENT_LENGTH)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn missing_or_invalid_line_is_named() {
        let before_code = ["a.exe", "1.0", "1", "b.dll", "1.0", "1"];
        for (event, values, key) in [
            ("APPCRASH", &before_code[..], "Sig[6].Value"),
            ("BEX64", &["a", "", "", "", "", "", "c0000005"], "Sig[7].Value"),
            ("MoAppCrash", &before_code, "Sig[7].Value"),
            ("InPageError", &[], "Sig[0].Value"),
        ] {
            match read(report(event, values).as_bytes()) {
                Err(CrashError::NoSignature(name)) => assert_eq!(name, key, "{event}"),
                other => panic!("{event}: {other:?}"),
            }
        }
        for code in ["", "0x", "c000000", "c000000g", "+c000006", "1c0000006", "c0000006 c0000006"]
        {
            let values = [&before_code[..], &[code]].concat();
            match read(report("APPCRASH", &values).as_bytes()) {
                Err(CrashError::Malformed(name)) => assert_eq!(name, "Sig[6].Value", "{code}"),
                other => panic!("{code}: {other:?}"),
            }
        }
    }

    #[test]
    fn truncated_report_keeps_its_exception() {
        for (encoding, bytes) in [encodings(APPCRASH), encodings(IN_PAGE)].concat() {
            let whole = read(&bytes).unwrap();
            let mut readable = 0;
            for length in 0..bytes.len() {
                let Ok(crash) = read(&bytes[..length]) else {
                    continue;
                };
                readable += 1;
                assert_eq!(crash.exception.code, whole.exception.code, "{encoding} {length}");
                let status = crash.exception.in_page.status;
                let is_same = status.is_none() || status == whole.exception.in_page.status;
                assert!(is_same, "{encoding} {length}: {status:?}");
                assert!(crash.modules.len() <= whole.modules.len(), "{encoding} {length}");
            }
            assert!(readable > 100, "{encoding}");
        }
    }

    #[test]
    fn only_reports_are_recognized() {
        for (start, expected) in [
            (&b"Version=1\r\nEventType=APPCRASH\r\n"[..], true),
            (b"\n  Version=1\n  EventType=", true),
            (b"EventType=BEX64\n", true),
            (b"\xef\xbb\xbfVersion=1\nEventType=", true),
            (b"", false),
            (b"\n\n", false),
            (b"Version=1\n", false),
            (b"Version=\nEventType=APPCRASH\n", false),
            (b"Version=1.2\nEventType=APPCRASH\n", false),
            (b"Version=1\nTheEventType=APPCRASH\n", false),
            (b"version=1\nEventType=APPCRASH\n", false),
            (b"[Version]\nEventType=APPCRASH\n", false),
            (b"MDMP\x93\xa7\0\0EventType=APPCRASH\n", false),
            (b"\xff\xfe", false),
            (b"\xff\xfeV", false),
            (b"\xfe\xff\0V\0e\0r", false),
            (b"\xff\xff\xff\xff", false),
            (&[0; 4096], false),
            (&[b'\n'; 4096], false),
        ] {
            assert_eq!(is_report(start), expected, "{}", start.escape_ascii());
            assert_eq!(matches!(read(start), Err(CrashError::UnknownFormat)), !expected);
        }
        assert!(is_report(&utf_16(APPCRASH, true)) && is_report(&utf_16(APPCRASH, false)));
        assert!(is_report(&utf_16(APPCRASH, true)[..64]));
    }
}
