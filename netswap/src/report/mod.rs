//! What was found, for people and for programs.

pub mod grouped;
mod human;
mod json;
pub mod json_stream;
pub mod spool;

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use crate::find::{Found, Source};
use crate::policy::{Allow, BaselineOutcome, Rules};
use crate::verdict::{Status, Verdict};
use crate::{ExitCode, ReadError};

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: what is at fault and its cure first, then the rest, then a summary.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON object a line: each file, then the summary.
    Ndjson,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "human" => Ok(Format::Human),
            "json" => Ok(Format::Json),
            "ndjson" => Ok(Format::Ndjson),
            _ => Err("--format takes human, json or ndjson".to_owned()),
        }
    }
}

/// An image, where it came from and what is to be said of it.
#[derive(Clone, Debug)]
pub struct VerifiedImage {
    /// The file.
    pub path: PathBuf,
    /// The package that Cargo built it from.
    pub package: Option<String>,
    /// The triple that Cargo built it for.
    pub target: Option<String>,
    /// Status and findings.
    pub verdict: Verdict,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Files that were looked at.
    pub files: u64,
    /// Images among them, with those that turned out broken.
    pub images: u64,
    /// Images that were read and have every bit that the policy asks for.
    pub passed: u64,
    /// Images at fault.
    pub failed: u64,
    /// Images that the policy allows to be at fault, and those that Windows does not load.
    pub allowed: u64,
    /// Files that are no images.
    pub not_images: u64,
    /// Files and folders that could not be read.
    pub unreadable: u64,
    /// How long it took, the build included.
    pub seconds: f64,
}

/// What is known when all images have been judged.
#[derive(Debug)]
pub struct Verification {
    /// The tables that the policy is made of.
    pub rules: Vec<Arc<Rules>>,
    /// How many of what.
    pub summary: Summary,
    /// What was looked at.
    pub input: Input,
    /// Whether there was an image at fault that the policy or a baseline allows to be so.
    pub has_exceptions: bool,
    /// Whether what can't be read is no error.
    pub ignores_unreadable: bool,
    /// What became of the known failures, if there is a baseline.
    pub baseline: Option<BaselineOutcome>,
}

/// Where the images of a report come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A build by Cargo.
    Build,
    /// Folders, and maybe files.
    Folders,
    /// Files that were named one by one.
    Files,
}

impl VerifiedImage {
    pub(crate) fn new(found: Found, verdict: Verdict) -> Self {
        let (package, target) = match found.source {
            Source::Build(artifact) => (Some(artifact.package), artifact.target),
            Source::File | Source::Sibling(_) => (None, None),
        };
        VerifiedImage { path: found.path, package, target, verdict }
    }

    /// Lets a failure pass.
    pub(crate) fn allow(&mut self, reason: String) {
        self.verdict.status = Status::Allowed;
        self.verdict.reason = Some(reason);
    }

    /// Adds what was found behind its header.
    pub(crate) fn add(&mut self, error: &ReadError) {
        let Verdict { status, findings, .. } = Verdict::broken(error);
        self.verdict.status = status;
        self.verdict.findings.extend(findings);
    }

    /// A folder, or a file that could not be looked at.
    pub(crate) fn unreadable(path: PathBuf, error: io::Error) -> Self {
        let verdict = Verdict::broken(&ReadError::Io(error));
        VerifiedImage { path, package: None, target: None, verdict }
    }
}

impl Summary {
    pub(crate) fn count(&mut self, status: Status) {
        self.files += 1;
        let count = match status {
            Status::Passed => &mut self.passed,
            Status::Failed => &mut self.failed,
            Status::Allowed => &mut self.allowed,
            Status::Unreadable => &mut self.unreadable,
        };
        *count += 1;
        if status != Status::Unreadable {
            self.images += 1;
        }
    }

    pub(crate) fn count_others(&mut self, others: u64) {
        self.files += others;
        self.not_images += others;
    }
}

impl Verification {
    pub(crate) fn new(rules: Vec<Arc<Rules>>, input: Input) -> Self {
        Verification {
            rules,
            summary: Summary::default(),
            input,
            has_exceptions: false,
            ignores_unreadable: false,
            baseline: None,
        }
    }

    pub(crate) fn count(&mut self, image: &VerifiedImage) {
        self.summary.count(image.verdict.status);
        self.has_exceptions |=
            image.verdict.status == Status::Allowed && !image.verdict.findings.is_empty();
    }

    /// What a program that made this report ends with.
    pub fn exit_code(&self) -> ExitCode {
        let Summary { passed, failed, unreadable, .. } = self.summary;
        if unreadable > 0 && !self.ignores_unreadable {
            ExitCode::Error
        } else if failed > 0 {
            ExitCode::Findings
        } else if passed == 0 && !self.has_exceptions {
            ExitCode::NothingToVerify
        } else {
            ExitCode::Passed
        }
    }

    /// The exceptions that match no image, each with the file that it stands in. Of a file by itself
    /// it can't be said that an exception for others is stale.
    pub fn stale(&self) -> impl Iterator<Item = (&Rules, &Allow)> {
        let all = self.rules.iter().filter(|_| self.input != Input::Files);
        all.flat_map(|rules| {
            let stale = rules.allow.iter().filter(|allow| allow.matched() == 0);
            stale.map(|allow| (rules.as_ref(), allow))
        })
    }

    /// Writes what is worth knowing beside the report, a line each: stale exceptions, failures that
    /// are no more, and that there was nothing to verify.
    ///
    /// # Errors
    ///
    /// When `err` can't be written.
    pub fn write_warnings(&self, err: &mut dyn Write) -> io::Result<()> {
        human::write_warnings(self, err)
    }
}

/// A report, written as the images come.
pub struct Report<W> {
    out: W,
    writer: Writer,
}

enum Writer {
    Human(Box<human::Human>),
    Json(json::Json),
}

impl<W: Write> Report<W> {
    /// A report to be written to `out`. Of images that passed or are allowed to differ, one for people
    /// tells only the number if it `is_quiet`.
    pub fn new(format: Format, is_quiet: bool, out: W) -> Self {
        let writer = match format {
            Format::Human => Writer::Human(Box::new(human::Human::new(is_quiet))),
            Format::Json | Format::Ndjson => Writer::Json(json::Json::new(format)),
        };
        Report { out, writer }
    }

    /// Writes an image, or keeps it for later, in a file if there are many.
    ///
    /// # Errors
    ///
    /// When `out` or that file can't be written.
    pub fn image(&mut self, image: &VerifiedImage) -> io::Result<()> {
        let out = &mut self.out;
        match &mut self.writer {
            Writer::Human(human) => human.image(image, out),
            Writer::Json(json) => json.image(image, out),
        }
    }

    /// Writes what was kept, and the end.
    ///
    /// # Errors
    ///
    /// When `out` can't be written.
    pub fn end(mut self, outcome: &Verification) -> io::Result<()> {
        let out = &mut self.out;
        match self.writer {
            Writer::Human(human) => human.end(outcome, out),
            Writer::Json(json) => json.end(outcome, out),
        }?;
        self.out.flush()
    }

    pub(crate) fn out(&mut self) -> &mut W {
        &mut self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known of images with these statuses, with or without a finding each.
    fn outcome(images: &[(Status, bool)]) -> Verification {
        let mut outcome = Verification::new(Vec::new(), Input::Files);
        for (status, has_finding) in images {
            let finding = crate::Finding {
                code: crate::Code::NetSwapMissing,
                message: "".into(),
                help: "".into(),
            };
            let findings = if *has_finding { vec![finding] } else { Vec::new() };
            let verdict = Verdict { status: *status, header: None, reason: None, findings };
            outcome.count(&VerifiedImage {
                path: "a".into(),
                package: None,
                target: None,
                verdict,
            });
        }
        outcome.summary.count_others(1);
        outcome
    }

    #[test]
    fn the_exit_code_of_every_set_of_statuses() {
        let (passed, failed) = ((Status::Passed, false), (Status::Failed, true));
        let (excepted, efi) = ((Status::Allowed, true), (Status::Allowed, false));
        let unread = (Status::Unreadable, true);
        let table = [
            (&[][..], ExitCode::NothingToVerify),
            (&[passed], ExitCode::Passed),
            (&[excepted], ExitCode::Passed),
            (&[efi], ExitCode::NothingToVerify),
            (&[efi, passed], ExitCode::Passed),
            (&[passed, failed], ExitCode::Findings),
            (&[excepted, failed], ExitCode::Findings),
            (&[unread], ExitCode::Error),
            (&[passed, failed, unread], ExitCode::Error),
        ];
        for (images, expected) in table {
            assert_eq!(outcome(images).exit_code(), expected, "{images:?}");
        }
    }

    #[test]
    fn what_is_unreadable_and_ignored_has_not_passed_for_that() {
        let exit_code = |images: &[(Status, bool)]| {
            Verification { ignores_unreadable: true, ..outcome(images) }.exit_code()
        };
        let unread = (Status::Unreadable, true);
        assert_eq!(exit_code(&[unread]), ExitCode::NothingToVerify);
        assert_eq!(exit_code(&[unread, (Status::Passed, false)]), ExitCode::Passed);
        assert_eq!(exit_code(&[unread, (Status::Failed, true)]), ExitCode::Findings);
    }

    #[test]
    fn the_summary_counts_each_file_once() {
        let all = [Status::Passed, Status::Failed, Status::Allowed, Status::Unreadable];
        let summary = outcome(&all.map(|status| (status, true))).summary;
        let counts = [summary.passed, summary.failed, summary.allowed, summary.unreadable];
        assert_eq!(counts, [1; 4]);
        assert_eq!((summary.files, summary.images, summary.not_images), (5, 3, 1));
    }
}
