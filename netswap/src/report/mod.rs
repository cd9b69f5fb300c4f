//! The reports of a verification, for people and for programs.

pub mod groups;
mod human;
mod json;
pub mod json_stream;
pub mod lines;
pub mod spool;

use std::io::{self, Write};
use std::str::FromStr;

use human::{Human, HumanRenderer};
use json::Json;

pub(crate) use human::summary;
pub use human::write_warnings;

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

/// A report that is written while the images are verified.
pub struct Report<W> {
    pub(crate) out: W,
    writer: Writer,
}

/// A format. The first step renders an image without knowledge of the other images, so any thread
/// could do it. The second step puts the rendered images together.
enum Writer {
    Human(HumanRenderer, Box<Human>),
    Json(Json),
}

impl<W: Write> Report<W> {
    /// Returns a report that is written to `out`.
    pub fn new(format: Format, detail: Detail, out: W) -> Self {
        let writer = match format {
            Format::Human => {
                Writer::Human(HumanRenderer::new(detail), Box::new(Human::new(detail)))
            }
            Format::Json | Format::Ndjson => Writer::Json(Json::new(format)),
        };
        Report { out, writer }
    }

    /// Writes an image, or stores it until the end. Many images are stored in a temporary file.
    ///
    /// # Errors
    ///
    /// Fails if `out` or that file can't be written.
    pub fn image(&mut self, image: &VerifiedImage) -> io::Result<()> {
        let out = &mut self.out;
        match &mut self.writer {
            Writer::Human(renderer, human) => human.image(image, renderer.render(image)?, out),
            Writer::Json(json) => json.image(&Json::render(image)?, out),
        }
    }

    /// Writes the stored images and the end of the report.
    ///
    /// # Errors
    ///
    /// Fails if `out` can't be written.
    pub fn end(mut self, outcome: &Verification) -> io::Result<()> {
        let out = &mut self.out;
        match self.writer {
            Writer::Human(_, human) => human.end(outcome, out),
            Writer::Json(json) => json.end(outcome, out),
        }?;
        self.out.flush()
    }
}
