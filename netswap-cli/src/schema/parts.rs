//! The parts that several schemas have in common.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A path.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Path {
    /// The path as it was given, or below a given folder. After a build, and in reports of undo, it
    /// is absolute. If it is not valid Unicode, the invalid parts are replaced by U+FFFD.
    path: String,
    /// All bytes of the path in hexadecimal, two digits each. On Windows, they are its UTF-16 code
    /// units in little-endian order. Exists only if `path` is not valid Unicode.
    #[schemars(skip_serializing_if = "absent", regex(pattern = r"^([0-9a-f]{2})+$"))]
    path_bytes: String,
}

/// A fault of a file, or a hazard of changing it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Finding {
    /// The kind of fault.
    code: Code,
    /// The fault, as a lower-case fragment without a full stop.
    message: String,
    /// The remedy. Can have several lines, with commands that are indented by four spaces. A
    /// command has `FILE` in place of the path.
    help: String,
}

/// The code of a finding. `netswap explain CODE` prints the full explanation.
pub(super) struct Code;

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        codes("The code of a finding. `netswap explain CODE` explains it.", |_| true)
    }
}

/// Returns the schema of the codes that the filter accepts, each with its summary.
pub(super) fn codes(description: &str, filter: fn(netswap::Code) -> bool) -> Schema {
    let codes = netswap::Code::ALL.iter().filter(|code| filter(**code));
    let each = |code: &netswap::Code| {
        let (name, summary) = (code.name(), code.summary());
        json_schema!({ "const": name, "description": summary })
    };
    let all: Vec<_> = codes.map(each).collect();
    json_schema!({ "type": "string", "description": description, "oneOf": all })
}

/// A bit that makes Windows copy an image to the page file before it runs.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(super) enum SwapRun {
    /// `IMAGE_FILE_NET_RUN_FROM_SWAP`, for an image on a network share.
    Net,
    /// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`, for an image on removable media.
    Cd,
}

/// The kind of an image.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A program.
    Exe,
    /// A library, plug-in or control that a program loads.
    Dll,
    /// A kernel-mode driver, or another part of the kernel.
    Driver,
    /// A program that runs before Windows does, such as its boot manager.
    Boot,
    /// A UEFI program or driver.
    Efi,
    /// A program for an Xbox.
    Xbox,
    /// A program for Windows CE.
    WindowsCe,
}

/// The machine that an image is for, or its number in hexadecimal if it has no name here.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(super) struct Machine(
    #[schemars(regex(pattern = "^(x64|x86|arm64|arm|ia64|0x[0-9a-f]{4})$"))] String,
);

/// The field `Characteristics` of the header: 16 bits in hexadecimal.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(super) struct Characteristics(#[schemars(regex(pattern = "^0x[0-9a-f]{4}$"))] String);

/// A checksum: 32 bits in hexadecimal.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(super) struct Checksum(#[schemars(regex(pattern = "^0x[0-9a-f]{8}$"))] String);

/// A date and time in UTC, as in RFC 3339: `2026-11-28T17:46:19Z`. Can have a fraction of a second.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(super) struct Time(
    #[schemars(regex(
        pattern = r"^-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$"
    ))]
    String,
);

/// The maker of a file, as the file names it. netswap verifies none of it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Maker {
    /// The name in the signature: the common name of the signer's certificate, or else the
    /// organization or the whole subject.
    signer: Option<String>,
    /// `CompanyName` in the version resource.
    vendor: Option<String>,
    /// `ProductName` in the version resource.
    product: Option<String>,
}

/// The mark of an incomplete report.
#[derive(JsonSchema)]
pub(super) struct Interrupted {
    /// `true` if Ctrl-C or a signal ended the command early. A complete report has no such field.
    #[schemars(skip_serializing_if = "absent", extend("const" = true))]
    interrupted: bool,
}
