//! The report of `netswap verify` for programs, in JSON.

use std::io::{self, Write};

use super::Format;
use super::json_stream::{JsonStream, field};
use crate::finding::Finding;
use crate::image::Kind;
use crate::json::write_fields;
use crate::policy::Policy;
use crate::text::PathFields;
use crate::verdict::Status;
use crate::verify::{Verification, VerifiedImage};
use crate::{Header, SwapRun};

const SCHEMA: &str = "netswap.verify/1";

/// The policy: the default of all tables, and the content of each table.
struct PolicyObject<'a> {
    default: Vec<SwapRun>,
    sources: Vec<Source<'a>>,
}

struct Source<'a> {
    path: PathFields<'a>,
    swap_run: Option<&'a [SwapRun]>,
    allow: Vec<Exception<'a>>,
}

struct Exception<'a> {
    image: &'a str,
    reason: &'a str,
    matched: u64,
}

#[expect(clippy::struct_field_names, reason = "the PE format's names")]
struct Image<'a> {
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

write_fields!(PolicyObject<'a> { default, sources });
write_fields!(Source<'a> { ..path, swap_run, allow });
write_fields!(Exception<'a> { image, reason, matched });
write_fields!(Image<'a> {
    ..path,
    status,
    kind,
    machine,
    characteristics,
    swap_run,
    size_of_image,
    checksum,
    signed,
    package,
    target,
    reason,
    findings,
});

/// The writer of the report of `netswap verify`.
pub(super) struct Json {
    objects: JsonStream,
    has_policy: bool,
}

impl Json {
    pub(super) fn new(format: Format) -> Self {
        let objects = JsonStream::new(SCHEMA, "images", format);
        Json { objects, has_policy: format == Format::Json }
    }

    pub(super) fn image(&mut self, image: &VerifiedImage, out: &mut dyn Write) -> io::Result<()> {
        self.objects.object(&image_object(image), out)
    }

    /// Writes the policy, the baseline and the summary. The number of matches of each exception is
    /// known only now.
    pub(super) fn end(self, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        let mut fields = Vec::new();
        if self.has_policy {
            fields.push(field("policy", &policy(outcome))?);
        }
        if let Some(baseline) = &outcome.baseline {
            fields.push(field("baseline", baseline)?);
        }
        fields.push(field("summary", &outcome.summary)?);
        self.objects.end(&fields, out)
    }
}

fn policy(outcome: &Verification) -> PolicyObject<'_> {
    let sources = outcome.rules.iter().map(|rules| Source {
        path: PathFields::new(&rules.source),
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

fn image_object(image: &VerifiedImage) -> Image<'_> {
    let verdict = &image.verdict;
    let header = verdict.header.as_ref();
    Image {
        path: PathFields::new(&image.path),
        status: verdict.status,
        kind: header.map(Header::kind),
        machine: header.map(Header::machine_name),
        characteristics: header.map(|header| format!("{:#06x}", header.characteristics)),
        swap_run: header.map(Header::swap_run),
        size_of_image: header.map(|header| header.size_of_image),
        checksum: header.map(|header| format!("{:#010x}", header.checksum)),
        signed: header.map(|header| header.signed),
        package: image.package.as_deref(),
        target: image.target.as_deref(),
        reason: verdict.reason.as_deref(),
        findings: &verdict.findings,
    }
}
