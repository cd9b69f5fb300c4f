//! The schema of the list of `netswap undo --list`.

use schemars::JsonSchema;

use super::parts::{Path, Time};

/// A list of `netswap undo --list`: the document of `--format json`, or one line of `--format
/// ndjson`.
#[derive(JsonSchema)]
#[schemars(untagged, title = "netswap undo --list")]
pub(super) enum Report {
    Document(Document),
    Line(Line),
}

/// The document of `--format json`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Document {
    schema: SchemaName,
    /// The journals. The newest is last.
    journals: Vec<Journal>,
}

/// A line of `--format ndjson`: one for each journal. There is no summary.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    Journal(Journal),
}

/// The name and version of the schema.
#[derive(JsonSchema)]
enum SchemaName {
    #[schemars(rename = "netswap.journals/1")]
    Journals,
}

/// A journal of `netswap patch`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Journal {
    #[schemars(flatten)]
    path: Path,
    /// When patch began.
    created: Time,
    /// Number of files that it lists.
    files: u64,
}
