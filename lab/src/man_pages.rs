//! Checks man pages with mandoc.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::files::{at, empty_folder, files_below, scratch, write};
use crate::process::all_output;
use crate::tools::Tree;

const PROGRAM: &str = "usr/bin/mandoc";

/// The width of a terminal.
const COLUMNS: usize = 80;

/// Writes all pages, checks them, and checks that broken ones are rejected. Returns their number.
pub(crate) fn check(tree: &Tree, netswap: &Path) -> Result<usize, String> {
    let folder = empty_folder(scratch("man"))?;
    all_output(Command::new(netswap).args(["generate", "man"]).arg(&folder))?;
    let pages = files_below(&folder)?;
    for page in &pages {
        check_page(tree, page)?;
    }
    let page = folder.join("netswap-verify.1");
    let text = fs::read_to_string(&page).map_err(at(&page))?;
    ensure!(text.contains(TABLE_ROW), "{}: the exit codes are not a table", page.display());
    let broken = folder.join("broken.1");
    let long_line = format!(".nf\n{}\n.fi\n", "x".repeat(COLUMNS));
    for (what, change) in [
        ("an unknown macro", text.replacen(".TP\n", ".TB\n", 1)),
        ("an open indent", format!("{text}.RS\n")),
        ("a paragraph too many", text.replacen(".SH NAME\n", ".SH NAME\n.PP\n", 1)),
        ("a long line", text + &long_line),
    ] {
        write(&broken, change)?;
        ensure!(check_page(tree, &broken).is_err(), "a page with {what} is accepted");
    }
    Ok(pages.len())
}

/// The first exit code in its own row.
const TABLE_ROW: &str = ".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\nall images passed\n.TP\n";

/// Checks that mandoc has no warning and that each line fits in a terminal.
fn check_page(tree: &Tree, page: &Path) -> Result<(), String> {
    let mut mandoc = tree.command(PROGRAM);
    let output = mandoc.args(["-T", "lint", "-W", "warning"]).arg(page).output();
    let output = output.map_err(|error| format!("mandoc: {error}"))?;
    let warnings = String::from_utf8_lossy(&output.stdout).into_owned();
    // The pages have no date, so that they depend only on the version.
    let warning = warnings.lines().find(|line| !line.contains("missing date"));
    ensure!(warning.is_none(), "{}", warning.unwrap_or_default());
    let mut show = tree.command(PROGRAM);
    show.args(["-T", "utf8", "-O", &format!("width={COLUMNS}")]).arg(page);
    let text = all_output(&mut show)?;
    let long = text.lines().map(plain).find(|line| line.chars().count() > COLUMNS);
    match long {
        Some(line) => Err(format!("{}: too long for a terminal: {line}", page.display())),
        None => Ok(()),
    }
}

/// Returns a line without the characters that are overprinted to make others bold.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    for char in line.chars() {
        if char == '\u{8}' {
            plain.pop();
        } else {
            plain.push(char);
        }
    }
    plain
}
