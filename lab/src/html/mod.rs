//! `cargo xtask html`: opens HTML reports in Chromium, uses them as people do, and prints them.
//!
//! The report is about 20,000 images, and some of their names are hostile. The page shows each of
//! them as text, sends no request, and has a readable contrast. tidy reads the page too, and
//! pdftotext reads what is printed.

mod browser;
mod reports;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::browser::{Browser, is};
use self::reports::{PER_FOLDER, Reports, is_failed, repeated};
use crate::files::{at, create_folder, empty_folder, scratch, write};
use crate::outcome::Outcome;
use crate::process::output;
use crate::tools::{BROWSER, Tree};
use crate::{NotPassed, no_arguments, programs};

const IMAGES: usize = 20_000;

/// Pages with this many times the rows show how the time to open them grows. The rows of the last
/// one are higher than what a browser can scroll.
const MANY: [usize; 2] = [5, 25];

/// The most rows that are printed.
const PRINTED: usize = 2000;

/// The sizes of a window on a desk and on a phone.
const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (390, 844);
/// A window that shows more rows than the table draws first.
const TALL: (u32, u32) = (1280, 2400);

/// The result of a report on an empty folder.
const NOTHING: &str =
    "Nothing was verified: no Windows image found in the given files and folders.";

const CONTRAST: &str = include_str!("contrast.js");

/// The line that counts the rows of a page.
const SHOWN: &str = "document.getElementById('shown').textContent";
const FIRST_PATH: &str = "document.querySelector('#rows td.path').title";
/// The height below the last row that is drawn.
const UNFILLED: &str = "(() => {
    const bottom = (element) => element.getBoundingClientRect().bottom;
    const box = document.getElementById('rows');
    return bottom(box) - bottom([...box.querySelectorAll('[aria-rowindex]')].pop());
})()";
const BOX: &str = "document.getElementById('rows')";
const ROWS: &str = "document.querySelectorAll('#rows tbody tr:not(.space)').length";

/// Makes the reports and checks them.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask html")?;
    if cfg!(windows) {
        return Err(NotPassed::NotRun("Windows rejects the names of the images".to_owned()));
    }
    let tree = Tree::find(BROWSER).map_err(NotPassed::NotRun)?;
    let folder = empty_folder(scratch("html"))?;
    let mut check = Check { browser: Browser::start(&tree, &folder)?, tree, folder };
    Ok(check.all()?)
}

struct Check {
    browser: Browser,
    tree: Tree,
    folder: PathBuf,
}

impl Check {
    fn all(&mut self) -> Result<(), String> {
        let reports = Reports::write(&programs::debug("netswap")?, &self.folder)?;
        let (share, failed) = (&reports.share, reports.failed);
        for (_, page) in reports.all() {
            self.check_markup(page)?;
        }
        self.check_markup_is_read(&reports.few)?;
        self.open(share, IMAGES)?;
        for times in MANY {
            self.open(&repeated(share, times)?, IMAGES * times)?;
        }
        self.check_requests(share)?;
        self.check_policy(&reports.few)?;
        self.use_table(share, failed)?;
        self.check_names(share)?;
        self.check_results(&reports)?;
        self.check_without_script(share, failed)?;
        for (name, page) in reports.all() {
            self.check_appearance(name, page)?;
        }
        self.print(share, failed)
    }

    /// Checks that tidy has nothing to say about a page.
    fn check_markup(&self, page: &Path) -> Result<(), String> {
        let mut tidy = self.tree.command("usr/bin/tidy");
        tidy.args(["-quiet", "-errors", "-utf8", "--drop-empty-elements", "no"]).arg(page);
        Outcome::run(&mut tidy)?.expect_code(0).map(drop)
    }

    /// The negative of the check above.
    fn check_markup_is_read(&self, page: &Path) -> Result<(), String> {
        let text = fs::read_to_string(page).map_err(at(page))?;
        let broken = self.folder.join("broken.html");
        write(&broken, text.replacen("</h1>", "", 1))?;
        ensure!(self.check_markup(&broken).is_err(), "tidy does not miss the end of an element");
        Ok(())
    }

    /// Opens a page and prints how long it takes.
    fn open(&mut self, page: &Path, rows: usize) -> Result<(), String> {
        let bytes = fs::metadata(page).map_err(at(page))?.len();
        let start = Instant::now();
        self.browser.open(page, "")?;
        let text = self.browser.text(SHOWN)?;
        println!(
            "{rows} rows ({} MiB): open in {:.2} s",
            bytes >> 20,
            start.elapsed().as_secs_f64()
        );
        expect(&text, &format!("Showing all {} images", number(rows)))?;
        let drawn = self.browser.evaluate(ROWS)?.as_u64().unwrap_or(0);
        ensure!((10..200).contains(&drawn), "{drawn} rows are drawn");
        // Rows fill the table, however high the window is. The last row is drawn at the end.
        for place in ["0", "1000", "box.scrollHeight / 3", "1e9"] {
            let scroll = format!("((box) => {{ box.scrollTop = {place}; }})({BOX})");
            self.browser.evaluate(&scroll)?;
            self.browser.resize(TALL, "light")?;
            let blank = self.browser.evaluate(UNFILLED)?;
            let is_full = blank.as_f64().is_some_and(|blank| blank <= 1.0);
            ensure!(is_full, "at {place}, {blank} pixels are blank");
        }
        let last = self.browser.evaluate(
            "Number([...document.querySelectorAll('#rows tr[aria-rowindex]')].pop().ariaRowIndex)",
        )?;
        ensure!(last == rows + 1, "the last row is {last}");
        Ok(())
    }

    /// Checks that the page requests nothing, violates no policy and makes no error.
    fn check_requests(&mut self, page: &Path) -> Result<(), String> {
        self.browser.open(page, "")?;
        self.browser.wait(300)?;
        let complaints = self.complaints();
        ensure!(complaints.is_empty(), "the browser complains: {}", complaints.join("\n"));
        Ok(())
    }

    /// Returns what the browser reports about the open page: requests for anything other than it,
    /// errors, violations of its policy, and dialogs.
    fn complaints(&self) -> Vec<String> {
        let browser = &self.browser;
        let requests = browser.events("Network.requestWillBeSent").into_iter().filter(|event| {
            let is_page = is(event, "/type", "Document");
            !is_page && !is(event, "/request/url", "data:,")
        });
        let others = [
            "Log.entryAdded",
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Page.javascriptDialogOpening",
        ];
        let others = others.iter().flat_map(|method| browser.events(method));
        requests.chain(others).map(ToString::to_string).collect()
    }

    /// Adds a script and a picture to a page. Its policy must stop both, and the browser must
    /// report them. This is also the negative of the check of requests.
    fn check_policy(&mut self, page: &Path) -> Result<(), String> {
        let text = fs::read_to_string(page).map_err(at(page))?;
        let added =
            "<script>document.title = 'run'</script><img src=http://example.invalid/a.png></main>";
        let changed = self.folder.join("changed.html");
        write(&changed, text.replacen("</main>", added, 1))?;
        self.browser.open(&changed, "")?;
        self.browser.wait(300)?;
        let complaints = self.complaints();
        for part in ["script-src", "img-src"] {
            let is_reported = complaints.iter().any(|complaint| complaint.contains(part));
            ensure!(is_reported, "no violation of {part}: {}", complaints.join("\n"));
        }
        expect(&self.browser.text("document.title")?, "netswap verify: few")
    }

    /// Filters and sorts the table with the mouse, the keyboard and the address.
    fn use_table(&mut self, page: &Path, failed: usize) -> Result<(), String> {
        let browser = &mut self.browser;
        browser.open(page, "")?;
        let all = number(IMAGES);
        let shown = |count: usize| format!("Showing {} of {all} images", number(count));
        browser.evaluate("document.querySelector('#statuses button:nth-child(2)').click()")?;
        expect(&browser.text(SHOWN)?, &shown(failed))?;
        expect(&browser.text("location.hash")?, "#status=failed")?;
        browser.evaluate("document.querySelector('#statuses button').click()")?;
        expect(&browser.text(SHOWN)?, &format!("Showing all {all} images"))?;

        browser.evaluate("document.getElementById('words').focus()")?;
        browser
            .call("Input.insertText", &serde_json::json!({ "text": "NET-swap-missing 7/IMAGE" }))?;
        let in_sevens =
            (0..IMAGES).filter(|image| is_failed(*image) && (image / PER_FOLDER) % 10 == 7).count();
        expect(&browser.text(SHOWN)?, &shown(in_sevens))?;
        browser.evaluate("document.getElementById('words').select()")?;
        browser.call("Input.insertText", &serde_json::json!({ "text": "no such name" }))?;
        expect(&browser.text(SHOWN)?, &shown(0))?;
        let is_hidden =
            "['nothing', 'rows'].map((id) => document.getElementById(id).hidden).join()";
        expect(&browser.text(is_hidden)?, "false,true")?;
        browser.evaluate("document.getElementById('clear').click()")?;
        expect(&browser.text(SHOWN)?, &format!("Showing all {all} images"))?;

        // Enter on a header sorts by its column, and again in the other order.
        let sort = "document.querySelector('#rows th.path').ariaSort ?? ''";
        browser.evaluate("document.querySelector('#rows th.path button').focus()")?;
        browser.press("Enter", "\r")?;
        expect(&browser.text(sort)?, "ascending")?;
        let first = browser.text(FIRST_PATH)?;
        browser.press("Enter", "\r")?;
        expect(&browser.text(sort)?, "descending")?;
        let last = browser.text(FIRST_PATH)?;
        ensure!(first.to_lowercase() < last.to_lowercase(), "{first} is before {last}");
        expect(&browser.text("location.hash")?, "#sort=path&order=descending")?;

        browser.open(page, "#q=image-7.exe&status=failed&sort=size_of_image&order=descending")?;
        let sevens = (0..IMAGES).filter(|image| is_failed(*image) && image % PER_FOLDER == 7);
        expect(&browser.text(SHOWN)?, &shown(sevens.count()))?;
        expect(&browser.text("document.querySelector('th[aria-sort]').textContent")?, "Size")?;
        browser.open(page, "#status=none&sort=none&q=")?;
        expect(&browser.text(SHOWN)?, &format!("Showing all {all} images"))?;
        // A link in a cause chooses its files.
        browser.evaluate("document.querySelector('a.filter').click()")?;
        browser.wait(100)?;
        expect(&browser.text(SHOWN)?, &shown(failed))
    }

    /// Checks that hostile names are text in the table.
    fn check_names(&mut self, page: &Path) -> Result<(), String> {
        for (name, shown) in [
            ("onerror", "</script><img src=x onerror=alert(1)>.exe"),
            ("<!--", "<!--<script>.exe"),
            ("202e", "\\u{202e}exe.txt"),
            ("lt;b", "\"quoted\" 'twice' &lt;b&gt;.exe"),
            ("lines.exe", "two\\nlines.exe"),
            ("2028", "line\\u{2028}separator.exe"),
            ("\\xff", "\\xff\\xfe.exe"),
            ("xxxxx", &format!("{}.exe", "x".repeat(251))),
        ] {
            self.browser.open(page, &format!("#q={}", encoded(name)))?;
            expect(&self.browser.text(FIRST_PATH)?, &format!("share/{shown}"))?;
            let file = "document.querySelector('#rows .file').textContent";
            // The first name has a folder.
            expect(&self.browser.text(file)?, shown.rsplit('/').next().unwrap_or(shown))?;
        }
        let elements = "[document.images.length, document.scripts.length].join()";
        expect(&self.browser.text(elements)?, "0,1")?;
        let complaints = self.complaints();
        ensure!(complaints.is_empty(), "the browser complains: {}", complaints.join("\n"));
        Ok(())
    }

    /// Checks the sentence that each page begins with.
    fn check_results(&mut self, reports: &Reports) -> Result<(), String> {
        let expected = [
            &large_result(reports.failed),
            "The image is safe to run from a network share.",
            NOTHING,
            "1 file was patched. 1 file was refused.",
            "The crash happened because a network share was lost.",
        ];
        for ((_, page), expected) in reports.all().into_iter().zip(expected) {
            self.browser.open(page, "")?;
            let result = self.browser.text("document.querySelector('.result').textContent")?;
            expect(&result, expected)?;
        }
        Ok(())
    }

    /// Checks that without a script the table is not there, and a line says why.
    fn check_without_script(&mut self, large: &Path, failed: usize) -> Result<(), String> {
        let disable = |value: bool| serde_json::json!({ "value": value });
        self.browser.call("Emulation.setScriptExecutionDisabled", &disable(true))?;
        self.browser.open(large, "")?;
        let text = self.browser.text("document.querySelector('main').innerText")?;
        self.browser.call("Emulation.setScriptExecutionDisabled", &disable(false))?;
        for part in ["needs JavaScript", "net-swap-missing", &large_result(failed)] {
            ensure!(text.contains(part), "without scripts, the page lacks {part:?}: {text}");
        }
        ensure!(!text.contains("Filter by"), "without scripts, the page has a filter");
        Ok(())
    }

    /// Takes pictures, and checks that the page is as wide as the window and its texts readable.
    fn check_appearance(&mut self, name: &str, page: &Path) -> Result<(), String> {
        let folder = create_folder(self.folder.join("pictures"))?;
        for (size, window) in [(DESK, "desk"), (PHONE, "phone")] {
            for scheme in ["light", "dark"] {
                self.browser.open(page, "")?;
                let picture = folder.join(format!("{name}-{window}-{scheme}.png"));
                self.browser.screenshot(size, scheme, &picture)?;
                let width = self.browser.evaluate("document.documentElement.scrollWidth")?;
                ensure!(width == size.0, "{name}: the page is {width} wide on a {window}");
                let low = self.browser.text(CONTRAST)?;
                ensure!(low.is_empty(), "{name}, {scheme}: the contrast is low: {low}");
                self.browser.evaluate("document.getElementById('explorer').scrollIntoView()")?;
                let picture = folder.join(format!("{name}-{window}-{scheme}-table.png"));
                self.browser.screenshot(size, scheme, &picture)?;
            }
        }
        // The negative: a grey text.
        self.browser.evaluate("document.querySelector('h1').style.color = '#8a8a8a'")?;
        self.browser.resize(DESK, "light")?;
        ensure!(!self.browser.text(CONTRAST)?.is_empty(), "a low contrast is not found");
        Ok(())
    }

    /// Prints a page, and compares the text of the PDF file.
    fn print(&mut self, page: &Path, failed: usize) -> Result<(), String> {
        self.browser.open(page, "")?;
        let pdf = self.folder.join("share.pdf");
        self.browser.print(&pdf)?;
        let mut pdftotext = self.tree.command("usr/bin/pdftotext");
        let text = output(pdftotext.arg("-layout").arg(&pdf).arg("-"))?;
        let words: Vec<_> = text.split_whitespace().collect();
        let words = words.join(" ");
        let more = format!("{} more are not printed.", number(failed - PRINTED));
        for part in [&large_result(failed), "net-swap-missing", "Failed images", &more] {
            ensure!(words.contains(part), "the printed page lacks {part:?}");
        }
        let rows = words.matches(" Failed net-swap-missing").count()
            + words.matches(" Failed truncated-image").count();
        ensure!(rows == PRINTED, "{rows} rows are printed");
        ensure!(!words.contains("Filter by"), "the filter is printed");
        println!("printed {PRINTED} of {failed} failed images");
        Ok(())
    }
}

fn large_result(failed: usize) -> String {
    format!("{} of {} images can crash when the network drops.", number(failed), number(IMAGES))
}

/// Encodes a text for an address.
fn encoded(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    bytes.concat()
}

/// Formats a number with separators.
fn number(count: usize) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

fn expect(found: &str, expected: &str) -> Result<(), String> {
    ensure!(found == expected, "the page shows {found:?} instead of {expected:?}");
    Ok(())
}
