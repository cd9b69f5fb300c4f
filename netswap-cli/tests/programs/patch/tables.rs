//! `netswap patch` in formats for spreadsheets and browsers.

use snapbox::str;
use testkit::image::{CD, Image, NET};
use testkit::share::Share;

use crate::stdout;

fn share() -> Share {
    Share::new([
        ("a/new.exe", Image::exe().bytes()),
        ("a/signed.dll", Image::dll().certificate(64).bytes()),
        ("b/done.exe", Image::exe().with(NET | CD).bytes()),
        ("b/notes.txt", b"MZ is no image".to_vec()),
    ])
}

#[test]
fn table_has_a_row_for_each_image() {
    let share = share();
    let run = share.run(["patch", "--format", "csv", "."]).code(1);
    run.stdout_eq(str![[r#"
[..]path,status,codes,warnings,messages,reason,signed,signer,vendor,product,kind,machine,swap_run_before,swap_run_after,size_of_image
./a/new.exe,patched,,,,,no,,,,exe,x64,none,net,8192
./a/signed.dll,refused,signature-would-break,,it is signed,,yes,,,,dll,x64,none,none,8192
./b/done.exe,unchanged,,,,,no,,,,exe,x64,"net, cd","net, cd",8192

"#]]);
    assert_eq!(share.characteristics("a/new.exe") & NET, NET);
}

#[test]
fn page_has_the_result_and_the_undo_command() {
    let share = share();
    let run = share.run(["patch", "--format", "html", ".", "--journal", "../journal"]).code(1);
    let page = stdout(&run);
    let result = "<p class=\"result bad\">1 file was patched. 1 file was refused.</p>";
    assert!(page.contains(result), "{page}");
    assert!(page.contains("<dt>To undo it</dt><dd>netswap undo ../journal</dd>"), "{page}");
    assert!(
        page.contains("<li>pass --break-signature, if nothing checks the signature</li>"),
        "{page}"
    );
    assert_eq!(share.characteristics("a/new.exe") & NET, NET);
}

#[test]
fn page_of_a_dry_run_promises_nothing() {
    let share = share();
    let page = stdout(&share.run(["patch", "--format", "html", "-n", "b", "a/new.exe"]).code(0));
    let result = "<p class=\"result good\">1 file would be patched.</p>";
    assert!(page.contains(result) && !page.contains("Journal"), "{page}");
    assert_eq!(share.characteristics("a/new.exe") & NET, 0);
}
