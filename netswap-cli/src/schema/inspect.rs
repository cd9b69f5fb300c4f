//! The schema of the reports of `netswap inspect`.

use schemars::JsonSchema;

use super::parts::{
    Characteristics, Checksum, Code, Finding, Interrupted, Kind, Machine, Maker, Path, SwapRun,
};
use crate::hazards::Severity;
use crate::inspect::inspection::ChecksumState;

/// A report of `netswap inspect`: the document of `--format json`, or one line of `--format
/// ndjson`.
#[derive(JsonSchema)]
#[schemars(untagged, title = "netswap inspect")]
pub(super) enum Report {
    Document(Document),
    Line(Line),
}

/// The document of `--format json`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Document {
    schema: SchemaName,
    /// The files, in the order of their paths.
    images: Vec<File>,
    #[schemars(flatten)]
    interrupted: Interrupted,
}

/// A file of the report.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum File {
    Image(Image),
    NotInspected(NotInspected),
}

/// A line of `--format ndjson`: one for each file. Only an incomplete report has a summary.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    Image(Image),
    #[schemars(rename = "image")]
    NotInspected(NotInspected),
    Summary(Summary),
}

/// The last line of an incomplete report.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Summary {
    schema: SchemaName,
    #[schemars(flatten)]
    interrupted: Interrupted,
}

/// The name and version of the schema.
#[derive(JsonSchema)]
enum SchemaName {
    #[schemars(rename = "netswap.inspect/1")]
    Inspect,
}

/// A file that is not an image, is malformed, or was not read.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct NotInspected {
    #[schemars(flatten)]
    path: Path,
    /// The reason.
    findings: [Finding; 1],
}

/// An image: its headers, and the tables that they point to.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Image {
    #[schemars(flatten)]
    path: Path,
    kind: Kind,
    machine: Machine,
    format: Format,
    characteristics: Characteristics,
    /// The run-from-swap bits that are set.
    swap_run: Vec<SwapRun>,
    /// The field `Subsystem` of the header, an `IMAGE_SUBSYSTEM_*` value. 2 is a program with
    /// windows, 3 a console program.
    subsystem: u16,
    /// Size of the file in bytes.
    file_size: u64,
    /// The field `SizeOfImage` of the header: size of the loaded image in bytes.
    size_of_image: u32,
    /// Commit in bytes that the image needs on each machine that runs it from a share with a bit
    /// set: `size_of_image`, rounded up to pages of 4,096 bytes.
    commit: u64,
    checksum: ChecksumFields,
    certificate_table: CertificateTable,
    /// Whether it is a .NET assembly.
    managed: bool,
    /// The state of the strong name. Null if the image is not a .NET assembly, or if its CLR header
    /// can't be read.
    strong_name: Option<StrongName>,
    /// The DLLs in the import table and in the delay-load import table.
    imports: Vec<Import>,
    /// Why the import table can't be read completely. Null if it can.
    import_problem: Option<String>,
    /// Why the delay-load import table can't be read completely. Null if it can.
    delay_import_problem: Option<String>,
    maker: Maker,
    /// The hazards of a change by `netswap patch`.
    hazards: Vec<Hazard>,
    /// The faults.
    findings: Vec<Finding>,
}

/// The format of an image.
#[derive(JsonSchema)]
enum Format {
    /// 32 bits.
    #[schemars(rename = "PE32")]
    Pe32,
    /// 64 bits.
    #[schemars(rename = "PE32+")]
    Pe32Plus,
}

/// The checksum of an image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ChecksumFields {
    /// The field `CheckSum` of the header.
    stored: Checksum,
    /// The checksum of the file's bytes.
    computed: Checksum,
    state: ChecksumState,
}

/// The certificate table, which holds the signature. netswap does not verify signatures.
#[derive(JsonSchema)]
#[schemars(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
enum CertificateTable {
    /// The image has none, so it is not signed.
    Absent {},
    /// The headers point outside the file, so it is not signed.
    OutsideFile {
        /// Offset in the file in bytes, according to the headers.
        offset: u32,
        /// Size in bytes, according to the headers.
        size: u32,
    },
    /// The entries follow one another and fill the table.
    WellFormed {
        /// Offset in the file in bytes.
        offset: u32,
        /// Size in bytes.
        size: u32,
        /// Number of entries.
        entries: u32,
    },
    /// The table violates the PE format.
    Malformed {
        /// Offset in the file in bytes.
        offset: u32,
        /// Size in bytes.
        size: u32,
        /// The violation.
        why: String,
    },
}

/// The state of a .NET assembly's strong name.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum StrongName {
    /// It has none.
    None,
    /// It has space for one that is added later.
    DelaySigned,
    /// It has one, which a change would break.
    Signed,
}

/// A DLL that the image imports.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Import {
    /// The name in the table.
    name: String,
    /// Whether Windows loads it when one of its functions is first called.
    delayed: bool,
    /// The files of that name in the image's own folder. None for most DLLs of Windows. Several
    /// only on a system that distinguishes case.
    beside: Vec<Sibling>,
}

/// A file in the image's own folder.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Sibling {
    #[schemars(flatten)]
    path: Path,
    /// The run-from-swap bits that are set in it. Null if it is unreadable, offline or not an
    /// image.
    swap_run: Option<Vec<SwapRun>>,
}

/// Something that a change would break.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Hazard {
    code: Code,
    /// The hazard, as a lower-case fragment without a full stop.
    message: String,
    /// The remedy.
    help: String,
    severity: Severity,
}
