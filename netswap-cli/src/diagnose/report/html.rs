//! The report of `netswap diagnose` as a web page.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use netswap::text::{number, plural};

use super::remedy::Remedy;
use super::row::{CRASH, row, status};
use crate::diagnose::crash::Cause;
use crate::diagnose::diagnosis::Diagnosed;
use crate::report::html::{Column, ColumnKind, Layout, Noun, Page, Status, Summary, Tone, subject};

pub(super) struct DiagnoseHtml {
    page: Page,
    named: Vec<PathBuf>,
    /// The crashes, until all are known and the remedy for each cause too.
    crashes: Vec<(PathBuf, Cause)>,
    /// The number of files by status.
    counts: BTreeMap<&'static str, u64>,
}

const DIAGNOSE: Layout = Layout {
    command: "netswap diagnose",
    noun: Noun { one: "file", many: "files" },
    cells: &CRASH,
    columns: &[
        Column::printed("path", "Path", ColumnKind::Path),
        Column::printed("status", "Status", ColumnKind::Status),
        Column::printed("cause", "Cause", ColumnKind::Codes),
        Column::printed("program", "Program", ColumnKind::Long),
        Column::printed("image", "Page of", ColumnKind::Long),
        Column::new("swap_run", "Swap-run", ColumnKind::Short),
        Column::printed("time", "Time", ColumnKind::Long),
        Column::new("exception", "Exception", ColumnKind::Short),
        Column::new("nt_status", "Status code", ColumnKind::Short),
        Column::new("nt_status_name", "Status name", ColumnKind::Long),
        Column::new("place", "Place", ColumnKind::Short),
        Column::new("offset", "Offset", ColumnKind::Short),
        Column::printed("error", "Error", ColumnKind::Long),
    ],
    statuses: &[
        Status::new("share", "Share involved", Tone::Bad),
        Status::new("unreadable", "Unreadable", Tone::Bad),
        Status::new("other", "Other cause", Tone::Neutral),
        Status::new("offline", "Offline", Tone::Neutral),
    ],
    bad_title: "Crashes that involve a share, and unreadable files",
    status_of: |_| None,
    // The remedies are for images, and the files are dumps.
    replaces_file: false,
};

impl DiagnoseHtml {
    /// Returns an empty report on the files and folders that the user named.
    pub(super) fn new(named: &[PathBuf]) -> Self {
        let page = Page::new(&DIAGNOSE);
        DiagnoseHtml { page, named: named.to_vec(), crashes: Vec::new(), counts: BTreeMap::new() }
    }

    pub(super) fn crash(&mut self, diagnosed: &Diagnosed) -> io::Result<()> {
        *self.counts.entry(status(diagnosed)).or_default() += 1;
        if let Ok(diagnosis) = &diagnosed.result {
            self.crashes.push((diagnosed.path.clone(), diagnosis.cause));
        }
        self.page.row(&row(diagnosed))
    }

    pub(super) fn end(
        mut self: Box<Self>,
        remedies: &BTreeMap<Cause, Remedy>,
        is_interrupted: bool,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let texts: BTreeMap<_, _> =
            remedies.iter().map(|(cause, remedy)| (*cause, remedy.text())).collect();
        for (path, cause) in &self.crashes {
            let text = texts.get(cause).map(String::as_str).unwrap_or_default();
            self.page.causes.add(cause.code(), text, path, false, None);
        }
        let (tone, result) = self.result();
        let notice = "This report is incomplete: it was interrupted, so files are missing.";
        let summary = Summary {
            subject: subject(&self.named),
            tone,
            result,
            notice: is_interrupted.then(|| notice.to_owned()),
            counts: self.counts.into_iter().collect(),
            facts: Vec::new(),
        };
        self.page.end(&summary, out)
    }

    /// Returns the result in words.
    fn result(&self) -> (Tone, String) {
        let count = |status| self.counts.get(status).copied().unwrap_or_default();
        let crashes = self.crashes.len() as u64;
        let lost = self.crashes.iter().filter(|(_, cause)| *cause == Cause::ShareLost);
        let lost = lost.count() as u64;
        let perhaps = count("share") - lost;
        let of_all = |part| {
            if crashes == 1 {
                "The crash".to_owned()
            } else {
                format!("{} of {} crashes", number(part), number(crashes))
            }
        };
        let mut sentences = Vec::new();
        let mut tone = Tone::Bad;
        if lost > 0 {
            sentences.push(format!("{} happened because a network share was lost.", of_all(lost)));
        }
        if perhaps > 0 {
            let of_all = of_all(perhaps);
            sentences.push(format!("{of_all} may have happened because a network share was lost."));
        }
        if lost + perhaps == 0 {
            tone = if crashes > 0 { Tone::Good } else { Tone::Caution };
            sentences.push(match crashes {
                0 => "No crash was found.".to_owned(),
                1 => "The crash does not involve a network share.".to_owned(),
                crashes => {
                    format!("None of the {} crashes involves a network share.", number(crashes))
                }
            });
        }
        if count("unreadable") > 0 {
            tone = Tone::Bad;
            let files = plural(count("unreadable"), "file", "files");
            sentences.push(format!("{files} could not be read."));
        }
        (tone, sentences.join(" "))
    }
}
