//! The report of `netswap patch` as a web page.

use std::io::{self, Write};
use std::path::PathBuf;

use netswap::Code;
use netswap::report::causes::Tally;
use netswap::text::{Printable, number, plural, quoted};

use super::change::{Change, Changes};
use super::report::Verb;
use super::row::{CHANGE, row};
use crate::report::html::{Column, ColumnKind, Layout, Noun, Page, Status, Summary, Tone, subject};

/// The report of `netswap patch`.
pub(super) struct ChangeHtml {
    page: Page,
    named: Vec<PathBuf>,
    is_dry_run: bool,
    /// The number of skipped files by reason.
    skipped: Tally,
}

const PATCH: Layout = Layout {
    command: "netswap patch",
    noun: Noun { one: "file", many: "files" },
    cells: &CHANGE,
    columns: &[
        Column::printed("path", "Path", ColumnKind::Path),
        Column::printed("status", "Status", ColumnKind::Status),
        Column::printed("codes", "Codes", ColumnKind::Codes),
        Column::printed("warnings", "Warnings", ColumnKind::Codes),
        Column::printed("signer", "Signer", ColumnKind::Long),
        Column::new("kind", "Kind", ColumnKind::Short),
        Column::new("machine", "Machine", ColumnKind::Short),
        Column::new("swap_run_before", "Before", ColumnKind::Short),
        Column::new("swap_run_after", "After", ColumnKind::Short),
        Column::new("size_of_image", "Size", ColumnKind::Bytes),
        Column::new("signed", "Signed", ColumnKind::Short),
        Column::new("vendor", "Vendor", ColumnKind::Long),
        Column::new("product", "Product", ColumnKind::Long),
        Column::new("reason", "Reason", ColumnKind::Long),
        Column::new("messages", "Messages", ColumnKind::Long),
    ],
    statuses: &[
        Status::new("refused", "Refused", Tone::Bad),
        Status::new("unreadable", "Unreadable", Tone::Bad),
        Status::new("patched", "Patched", Tone::Good),
        Status::new("would-patch", "To patch", Tone::Good),
        Status::new("unchanged", "Unchanged", Tone::Neutral),
        Status::new("skipped", "Skipped", Tone::Neutral),
        Status::new("offline", "Offline", Tone::Neutral),
    ],
    bad_title: "Files that were not patched",
    status_of: |_| None,
    replaces_file: true,
};

impl ChangeHtml {
    /// Returns an empty report on the files and folders that the user named.
    pub(super) fn new(is_dry_run: bool, named: &[PathBuf]) -> Self {
        let page = Page::new(&PATCH);
        ChangeHtml { page, named: named.to_vec(), is_dry_run, skipped: Tally::default() }
    }

    pub(super) fn file(&mut self, verb: Verb, change: &Change) -> io::Result<()> {
        if let Some(reason) = change.reason {
            self.skipped.add(reason);
        }
        let is_signed = change.before.is_some_and(|header| header.signed);
        let signer = change.maker.as_ref().and_then(|maker| maker.signer.as_deref());
        for finding in change.findings.iter().chain(&change.warnings) {
            // A warning is about a file that is changed, so its signature prevents nothing.
            let is_signed = is_signed && finding.code == Code::SignatureWouldBreak;
            let (code, help) = (finding.code, &finding.help);
            self.page.causes.add(code, help, &change.path, is_signed, signer);
        }
        self.page.row(&row(verb, change))
    }

    pub(super) fn end(self: Box<Self>, changes: &Changes, out: &mut dyn Write) -> io::Result<()> {
        let summary = self.summary(changes);
        self.page.end(&summary, out)
    }

    fn summary(&self, changes: &Changes) -> Summary {
        let (tone, result) = self.result(changes);
        let counts = &changes.summary;
        let patched = if self.is_dry_run { "would-patch" } else { "patched" };
        let notice = if changes.error.is_some() {
            Some("This report is incomplete: an error ended the patch, so files are missing.")
        } else {
            changes.is_interrupted.then_some(
                "This report is incomplete: the patch was interrupted, so files are missing.",
            )
        };
        Summary {
            subject: subject(&self.named),
            tone,
            result,
            notice: notice.map(str::to_owned),
            counts: vec![
                ("refused", counts.refused),
                ("unreadable", counts.unreadable),
                (patched, counts.changed),
                ("unchanged", counts.unchanged),
                ("skipped", counts.skipped),
                ("offline", counts.offline),
            ],
            facts: self.facts(changes),
        }
    }

    /// Returns the result in words.
    fn result(&self, changes: &Changes) -> (Tone, String) {
        let counts = &changes.summary;
        let mut sentences = Vec::new();
        let mut tone = Tone::Good;
        if counts.changed > 0 {
            let verb = match (self.is_dry_run, counts.changed) {
                (true, _) => "would be patched",
                (false, 1) => "was patched",
                (false, _) => "were patched",
            };
            sentences.push(format!("{} {verb}.", plural(counts.changed, "file", "files")));
        } else if counts.unchanged > 0 {
            let have = plural(counts.unchanged, "file has", "files have");
            sentences.push(format!("Nothing was changed: {have} the requested bits already."));
        } else {
            tone = Tone::Caution;
            sentences.push("Nothing was changed.".to_owned());
        }
        if counts.warned > 0 {
            tone = Tone::Caution;
            let warned = plural(counts.warned, "has a warning", "have a warning");
            sentences.push(format!("{warned}."));
        }
        if counts.refused > 0 {
            tone = Tone::Bad;
            let refused = plural(counts.refused, "file was refused", "files were refused");
            sentences.push(format!("{refused}."));
        }
        if counts.unreadable > 0 {
            tone = Tone::Bad;
            let files = plural(counts.unreadable, "file", "files");
            sentences.push(format!("{files} could not be read."));
        }
        (tone, sentences.join(" "))
    }

    fn facts(&self, changes: &Changes) -> Vec<(&'static str, Vec<String>)> {
        let counts = &changes.summary;
        let files = plural(counts.files - counts.not_images, "file", "files");
        let others = plural(counts.not_images, "other file", "other files");
        let mut facts =
            vec![("Files", vec![format!("{files} and {others} in {:.2} s", counts.seconds)])];
        if let Some(journal) = &changes.journal {
            facts.push(("Journal", vec![Printable(journal).to_string()]));
            facts.push(("To undo it", vec![format!("netswap undo {}", quoted(journal))]));
        }
        let skipped = self.skipped.largest().into_iter();
        let skipped: Vec<_> =
            skipped.map(|(reason, count)| format!("{}: {reason}", number(count))).collect();
        if !skipped.is_empty() {
            facts.push(("Skipped", skipped));
        }
        facts
    }
}
