//! The complete reports in the formats for other programs.

use serde_json::Value;
use snapbox::str;

use testkit::image::{Image, NET};
use testkit::share::Share;

use crate::stdout;

/// Creates a share with one image for each status, and a policy for it.
fn share() -> Share {
    let share = Share::new([
        ("bin/a, \"b\".exe", Image::exe().with(NET).bytes()),
        ("bin/old%20.dll", Image::dll().x86().bytes()),
        ("bin/signed.dll", Image::dll().certificate(64).bytes()),
        ("boot.efi", Image::exe().efi().bytes()),
        ("cut.exe", Image::exe().bytes()[..0x90].to_vec()),
        ("=known.exe", Image::exe().bytes()),
        ("readme.txt", b"no image".to_vec()),
    ]);
    let policy = "[[allow]]\nimage = \"=known.exe\"\nreason = \"=the vendor, \\\"soon\\\"\"\n";
    share.write("../policy.toml", policy);
    share
}

fn report(share: &Share, format: &str) -> snapbox::cmd::OutputAssert {
    share.run(["verify", ".", "--policy", "../policy.toml", "--format", format]).code(1)
}

#[test]
fn csv_has_a_row_for_each_image() {
    let run = report(&share(), "csv").stderr_eq("");
    assert!(run.get_output().stdout.starts_with("\u{feff}path,".as_bytes()));
    assert_eq!(stdout(&run).matches("\r\n").count(), stdout(&run).matches('\n').count());
    run.stdout_eq(str![[r#"
﻿path,status,codes,messages,reason,signed,signer,kind,machine,swap_run,size_of_image,modified,package,target
./=known.exe,allowed,net-swap-missing,IMAGE_FILE_NET_RUN_FROM_SWAP is not set,"'=the vendor, ""soon""",no,,exe,x64,none,8192,[..],,
"./bin/a, ""b"".exe",passed,,,,no,,exe,x64,net,8192,[..],,
./bin/old%20.dll,failed,net-swap-missing,IMAGE_FILE_NET_RUN_FROM_SWAP is not set,,no,,dll,x86,none,8192,[..],,
./bin/signed.dll,failed,net-swap-missing,IMAGE_FILE_NET_RUN_FROM_SWAP is not set,,yes,,dll,x64,none,8192,[..],,
./boot.efi,allowed,,,"UEFI loads it, not Windows",no,,efi,x64,none,8192,[..],,
./cut.exe,failed,truncated-image,the file ends inside its headers,,,,,,,,[..],,

"#]]);
    let empty = Share::new([("readme.txt", b"no image".to_vec())]);
    let run = empty.run(["verify", ".", "--format", "csv"]).code(3);
    assert_eq!(stdout(&run).lines().count(), 1);
}

#[test]
fn sarif_has_a_rule_for_each_code() {
    let run = report(&share(), "sarif").stderr_eq("");
    let sarif: Value = serde_json::from_str(&stdout(&run)).unwrap();
    let run = &sarif["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["text"].as_str().unwrap().contains("## What to do"));
    }
    assert_eq!(run["invocations"][0]["exitCode"], 1);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let text: Vec<_> =
        run["results"].as_array().unwrap().iter().map(|result| format!("{result}\n")).collect();
    snapbox::assert_data_eq!(
        text.concat(),
        str![[r#"
{"level":"error","locations":[{"physicalLocation":{"artifactLocation":{"uri":"%3Dknown.exe"}}}],"message":{"text":"IMAGE_FILE_NET_RUN_FROM_SWAP is not set/nlink with /SWAPRUN:NET, or set the bit before signing:/n    netswap patch =known.exe"},"properties":{"package":null,"signer":null,"status":"allowed","target":null},"ruleId":"net-swap-missing","ruleIndex":0,"suppressions":[{"justification":"=the vendor, /"soon/"","kind":"external","status":"accepted"}]}
{"level":"error","locations":[{"physicalLocation":{"artifactLocation":{"uri":"bin/old%2520.dll"}}}],"message":{"text":"IMAGE_FILE_NET_RUN_FROM_SWAP is not set/nlink with /SWAPRUN:NET, or set the bit before signing:/n    netswap patch bin/old%20.dll"},"properties":{"package":null,"signer":null,"status":"failed","target":null},"ruleId":"net-swap-missing","ruleIndex":0}
{"level":"error","locations":[{"physicalLocation":{"artifactLocation":{"uri":"bin/signed.dll"}}}],"message":{"text":"IMAGE_FILE_NET_RUN_FROM_SWAP is not set/nsetting the bit would invalidate the signature; the choices are:/n- ask the vendor for a build with /SWAPRUN:NET/n- set the bit, and sign again with a certificate of your own/n- run from a local disk/n- set the bit, if nothing checks the signature/nto set it:/n    netswap patch --break-signature bin/signed.dll"},"properties":{"package":null,"signer":null,"status":"failed","target":null},"ruleId":"net-swap-missing","ruleIndex":0}
{"level":"error","locations":[{"physicalLocation":{"artifactLocation":{"uri":"cut.exe"}}}],"message":{"text":"the file ends inside its headers/ncopy or build the file again"},"properties":{"package":null,"signer":null,"status":"failed","target":null},"ruleId":"truncated-image","ruleIndex":1}

"#]]
    );
    let empty = Share::new([("readme.txt", b"no image".to_vec())]);
    let run = empty.run(["verify", ".", "--format", "sarif"]).code(3);
    let sarif: Value = serde_json::from_str(&stdout(&run)).unwrap();
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn junit_has_a_test_case_for_each_image() {
    report(&share(), "junit").stderr_eq("").stdout_eq(str![[r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="netswap verify" tests="6" failures="3" errors="0" time="[..]">
<testsuite name="netswap verify" tests="6" failures="3" errors="0" skipped="2" time="[..]">
<testcase name="=known.exe" classname="."><skipped message="=the vendor, &quot;soon&quot;"/></testcase>
<testcase name="bin/a, &quot;b&quot;.exe" classname="bin"/>
<testcase name="bin/old%20.dll" classname="bin"><failure message="IMAGE_FILE_NET_RUN_FROM_SWAP is not set" type="net-swap-missing">net-swap-missing: IMAGE_FILE_NET_RUN_FROM_SWAP is not set
link with /SWAPRUN:NET, or set the bit before signing:
    netswap patch bin/old%20.dll
</failure></testcase>
<testcase name="bin/signed.dll" classname="bin"><failure message="IMAGE_FILE_NET_RUN_FROM_SWAP is not set" type="net-swap-missing">net-swap-missing: IMAGE_FILE_NET_RUN_FROM_SWAP is not set
setting the bit would invalidate the signature; the choices are:
- ask the vendor for a build with /SWAPRUN:NET
- set the bit, and sign again with a certificate of your own
- run from a local disk
- set the bit, if nothing checks the signature
to set it:
    netswap patch --break-signature bin/signed.dll
</failure></testcase>
<testcase name="boot.efi" classname="."><skipped message="UEFI loads it, not Windows"/></testcase>
<testcase name="cut.exe" classname="."><failure message="the file ends inside its headers" type="truncated-image">truncated-image: the file ends inside its headers
copy or build the file again
</failure></testcase>
</testsuite>
</testsuites>

"#]]);
}

#[test]
fn github_has_a_command_for_each_finding() {
    report(&share(), "github").stderr_eq("").stdout_eq(str![[r"
::error file=bin/old%2520.dll,title=net-swap-missing::bin/old%2520.dll: IMAGE_FILE_NET_RUN_FROM_SWAP is not set%0Alink with /SWAPRUN:NET, or set the bit before signing:%0A    netswap patch bin/old%2520.dll
::error file=bin/signed.dll,title=net-swap-missing::bin/signed.dll: IMAGE_FILE_NET_RUN_FROM_SWAP is not set%0Asetting the bit would invalidate the signature; the choices are:%0A- ask the vendor for a build with /SWAPRUN:NET%0A- set the bit, and sign again with a certificate of your own%0A- run from a local disk%0A- set the bit, if nothing checks the signature%0Ato set it:%0A    netswap patch --break-signature bin/signed.dll
::error file=cut.exe,title=truncated-image::cut.exe: the file ends inside its headers%0Acopy or build the file again
::notice title=netswap::6 images: 1 passed, 3 failed, 2 allowed (1 other file, [..] s)

"]]);
}

#[test]
fn each_format_can_be_written_to_a_file() {
    let share = share();
    for format in ["csv", "sarif", "junit", "github"] {
        let expected = stdout(&report(&share, format));
        let netswap = share.netswap(["verify", ".", "--policy", "../policy.toml"]);
        let netswap = netswap.args(["--format", format, "--output", "../report"]);
        let run = netswap.assert().code(1);
        run.stdout_eq("6 images: 1 passed, 3 failed, 2 allowed (1 other file, [..] s)\n");
        let written = std::fs::read_to_string(share.beside("report")).unwrap();
        assert_eq!(written.lines().count(), expected.lines().count(), "{format}");
    }
}
