//! The schema of the reports of `netswap verify`.

use schemars::JsonSchema;

use super::parts::{
    Characteristics, Checksum, Code, Finding, Interrupted, Kind, Machine, Path, SwapRun, Time,
};

/// A report of `netswap verify`: the document of `--format json`, or one line of `--format ndjson`.
#[derive(JsonSchema)]
#[schemars(untagged, title = "netswap verify")]
pub(super) enum Report {
    Document(Document),
    Line(Line),
}

/// The document of `--format json`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Document {
    schema: SchemaName,
    /// The images, in the order of their paths.
    images: Vec<Image>,
    #[schemars(flatten)]
    end: End,
}

/// A line of `--format ndjson`: one for each image, then the summary.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    Image(Image),
    Summary(Summary),
}

/// The last line.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Summary {
    schema: SchemaName,
    #[schemars(flatten)]
    end: End,
}

/// The name and version of the schema.
#[derive(JsonSchema)]
enum SchemaName {
    #[schemars(rename = "netswap.verify/1")]
    Verify,
}

/// The fields about all images.
#[derive(JsonSchema)]
struct End {
    policy: Policy,
    /// Exists only with `--baseline` or `--write-baseline`.
    #[schemars(skip_serializing_if = "absent")]
    baseline: Baseline,
    summary: Counts,
    #[schemars(flatten)]
    interrupted: Interrupted,
}

/// An image, a file with the beginning of one, or a file that was not read.
///
/// `kind`, `machine`, `characteristics`, `swap_run`, `size_of_image`, `checksum` and `signed` are
/// null if the header was not read.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Image {
    #[schemars(flatten)]
    path: Path,
    status: Status,
    /// When the file was last changed. Null if the file was not opened, or was last changed before
    /// 1970.
    modified: Option<Time>,
    kind: Option<Kind>,
    machine: Option<Machine>,
    characteristics: Option<Characteristics>,
    /// The run-from-swap bits that are set.
    swap_run: Option<Vec<SwapRun>>,
    /// Size of the loaded image in bytes: the commit that it needs when it runs from swap.
    size_of_image: Option<u32>,
    /// The field `CheckSum` of the header. `0x00000000` means that the image has none.
    checksum: Option<Checksum>,
    /// Whether the file has a certificate table, which holds its signature.
    signed: Option<bool>,
    /// The name in the signature, which netswap does not verify. Null unless a signed image failed.
    signer: Option<String>,
    /// The package that Cargo built it from. Null without a build.
    package: Option<String>,
    /// The target triple that Cargo built it for. Null without a build.
    target: Option<String>,
    /// Why the image is allowed. Null for another status.
    reason: Option<String>,
    /// The faults. An image that passed has one if its delay-load import table can't be read
    /// completely.
    findings: Vec<Finding>,
}

/// The result for an image.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Status {
    /// It has every bit that the policy requires.
    Passed,
    /// It has a fault that is not allowed.
    Failed,
    /// It need not have the bits: the policy or the baseline allows it, or Windows does not load
    /// it.
    Allowed,
    /// It could not be read.
    Unreadable,
    /// It was not read, because its content is in the cloud or on tape.
    Offline,
}

/// The policy in force.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Policy {
    /// The bits that are required without a policy.
    default: Vec<SwapRun>,
    /// The files that the policy consists of.
    sources: Vec<PolicySource>,
    /// The first `netswap.toml` in the folders, which was not read, or null.
    ignored: Option<Path>,
}

/// A file of the policy.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PolicySource {
    #[schemars(flatten)]
    path: Path,
    /// The bits that the file requires. Null if it does not set them.
    swap_run: Option<Vec<SwapRun>>,
    /// Its exceptions.
    allow: Vec<Exception>,
}

/// An exception of the policy. A condition that it does not have is null.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Exception {
    /// Glob for the name or the path of the image.
    image: Option<String>,
    /// Whether it applies only to signed images.
    signed: bool,
    /// Glob for the name of the signer.
    signer: Option<String>,
    /// The only code that the findings of the image may have.
    code: Option<Code>,
    /// The last day on which the exception is valid, in UTC.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    until: Option<String>,
    /// The reason in the policy.
    reason: String,
    /// Number of images to which it applied.
    matched: u64,
}

/// The result of the comparison with the baseline.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Baseline {
    /// The file.
    source: Path,
    /// Number of failures in it.
    known: u64,
    /// The entries that no longer occur. Those outside of the checked paths are not listed.
    stale: Vec<StaleEntry>,
}

/// An entry of the baseline that no longer occurs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct StaleEntry {
    /// The path in the baseline.
    path: String,
    /// The code in the baseline.
    code: String,
}

/// The number of files by result.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Counts {
    /// All files.
    files: u64,
    /// Images, including broken ones: `passed`, `failed` and `allowed` together.
    images: u64,
    passed: u64,
    failed: u64,
    allowed: u64,
    /// Files that are not images.
    not_images: u64,
    /// Files and folders that could not be read.
    unreadable: u64,
    /// Files that were not read, because their content is in the cloud or on tape.
    offline: u64,
    /// Duration in seconds, including the build.
    #[schemars(range(min = 0))]
    seconds: f64,
}
