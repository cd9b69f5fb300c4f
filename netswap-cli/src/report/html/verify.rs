//! A verification as a web page.

use std::io::{self, Write};
use std::path::PathBuf;

use netswap::report::causes::Tally;
use netswap::report::{Report, bytes, commit, nothing_to_verify, policy};
use netswap::text::{Printable, number, one_line, plural};
use netswap::verify::{Input, Verification, VerifiedImage};
use netswap::{Code, ExitCode, SwapRun};

use super::super::row;
use super::{Column, ColumnKind, Layout, Noun, Page, Status, Summary, Tone, subject};

/// The report of `netswap verify`.
pub(in super::super) struct VerifyHtml {
    page: Page,
    /// The files and folders that the user named.
    named: Vec<PathBuf>,
    /// The number of failed images that lack the network bit.
    without_bit: u64,
    /// The number of failed images that are signed.
    signed: u64,
    /// The number of failed images by signer.
    signers: Tally,
    /// The number of allowed images by reason.
    allowed: Tally,
    /// The memory in bytes that setting the missing bits costs.
    commit: u64,
}

const VERIFY: Layout = Layout {
    command: "netswap verify",
    noun: Noun { one: "image", many: "images" },
    cells: &row::IMAGE,
    columns: &[
        Column::printed("path", "Path", ColumnKind::Path),
        Column::printed("status", "Status", ColumnKind::Status),
        Column::printed("codes", "Codes", ColumnKind::Codes),
        Column::printed("signer", "Signer", ColumnKind::Long),
        Column::new("kind", "Kind", ColumnKind::Short),
        Column::new("machine", "Machine", ColumnKind::Short),
        Column::new("swap_run", "Swap-run", ColumnKind::Short),
        Column::printed("size_of_image", "Size", ColumnKind::Bytes),
        Column::new("modified", "Modified", ColumnKind::Short),
        Column::new("signed", "Signed", ColumnKind::Short),
        Column::new("package", "Package", ColumnKind::Long),
        Column::new("target", "Target", ColumnKind::Long),
        Column::new("reason", "Reason", ColumnKind::Long),
        Column::new("messages", "Messages", ColumnKind::Long),
    ],
    statuses: &[
        Status::new("failed", "Failed", Tone::Bad),
        Status::new("unreadable", "Unreadable", Tone::Bad),
        Status::new("passed", "Passed", Tone::Good),
        Status::new("allowed", "Allowed", Tone::Caution),
        Status::new("offline", "Offline", Tone::Neutral),
    ],
    bad_title: "Failed images",
    status_of: |code| match code {
        Code::Unreadable => Some("unreadable"),
        Code::Offline => Some("offline"),
        _ => Some("failed"),
    },
    replaces_file: true,
};

impl VerifyHtml {
    /// Returns an empty report on the files and folders that the user named.
    pub(in super::super) fn new(named: Vec<PathBuf>) -> Self {
        VerifyHtml {
            page: Page::new(&VERIFY),
            named,
            without_bit: 0,
            signed: 0,
            signers: Tally::default(),
            allowed: Tally::default(),
            commit: 0,
        }
    }

    fn summary(&self, outcome: &Verification) -> Summary {
        let summary = &outcome.summary;
        let (tone, result) = self.result(outcome);
        let notice = "This report is incomplete: the scan was interrupted, so files are missing.";
        Summary {
            subject: match outcome.input {
                Input::Build => Some("a build by Cargo".to_owned()),
                Input::Folders | Input::Files => subject(&self.named),
            },
            tone,
            result,
            notice: outcome.is_interrupted.then(|| notice.to_owned()),
            counts: vec![
                ("failed", summary.failed),
                ("unreadable", summary.unreadable),
                ("passed", summary.passed),
                ("allowed", summary.allowed),
                ("offline", summary.offline),
            ],
            facts: self.facts(outcome),
        }
    }

    /// Returns the result in words.
    fn result(&self, outcome: &Verification) -> (Tone, String) {
        let summary = &outcome.summary;
        let (images, other_failures) = (summary.images, summary.failed - self.without_bit);
        let mut sentences = Vec::new();
        let mut tone = Tone::Bad;
        if self.without_bit > 0 {
            let of_all = part_of(self.without_bit, images);
            sentences.push(format!("{of_all} can crash when the network drops."));
            if other_failures > 0 {
                let more = number(other_failures);
                sentences.push(format!("{more} more failed for other reasons."));
            }
        } else if other_failures > 0 {
            sentences.push(format!("{} failed.", part_of(other_failures, images)));
        } else if outcome.exit_code() == ExitCode::NothingToVerify {
            tone = Tone::Caution;
            sentences.push(format!("Nothing was verified: {}.", nothing_to_verify(outcome)));
        } else {
            let is_safe = match (summary.passed, requires_network_bit(outcome)) {
                (1, true) => "is safe to run from a network share",
                (_, true) => "are safe to run from a network share",
                (1, false) => "has the bits that the policy requires",
                (_, false) => "have the bits that the policy requires",
            };
            tone = Tone::Good;
            sentences.push(match (summary.passed, summary.allowed) {
                (0, _) => format!("No image failed, and {} allowed.", are(summary.allowed)),
                (1, 0) => format!("The image {is_safe}."),
                (passed, 0) => format!("All {} images {is_safe}.", number(passed)),
                (passed, allowed) => {
                    format!("{} {is_safe}, and {} allowed.", part_of(passed, images), are(allowed))
                }
            });
        }
        if summary.unreadable > 0 {
            tone = Tone::Bad;
            let files = plural(summary.unreadable, "file", "files");
            sentences.push(format!("{files} could not be read."));
        }
        if summary.offline > 0 {
            let files = plural(summary.offline, "file was", "files were");
            let its = if summary.offline == 1 { "its" } else { "their" };
            sentences.push(format!(
                "{files} not read, because {its} content is in the cloud or on tape."
            ));
        }
        (tone, sentences.join(" "))
    }

    fn facts(&self, outcome: &Verification) -> Vec<(&'static str, Vec<String>)> {
        let summary = &outcome.summary;
        let images = plural(summary.images, "image", "images");
        let others = plural(summary.not_images, "other file", "other files");
        let mut facts =
            vec![("Files", vec![format!("{images} and {others} in {:.2} s", summary.seconds)])];
        if summary.failed > 0 {
            let signed = if self.signed == 0 { "none".to_owned() } else { number(self.signed) };
            let mut values = vec![format!("{signed} of the failed images")];
            let signers = self.signers.largest().into_iter();
            values.extend(signers.map(|(name, count)| {
                format!("by {}: {}", one_line(name), plural(count, "image", "images"))
            }));
            facts.push(("Signed", values));
        }
        if self.commit > 0 && outcome.input != Input::Build {
            let cost = format!(
                "{} more if all bits were set, on a machine that runs all of these images",
                bytes(self.commit)
            );
            facts.push(("Commit memory", vec![cost]));
        }
        if summary.allowed > 0 {
            let reasons = self.allowed.largest().into_iter();
            let reasons = reasons.map(|(reason, count)| {
                format!("{}: {}", plural(count, "image", "images"), one_line(reason))
            });
            facts.push(("Allowed", reasons.collect()));
        }
        let policy = if outcome.rules.is_empty() {
            "none, so each image must have the network bit".to_owned()
        } else {
            policy(outcome)
        };
        facts.push(("Policy", vec![policy]));
        if let Some(baseline) = &outcome.baseline {
            let known = plural(baseline.known as u64, "known failure", "known failures");
            facts.push(("Baseline", vec![format!("{} ({known})", Printable(&baseline.source))]));
        }
        facts
    }
}

/// Whether all images must have the network bit, unless an exception allows them not to.
fn requires_network_bit(outcome: &Verification) -> bool {
    let mut bits = outcome.rules.iter().filter_map(|rules| rules.swap_run.as_ref());
    bits.all(|bits| bits.contains(&SwapRun::Net))
}

/// Formats a part of all images: `3 of 20 images`, or `The image` if there is only one.
fn part_of(count: u64, images: u64) -> String {
    if images == 1 {
        "The image".to_owned()
    } else {
        format!("{} of {} images", number(count), number(images))
    }
}

fn are(count: u64) -> String {
    format!("{} {}", number(count), if count == 1 { "is" } else { "are" })
}

impl Report for VerifyHtml {
    fn image(&mut self, image: &VerifiedImage, _: &mut dyn Write) -> io::Result<()> {
        let verdict = &image.verdict;
        let is_signed = verdict.header.as_ref().is_some_and(|header| header.signed);
        let signer = verdict.signer.as_deref();
        match verdict.status {
            netswap::Status::Failed => {
                let is_net_bit =
                    |code: Code| code.is_missing_bit() && code != Code::RemovableSwapMissing;
                let lacks_bit = verdict.findings.iter().any(|finding| is_net_bit(finding.code));
                self.without_bit += u64::from(lacks_bit);
                self.signed += u64::from(is_signed);
                if let Some(signer) = signer {
                    self.signers.add(signer);
                }
                self.commit += commit(image);
            }
            netswap::Status::Allowed => {
                self.allowed.add(verdict.reason.as_deref().unwrap_or_default());
            }
            _ => {}
        }
        if !matches!(verdict.status, netswap::Status::Passed | netswap::Status::Allowed) {
            for finding in &verdict.findings {
                let (code, help) = (finding.code, &finding.help);
                self.page.causes.add(code, help, &image.path, is_signed, signer);
            }
        }
        self.page.row(&row::image(image))
    }

    fn end(self: Box<Self>, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        let summary = self.summary(outcome);
        self.page.end(&summary, out)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use netswap::Rules;

    use super::*;

    #[test]
    fn each_cell_of_a_row_has_a_column() {
        let mut columns: Vec<_> = VERIFY.columns.iter().map(|column| column.name).collect();
        let mut cells = VERIFY.cells.to_vec();
        columns.sort_unstable();
        cells.sort_unstable();
        assert_eq!(columns, cells);
    }

    /// Returns the outcome for images of which this many have passed, lack the bit, have failed for
    /// another reason, are allowed, unreadable and offline.
    fn outcome(counts: [u64; 6], rules: Option<&[SwapRun]>) -> Verification {
        let [passed, without_bit, broken, allowed, unreadable, offline] = counts;
        let failed = without_bit + broken;
        let images = passed + failed + allowed;
        let files = images + unreadable + offline;
        let rules = rules.map(|bits| Rules {
            source: "netswap.toml".into(),
            folder: PathBuf::new(),
            swap_run: Some(bits.to_vec()),
            allow: Vec::new(),
        });
        Verification {
            rules: rules.into_iter().map(Arc::new).collect(),
            summary: netswap::Summary {
                passed,
                failed,
                allowed,
                unreadable,
                offline,
                images,
                files,
                ..netswap::Summary::default()
            },
            input: Input::Folders,
            has_exceptions: false,
            ignores_unreadable: false,
            ignored_policy: None,
            unwritten_baseline: None,
            baseline: None,
            is_interrupted: false,
        }
    }

    fn summary(without_bit: u64, outcome: &Verification) -> Summary {
        VerifyHtml { without_bit, ..VerifyHtml::new(Vec::new()) }.summary(outcome)
    }

    #[test]
    fn interrupted_report_says_so() {
        let complete = outcome([1, 0, 0, 0, 0, 0], None);
        assert_eq!(summary(0, &complete).notice, None);
        let interrupted = Verification { is_interrupted: true, ..complete };
        let notice = summary(0, &interrupted).notice.unwrap();
        assert!(notice.contains("incomplete") && notice.contains("interrupted"), "{notice}");
    }

    #[test]
    fn result_says_what_the_counts_mean() {
        use Tone::{Bad, Caution, Good};
        let cd = Some(&[SwapRun::Cd][..]);
        for (counts, rules, tone, text) in [
            (
                [12, 0, 0, 0, 0, 0],
                None,
                Good,
                "All 12 images are safe to run from a network share.",
            ),
            ([1, 0, 0, 0, 0, 0], None, Good, "The image is safe to run from a network share."),
            ([2, 0, 0, 0, 0, 0], cd, Good, "All 2 images have the bits that the policy requires."),
            (
                [3, 0, 0, 1, 0, 0],
                None,
                Good,
                "3 of 4 images are safe to run from a network share, and 1 is allowed.",
            ),
            (
                [3, 1005, 0, 0, 0, 0],
                None,
                Bad,
                "1,005 of 1,008 images can crash when the network drops.",
            ),
            (
                [0, 1, 0, 0, 2, 0],
                None,
                Bad,
                "The image can crash when the network drops. 2 files could not be read.",
            ),
            (
                [0, 1, 2, 0, 0, 0],
                None,
                Bad,
                "1 of 3 images can crash when the network drops. 2 more failed for other reasons.",
            ),
            ([1, 0, 2, 0, 0, 0], None, Bad, "2 of 3 images failed."),
            (
                [1, 0, 0, 0, 0, 1],
                None,
                Good,
                "The image is safe to run from a network share. 1 file was not read, because its \
                 content is in the cloud or on tape.",
            ),
            (
                [0, 0, 0, 2, 0, 0],
                None,
                Caution,
                "Nothing was verified: the bit has no effect on any of these images.",
            ),
        ] {
            let Summary { tone: found, result, .. } = summary(counts[1], &outcome(counts, rules));
            assert_eq!((found, result.as_str()), (tone, text), "{counts:?}");
        }
    }
}
