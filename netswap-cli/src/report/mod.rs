//! The formats of `netswap verify` that a project's xtask does not need.

mod csv;
mod github;
mod row;

use std::io::{self, Write};

use clap::ValueEnum;
use netswap::report::{Detail, Report};
use netswap::verify::{Verification, VerifiedImage};

pub(crate) use self::csv::Csv;
use self::github::GitHub;
pub(crate) use self::row::{Cell, Row};

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
    /// Annotations for workflows of GitHub Actions
    Github,
}

impl VerifyFormat {
    /// Returns an empty report in this format.
    pub(crate) fn report(self, detail: Detail) -> Box<dyn Report> {
        match self {
            VerifyFormat::Human => netswap::Format::Human.report(detail),
            VerifyFormat::Json => netswap::Format::Json.report(detail),
            VerifyFormat::Ndjson => netswap::Format::Ndjson.report(detail),
            VerifyFormat::Csv => Box::new(VerifyCsv(Csv::new(&row::IMAGE))),
            VerifyFormat::Github => Box::new(GitHub::new()),
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
