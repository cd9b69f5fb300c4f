//! The results of a verification: for one image, and for all together.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::BaselineOutcome;
use crate::find::{Found, Source};
use crate::finding::{Code, Finding};
use crate::json::write_fields;
use crate::policy::{Allow, Rules};
use crate::verdict::{Status, Verdict};
use crate::{ExitCode, ReadError};

/// An image, its origin and its verdict.
#[derive(Clone, Debug)]
pub struct VerifiedImage {
    /// The file.
    pub path: PathBuf,
    /// The time when the file was last changed. `None` if it was not opened, or was last changed
    /// before 1970.
    pub modified: Option<SystemTime>,
    /// The package that Cargo built the image from.
    pub package: Option<String>,
    /// The target triple that Cargo built the image for.
    pub target: Option<String>,
    /// Status and findings.
    pub verdict: Verdict,
}

/// The number of files by result.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Files that were examined.
    pub files: u64,
    /// Images among them, including broken ones.
    pub images: u64,
    /// Images that were read and have every bit that the policy requires.
    pub passed: u64,
    /// Images that failed.
    pub failed: u64,
    /// Images that the policy allows to fail, and images that Windows does not load.
    pub allowed: u64,
    /// Files that are not images.
    pub not_images: u64,
    /// Files and folders that could not be read.
    pub unreadable: u64,
    /// Files that were not read, because their content is in the cloud or on tape.
    pub offline: u64,
    /// Duration in seconds, including the build.
    pub seconds: f64,
}

/// The result of a verification, for all images together.
#[derive(Debug)]
pub struct Verification {
    /// The tables that the policy consists of.
    pub rules: Vec<Arc<Rules>>,
    /// The number of files by result.
    pub summary: Summary,
    /// The origin of the images.
    pub input: Input,
    /// Whether the policy or a baseline allows at least one image to fail.
    pub has_exceptions: bool,
    /// Whether unreadable files and folders don't cause an error.
    pub ignores_unreadable: bool,
    /// The first policy file in the folders. It was not read.
    pub ignored_policy: Option<PathBuf>,
    /// The baseline that was not written, because the run was incomplete or found no image.
    pub unwritten_baseline: Option<PathBuf>,
    /// The result of comparing the failures with the baseline, if there is one.
    pub baseline: Option<BaselineOutcome>,
    /// Whether [`WalkOptions::stop`](crate::WalkOptions::stop) ended the verification early. Some
    /// images are then missing, no baseline was written, and no exception counts as stale.
    pub is_interrupted: bool,
}

/// The origin of a report's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A build by Cargo.
    Build,
    /// Folders, and possibly files.
    Folders,
    /// Only files, each named separately.
    Files,
}

impl VerifiedImage {
    pub(crate) fn new(found: Found, verdict: Verdict) -> Self {
        let (package, target) = match found.source {
            Source::Build(artifact) => (Some(artifact.package), artifact.target),
            Source::File | Source::Sibling(_) => (None, None),
        };
        VerifiedImage { path: found.path, modified: None, package, target, verdict }
    }

    /// Changes the status to allowed, for this reason.
    pub(crate) fn allow(&mut self, reason: String) {
        self.verdict.status = Status::Allowed;
        self.verdict.reason = Some(reason);
    }

    /// Adds a finding about something behind the header. The image fails if the finding is fatal.
    pub(crate) fn add(&mut self, finding: Finding, is_fatal: bool) {
        if is_fatal {
            self.verdict.status = match finding.code {
                Code::Unreadable => Status::Unreadable,
                Code::Offline => Status::Offline,
                _ => Status::Failed,
            };
        }
        self.verdict.findings.push(finding);
    }

    /// Returns the result for a file whose content is elsewhere.
    pub(crate) fn offline(path: PathBuf) -> Self {
        let findings = vec![Finding::offline()];
        VerifiedImage::unread(path, Verdict { findings, ..Verdict::unread(Status::Offline) })
    }

    /// Returns the result for a folder or file that can't be read.
    pub(crate) fn unreadable(path: PathBuf, error: io::Error) -> Self {
        VerifiedImage::unread(path, Verdict::broken(&ReadError::Io(error)))
    }

    fn unread(path: PathBuf, verdict: Verdict) -> Self {
        VerifiedImage { path, modified: None, package: None, target: None, verdict }
    }
}

write_fields!(Summary {
    files,
    images,
    passed,
    failed,
    allowed,
    not_images,
    unreadable,
    offline,
    seconds,
});

impl Summary {
    pub(crate) fn count(&mut self, status: Status) {
        self.files += 1;
        let count = match status {
            Status::Passed => &mut self.passed,
            Status::Failed => &mut self.failed,
            Status::Allowed => &mut self.allowed,
            Status::Unreadable => &mut self.unreadable,
            Status::Offline => &mut self.offline,
        };
        *count += 1;
        if !matches!(status, Status::Unreadable | Status::Offline) {
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
            ignored_policy: None,
            unwritten_baseline: None,
            baseline: None,
            is_interrupted: false,
        }
    }

    pub(crate) fn count(&mut self, image: &VerifiedImage) {
        self.summary.count(image.verdict.status);
        self.has_exceptions |=
            image.verdict.status == Status::Allowed && !image.verdict.findings.is_empty();
    }

    /// Returns the exit code of a program that made this report.
    pub fn exit_code(&self) -> ExitCode {
        let Summary { passed, failed, unreadable, .. } = self.summary;
        if self.is_interrupted {
            ExitCode::Interrupted
        } else if unreadable > 0 && !self.ignores_unreadable {
            ExitCode::Error
        } else if failed > 0 {
            ExitCode::Findings
        } else if passed == 0 && !self.has_exceptions {
            ExitCode::NothingToVerify
        } else {
            ExitCode::Passed
        }
    }

    /// Returns the exceptions that match no image or have expired, each with the file that contains
    /// it.
    ///
    /// Returns none if only files were named. Their policy can have exceptions for other images,
    /// and those are not stale. Returns none after an interrupt, because the other images may match.
    pub fn stale(&self) -> impl Iterator<Item = (&Rules, &Allow)> {
        let is_complete = self.input != Input::Files && !self.is_interrupted;
        let all = self.rules.iter().filter(move |_| is_complete);
        all.flat_map(|rules| {
            let is_stale = |allow: &&Allow| allow.is_expired() || allow.matched() == 0;
            let stale = rules.allow.iter().filter(is_stale);
            stale.map(|allow| (rules.as_ref(), allow))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the result for images with these statuses, each with or without a finding.
    fn outcome(images: &[(Status, bool)]) -> Verification {
        let mut outcome = Verification::new(Vec::new(), Input::Files);
        for (status, has_finding) in images {
            let finding = crate::Finding {
                code: crate::Code::NetSwapMissing,
                message: "".into(),
                help: "".into(),
            };
            let findings = if *has_finding { vec![finding] } else { Vec::new() };
            let verdict = Verdict { findings, ..Verdict::unread(*status) };
            outcome.count(&VerifiedImage::unread("a".into(), verdict));
        }
        outcome.summary.count_others(1);
        outcome
    }

    #[test]
    fn statuses_determine_the_exit_code() {
        let (passed, failed) = ((Status::Passed, false), (Status::Failed, true));
        let (excepted, efi) = ((Status::Allowed, true), (Status::Allowed, false));
        let (unread, offline) = ((Status::Unreadable, true), (Status::Offline, true));
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
            (&[offline], ExitCode::NothingToVerify),
            (&[offline, passed], ExitCode::Passed),
            (&[offline, failed], ExitCode::Findings),
        ];
        for (images, expected) in table {
            assert_eq!(outcome(images).exit_code(), expected, "{images:?}");
        }
    }

    #[test]
    fn interrupt_determines_the_exit_code() {
        for status in [Status::Passed, Status::Failed, Status::Unreadable] {
            let outcome = Verification { is_interrupted: true, ..outcome(&[(status, true)]) };
            assert_eq!(outcome.exit_code(), ExitCode::Interrupted, "{status:?}");
        }
    }

    #[test]
    fn ignored_unreadable_file_does_not_count_as_passed() {
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
        use Status::{Allowed, Failed, Offline, Passed, Unreadable};
        let all = [Passed, Failed, Allowed, Unreadable, Offline];
        let summary = outcome(&all.map(|status| (status, true))).summary;
        let Summary { passed, failed, allowed, unreadable, offline, .. } = summary;
        assert_eq!([passed, failed, allowed, unreadable, offline], [1; 5]);
        assert_eq!((summary.files, summary.images, summary.not_images), (6, 3, 1));
    }
}
