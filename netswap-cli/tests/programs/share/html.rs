//! `netswap verify --format html`. The check `cargo xtask html` opens such pages in a browser.

use serde_json::{Value, json};
use testkit::share::Share;

use super::{bad, good};
use crate::stdout;

/// Returns the text between two parts of a page.
fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    page.split_once(start).unwrap().1.split_once(end).unwrap().0
}

/// Returns the rows of the table, and the names of its columns.
fn table(page: &str) -> (Value, Vec<String>) {
    let data = between(page, "<script type=\"application/json\" id=\"data\">\n", "</script>");
    let data: Value = serde_json::from_str(data).unwrap();
    let columns = data["columns"].as_array().unwrap();
    let names = columns.iter().map(|column| column["name"].as_str().unwrap().to_owned());
    (data["rows"].clone(), names.collect())
}

#[test]
fn page_has_a_row_for_each_image() {
    let share = Share::new([("a/bad.dll", bad()), ("good.exe", good()), ("notes", b"MZ".to_vec())]);
    let run = share.run(["verify", ".", "--format", "html"]).code(1).stderr_eq("");
    let (mut rows, columns) = table(&stdout(&run));
    for row in rows.as_array_mut().unwrap() {
        let modified = row.as_array_mut().unwrap().remove(11);
        assert!(modified.as_str().unwrap().starts_with("20"));
    }
    let (bad, good) = ("./a/bad.dll", "./good.exe");
    let (code, message) = ("net-swap-missing", "IMAGE_FILE_NET_RUN_FROM_SWAP is not set");
    assert_eq!(
        rows,
        json!([
            [
                bad, "failed", code, message, null, "no", null, "exe", "x64", "none", 8192, null,
                null
            ],
            [good, "passed", null, null, null, "no", null, "exe", "x64", "net", 8192, null, null],
        ])
    );
    // Columns without a value are not shown.
    assert_eq!(
        columns,
        [
            "path",
            "status",
            "codes",
            "kind",
            "machine",
            "swap_run",
            "size_of_image",
            "modified",
            "signed",
            "messages"
        ]
    );
}

#[test]
fn page_begins_with_the_result() {
    let share = Share::new([("tools/bad.dll", bad()), ("tools/good.exe", good())]);
    let run = share.run(["verify", "tools", "--format", "html"]).code(1);
    let page = stdout(&run);
    assert_eq!(between(&page, "<title>", "</title>"), "netswap verify: tools");
    let result = "1 of 2 images can crash when the network drops.";
    assert_eq!(between(&page, "<p class=\"result bad\">", "</p>"), result);
    let causes = between(&page, "<h2>What to do</h2>", "<section id=\"explorer\"");
    assert!(causes.contains("<pre>netswap patch tools/bad.dll</pre>"));
    assert!(causes.contains("<code>net-swap-missing</code><span>1 file</span>"), "{causes}");
}

// Windows has no such names.
#[cfg(unix)]
#[test]
fn names_can_not_change_the_page() {
    let share = Share::new([("a&b<i>.exe", bad())]);
    let run = share.run(["verify", ".", "--format", "html"]).code(1);
    let page = stdout(&run);
    assert!(!page.contains("<i>"), "{page}");
    assert!(between(&page, "<pre>", "</pre>").ends_with("a&amp;b&lt;i&gt;.exe'"), "{page}");
    assert_eq!(table(&page).0[0][0], "./a&b<i>.exe");
}

#[test]
fn page_of_nothing_has_no_table() {
    let share = Share::new([("notes.txt", b"text".to_vec())]);
    let page = stdout(&share.run(["verify", ".", "--format", "html"]).code(3));
    let result = "Nothing was verified: no Windows image found in the given files and folders.";
    assert_eq!(between(&page, "<p class=\"result caution\">", "</p>"), result);
    assert_eq!(table(&page), (json!([]), Vec::new()));
}
