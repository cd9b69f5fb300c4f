//! The report for programs: one document, or one object a line.

use std::io::{self, Write};

use serde::Serialize;

use super::{Judged, Summary, Verification};
use crate::finding::Finding;
use crate::image::Kind;
use crate::policy::{BaselineOutcome, Policy};
use crate::text::PathFields;
use crate::verdict::Status;
use crate::{Header, SwapRun};

const SCHEMA: &str = "netswap.verify/1";

/// The default of all tables, and what each table says.
#[derive(Serialize)]
struct PolicyObject<'a> {
    default: Vec<SwapRun>,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(flatten)]
    path: PathFields<'a>,
    swap_run: Option<&'a [SwapRun]>,
    allow: Vec<Exception<'a>>,
}

#[derive(Serialize)]
struct Exception<'a> {
    image: &'a str,
    reason: &'a str,
    matched: u64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the PE format's names")]
struct Image<'a> {
    #[serde(flatten)]
    path: PathFields<'a>,
    status: Status,
    kind: Option<Kind>,
    machine: Option<String>,
    characteristics: Option<String>,
    swap_run: Option<Vec<SwapRun>>,
    size_of_image: Option<u32>,
    checksum: Option<String>,
    signed: Option<bool>,
    package: Option<&'a str>,
    target: Option<&'a str>,
    reason: Option<&'a str>,
    findings: &'a [Finding],
}

/// The last line of `ndjson`.
#[derive(Serialize)]
struct Last<'a> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'a BaselineOutcome>,
    summary: &'a Summary,
}

/// The one document, an image a line.
#[derive(Default)]
pub(super) struct Json {
    is_begun: bool,
    lines: Lines,
}

/// Writes an object at a time: a serializer writes each of its commas by itself.
#[derive(Default)]
pub(super) struct Lines {
    line: Vec<u8>,
}

impl Lines {
    fn write(&mut self, object: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, object)?;
        out.write_all(&self.line)
    }

    pub(super) fn image(&mut self, judged: &Judged, out: &mut dyn Write) -> io::Result<()> {
        self.write(&image(judged), out)?;
        out.write_all(b"\n")
    }

    pub(super) fn end(mut self, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        let (baseline, summary) = (outcome.baseline.as_ref(), &outcome.summary);
        self.write(&Last { schema: SCHEMA, baseline, summary }, out)?;
        out.write_all(b"\n")
    }
}

impl Json {
    pub(super) fn image(&mut self, judged: &Judged, out: &mut dyn Write) -> io::Result<()> {
        self.separate(out)?;
        self.lines.write(&image(judged), out)
    }

    /// Only now it is known how often each exception was needed.
    pub(super) fn end(mut self, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        if !self.is_begun {
            self.separate(out)?;
        }
        write!(out, "\n],\n\"policy\": ")?;
        serde_json::to_writer(&mut *out, &policy(outcome))?;
        if let Some(baseline) = &outcome.baseline {
            write!(out, ",\n\"baseline\": ")?;
            serde_json::to_writer(&mut *out, baseline)?;
        }
        write!(out, ",\n\"summary\": ")?;
        serde_json::to_writer(&mut *out, &outcome.summary)?;
        writeln!(out, "\n}}")
    }

    /// What stands before an image: the beginning of the document, or a comma.
    fn separate(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.is_begun {
            return out.write_all(b",\n");
        }
        self.is_begun = true;
        writeln!(out, "{{\n\"schema\": \"{SCHEMA}\",\n\"images\": [")
    }
}

fn policy(outcome: &Verification) -> PolicyObject<'_> {
    let sources = outcome.rules.iter().map(|rules| Source {
        path: PathFields::of(&rules.source),
        swap_run: rules.swap_run.as_deref(),
        allow: rules
            .allow
            .iter()
            .map(|allow| Exception {
                image: allow.image(),
                reason: &allow.reason,
                matched: allow.matched(),
            })
            .collect(),
    });
    PolicyObject { default: Policy::default().swap_run().to_vec(), sources: sources.collect() }
}

fn image(judged: &Judged) -> Image<'_> {
    let verdict = &judged.verdict;
    let header = verdict.header.as_ref();
    Image {
        path: PathFields::of(&judged.path),
        status: verdict.status,
        kind: header.map(Header::kind),
        machine: header.map(Header::machine_name),
        characteristics: header.map(|header| format!("{:#06x}", header.characteristics)),
        swap_run: header.map(Header::swap_run),
        size_of_image: header.map(|header| header.size_of_image),
        checksum: header.map(|header| format!("{:#010x}", header.checksum)),
        signed: header.map(|header| header.signed),
        package: judged.package.as_deref(),
        target: judged.target.as_deref(),
        reason: verdict.reason.as_deref(),
        findings: &verdict.findings,
    }
}
