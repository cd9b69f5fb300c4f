//! `JUnit`'s XML, which CI servers show as test results: each image is a test case.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use netswap::report::Report;
use netswap::text::{Printable, one_line};
use netswap::verify::{Verification, VerifiedImage};
use netswap::{Finding, Status};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{lines, reported_path};

/// A report that is written at its end, because its first line has the number of test cases.
pub(super) struct JUnit {
    here: PathBuf,
    cases: Vec<TestCase>,
}

impl JUnit {
    pub(super) fn new() -> Self {
        JUnit { here: std::env::current_dir().unwrap_or_default(), cases: Vec::new() }
    }

    /// Renders an image without knowledge of the other images.
    fn render(&self, image: &VerifiedImage) -> TestCase {
        let path = reported_path(&image.path, &self.here);
        let mut case = TestCase::new(Printable(path).to_string(), status(image, path));
        // CI servers group the test cases by class.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        case.set_classname(Printable(folder.unwrap_or(Path::new("."))).to_string());
        case
    }
}

impl Report for JUnit {
    fn image(&mut self, image: &VerifiedImage, _: &mut dyn Write) -> io::Result<()> {
        self.cases.push(self.render(image));
        Ok(())
    }

    fn end(self: Box<Self>, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        let time = Duration::try_from_secs_f64(outcome.summary.seconds).unwrap_or_default();
        let mut suite = TestSuite::new("netswap verify");
        suite.set_time(time).add_test_cases(self.cases);
        if outcome.is_interrupted {
            suite.add_property(("interrupted", "true"));
        }
        let mut report = quick_junit::Report::new("netswap verify");
        report.set_time(time).add_test_suite(suite);
        report.serialize(out).map_err(io::Error::other)
    }
}

fn status(image: &VerifiedImage, path: &Path) -> TestCaseStatus {
    let verdict = &image.verdict;
    let kind = match verdict.status {
        Status::Passed => return TestCaseStatus::success(),
        Status::Failed => NonSuccessKind::Failure,
        Status::Unreadable => NonSuccessKind::Error,
        Status::Allowed | Status::Offline => {
            let mut skipped = TestCaseStatus::skipped();
            let offline = || verdict.findings.first().map(|finding| one_line(&finding.message));
            let reason = verdict.reason.as_deref().map(one_line).or_else(offline);
            skipped.set_message(reason.unwrap_or_default());
            return skipped;
        }
    };
    let mut status = TestCaseStatus::non_success(kind);
    if let Some(Finding { code, message, .. }) = verdict.findings.first() {
        status.set_type(code.name()).set_message(one_line(message));
    }
    let describe =
        |finding: &Finding| format!("{}: {}\n", finding.code, lines(finding, path).join("\n"));
    status.set_description(verdict.findings.iter().map(describe).collect::<String>());
    status
}
