//! The schemas of the reports of `netswap patch` and `netswap undo`.

use schemars::JsonSchema;

use super::parts::{
    Characteristics, Checksum, Finding, Interrupted, Kind, Machine, Maker, Path, SwapRun,
};

/// A report of `netswap patch`: the document of `--format json`, or one line of `--format ndjson`.
#[derive(JsonSchema)]
#[schemars(untagged, title = "netswap patch")]
pub(super) enum PatchReport {
    Document(Document<PatchSchema, PatchStatus>),
    Line(Line<PatchSchema, PatchStatus>),
}

/// A report of `netswap undo`: the document of `--format json`, or one line of `--format ndjson`.
#[derive(JsonSchema)]
#[schemars(untagged, title = "netswap undo")]
pub(super) enum UndoReport {
    Document(Document<UndoSchema, UndoStatus>),
    Line(Line<UndoSchema, UndoStatus>),
}

/// The document of `--format json`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Document")]
pub(super) struct Document<Schema, Status> {
    schema: Schema,
    /// The files. Those of patch are in the order of their paths.
    files: Vec<File<Status>>,
    #[schemars(flatten)]
    end: End,
}

/// A line of `--format ndjson`: one for each file, then the summary.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "lowercase", rename = "Line")]
pub(super) enum Line<Schema, Status> {
    File(File<Status>),
    Summary(Summary<Schema>),
}

/// The last line.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Summary")]
pub(super) struct Summary<Schema> {
    schema: Schema,
    #[schemars(flatten)]
    end: End,
}

/// The name and version of the schema.
#[derive(JsonSchema)]
#[schemars(rename = "SchemaName")]
pub(super) enum PatchSchema {
    #[schemars(rename = "netswap.patch/1")]
    Patch,
}

/// The name and version of the schema.
#[derive(JsonSchema)]
#[schemars(rename = "SchemaName")]
pub(super) enum UndoSchema {
    #[schemars(rename = "netswap.undo/1")]
    Undo,
}

/// The fields about all files.
#[derive(JsonSchema)]
struct End {
    /// The journal that `netswap patch` wrote. Null if it changed nothing. In a report of undo it
    /// is null, or the journal to undo again after an interrupt.
    journal: Option<Path>,
    summary: Counts,
    #[schemars(flatten)]
    interrupted: Interrupted,
}

/// A file, and what was done with it.
///
/// `kind`, `machine`, `before` and `after` are null if the header was not read.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "File")]
pub(super) struct File<Status> {
    #[schemars(flatten)]
    path: Path,
    status: Status,
    kind: Option<Kind>,
    machine: Option<Machine>,
    /// The header before the change.
    before: Option<Header>,
    /// The header after the change. The same as `before` if nothing was changed.
    after: Option<Header>,
    /// Why the file was skipped. Null for another status.
    reason: Option<String>,
    /// Why the file was refused or not read.
    findings: Vec<Finding>,
    /// The hazards of the change. Includes the refusals that an option accepted.
    warnings: Vec<Finding>,
    /// The maker of a signed file that was refused. Null for other files.
    maker: Option<Maker>,
}

/// The result of `netswap patch` for a file.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case", rename = "Status")]
pub(super) enum PatchStatus {
    /// Its bits were changed.
    Patched,
    /// With `--dry-run`: its bits would have been changed.
    WouldPatch,
    /// It has the bits already.
    Unchanged,
    /// It needs no change. `reason` says why.
    Skipped,
    /// The change would break it, or the system does not allow the change.
    Refused,
    /// It could not be read.
    Unreadable,
    /// It was not read, because its content is in the cloud or on tape.
    Offline,
}

/// The result of `netswap undo` for a file.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case", rename = "Status")]
pub(super) enum UndoStatus {
    /// Its original bytes were restored.
    Restored,
    /// With `--dry-run`: its original bytes would have been restored.
    WouldRestore,
    /// It has its original bytes already.
    Unchanged,
    /// It needs no change. `reason` says why.
    Skipped,
    /// It has changed since the patch, or the system does not allow the change.
    Refused,
    /// It could not be read.
    Unreadable,
    /// It was not read, because its content is in the cloud or on tape.
    Offline,
}

/// The fields of a header that a change can affect.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Header {
    characteristics: Characteristics,
    /// The run-from-swap bits that are set.
    swap_run: Vec<SwapRun>,
    /// The field `CheckSum` of the header. `0x00000000` means that the image has none.
    checksum: Checksum,
}

/// The number of files by result.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Counts {
    /// All files.
    files: u64,
    /// Files that were changed, or would be in a dry run.
    changed: u64,
    unchanged: u64,
    skipped: u64,
    refused: u64,
    /// Files that are not images.
    not_images: u64,
    /// Files and folders that could not be read.
    unreadable: u64,
    /// Files that were not read, because their content is in the cloud or on tape.
    offline: u64,
    /// Changed files with a warning. They are a part of `changed`.
    warned: u64,
    /// Duration in seconds.
    #[schemars(range(min = 0))]
    seconds: f64,
}
