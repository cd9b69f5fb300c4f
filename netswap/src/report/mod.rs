//! The reports of a verification, for people and for programs.

pub mod causes;
pub mod groups;
mod human;
mod json;
pub mod json_stream;
pub mod lines;
pub mod spool;

use std::io::{self, Write};
use std::str::FromStr;

use human::Human;
use json::Json;

pub use human::{bytes, commit, nothing_to_verify, policy, summary, write_warnings};

use crate::verify::{Verification, VerifiedImage};

/// The format of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: failures with their remedies first, then the rest, then a summary.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON object per line: each file, then the summary.
    Ndjson,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "human" => Ok(Format::Human),
            "json" => Ok(Format::Json),
            "ndjson" => Ok(Format::Ndjson),
            _ => Err("--format takes human, json or ndjson".to_owned()),
        }
    }
}

/// How much a report for people lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Failures, what to do and the summary, without the reasons why images are allowed.
    Quiet,
    /// Failures, what to do and the summary.
    #[default]
    Normal,
    /// All images.
    Verbose,
}

/// A report on a verification, which is written while the images are verified.
pub trait Report {
    /// Writes an image, or stores it until the end. Many images are stored in a temporary file.
    ///
    /// # Errors
    ///
    /// Fails if `out` or that file can't be written.
    fn image(&mut self, image: &VerifiedImage, out: &mut dyn Write) -> io::Result<()>;

    /// Writes the stored images and the end of the report.
    ///
    /// # Errors
    ///
    /// Fails if `out` can't be written.
    fn end(self: Box<Self>, outcome: &Verification, out: &mut dyn Write) -> io::Result<()>;
}

impl Format {
    /// Returns an empty report in this format.
    pub fn report(self, detail: Detail) -> Box<dyn Report> {
        match self {
            Format::Human => Box::new(Human::new(detail)),
            Format::Json | Format::Ndjson => Box::new(Json::new(self)),
        }
    }
}
