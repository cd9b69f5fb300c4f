//! Seeds for the target `wer`: reports of Windows Error Reporting. The events, the keys and the
//! order of the values are Windows' own. Everything else is made up.

/// The values for a program and a module, in the order of every crash report except that of a
/// packaged program.
const OF: [&str; 6] = ["ledger.exe", "4.2.0.0", "6377b117", "ledger.dll", "4.2.0.1", "6377b0f2"];

/// The lines after the signature.
const REST: &str = "DynamicSig[1].Name=OS Version\r\n\
    DynamicSig[1].Value=10.0.22621.2.0.0.256.48\r\n\
    LoadedModule[0]=\\\\depot\\büro\\ledger.exe\r\n\
    LoadedModule[1]=C:\\Windows\\SYSTEM32\\ntdll.dll\r\n\
    LoadedModule[2]=\\Device\\Mup\\;LanmanRedirector\\;Z:0000000000012345\\depot\\büro\\ledger.dll\r\n\
    LoadedModule[3]=\\\\?\\UNC\\depot@SSL\\DavWWWRoot\\a.dll\r\n\
    AppName=Hauptbuch\r\n";

/// Returns the inputs, by name.
pub(super) fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let of = |values: &[&'static str]| [&OF[..], values].concat();
    let packaged = [&["Ledger_4.2.0.0_x64__8wekyb3d8bbwe", "praid:App"], &OF[1..]].concat();
    let app_crash = report("APPCRASH", &of(&["c0000006", "00000000000906bc"]));
    let in_page = report("InPageError", &["c000020c", "00000004"]);
    vec![
        ("app-crash", utf_16(&app_crash, true)),
        ("app-crash-utf-8", app_crash.into_bytes()),
        ("bex", report("BEX", &of(&["00002b80", "c0000005", "00000008"])).into_bytes()),
        (
            "packaged",
            report("MoAppCrash", &[&packaged[..], &["c0000006", "0x906bc"]].concat()).into_bytes(),
        ),
        ("in-page-error", utf_16(&in_page, false)),
        ("in-page-error-marked", [b"\xef\xbb\xbf", in_page.as_bytes()].concat()),
        ("hang", report("AppHangB1", &OF[..3]).into_bytes()),
        (
            "stack-hash",
            report(
                "APPCRASH",
                &["a.exe", "", "", "StackHash_ac46", "", "", "c0000005", "PCH_AE_FROM_ntdll+0x9E"],
            )
            .into_bytes(),
        ),
    ]
}

fn report(event: &str, values: &[&str]) -> String {
    let values = values.iter().enumerate();
    let lines: String = values
        .flat_map(|(index, value)| {
            [format!("Sig[{index}].Name=?\r\n"), format!("Sig[{index}].Value={value}\r\n")]
        })
        .collect();
    format!(
        "Version=1\r\nEventType={event}\r\nEventTime=133174872880298997\r\n\
         NsAppName=ledger.exe\r\n{lines}{REST}AppPath=\\\\depot\\büro\\ledger.exe\r\n"
    )
}

fn utf_16(text: &str, mark: bool) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}
