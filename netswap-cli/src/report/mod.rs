//! The formats of `netswap verify` that a project's xtask does not need.

mod csv;
mod github;
pub(crate) mod html;
mod junit;
mod row;
mod sarif;
mod uri;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use netswap::Finding;
use netswap::report::lines::with_paths;
use netswap::report::{Detail, Report};
use netswap::text::{one_line, quoted, shown};
use netswap::verify::{Verification, VerifiedImage};

pub(crate) use self::csv::Csv;
use self::github::GitHub;
use self::html::VerifyHtml;
use self::junit::JUnit;
pub(crate) use self::row::{Cell, Row};
use self::sarif::Sarif;

/// The format of the report of `netswap verify`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyFormat {
    /// For people: failures with their fixes, other files, a summary
    #[default]
    Human,
    /// One JSON document
    Json,
    /// One JSON object per line: the files, then the summary
    Ndjson,
    /// A table for spreadsheets, with a row per image
    Csv,
    /// Results for code scanning, SARIF 2.1.0
    Sarif,
    /// Test results for CI servers, with a test case per image
    Junit,
    /// Annotations for workflows of GitHub Actions
    Github,
    /// One web page that needs no network: a summary, what to do, and a table of all images
    Html,
}

impl VerifyFormat {
    /// Returns an empty report in this format, on the files and folders that the user named.
    pub(crate) fn report(self, detail: Detail, named: &[PathBuf]) -> Box<dyn Report> {
        match self {
            VerifyFormat::Human => netswap::Format::Human.report(detail),
            VerifyFormat::Json => netswap::Format::Json.report(detail),
            VerifyFormat::Ndjson => netswap::Format::Ndjson.report(detail),
            VerifyFormat::Csv => Box::new(VerifyCsv(Csv::new(&row::IMAGE))),
            VerifyFormat::Sarif => Box::new(Sarif::new()),
            VerifyFormat::Junit => Box::new(JUnit::new()),
            VerifyFormat::Github => Box::new(GitHub::new()),
            VerifyFormat::Html => Box::new(VerifyHtml::new(named.to_vec())),
        }
    }
}

/// A verification as a table.
struct VerifyCsv(Csv);

impl Report for VerifyCsv {
    fn image(&mut self, image: &VerifiedImage, out: &mut dyn Write) -> io::Result<()> {
        self.0.row(&row::image(image), out)
    }

    fn end(self: Box<Self>, _: &Verification, out: &mut dyn Write) -> io::Result<()> {
        self.0.end(out)
    }
}

/// Returns the path as the tools that read a report know it: relative to the current folder if the
/// file is below it.
fn reported_path<'a>(path: &'a Path, here: &Path) -> &'a Path {
    let path = shown(path, here);
    path.strip_prefix(".").unwrap_or(path)
}

/// Returns the lines of a finding: the fault, and the remedy with the real path in its command.
fn lines(finding: &Finding, path: &Path) -> Vec<String> {
    let remedy = finding.help.lines().map(|line| {
        let indent = line.len() - line.trim_start().len();
        let line = with_paths(line, Some(&quoted(path)));
        format!("{:indent$}{}", "", one_line(&line))
    });
    std::iter::once(one_line(&finding.message)).chain(remedy).collect()
}
