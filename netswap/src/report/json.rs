//! The report of `netswap verify` for programs, in JSON.

use std::io::{self, Write};

use serde_core::ser::{Serialize, SerializeMap, Serializer};

use super::json_stream::{JsonStream, Names, field, interrupted};
use super::{Format, Report};
use crate::day::utc;
use crate::json::write_fields;
use crate::policy::Policy;
use crate::text::PathFields;
use crate::verify::{Verification, VerifiedImage};
use crate::{Code, Header, SwapRun};

const NAMES: Names = Names { schema: "netswap.verify/1", list: "images", line: "image" };

/// The policy: the default of all tables, and the content of each table.
struct PolicyObject<'a> {
    default: Vec<SwapRun>,
    sources: Vec<Source<'a>>,
    ignored: Option<PathFields<'a>>,
}

struct Source<'a> {
    path: PathFields<'a>,
    swap_run: Option<&'a [SwapRun]>,
    allow: Vec<Exception<'a>>,
}

struct Exception<'a> {
    image: Option<&'a str>,
    signed: bool,
    signer: Option<&'a str>,
    code: Option<Code>,
    until: Option<String>,
    reason: &'a str,
    matched: u64,
}

struct ImageObject<'a>(&'a VerifiedImage);

write_fields!(PolicyObject<'a> { default, sources, ignored });
write_fields!(Source<'a> { ..path, swap_run, allow });
write_fields!(Exception<'a> { image, signed, signer, code, until, reason, matched });

impl Serialize for ImageObject<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let VerifiedImage { path, modified, verdict, package, target } = self.0;
        let header = verdict.header.as_ref();
        let characteristics = header.map(|header| format!("{:#06x}", header.characteristics));
        let checksum = header.map(|header| format!("{:#010x}", header.checksum));
        let mut object = to.serialize_map(None)?;
        PathFields::new(path).write_to(&mut object)?;
        object.serialize_entry("status", &verdict.status)?;
        object.serialize_entry("modified", &modified.and_then(utc))?;
        object.serialize_entry("kind", &header.map(Header::kind))?;
        object.serialize_entry("machine", &header.map(Header::machine_name))?;
        object.serialize_entry("characteristics", &characteristics)?;
        object.serialize_entry("swap_run", &header.map(Header::swap_run))?;
        object.serialize_entry("size_of_image", &header.map(|header| header.size_of_image))?;
        object.serialize_entry("checksum", &checksum)?;
        object.serialize_entry("signed", &header.map(|header| header.signed))?;
        object.serialize_entry("signer", &verdict.signer)?;
        object.serialize_entry("package", package)?;
        object.serialize_entry("target", target)?;
        object.serialize_entry("reason", &verdict.reason)?;
        object.serialize_entry("findings", &verdict.findings)?;
        object.end()
    }
}

pub(super) struct Json {
    objects: JsonStream,
}

impl Json {
    pub(super) fn new(format: Format) -> Self {
        Json { objects: JsonStream::new(NAMES, format) }
    }
}

impl Report for Json {
    fn image(&mut self, image: &VerifiedImage, out: &mut dyn Write) -> io::Result<()> {
        self.objects.append(&render(image)?, out)
    }

    /// Writes the policy, the baseline and the summary. The number of matches of each exception is
    /// known only now.
    fn end(self: Box<Self>, outcome: &Verification, out: &mut dyn Write) -> io::Result<()> {
        let mut fields = Vec::new();
        fields.push(field("policy", &policy(outcome))?);
        if let Some(baseline) = &outcome.baseline {
            fields.push(field("baseline", baseline)?);
        }
        fields.push(field("summary", &outcome.summary)?);
        fields.extend(interrupted(outcome.is_interrupted)?);
        self.objects.end(&fields, out)
    }
}

/// Renders an image without knowledge of the other images.
fn render(image: &VerifiedImage) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&ImageObject(image))?)
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
                signed: allow.signed,
                signer: allow.signer(),
                code: allow.code,
                until: allow.until.map(|day| day.to_string()),
                reason: &allow.reason,
                matched: allow.matched(),
            })
            .collect(),
    });
    PolicyObject {
        default: Policy::default().swap_run().to_vec(),
        sources: sources.collect(),
        ignored: outcome.ignored_policy.as_deref().map(PathFields::new),
    }
}
