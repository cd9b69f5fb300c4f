//! The complete reports of `patch` and `undo`.

use snapbox::str;

use testkit::image::{Image, NET, Strong, Sum};
use testkit::share::Share;

use crate::{json, ndjson, stdout};

/// Creates a share with one file for each status.
fn share() -> Share {
    Share::new([
        ("a.exe", Image::exe().sum(Sum::Right).bytes()),
        ("b.exe", Image::exe().x86().with(NET).bytes()),
        ("c.efi", Image::exe().efi().bytes()),
        ("d.dll", Image::dll().certificate(64).bytes()),
        ("e.dll", Image::dll().assembly(Strong::Signed).bytes()),
        ("f.exe", Image::exe().bytes()[..0x90].to_vec()),
        ("readme.txt", b"no image".to_vec()),
    ])
}

#[test]
fn refusals_come_first_and_the_undo_command_last() {
    let share = share();
    share.run(["patch", "."]).code(1).stderr_eq("").stdout_eq(str![[r"
journal: [..].journal
refused    ./d.dll
           signature-would-break: it is signed
refused    ./e.dll
           strong-name-would-break: it is a .NET assembly with a strong name
refused    ./f.exe
           truncated-image: the file ends inside its headers
patched    ./a.exe  swap-run: none -> net

signature-would-break: 1 signed file
  the choices are:
  - ask the vendor for a build with /SWAPRUN:NET
  - pass --break-signature, and sign again with a certificate of your own
  - run from a local disk
  - pass --break-signature, if nothing checks the signature

strong-name-would-break: 1 file
  ask the vendor for a build with the bit, or pass --break-strong-name

truncated-image: 1 file
  copy or build the file again

6 files: 1 patched, 1 unchanged, 1 skipped, 3 refused (1 other file, [..] s)
skipped: 1 file: UEFI loads it, not Windows
to undo it:
    netswap undo [..].journal

"]]);
    assert!(share.holds("c.efi", &Image::exe().efi().bytes()));
}

#[test]
fn quiet_reports_only_refusals() {
    share().run(["patch", ".", "--quiet"]).code(1).stderr_eq("").stdout_eq(str![[r"
journal: [..].journal
refused    ./d.dll
           signature-would-break: it is signed
refused    ./e.dll
           strong-name-would-break: it is a .NET assembly with a strong name
refused    ./f.exe
           truncated-image: the file ends inside its headers

signature-would-break: 1 signed file
  the choices are:
  - ask the vendor for a build with /SWAPRUN:NET
  - pass --break-signature, and sign again with a certificate of your own
  - run from a local disk
  - pass --break-signature, if nothing checks the signature

strong-name-would-break: 1 file
  ask the vendor for a build with the bit, or pass --break-strong-name

truncated-image: 1 file
  copy or build the file again

6 files: 1 patched, 1 unchanged, 1 skipped, 3 refused (1 other file, [..] s)
to undo it:
    netswap undo [..].journal

"]]);
    let share = Share::new([("a.exe", Image::exe().bytes())]);
    share.run(["patch", ".", "--quiet"]).code(0).stderr_eq("").stdout_eq(str![[r"
journal: [..].journal
1 file: 1 patched (0 other files, [..] s)
to undo it:
    netswap undo [..].journal

"]]);
}

#[test]
fn patch_json_has_every_field() {
    let run = share().run(["patch", ".", "--format", "json"]).code(1);
    let run = run.stderr_eq("journal: [..].journal\n");
    json(&run);
    run.stdout_eq(str![[r#"
{
"schema": "netswap.patch/1",
"files": [
{"path":"./a.exe","status":"patched","kind":"exe","machine":"x64","before":{"characteristics":"0x0022","swap_run":[],"checksum":"0x0000e7c4"},"after":{"characteristics":"0x0822","swap_run":["net"],"checksum":"0x0000efc4"},"reason":null,"findings":[],"warnings":[],"maker":null},
{"path":"./b.exe","status":"unchanged","kind":"exe","machine":"x86","before":{"characteristics":"0x0902","swap_run":["net"],"checksum":"0x00000000"},"after":{"characteristics":"0x0902","swap_run":["net"],"checksum":"0x00000000"},"reason":null,"findings":[],"warnings":[],"maker":null},
{"path":"./c.efi","status":"skipped","kind":"efi","machine":"x64","before":{"characteristics":"0x0022","swap_run":[],"checksum":"0x00000000"},"after":{"characteristics":"0x0022","swap_run":[],"checksum":"0x00000000"},"reason":"UEFI loads it, not Windows","findings":[],"warnings":[],"maker":null},
{"path":"./d.dll","status":"refused","kind":"dll","machine":"x64","before":{"characteristics":"0x2022","swap_run":[],"checksum":"0x00000000"},"after":{"characteristics":"0x2022","swap_run":[],"checksum":"0x00000000"},"reason":null,"findings":[{"code":"signature-would-break","message":"it is signed","help":"the choices are:/n- ask the vendor for a build with /SWAPRUN:NET/n- pass --break-signature, and sign again with a certificate of your own/n- run from a local disk/n- pass --break-signature, if nothing checks the signature"}],"warnings":[],"maker":{"signer":null,"vendor":null,"product":null}},
{"path":"./e.dll","status":"refused","kind":"dll","machine":"x64","before":{"characteristics":"0x2022","swap_run":[],"checksum":"0x00000000"},"after":{"characteristics":"0x2022","swap_run":[],"checksum":"0x00000000"},"reason":null,"findings":[{"code":"strong-name-would-break","message":"it is a .NET assembly with a strong name","help":"ask the vendor for a build with the bit, or pass --break-strong-name"}],"warnings":[],"maker":null},
{"path":"./f.exe","status":"refused","kind":null,"machine":null,"before":null,"after":null,"reason":null,"findings":[{"code":"truncated-image","message":"the file ends inside its headers","help":"copy or build the file again"}],"warnings":[],"maker":null}
],
"journal": {"path":"[..].journal"},
"summary": {"files":7,"changed":1,"unchanged":1,"skipped":1,"refused":3,"not_images":1,"unreadable":0,"offline":0,"warned":0,"seconds":[..]}
}

"#]]);
}

#[test]
fn patch_ndjson_has_one_line_per_file_and_a_summary() {
    let run = share().run(["patch", ".", "--format", "ndjson"]).code(1);
    let run = run.stderr_eq("journal: [..].journal\n");
    ndjson(&run);
    run.stdout_eq(str![[r#"
{"type":"file","path":"./a.exe","status":"patched","kind":"exe","machine":"x64","before":{"characteristics":"0x0022","swap_run":[],"checksum":"0x0000e7c4"},"after":{"characteristics":"0x0822","swap_run":["net"],"checksum":"0x0000efc4"},"reason":null,"findings":[],"warnings":[],"maker":null}
{"type":"file","path":"./b.exe","status":"unchanged","kind":"exe","machine":"x86","before":{"characteristics":"0x0902","swap_run":["net"],"checksum":"0x00000000"},"after":{"characteristics":"0x0902","swap_run":["net"],"checksum":"0x00000000"},"reason":null,"findings":[],"warnings":[],"maker":null}
{"type":"file","path":"./c.efi","status":"skipped","kind":"efi","machine":"x64","before":{"characteristics":"0x0022","swap_run":[],"checksum":"0x00000000"},"after":{"characteristics":"0x0022","swap_run":[],"checksum":"0x00000000"},"reason":"UEFI loads it, not Windows","findings":[],"warnings":[],"maker":null}
{"type":"file","path":"./d.dll","status":"refused","kind":"dll","machine":"x64","before":{"characteristics":"0x2022","swap_run":[],"checksum":"0x00000000"},"after":{"characteristics":"0x2022","swap_run":[],"checksum":"0x00000000"},"reason":null,"findings":[{"code":"signature-would-break","message":"it is signed","help":"the choices are:/n- ask the vendor for a build with /SWAPRUN:NET/n- pass --break-signature, and sign again with a certificate of your own/n- run from a local disk/n- pass --break-signature, if nothing checks the signature"}],"warnings":[],"maker":{"signer":null,"vendor":null,"product":null}}
{"type":"file","path":"./e.dll","status":"refused","kind":"dll","machine":"x64","before":{"characteristics":"0x2022","swap_run":[],"checksum":"0x00000000"},"after":{"characteristics":"0x2022","swap_run":[],"checksum":"0x00000000"},"reason":null,"findings":[{"code":"strong-name-would-break","message":"it is a .NET assembly with a strong name","help":"ask the vendor for a build with the bit, or pass --break-strong-name"}],"warnings":[],"maker":null}
{"type":"file","path":"./f.exe","status":"refused","kind":null,"machine":null,"before":null,"after":null,"reason":null,"findings":[{"code":"truncated-image","message":"the file ends inside its headers","help":"copy or build the file again"}],"warnings":[],"maker":null}
{"type":"summary","schema":"netswap.patch/1","journal":{"path":"[..].journal"},"summary":{"files":7,"changed":1,"unchanged":1,"skipped":1,"refused":3,"not_images":1,"unreadable":0,"offline":0,"warned":0,"seconds":[..]}}

"#]]);
}

#[test]
fn dry_run_json_names_no_journal() {
    let share = share();
    share.run(["patch", "a.exe", "-n", "--format", "json"]).code(0).stderr_eq("").stdout_eq(str![[r#"
{
"schema": "netswap.patch/1",
"files": [
{"path":"a.exe","status":"would-patch","kind":"exe","machine":"x64","before":{"characteristics":"0x0022","swap_run":[],"checksum":"0x0000e7c4"},"after":{"characteristics":"0x0822","swap_run":["net"],"checksum":"0x0000efc4"},"reason":null,"findings":[],"warnings":[],"maker":null}
],
"journal": null,
"summary": {"files":1,"changed":1,"unchanged":0,"skipped":0,"refused":0,"not_images":0,"unreadable":0,"offline":0,"warned":0,"seconds":[..]}
}

"#]]);
}

#[test]
fn empty_json_report_is_valid() {
    let share = share();
    let run = share.run(["patch", ".", "--exclude", "*.*", "--format", "json"]).code(3);
    json(&run);
    run.stdout_eq(str![[r#"
{
"schema": "netswap.patch/1",
"files": [

],
"journal": null,
"summary": {"files":0,"changed":0,"unchanged":0,"skipped":0,"refused":0,"not_images":0,"unreadable":0,"offline":0,"warned":0,"seconds":[..]}
}

"#]]);
}

/// The message is the same as that of `verify`.
#[test]
fn exit_code_3_has_a_reason() {
    let share = Share::new([("readme.txt", b"no image".to_vec())]);
    let patch = share.run(["patch", "."]).code(3);
    let inspect = share.run(["inspect", "."]).code(3);
    for run in [patch, inspect] {
        let output = run.get_output();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("no Windows image found"), "{output:?}");
    }
}

#[test]
fn undo_json_and_ndjson_have_every_field() {
    let share = share();
    share.write("g.exe", Image::exe().sum(Sum::Right).bytes());
    share.run(["patch", "."]).code(1);
    share.write("g.exe", Image::exe().bytes());
    let journal = share.journal();
    let undo = |format| share.run(["undo", journal.to_str().unwrap(), "--format", format]);
    undo("json").code(1).stderr_eq("").stdout_eq(str![[r#"
{
"schema": "netswap.undo/1",
"files": [
{"path":"[..]/share/a.exe","status":"restored","kind":"exe","machine":"x64","before":{"characteristics":"0x0822","swap_run":["net"],"checksum":"0x0000efc4"},"after":{"characteristics":"0x0022","swap_run":[],"checksum":"0x0000e7c4"},"reason":null,"findings":[],"warnings":[],"maker":null},
{"path":"[..]/share/g.exe","status":"refused","kind":"exe","machine":"x64","before":{"characteristics":"0x0022","swap_run":[],"checksum":"0x00000000"},"after":{"characteristics":"0x0022","swap_run":[],"checksum":"0x00000000"},"reason":null,"findings":[{"code":"changed-since","message":"its bits or its checksum have changed since the patch","help":"if it was replaced by another version, there is nothing to do; otherwise restore it from a backup"}],"warnings":[],"maker":null}
],
"journal": null,
"summary": {"files":2,"changed":1,"unchanged":0,"skipped":0,"refused":1,"not_images":0,"unreadable":0,"offline":0,"warned":0,"seconds":[..]}
}

"#]]);
    json(&undo("json"));
    ndjson(&undo("ndjson"));
    undo("ndjson").code(1).stderr_eq("").stdout_eq(str![[r#"
{"type":"file","path":"[..]/share/a.exe","status":"unchanged","kind":"exe","machine":"x64","before":{"characteristics":"0x0022","swap_run":[],"checksum":"0x0000e7c4"},"after":{"characteristics":"0x0022","swap_run":[],"checksum":"0x0000e7c4"},"reason":null,"findings":[],"warnings":[],"maker":null}
{"type":"file","path":"[..]/share/g.exe","status":"refused","kind":"exe","machine":"x64","before":{"characteristics":"0x0022","swap_run":[],"checksum":"0x00000000"},"after":{"characteristics":"0x0022","swap_run":[],"checksum":"0x00000000"},"reason":null,"findings":[{"code":"changed-since","message":"its bits or its checksum have changed since the patch","help":"if it was replaced by another version, there is nothing to do; otherwise restore it from a backup"}],"warnings":[],"maker":null}
{"type":"summary","schema":"netswap.undo/1","journal":null,"summary":{"files":2,"changed":0,"unchanged":1,"skipped":0,"refused":1,"not_images":0,"unreadable":0,"offline":0,"warned":0,"seconds":[..]}}

"#]]);
}

#[test]
fn quiet_undo_reports_only_refusals() {
    let share = share();
    share.run(["patch", "a.exe"]).code(0);
    let journal = share.journal();
    let run = share.run(["undo", "--quiet", journal.to_str().unwrap()]).code(0).stderr_eq("");
    run.stdout_eq(str![[r"
1 file: 1 restored ([..] s)

"]]);
}

#[test]
fn report_is_sorted_for_any_number_of_jobs() {
    let report = |jobs| {
        let share = Share::new([]);
        for number in 0..300 {
            share.write(&format!("{}/{number:03}.exe", number % 7), Image::exe().bytes());
        }
        let run = share.run(["patch", ".", "--format", "ndjson", "--jobs", jobs]).code(0);
        let mut lines: Vec<_> = stdout(&run).lines().map(str::to_owned).collect();
        lines.pop();
        assert!(lines.is_sorted());
        lines
    };
    assert_eq!(report("1"), report("64"));
}

/// Returns a command that patches the share with the journal `my.journal`.
#[cfg(unix)]
fn patch_command(share: &Share) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netswap"));
    command.args(["patch", ".", "--journal", "../my.journal"]).current_dir(&share.root);
    command
}

/// A pipe to `head` must not leave half a share unpatched.
#[cfg(unix)]
#[test]
fn closed_pipe_does_not_stop_the_patch() {
    let share = Share::new([("a.exe", Image::exe().bytes()), ("b.exe", Image::exe().bytes())]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(patch_command(&share).stdout(writer).status().unwrap().code(), Some(0));
    for name in ["a.exe", "b.exe"] {
        assert_eq!(share.characteristics(name) & NET, NET, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn report_error_names_the_journal() {
    let share = Share::new([("a.exe", Image::exe().bytes())]);
    let full_disk = std::fs::File::create("/dev/full").unwrap();
    let output = patch_command(&share).stdout(full_disk).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(share.characteristics("a.exe") & NET, NET);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("my.journal"), "{text}");
}

#[test]
fn file_with_a_warning_is_counted_once() {
    let share =
        Share::new([("softokn3.dll", Image::dll().bytes()), ("softokn3.chk", b"text".to_vec())]);
    // The file is named twice.
    let run = share.run(["patch", ".", "softokn3.dll", "--dry-run"]).code(0).stderr_eq("");
    run.stdout_eq(str![[r"
to patch   ./softokn3.dll  swap-run: none -> net
           warning: nss-check-file: the .chk file beside it has its signature,
           which NSS checks in FIPS mode

nss-check-file: 1 file
  if the program uses FIPS mode, run shlibsign on it

2 files: 1 to patch with a warning, 1 skipped (1 other file, [..] s)
skipped: 1 file: it is another name of a file above, which was changed once
nothing was changed

"]]);
}

#[test]
fn accepted_hazard_is_a_warning() {
    let share =
        Share::new([("fips.dll", Image::dll().bytes()), ("fipsmodule.cnf", b"text".to_vec())]);
    let run = share.run(["patch", "fips.dll", "--accept", "fips-module"]).code(0).stderr_eq("");
    run.stdout_eq(str![[r"
journal: [..].journal
patched    fips.dll  swap-run: none -> net
           warning: fips-module: it is an OpenSSL FIPS module, and
           fipsmodule.cnf has its checksum

fips-module: 1 file
  run openssl fipsinstall again

1 file: 1 patched with a warning (0 other files, [..] s)
to undo it:
    netswap undo [..].journal

"]]);
}

#[test]
fn only_a_hazard_can_be_accepted() {
    let share = Share::new([("tool.exe", Image::exe().bytes())]);
    share.run(["patch", "tool.exe", "--accept", "integrity-required"]).code(2);
}
