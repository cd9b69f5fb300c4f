//! The schema of the policy.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::parts::{SwapRun, codes};

/// A policy for `netswap verify`: `netswap.toml`, or the table `[package.metadata.netswap]` or
/// `[workspace.metadata.netswap]` of a `Cargo.toml`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case", title = "netswap policy")]
pub(super) struct Policy {
    /// The bits that every image must have. The default is `["net"]`.
    #[schemars(skip_serializing_if = "absent")]
    swap_run: Vec<SwapRun>,
    /// The exceptions.
    #[schemars(skip_serializing_if = "absent")]
    allow: Vec<Exception>,
}

/// An exception: images that may fail. It has at least one condition, and all of its conditions
/// must hold.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("anyOf" = [
        { "required": ["image"] },
        { "required": ["signed"] },
        { "required": ["signer"] },
        { "required": ["code"] },
    ])
)]
struct Exception {
    /// Condition: the name or the path of the image matches this glob. A glob without a separator
    /// is matched against file names. Case is ignored.
    #[schemars(skip_serializing_if = "absent", regex(pattern = r"\S"))]
    image: String,
    /// Condition: the image has a signature. The only value is `true`.
    #[schemars(skip_serializing_if = "absent", extend("const" = true))]
    signed: bool,
    /// Condition: the name of the signer matches this glob. Only the program `netswap` reads
    /// signatures, not an xtask.
    #[schemars(skip_serializing_if = "absent", regex(pattern = r"\S"))]
    signer: String,
    /// Condition: all findings of the image have this code. Without it, only missing bits are
    /// allowed.
    #[schemars(skip_serializing_if = "absent")]
    code: ExcusableCode,
    /// The last day on which the exception is valid, in UTC: `2027-06-30`.
    #[schemars(skip_serializing_if = "absent", regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    until: String,
    /// Why the images may fail. Every report shows it.
    #[schemars(regex(pattern = r"\S"))]
    reason: String,
}

/// The code of a finding that an exception can excuse.
struct ExcusableCode;

impl JsonSchema for ExcusableCode {
    fn schema_name() -> Cow<'static, str> {
        "ExcusableCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        codes("The code of a finding that an exception can excuse.", |code| {
            code.is_missing_bit() || code.is_broken_image()
        })
    }
}
