//! The report of `netswap patch` and `netswap undo`, for people and for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::Style;
use netswap::Format;
use netswap::image::Kind;
use netswap::output::{Out, print_summary, stderr};
use netswap::report::Detail;
use netswap::report::groups::{Entry, Groups};
use netswap::report::json_stream::{JsonStream, Names, field, interrupted};
use netswap::report::lines::write_wrapped;
use netswap::report::spool::SpoolFile;
use netswap::style::{BAD, GOOD, write_interrupted};
use netswap::text::{PathFields, Printable, number, offline, plural, quoted, shown};
use netswap::{Finding, Header, SwapRun};
use serde::Serialize;

use crate::arguments::ReportFormat;
use crate::maker::Maker;
use crate::patch::change::{Change, ChangeStatus, ChangeSummary, Changes};
use crate::patch::html::ChangeHtml;
use crate::patch::row::{CHANGE, row};
use crate::report::Csv;

/// The command that the report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Patch,
    Undo,
}

/// The column in which paths begin, after the status.
const INDENT: usize = 11;

/// A report, written file by file.
pub(crate) struct ChangeReport {
    verb: Verb,
    form: Form,
    detail: Detail,
    is_dry_run: bool,
    here: PathBuf,
    out: Out,
    refused: Groups,
    changed: Groups,
    /// Lines for people that wait until the journal's path is known, because it is the first line.
    /// `None` if it is known, or if there will be no journal.
    before_journal: Option<SpoolFile>,
    later: SpoolFile,
    /// The number of skipped files by reason.
    skipped: BTreeMap<&'static str, u64>,
}

/// The form in which a report shows each file.
enum Form {
    /// Lines for people.
    Human,
    Json(JsonStream),
    Csv(Csv),
    Html(Box<ChangeHtml>),
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    path: PathFields<'a>,
    status: &'static str,
    kind: Option<Kind>,
    machine: Option<String>,
    before: Option<Fields>,
    after: Option<Fields>,
    reason: Option<&'a str>,
    findings: &'a [Finding],
    warnings: &'a [Finding],
    maker: Option<&'a Maker>,
}

/// The fields of a header that may change.
#[derive(Serialize)]
struct Fields {
    characteristics: String,
    swap_run: Vec<SwapRun>,
    checksum: String,
}

impl Verb {
    fn names(self) -> Names {
        let schema = match self {
            Verb::Patch => "netswap.patch/1",
            Verb::Undo => "netswap.undo/1",
        };
        Names { schema, list: "files", line: "file" }
    }

    pub(super) fn word(self, status: ChangeStatus) -> &'static str {
        match (self, status) {
            (Verb::Patch, ChangeStatus::Changed) => "patched",
            (Verb::Patch, ChangeStatus::WouldChange) => "would-patch",
            (Verb::Undo, ChangeStatus::Changed) => "restored",
            (Verb::Undo, ChangeStatus::WouldChange) => "would-restore",
            (_, ChangeStatus::Unchanged) => "unchanged",
            (_, ChangeStatus::Skipped) => "skipped",
            (_, ChangeStatus::Refused) => "refused",
            (_, ChangeStatus::Unreadable) => "unreadable",
            (_, ChangeStatus::Offline) => "offline",
        }
    }

    /// Returns the word for a status in the format for people.
    fn human_word(self, status: ChangeStatus) -> &'static str {
        match (self, status) {
            (Verb::Patch, ChangeStatus::WouldChange) => "to patch",
            (Verb::Undo, ChangeStatus::WouldChange) => "to restore",
            (verb, status) => verb.word(status),
        }
    }
}

impl ChangeReport {
    pub(crate) fn new(
        verb: Verb,
        format: ReportFormat,
        detail: Detail,
        is_dry_run: bool,
        out: Out,
        named: &[PathBuf],
    ) -> Self {
        let json = |format| Form::Json(JsonStream::new(verb.names(), format));
        let form = match format {
            ReportFormat::Human => Form::Human,
            ReportFormat::Json => json(Format::Json),
            ReportFormat::Ndjson => json(Format::Ndjson),
            ReportFormat::Csv => Form::Csv(Csv::new(&CHANGE)),
            ReportFormat::Html => Form::Html(Box::new(ChangeHtml::new(is_dry_run, named))),
        };
        ChangeReport {
            verb,
            form,
            detail,
            is_dry_run,
            here: std::env::current_dir().unwrap_or_default(),
            out,
            refused: Groups::default(),
            changed: Groups::default(),
            before_journal: (verb == Verb::Patch && !is_dry_run).then(SpoolFile::default),
            later: SpoolFile::default(),
            skipped: BTreeMap::new(),
        }
    }

    /// Prints the path of the journal: as the first line for people, or to standard error if the
    /// report is for programs. Writes it at once, because the changes begin then.
    pub(crate) fn journal(&mut self, path: &Path) -> io::Result<()> {
        if !matches!(self.form, Form::Human) || self.out.is_file() {
            return write_journal(path, &mut stderr());
        }
        write_journal(path, &mut self.out)?;
        self.release()?;
        self.out.flush()
    }

    /// Writes the lines that waited for the journal.
    fn release(&mut self) -> io::Result<()> {
        self.before_journal.take().map_or(Ok(()), |lines| lines.write_to(&mut self.out))
    }

    pub(crate) fn file(&mut self, change: &Change) -> io::Result<()> {
        match &mut self.form {
            Form::Human => self.write_entry(change)?,
            Form::Json(objects) => objects.object(&object(self.verb, change), &mut self.out)?,
            Form::Csv(csv) => csv.row(&row(self.verb, change), &mut self.out)?,
            Form::Html(html) => html.file(self.verb, change)?,
        }
        self.out.flush_if_due()
    }

    /// Ends the report. A report in a file appears only if no error ended the changes.
    pub(crate) fn end(mut self, changes: &Changes) -> io::Result<()> {
        let is_silent =
            self.detail == Detail::Quiet || changes.summary.files == 0 && changes.error.is_some();
        let summary = (!is_silent).then(|| self.summary(&changes.summary));
        if changes.error.is_some() && self.out.is_file() {
            return summary.as_deref().map_or(Ok(()), print_summary);
        }
        let form = std::mem::replace(&mut self.form, Form::Human);
        let is_for_people = matches!(form, Form::Human);
        match form {
            // The error message is enough.
            Form::Human if changes.error.is_some() && changes.summary.files == 0 => {}
            Form::Human => self.end_human(changes)?,
            Form::Json(objects) => {
                let journal = changes.journal.as_deref().map(PathFields::new);
                let mut fields =
                    vec![field("journal", &journal)?, field("summary", &changes.summary)?];
                fields.extend(interrupted(changes.is_interrupted)?);
                objects.end(&fields, &mut self.out)?;
            }
            Form::Csv(csv) => csv.end(&mut self.out)?,
            Form::Html(html) => html.end(changes, &mut self.out)?,
        }
        let is_interrupted = changes.is_interrupted && !is_for_people;
        if let Some(path) = changes.journal.as_ref().filter(|_| is_interrupted) {
            self.out.flush()?;
            write_undo_command(self.verb, path, &mut stderr())?;
        }
        self.out.finish(summary.as_deref())
    }

    fn end_human(&mut self, changes: &Changes) -> io::Result<()> {
        self.release()?;
        self.refused.write_folder(&mut self.out)?;
        self.changed.write_folder(&mut self.later)?;
        let has_files = !self.later.is_empty() || self.refused.has_causes();
        std::mem::take(&mut self.later).write_to(&mut self.out)?;
        if has_files {
            writeln!(self.out)?;
        }
        for groups in [&self.refused, &self.changed] {
            groups.write_causes(&mut self.out)?;
        }
        let summary = self.summary(&changes.summary);
        writeln!(self.out, "{summary}")?;
        if self.detail != Detail::Quiet {
            for (reason, count) in &self.skipped {
                let line = format!("skipped: {}: {reason}", plural(*count, "file", "files"));
                write_wrapped(line.split(' '), " ", 0, &mut self.out)?;
            }
        }
        if changes.summary.offline > 0 {
            writeln!(self.out, "{}", offline(changes.summary.offline))?;
        }
        let ChangeSummary { changed, unchanged, .. } = changes.summary;
        if self.is_dry_run {
            writeln!(self.out, "nothing was changed")?;
        } else if self.verb == Verb::Undo && changed == 0 && unchanged > 0 {
            writeln!(self.out, "nothing was changed: the files already have their original bytes")?;
            writeln!(self.out, "to see other journals:\n    netswap undo --list")?;
        }
        if changes.is_interrupted {
            let what = match self.verb {
                Verb::Patch => "some files were not patched",
                Verb::Undo => "some files were not restored",
            };
            write_interrupted(what, &mut self.out)?;
        }
        if let Some(journal) = &changes.journal {
            write_undo_command(self.verb, journal, &mut self.out)?;
        }
        Ok(())
    }

    /// Writes refused and unreadable files at once, and keeps the others for the end.
    fn write_entry(&mut self, change: &Change) -> io::Result<()> {
        let entry = || entry(self.verb, change, &self.here);
        match change.status {
            ChangeStatus::Refused | ChangeStatus::Unreadable => {
                let out: &mut dyn Write = match &mut self.before_journal {
                    Some(lines) => lines,
                    None => &mut self.out,
                };
                self.refused.add(entry(), out)
            }
            // The summary counts them. There can be as many as files.
            ChangeStatus::Offline => Ok(()),
            ChangeStatus::Unchanged | ChangeStatus::Skipped if self.detail != Detail::Verbose => {
                if let Some(reason) = change.reason {
                    *self.skipped.entry(reason).or_default() += 1;
                }
                Ok(())
            }
            _ if self.detail == Detail::Quiet && change.warnings.is_empty() => Ok(()),
            ChangeStatus::Changed
            | ChangeStatus::WouldChange
            | ChangeStatus::Unchanged
            | ChangeStatus::Skipped => self.changed.add(entry(), &mut self.later),
        }
    }

    /// Formats the summary: `5 images: 3 patched, 1 unchanged, 1 refused (4 other files, 0.02 s)`.
    fn summary(&self, summary: &ChangeSummary) -> String {
        let images = summary.files - summary.not_images - summary.unreadable - summary.offline;
        let changed =
            if self.is_dry_run { ChangeStatus::WouldChange } else { ChangeStatus::Changed };
        let counts = [
            (summary.changed - summary.warned, changed, ""),
            (summary.warned, changed, " with a warning"),
            (summary.unchanged, ChangeStatus::Unchanged, ""),
            (summary.skipped, ChangeStatus::Skipped, ""),
            (summary.refused, ChangeStatus::Refused, ""),
        ];
        let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
        let counts: Vec<_> = counts
            .map(|(count, status, more)| {
                format!("{} {}{more}", number(count), self.verb.human_word(status))
            })
            .collect();
        let colon = if counts.is_empty() { "" } else { ": " };
        let images = plural(images, "file", "files");
        let mut others = Vec::new();
        if self.verb == Verb::Patch {
            others.push(plural(summary.not_images, "other file", "other files"));
        }
        for (count, word) in [(summary.unreadable, "unreadable"), (summary.offline, "offline")] {
            if count > 0 {
                others.push(format!("{} {word}", number(count)));
            }
        }
        others.push(format!("{:.2} s", summary.seconds));
        format!("{images}{colon}{} ({})", counts.join(", "), others.join(", "))
    }
}

/// Writes the line with the path of a journal.
pub(crate) fn write_journal(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "journal: {}", Printable(path))
}

/// Writes the command that restores the changed files, or the rest of them.
fn write_undo_command(verb: Verb, journal: &Path, out: &mut dyn Write) -> io::Result<()> {
    let purpose = match verb {
        Verb::Patch => "to undo it",
        Verb::Undo => "to restore the rest",
    };
    writeln!(out, "{purpose}:\n    netswap undo {}", quoted(journal))
}

fn object(verb: Verb, change: &Change) -> Object<'_> {
    let fields = |header: &Header| Fields {
        characteristics: format!("{:#06x}", header.characteristics),
        swap_run: header.swap_run(),
        checksum: format!("{:#010x}", header.checksum),
    };
    Object {
        path: PathFields::new(&change.path),
        status: verb.word(change.status),
        kind: change.before.as_ref().map(Header::kind),
        machine: change.before.as_ref().map(Header::machine_name),
        before: change.before.as_ref().map(fields),
        after: change.after.as_ref().map(fields),
        reason: change.reason,
        findings: &change.findings,
        warnings: &change.warnings,
        maker: change.maker.as_ref(),
    }
}

/// Renders a file for people.
fn entry(verb: Verb, change: &Change, here: &Path) -> Entry {
    let style = match change.status {
        ChangeStatus::Refused | ChangeStatus::Unreadable => BAD,
        ChangeStatus::Changed | ChangeStatus::WouldChange => GOOD,
        ChangeStatus::Unchanged | ChangeStatus::Skipped | ChangeStatus::Offline => Style::new(),
    };
    let is_signed = change.before.is_some_and(|header| header.signed);
    let entry =
        Entry::new(style, verb.human_word(change.status), shown(&change.path, here), INDENT);
    let signer = change.maker.as_ref().and_then(|maker| maker.signer.as_deref());
    let entry = change.findings.iter().fold(entry.signed(is_signed, signer), Entry::finding);
    let entry = change.warnings.iter().fold(entry, Entry::warning);
    match (change.reason, &change.before, &change.after) {
        (Some(reason), ..) => entry.note(reason.to_owned()),
        (None, Some(before), Some(after)) if change.findings.is_empty() => {
            entry.note(header_change(before, after))
        }
        _ => entry,
    }
}

/// Formats what changed: `swap-run: none -> net`.
fn header_change(before: &Header, after: &Header) -> String {
    let [before, after] = [before, after].map(|header| SwapRun::list(&header.swap_run()));
    let change = if before == after { before } else { format!("{before} -> {after}") };
    format!("swap-run: {change}")
}
