//! The report of `netswap inspect`, for people and for programs.

use std::io::{self, Write};
use std::path::Path;

use anstyle::Style;
use netswap::Format;
use netswap::image::{CertificateTable, StrongName};
use netswap::report::json_stream::{JsonStream, Names, interrupted};
use netswap::report::lines::{write_text, write_wrapped};
use netswap::style::{BAD, CAUTION, GOOD, NAME, write_interrupted};
use netswap::text::{PathFields, Printable, one_line, plural};
use netswap::{Finding, SwapRun};
use serde::Serialize;

use crate::hazards::{Hazard, Severity};
use crate::inspect::inspection::{ChecksumState, Inspected, Inspection};
use crate::maker::Maker;
use crate::text::{ROW_INDENT, bytes, write_rows};

const NAMES: Names = Names { schema: "netswap.inspect/1", list: "images", line: "image" };

/// A report, written image by image.
pub(crate) struct InspectReport<W> {
    out: W,
    /// `None` in the format for people.
    objects: Option<JsonStream>,
    files: u64,
    /// The number of files that have findings.
    with_findings: u64,
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    path: PathFields<'a>,
    #[serde(flatten)]
    inspection: Option<&'a Inspection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<[&'a Finding; 1]>,
}

impl<W: Write> InspectReport<W> {
    pub(crate) fn new(format: Format, out: W) -> Self {
        let objects = (format != Format::Human).then(|| JsonStream::new(NAMES, format));
        InspectReport { out, objects, files: 0, with_findings: 0 }
    }

    pub(crate) fn image(&mut self, inspected: &Inspected) -> io::Result<()> {
        let is_first = self.files == 0;
        self.files += 1;
        let is_sound = |inspection: &Inspection| inspection.findings.is_empty();
        if !inspected.result.as_deref().is_ok_and(is_sound) {
            self.with_findings += 1;
        }
        if let Some(objects) = &mut self.objects {
            return objects.append(&json(inspected)?, &mut self.out);
        }
        if !is_first {
            writeln!(self.out)?;
        }
        self.out.write_all(&human(inspected)?)
    }

    /// Formats the number of files: `3 files: 1 with findings`.
    pub(crate) fn summary(&self) -> String {
        let files = plural(self.files, "file", "files");
        match self.with_findings {
            0 => files,
            count => format!("{files}: {count} with findings"),
        }
    }

    pub(crate) fn end(mut self, is_interrupted: bool) -> io::Result<()> {
        if let Some(objects) = self.objects {
            let fields: Vec<_> = interrupted(is_interrupted)?.into_iter().collect();
            objects.end(&fields, &mut self.out)?;
        } else if is_interrupted {
            if self.files > 0 {
                writeln!(self.out)?;
            }
            write_interrupted("some files were not read", &mut self.out)?;
        }
        self.out.flush()
    }

    pub(crate) fn out(&mut self) -> &mut W {
        &mut self.out
    }
}

/// Renders one image for programs.
fn json(inspected: &Inspected) -> io::Result<Vec<u8>> {
    let object = Object {
        path: PathFields::new(&inspected.path),
        inspection: inspected.result.as_deref().ok(),
        findings: inspected.result.as_ref().err().map(|finding| [finding]),
    };
    Ok(serde_json::to_vec(&object)?)
}

/// Renders one image for people.
fn human(inspected: &Inspected) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    writeln!(out, "{NAME}{}{NAME:#}", Printable(&inspected.path))?;
    let inspection = match &inspected.result {
        Ok(inspection) => inspection,
        Err(finding) => {
            write_finding(finding, &mut out)?;
            return Ok(out);
        }
    };
    let rows = [
        ("kind", kind(inspection)),
        ("made by", maker(&inspection.maker)),
        ("swap-run", swap_run(&inspection.swap_run)),
        ("commit", commit(inspection)),
        ("checksum", checksum(inspection)),
        ("signature", signature(inspection)),
        ("strong name", strong_name(inspection)),
        ("imports", imports(inspection)),
        ("patching", patching(&inspection.hazards)),
    ];
    write_rows(&rows.map(|(label, text)| (label, wrapped(&text))), &mut out)?;
    inspection.findings.iter().try_for_each(|finding| write_finding(finding, &mut out))?;
    Ok(out)
}

/// Wraps the text of a row.
fn wrapped(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        // A vector takes all bytes.
        let _ = write_wrapped(line.split(' '), " ", ROW_INDENT, &mut lines);
    }
    let lines = String::from_utf8_lossy(&lines);
    lines.lines().map(str::trim_start).collect::<Vec<_>>().join("\n")
}

fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let text = format!("{BAD}{}{BAD:#}: {}", finding.code, finding.message);
    write_wrapped(text.split(' '), " ", 2, out)?;
    write_text(&finding.help, None, 2, out)
}

fn kind(inspection: &Inspection) -> String {
    let Inspection { kind, machine, format, file_size, .. } = inspection;
    format!("{} for {machine}, {format}, {}", kind.name(), bytes(*file_size))
}

fn swap_run(bits: &[SwapRun]) -> String {
    let state = |bit: SwapRun| {
        let is_set = bits.contains(&bit);
        let (style, word) = if is_set { (GOOD, "set") } else { (Style::new(), "not set") };
        format!("{:<4}{style}{word:<8}{style:#}{}", bit.name(), bit.constant())
    };
    SwapRun::ALL.map(state).join("\n")
}

fn commit(inspection: &Inspection) -> String {
    let once = if inspection.swap_run.is_empty() { ", once a bit is set" } else { "" };
    format!("{} on each machine that runs it from a share{once}", bytes(inspection.commit))
}

fn checksum(inspection: &Inspection) -> String {
    let checksum = &inspection.checksum;
    match checksum.state {
        ChecksumState::None => "none".to_owned(),
        ChecksumState::Valid => format!("{}, {GOOD}valid{GOOD:#}", checksum.stored),
        ChecksumState::Stale => {
            format!("{}, {BAD}wrong{BAD:#}: it should be {}", checksum.stored, checksum.computed)
        }
    }
}

/// Formats the vendor and the product: `Contoso Ltd (Contoso Tools)`.
fn maker(maker: &Maker) -> String {
    match (maker.vendor.as_deref().map(one_line), maker.product.as_deref().map(one_line)) {
        (Some(vendor), Some(product)) => format!("{vendor} ({product})"),
        (vendor, product) => vendor.or(product).unwrap_or_default(),
    }
}

fn signature(inspection: &Inspection) -> String {
    match inspection.certificate_table {
        CertificateTable::Absent => "none".to_owned(),
        CertificateTable::Outside { offset, size } => format!(
            "none: the headers name {} at {offset:#x}, outside the file",
            plural(size.into(), "byte", "bytes")
        ),
        CertificateTable::WellFormed { offset, size, entries } => {
            let signer = inspection.maker.signer.as_deref();
            let signer = signer.map(|signer| one_line(signer) + "\n").unwrap_or_default();
            let entries = plural(entries.into(), "entry", "entries");
            format!(
                "{signer}certificate table of {entries}, {} at {offset:#x}; not verified",
                plural(size.into(), "byte", "bytes")
            )
        }
        CertificateTable::Malformed { offset, size, why } => {
            let size = plural(size.into(), "byte", "bytes");
            format!("{BAD}malformed{BAD:#} certificate table, {size} at {offset:#x}: {why}")
        }
    }
}

fn strong_name(inspection: &Inspection) -> String {
    match inspection.strong_name {
        _ if !inspection.managed => String::new(),
        Some(StrongName::Signed) => "signed".to_owned(),
        Some(StrongName::DelaySigned) => "delay-signed (space is reserved)".to_owned(),
        Some(StrongName::None) => "none".to_owned(),
        None => "unknown".to_owned(),
    }
}

fn imports(inspection: &Inspection) -> String {
    let (mut lines, mut elsewhere) = (Vec::new(), Vec::<String>::new());
    for import in &inspection.imports {
        let name = one_line(&import.name);
        // Some linkers name a DLL several times.
        let is_listed = elsewhere.iter().any(|other| other.eq_ignore_ascii_case(&name));
        if import.beside.is_empty() && !is_listed {
            elsewhere.push(name);
        }
        for dll in &import.beside {
            let state = match &dll.swap_run {
                Some(bits) if bits.contains(&SwapRun::Net) => format!("{GOOD}protected{GOOD:#}"),
                Some(_) => format!("{BAD}not protected{BAD:#}"),
                None => format!("{BAD}unreadable or not an image{BAD:#}"),
            };
            let name = dll.path.file_name().map_or(dll.path.as_path(), Path::new);
            lines.push(format!("{} in the same folder, {state}", Printable(name)));
        }
    }
    if !elsewhere.is_empty() {
        lines.push(elsewhere.join(", "));
    }
    let problems = [
        ("import table", inspection.import_problem),
        ("delay-load import table", inspection.delay_import_problem),
    ];
    for (table, problem) in problems {
        lines.extend(problem.map(|why| format!("{BAD}unreadable{BAD:#} {table}: {why}")));
    }
    if lines.is_empty() { "none".to_owned() } else { lines.join("\n") }
}

/// Formats what `netswap patch` would say. Empty if it would change the file without a word.
fn patching(hazards: &[Hazard]) -> String {
    let line = |Hazard { finding, severity }: &Hazard| {
        let (style, word) = match severity {
            Severity::Final | Severity::Refusal => (BAD, "refused"),
            Severity::Warning => (CAUTION, "warning"),
        };
        format!("{style}{word}{style:#}: {}: {}", finding.code, finding.message)
    };
    hazards.iter().map(line).collect::<Vec<_>>().join("\n")
}
