//! `JUnit`'s XML, which CI servers show as test results: each image is a test case.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use netswap::report::Report;
use netswap::report::spool::SpoolFile;
use netswap::text::{Printable, one_line};
use netswap::verify::{Verification, VerifiedImage};
use netswap::{Finding, Status, Summary};
use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::{lines, reported_path};

/// A report whose test cases are kept until its end, because the first lines count them.
pub(super) struct JUnit {
    here: PathBuf,
    cases: SpoolFile,
}

/// The name of the report and of its only test suite.
const NAME: &str = "netswap verify";

impl JUnit {
    pub(super) fn new() -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        JUnit { here, cases: SpoolFile::default() }
    }
}

impl Report for JUnit {
    fn image(&mut self, image: &VerifiedImage, _: &mut dyn Write) -> io::Result<()> {
        self.cases.write_all(&render(image, &self.here)?)
    }

    fn end(self: Box<Self>, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        let summary = &outcome.summary;
        let Summary { failed: failures, unreadable: errors, .. } = *summary;
        let skipped = summary.allowed + summary.offline;
        let tests = summary.passed + failures + errors + skipped;
        let counts = format!(
            "name=\"{NAME}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\""
        );
        let time = format!("time=\"{:.3}\"", summary.seconds);
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(out, "<testsuites {counts} {time}>")?;
        writeln!(out, "<testsuite {counts} skipped=\"{skipped}\" {time}>")?;
        if outcome.is_interrupted {
            writeln!(
                out,
                "<properties><property name=\"interrupted\" value=\"true\"/></properties>"
            )?;
        }
        self.cases.write_to(out)?;
        writeln!(out, "</testsuite>\n</testsuites>")
    }
}

/// Renders an image without knowledge of the other images.
fn render(image: &VerifiedImage, here: &Path) -> io::Result<Vec<u8>> {
    let path = reported_path(&image.path, here);
    let name = xml(&Printable(path).to_string());
    // CI servers group the test cases by class.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = xml(&Printable(folder.unwrap_or(Path::new("."))).to_string());
    let mut writer = Writer::new(Vec::new());
    let case = writer.create_element("testcase");
    let case = case.with_attributes([("name", &*name), ("classname", &*folder)]);
    match Fault::new(image, path) {
        None => case.write_empty()?,
        Some(Fault { element, kind, message, text }) => case.write_inner_content(|writer| {
            let fault = writer.create_element(element).with_attribute(("message", &*message));
            let fault = match kind {
                Some(kind) => fault.with_attribute(("type", kind)),
                None => fault,
            };
            match &*text {
                "" => fault.write_empty().map(drop),
                text => fault.write_text_content(BytesText::new(text)).map(drop),
            }
        })?,
    };
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

/// The element in a test case that has not passed.
struct Fault {
    element: &'static str,
    /// The attribute `type`.
    kind: Option<&'static str>,
    message: String,
    text: String,
}

impl Fault {
    /// Returns `None` if the image passed.
    fn new(image: &VerifiedImage, path: &Path) -> Option<Self> {
        let verdict = &image.verdict;
        let first = verdict.findings.first();
        let message = first.map(|finding| one_line(&finding.message)).unwrap_or_default();
        let element = match verdict.status {
            Status::Passed => return None,
            Status::Allowed | Status::Offline => {
                let reason = verdict.reason.as_deref().map_or(message, one_line);
                let message = xml(&reason);
                return Some(Fault {
                    element: "skipped",
                    kind: None,
                    message,
                    text: String::new(),
                });
            }
            Status::Failed => "failure",
            Status::Unreadable => "error",
        };
        let describe =
            |finding: &Finding| format!("{}: {}\n", finding.code, lines(finding, path).join("\n"));
        Some(Fault {
            element,
            kind: first.map(|finding| finding.code.name()),
            message: xml(&message),
            text: xml(&verdict.findings.iter().map(describe).collect::<String>()),
        })
    }
}

/// Returns the text without the characters that XML 1.0 does not allow (section 2.2).
fn xml(text: &str) -> String {
    let is_allowed = |c: char| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    text.replace(|c| !is_allowed(c), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_characters_are_replaced() {
        assert_eq!(xml("a\0\x1b\u{ffff}\n\tü\u{1f600}"), "a\u{fffd}\u{fffd}\u{fffd}\n\tü\u{1f600}");
    }
}
