//! The report for people: failures grouped by folder and cause as they are found, then what to do
//! about each cause, then a summary.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::causes::Tally;
use super::groups::{Entry, Groups};
use super::lines::write_wrapped;
use super::spool::SpoolFile;
use super::{Detail, Report};
use crate::style::{BAD, CAUTION, GOOD, WARNING, write_error, write_interrupted};
use crate::text::{Printable, number, offline, one_line, plural, quoted, shown, unreadable};
use crate::verdict::{Status, Verdict};
use crate::verify::{Input, Summary, Verification, VerifiedImage};
use crate::{ExitCode, Header, Rules, SwapRun};

/// Renders single images. It knows no other images, so any thread can do it.
struct HumanRenderer {
    here: PathBuf,
    detail: Detail,
}

/// An image as the report shows it.
enum HumanImage {
    /// It is only counted.
    Counted,
    /// It is grouped with others.
    Failure(Entry),
    /// It is listed at the end.
    Listed(Vec<u8>),
}

/// The report so far.
pub(super) struct Human {
    renderer: HumanRenderer,
    failures: Groups,
    /// The number of allowed images by reason.
    allowed: Tally,
    /// The memory in bytes that setting the missing bits costs on a machine that runs all images.
    commit: u64,
    /// The lines about other images, if they are listed.
    others: SpoolFile,
}

/// The column in which texts begin, after the status.
const INDENT: usize = 8;

impl HumanRenderer {
    fn render(&self, image: &VerifiedImage) -> io::Result<HumanImage> {
        let Verdict { status, findings, header, signer, .. } = &image.verdict;
        let path = shown(&image.path, &self.here);
        let is_listed = match status {
            Status::Failed | Status::Unreadable => {
                let word = if *status == Status::Unreadable { "UNREAD" } else { "FAILED" };
                let is_signed = header.is_some_and(|header| header.signed);
                let entry =
                    Entry::new(BAD, word, path, INDENT).signed(is_signed, signer.as_deref());
                let entry = findings.iter().fold(entry, Entry::finding);
                return Ok(HumanImage::Failure(entry));
            }
            // The summary counts them. There can be as many as files.
            Status::Offline => false,
            Status::Allowed => self.detail == Detail::Verbose,
            Status::Passed => self.detail == Detail::Verbose || !findings.is_empty(),
        };
        if !is_listed {
            return Ok(HumanImage::Counted);
        }
        let mut lines = Vec::new();
        write_other(image, path, &mut lines)?;
        Ok(HumanImage::Listed(lines))
    }
}

impl Human {
    pub(super) fn new(detail: Detail) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        Human {
            renderer: HumanRenderer { here, detail },
            failures: Groups::default(),
            allowed: Tally::default(),
            commit: 0,
            others: SpoolFile::default(),
        }
    }
}

impl Report for Human {
    fn image(&mut self, image: &VerifiedImage, out: &mut dyn Write) -> io::Result<()> {
        let shown = self.renderer.render(image)?;
        let Verdict { status, reason, .. } = &image.verdict;
        if *status == Status::Allowed {
            self.allowed.add(reason.as_deref().unwrap_or_default());
        }
        match shown {
            HumanImage::Counted => Ok(()),
            HumanImage::Listed(lines) => self.others.write_all(&lines),
            HumanImage::Failure(entry) => {
                self.commit += commit(image);
                self.failures.add(entry, out)
            }
        }
    }

    fn end(mut self: Box<Self>, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        self.failures.write_folder(out)?;
        let has_files = !self.others.is_empty() || self.failures.has_causes();
        self.others.write_to(out)?;
        if has_files {
            writeln!(out)?;
        }
        self.failures.write_causes(out)?;
        writeln!(out, "{}", summary(outcome))?;
        if self.renderer.detail != Detail::Quiet {
            for (reason, count) in self.allowed.largest() {
                let images = plural(count, "image", "images");
                write_wrapped(
                    format!("allowed: {images}: {}", one_line(reason)).split(' '),
                    " ",
                    0,
                    out,
                )?;
            }
        }
        if self.commit > 0 && outcome.input != Input::Build {
            writeln!(
                out,
                "commit if all bits were set: {}, on a machine that runs all of them",
                bytes(self.commit)
            )?;
        }
        if !outcome.rules.is_empty() {
            writeln!(out, "policy: {}", policy(outcome))?;
        }
        if outcome.summary.offline > 0 {
            writeln!(out, "{}", offline(outcome.summary.offline))?;
        }
        if outcome.is_interrupted {
            write_interrupted("some files were not checked", out)?;
        }
        Ok(())
    }
}

/// The page size in bytes of every machine that Windows runs on today.
const PAGE: u64 = 4096;

/// Returns the memory in bytes that setting the missing bits of an image costs while it runs.
pub fn commit(image: &VerifiedImage) -> u64 {
    let Verdict { findings, header, .. } = &image.verdict;
    let lacks_bit = findings.iter().any(|finding| finding.code.is_missing_bit());
    let header = header.as_ref().filter(|_| lacks_bit);
    header.map_or(0, |header| u64::from(header.size_of_image).div_ceil(PAGE) * PAGE)
}

/// Formats a number of bytes, rounded: `1.2 GiB`.
pub fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded to a tenth")]
    let mut rounded = count as f64 / 1024.0;
    let mut unit = "KiB";
    for larger in ["MiB", "GiB", "TiB", "PiB", "EiB"] {
        if rounded >= 1024.0 {
            rounded /= 1024.0;
            unit = larger;
        }
    }
    format!("{rounded:.1} {unit}")
}

/// Formats the files of the policy: `netswap.toml (2 exceptions)`.
pub fn policy(outcome: &Verification) -> String {
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
        let (path, argument) = (Printable(path), quoted(path));
        writeln!(
            err,
            "{WARNING}warning:{WARNING:#} {path} was not read, since a folder can't excuse itself; if it is yours, pass --policy {argument}"
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
            ExitCode::Interrupted => "the scan was interrupted",
            ExitCode::NothingToVerify => "no image was found",
            _ => "a file or folder could not be read",
        };
        let baseline = Printable(path);
        write_error(err, &format!("the baseline {baseline} was not written, because {why}"))?;
    }
    if outcome.exit_code() == ExitCode::NothingToVerify {
        let why = nothing_to_verify(outcome);
        write_error(err, &format!("nothing to verify: {why}"))?;
    }
    Ok(())
}

/// Returns the reason why there was nothing to verify.
pub fn nothing_to_verify(outcome: &Verification) -> &'static str {
    let Summary { allowed, offline, .. } = outcome.summary;
    match outcome.input {
        _ if allowed > 0 => "the bit has no effect on any of these images",
        _ if offline > 0 => "all files are offline; pass --recall to fetch and read them",
        Input::Build => {
            "Cargo built no Windows image; build for a Windows target, such as --target x86_64-pc-windows-msvc"
        }
        Input::Folders | Input::Files => "no Windows image found in the given files and folders",
    }
}

fn write_other(image: &VerifiedImage, path: &Path, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &image.verdict;
    let (word, style) =
        if verdict.status == Status::Passed { ("passed", GOOD) } else { ("allowed", CAUTION) };
    write!(out, "{style}{word:<7}{style:#} {}", Printable(path))?;
    if let Some(header) = &verdict.header {
        write!(out, "  {}", facts(header))?;
    }
    writeln!(out)?;
    if let Some(reason) = &verdict.reason {
        write_wrapped(one_line(reason).split(' '), " ", INDENT, out)?;
    }
    for finding in verdict.findings.iter().filter(|_| verdict.status == Status::Passed) {
        let text = format!("{}: {}", finding.code, finding.message);
        write_wrapped(text.split(' '), " ", INDENT, out)?;
    }
    Ok(())
}

/// Formats a header's facts: `x64 exe, swap-run: net`.
fn facts(header: &Header) -> String {
    let words = SwapRun::list(&header.swap_run());
    format!("{} {}, swap-run: {words}", header.machine_name(), header.kind().name())
}

/// Formats the last line: `3 images: 2 passed, 1 failed (4 other files, 0.02 s)`.
pub fn summary(outcome: &Verification) -> String {
    let summary = &outcome.summary;
    let parts: Vec<_> =
        [(summary.passed, "passed"), (summary.failed, "failed"), (summary.allowed, "allowed")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", number(count)))
            .collect();
    let images = plural(summary.images, "image", "images");
    let others = plural(summary.not_images, "other file", "other files");
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let unread = unreadable(summary.unreadable);
    format!("{images}{parts} ({others}{unread}, {:.2} s)", summary.seconds)
}
