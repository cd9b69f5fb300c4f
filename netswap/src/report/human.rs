//! The report for people: failures with their remedies as they are found, then the rest, then one
//! line.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::finding_group::FindingGroup;
use super::spool::SpoolFile;

use crate::style::{BAD, CAUTION, GOOD, WARNING, write_error};
use crate::text::{Printable, offline, one_line, plural, shown, unreadable};
use crate::verdict::Status;
use crate::verify::{Input, Verification, VerifiedImage};
use crate::{ExitCode, Header, Rules};

pub(super) struct Human {
    here: PathBuf,
    is_quiet: bool,
    failures: FindingGroup,
    allowed: SpoolFile,
    passed: SpoolFile,
}

impl Human {
    pub(super) fn new(is_quiet: bool) -> Self {
        Human {
            here: std::env::current_dir().unwrap_or_default(),
            is_quiet,
            failures: FindingGroup::new(8),
            allowed: SpoolFile::default(),
            passed: SpoolFile::default(),
        }
    }

    pub(super) fn image(&mut self, image: &VerifiedImage, out: &mut dyn Write) -> io::Result<()> {
        match image.verdict.status {
            Status::Failed | Status::Unreadable => {
                self.failures.before_file(&image.verdict.findings, out)?;
                write_image(image, &self.here, out)
            }
            // The summary counts them. There can be as many as files.
            Status::Offline => Ok(()),
            Status::Allowed | Status::Passed if self.is_quiet => Ok(()),
            Status::Allowed => write_image(image, &self.here, &mut self.allowed),
            Status::Passed => write_image(image, &self.here, &mut self.passed),
        }
    }

    pub(super) fn end(mut self, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        self.failures.end(out)?;
        let is_empty = self.allowed.is_empty() && self.passed.is_empty();
        self.allowed.write_to(out)?;
        self.passed.write_to(out)?;
        if !is_empty {
            writeln!(out)?;
        }
        writeln!(out, "{}", summary(outcome))?;
        if !outcome.rules.is_empty() {
            writeln!(out, "policy: {}", policy(outcome))?;
        }
        if outcome.summary.offline > 0 {
            writeln!(out, "{}", offline(outcome.summary.offline))?;
        }
        Ok(())
    }
}

/// Formats the files of the policy: `netswap.toml (2 exceptions)`.
fn policy(outcome: &Verification) -> String {
    let file = |rules: &Arc<Rules>| {
        let count = match rules.allow.len() as u64 {
            0 => String::new(),
            count => format!(" ({})", plural(count, "exception", "exceptions")),
        };
        format!("{}{count}", Printable(&rules.source))
    };
    outcome.rules.iter().map(file).collect::<Vec<_>>().join(", ")
}

/// Writes the warnings, one per line: stale exceptions, and baseline entries that no longer occur.
/// Also writes an error if there was nothing to verify.
pub fn write_warnings(outcome: &Verification, err: &mut dyn Write) -> io::Result<()> {
    if let Some(path) = &outcome.ignored_policy {
        let path = Printable(path);
        writeln!(
            err,
            "{WARNING}warning:{WARNING:#} {path} was not read, since a folder can't excuse itself; if it is yours, pass --policy {path}"
        )?;
    }
    for (rules, allow) in outcome.stale() {
        let (source, conditions) = (Printable(&rules.source), allow.conditions());
        let why = match allow.until {
            Some(day) if allow.is_expired() => {
                format!("expired on {day}; renew or remove it")
            }
            _ => "matches none of the images verified here; if it never does, remove it".to_owned(),
        };
        writeln!(
            err,
            "{WARNING}warning:{WARNING:#} {source}: the exception for {conditions} {why}"
        )?;
    }
    if let Some(baseline) = &outcome.baseline {
        for (path, code) in &baseline.stale {
            let (source, path, code) =
                (Printable(&baseline.source), one_line(path), one_line(code));
            writeln!(
                err,
                "{WARNING}warning:{WARNING:#} {source}: entry {code} for {path} no longer occurs; --write-baseline removes it"
            )?;
        }
    }
    if let Some(path) = &outcome.unwritten_baseline {
        let why = match outcome.exit_code() {
            ExitCode::NothingToVerify => "no image was found",
            _ => "a file or folder could not be read",
        };
        let baseline = Printable(path);
        write_error(err, &format!("the baseline {baseline} was not written, because {why}"))?;
    }
    if outcome.exit_code() == ExitCode::NothingToVerify {
        let what = match outcome.input {
            Input::Build => {
                "Cargo built no Windows image; build for a Windows target, such as --target x86_64-pc-windows-msvc"
            }
            Input::Folders | Input::Files => {
                "no Windows image found in the given files and folders"
            }
        };
        write_error(err, &format!("nothing to verify: {what}"))?;
    }
    Ok(())
}

fn write_image(image: &VerifiedImage, here: &Path, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &image.verdict;
    let (word, style) = match verdict.status {
        Status::Passed => ("passed", GOOD),
        Status::Allowed => ("allowed", CAUTION),
        Status::Failed => ("FAILED", BAD),
        Status::Unreadable => ("UNREAD", BAD),
        Status::Offline => ("offline", CAUTION),
    };
    write!(out, "{style}{word:<7}{style:#} {}", Printable(shown(&image.path, here)))?;
    if let Some(header) = &verdict.header {
        write!(out, "  {}", facts(header))?;
    }
    writeln!(out)?;
    if let Some(reason) = &verdict.reason {
        writeln!(out, "        {}", one_line(reason))?;
    }
    // Failures share theirs with the images after them.
    if verdict.status == Status::Passed {
        for finding in &verdict.findings {
            writeln!(out, "        {}: {}", finding.code, finding.message)?;
        }
    }
    Ok(())
}

/// Formats a header's facts: `x64 exe, swap-run: net`.
fn facts(header: &Header) -> String {
    let words: Vec<_> = header.swap_run().iter().map(|bit| bit.name()).collect();
    let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    format!("{} {}, swap-run: {words}", header.machine_name(), header.kind().name())
}

/// Formats the last line: `3 images: 2 passed, 1 failed (4 other files, 0.02 s)`.
fn summary(outcome: &Verification) -> String {
    let summary = &outcome.summary;
    let parts: Vec<_> =
        [(summary.passed, "passed"), (summary.failed, "failed"), (summary.allowed, "allowed")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
    let images = plural(summary.images, "image", "images");
    let others = plural(summary.not_images, "other file", "other files");
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let unread = unreadable(summary.unreadable);
    format!("{images}{parts} ({others}{unread}, {:.2} s)", summary.seconds)
}
