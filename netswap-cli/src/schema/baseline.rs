//! The schema of the baseline file.

use schemars::JsonSchema;

use super::parts::Code;

/// The known failures that `netswap verify --write-baseline` records and `--baseline` accepts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "netswap baseline")]
pub(super) struct Baseline {
    schema: SchemaName,
    /// The images with known failures.
    images: Vec<Image>,
}

/// The name and version of the schema.
#[derive(JsonSchema)]
enum SchemaName {
    #[schemars(rename = "netswap.baseline/1")]
    Baseline,
}

/// An image with known failures. It is accepted if all of its findings are known.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Image {
    /// Path with `/` on every system: relative to the folder of the baseline if the image is below
    /// it, or else absolute.
    path: String,
    /// The codes of the known findings.
    codes: Vec<Code>,
}
