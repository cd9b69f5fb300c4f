//! The report for programs: one document, or one object a line.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::{Judged, Report, Summary};
use crate::finding::Finding;
use crate::image::Kind;
use crate::policy::Policy;
use crate::verdict::Status;
use crate::{Header, SwapRun};

const SCHEMA: &str = "netswap.verify/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    policy: PolicyObject<'a>,
    summary: &'a Summary,
    images: Vec<Image<'a>>,
}

/// The default of all tables, and what each table says.
#[derive(Serialize)]
struct PolicyObject<'a> {
    default: Vec<SwapRun>,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    path: Cow<'a, str>,
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
    path: Cow<'a, str>,
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
    summary: &'a Summary,
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let sources = report.rules.iter().map(|rules| Source {
        path: rules.source.to_string_lossy(),
        swap_run: rules.swap_run.as_deref(),
        allow: rules
            .allow
            .iter()
            .map(|allow| Exception {
                image: &allow.image,
                reason: &allow.reason,
                matched: allow.matched(),
            })
            .collect(),
    });
    let document = Document {
        schema: SCHEMA,
        policy: PolicyObject {
            default: Policy::default().swap_run().to_vec(),
            sources: sources.collect(),
        },
        summary: &report.summary,
        images: report.images.iter().map(image).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

pub(super) fn write_lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for judged in &report.images {
        serde_json::to_writer(&mut *out, &image(judged))?;
        writeln!(out)?;
    }
    let last = Last { schema: SCHEMA, summary: &report.summary };
    serde_json::to_writer(&mut *out, &last)?;
    writeln!(out)
}

fn image(judged: &Judged) -> Image<'_> {
    let verdict = &judged.verdict;
    let header = verdict.header.as_ref();
    Image {
        path: judged.path.to_string_lossy(),
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
