//! What was found, for people and for programs.

mod human;
mod json;

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::find::Found;
use crate::policy::{Allow, Rules};
use crate::verdict::{Status, Verdict, judge};
use crate::{ExitCode, ReadError};

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Format {
    /// For people: what failed and its cure first, then what passed, then a summary.
    #[default]
    Human,
    /// One JSON document of the schema `netswap.verify/1`.
    Json,
    /// One JSON object a line: each image, then the summary.
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
pub struct Judged {
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

/// All that a `verify` found.
#[derive(Debug)]
pub struct Report {
    /// The tables that the policy is made of.
    pub rules: Vec<Arc<Rules>>,
    /// The images, in the order of their paths.
    pub images: Vec<Judged>,
    /// How many of what.
    pub summary: Summary,
    /// What was looked at.
    pub origin: Origin,
}

/// Where the images of a report come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A build by Cargo.
    Build,
    /// Folders, and maybe files.
    Folders,
    /// Files that were named one by one.
    Files,
}

impl Judged {
    pub(crate) fn new(found: Found, verdict: Verdict) -> Self {
        let (package, target) = match found.artifact {
            Some(artifact) => (Some(artifact.package), artifact.target),
            None => (None, None),
        };
        Judged { path: found.path, package, target, verdict }
    }
}

impl Report {
    pub(crate) fn new(rules: Vec<Arc<Rules>>, origin: Origin) -> Self {
        Report { rules, images: Vec::new(), summary: Summary::default(), origin }
    }

    pub(crate) fn add(&mut self, image: Judged) {
        self.summary.files += 1;
        let count = match image.verdict.status {
            Status::Passed => &mut self.summary.passed,
            Status::Failed => &mut self.summary.failed,
            Status::Allowed => &mut self.summary.allowed,
            Status::Unreadable => &mut self.summary.unreadable,
        };
        *count += 1;
        if image.verdict.status != Status::Unreadable {
            self.summary.images += 1;
        }
        self.images.push(image);
    }

    /// A folder, or a file that the walk could not look at.
    pub(crate) fn add_unreadable(&mut self, path: PathBuf, error: io::Error) {
        let found = Found { path, artifact: None };
        if let Some(verdict) = judge(Err(ReadError::Io(error)), &[], None, None) {
            self.add(Judged::new(found, verdict));
        }
    }

    pub(crate) fn add_other(&mut self) {
        self.summary.files += 1;
        self.summary.not_images += 1;
    }

    pub(crate) fn finish(mut self, took: Duration) -> Self {
        self.summary.seconds = took.as_secs_f64();
        self.images.sort_by(|a, b| a.path.cmp(&b.path));
        self
    }

    /// What a program that made this report ends with.
    pub fn exit_code(&self) -> ExitCode {
        let Summary { passed, failed, unreadable, .. } = self.summary;
        let excepted = |image: &Judged| {
            image.verdict.status == Status::Allowed && !image.verdict.findings.is_empty()
        };
        if unreadable > 0 {
            ExitCode::Error
        } else if failed > 0 {
            ExitCode::Findings
        } else if passed == 0 && !self.images.iter().any(excepted) {
            ExitCode::NothingToVerify
        } else {
            ExitCode::Passed
        }
    }

    /// The exceptions that match no image, each with the file that it stands in. Of a file by itself
    /// it can't be said that an exception for others is stale.
    pub fn stale(&self) -> impl Iterator<Item = (&Rules, &Allow)> {
        let all = self.rules.iter().filter(|_| self.origin != Origin::Files);
        all.flat_map(|rules| {
            let stale = rules.allow.iter().filter(|allow| allow.matched() == 0);
            stale.map(|allow| (rules.as_ref(), allow))
        })
    }

    /// Writes the report.
    ///
    /// # Errors
    ///
    /// When `out` can't be written.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Human => human::write(self, out),
            Format::Json => json::write(self, out),
            Format::Ndjson => json::write_lines(self, out),
        }?;
        out.flush()
    }

    /// Writes what is worth knowing beside the report, a line each: stale exceptions, and that
    /// there was nothing to verify.
    ///
    /// # Errors
    ///
    /// When `err` can't be written.
    pub fn write_warnings(&self, err: &mut dyn Write) -> io::Result<()> {
        human::write_warnings(self, err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of images with these statuses, with or without a finding each.
    fn report(images: &[(Status, bool)]) -> Report {
        let mut report = Report::new(Vec::new(), Origin::Files);
        for (status, has_finding) in images {
            let finding = crate::Finding {
                code: crate::Code::NetSwapMissing,
                message: String::new(),
                help: String::new(),
            };
            let findings = if *has_finding { vec![finding] } else { Vec::new() };
            let verdict = Verdict { status: *status, header: None, reason: None, findings };
            report.add(Judged { path: "a".into(), package: None, target: None, verdict });
        }
        report.add_other();
        report
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
            assert_eq!(report(images).exit_code(), expected, "{images:?}");
        }
    }

    #[test]
    fn the_summary_counts_each_file_once() {
        let all = [Status::Passed, Status::Failed, Status::Allowed, Status::Unreadable];
        let summary = report(&all.map(|status| (status, true))).summary;
        let counts = [summary.passed, summary.failed, summary.allowed, summary.unreadable];
        assert_eq!(counts, [1; 4]);
        assert_eq!((summary.files, summary.images, summary.not_images), (5, 3, 1));
    }
}
