//! The report for people: failures first, each with its cure, then the rest, then one line.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};

use super::{Judged, Origin, Report};
use crate::text::{Printable, one_line};
use crate::verdict::Status;
use crate::{ExitCode, Header};

/// The order in which statuses are told.
const ORDER: [Status; 4] = [Status::Unreadable, Status::Failed, Status::Allowed, Status::Passed];

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let here = std::env::current_dir().unwrap_or_default();
    let mut is_apart = true;
    for status in ORDER {
        let of_status = report.images.iter().filter(|image| image.verdict.status == status);
        for image in of_status {
            is_apart = write_image(image, &here, out)?;
        }
    }
    if !is_apart {
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(report))
}

pub(super) fn write_warnings(report: &Report, err: &mut dyn Write) -> io::Result<()> {
    let style = AnsiColor::Yellow.on_default().bold();
    for (rules, allow) in report.stale() {
        let (source, glob) = (Printable(&rules.source), one_line(&allow.image));
        writeln!(
            err,
            "{style}warning:{style:#} {source}: the exception for `{glob}` matches none of the images verified here; if it never does, remove it"
        )?;
    }
    if report.exit_code() == ExitCode::NothingToVerify {
        let style = AnsiColor::Red.on_default().bold();
        let what = match report.origin {
            Origin::Build => {
                "Cargo built no Windows image; build for a Windows target, such as --target x86_64-pc-windows-msvc"
            }
            Origin::Folders | Origin::Files => "there is no Windows image in what was named",
        };
        writeln!(err, "{style}error:{style:#} nothing to verify: {what}")?;
    }
    Ok(())
}

/// Writes an image, and an empty line after one with findings; tells whether it did.
fn write_image(image: &Judged, here: &Path, out: &mut dyn Write) -> io::Result<bool> {
    let verdict = &image.verdict;
    let (word, style) = match verdict.status {
        Status::Passed => ("passed", AnsiColor::Green.on_default()),
        Status::Allowed => ("allowed", AnsiColor::Yellow.on_default()),
        Status::Failed => ("FAILED", AnsiColor::Red.on_default().bold()),
        Status::Unreadable => ("UNREAD", AnsiColor::Red.on_default().bold()),
    };
    let path = shown(&image.path, here);
    write!(out, "{style}{word:<7}{style:#} {}", Printable(path))?;
    if let Some(header) = &verdict.header {
        write!(out, "  {}", facts(header))?;
    }
    writeln!(out)?;
    if let Some(reason) = &verdict.reason {
        writeln!(out, "        {}", one_line(reason))?;
    }
    if matches!(verdict.status, Status::Passed | Status::Allowed) {
        return Ok(false);
    }
    let bold = Style::new().bold();
    for finding in &verdict.findings {
        writeln!(out, "        {bold}{}{bold:#}: {}", finding.code, finding.message)?;
        for line in finding.help.lines() {
            writeln!(out, "        {line}")?;
        }
    }
    writeln!(out)?;
    Ok(true)
}

/// The path as it is shortest: below this folder without the folder.
fn shown(path: &Path, here: &Path) -> PathBuf {
    let below = path.strip_prefix(here).ok().filter(|below| !below.as_os_str().is_empty());
    below.unwrap_or(path).to_owned()
}

/// `x64 exe, swap-run: net`.
fn facts(header: &Header) -> String {
    let words: Vec<_> = header.swap_run().iter().map(|bit| bit.word()).collect();
    let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    format!("{} {}, swap-run: {words}", header.machine_name(), header.kind().name())
}

/// `3 images: 2 passed, 1 failed (4 other files, 0.02 s)`.
fn summary(report: &Report) -> String {
    let summary = &report.summary;
    let parts: Vec<_> = [
        (summary.passed, "passed"),
        (summary.failed, "failed"),
        (summary.allowed, "allowed"),
        (summary.unreadable, "unreadable"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    let images = plural(summary.images, "image", "images");
    let others = plural(summary.not_images, "other file", "other files");
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("{images}{parts} ({others}, {:.2} s)", summary.seconds)
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
