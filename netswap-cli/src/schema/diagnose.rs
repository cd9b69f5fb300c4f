//! The schema of the reports of `netswap diagnose`.

use schemars::JsonSchema;

use super::parts::{Interrupted, Path, SwapRun, Time};
use crate::diagnose::crash::{Access, Advice, Bit};

/// A report of `netswap diagnose`: the document of `--format json`, or one line of `--format
/// ndjson`.
#[derive(JsonSchema)]
#[schemars(untagged, title = "netswap diagnose")]
pub(super) enum Report {
    Document(Document),
    Line(Line),
}

/// The document of `--format json`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Document {
    schema: SchemaName,
    /// The dumps and reports, in the order of their paths.
    crashes: Vec<File>,
    #[schemars(flatten)]
    end: End,
}

/// A dump or report.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum File {
    Crash(Crash),
    NotRead(NotRead),
}

/// A line of `--format ndjson`: one for each dump or report, then the groups.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    Crash(Crash),
    #[schemars(rename = "crash")]
    NotRead(NotRead),
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
    #[schemars(rename = "netswap.diagnose/1")]
    Diagnose,
}

/// The fields about all crashes.
#[derive(JsonSchema)]
struct End {
    /// The crashes, grouped by what they have in common.
    groups: Vec<Group>,
    #[schemars(flatten)]
    interrupted: Interrupted,
}

/// A file that could not be read as a crash.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct NotRead {
    #[schemars(flatten)]
    path: Path,
    /// The reason.
    error: String,
}

/// A crash, its cause, and what helps.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Crash {
    #[schemars(flatten)]
    path: Path,
    cause: Cause,
    /// Path of the program as Windows recorded it, or its name. Null if it is not recorded.
    program: Option<String>,
    /// When the program crashed. Null if it is not recorded.
    time: Option<Time>,
    exception: Status,
    /// The access to the page that could not be read. Null if it is not recorded.
    access: Option<Access>,
    /// The address that could not be read. Null if it is not recorded.
    address: Option<Hexadecimal>,
    /// Why Windows could not read the page. Null after another exception, or if it is not recorded.
    status: Option<Status>,
    /// The symbolic name of `status`, such as `STATUS_CONNECTION_DISCONNECTED`. Null if netswap
    /// does not know it.
    status_name: Option<String>,
    place: Place,
    /// Offset of `address` in its image. Null if the image is unknown.
    offset: Option<Hexadecimal>,
    /// The image that the page belonged to, or may have belonged to. Null if it is unknown.
    image: Option<Image>,
    /// Other loaded images of the same share.
    others: Vec<Image>,
    /// Whether the dump is incomplete.
    is_cut_off: bool,
    /// The remedies, the most important first.
    advice: Vec<Advice>,
    error: Nothing,
}

/// Null, because the file was read.
#[derive(JsonSchema)]
#[schemars(transparent, inline)]
struct Nothing(());

/// An NTSTATUS in hexadecimal, as in Microsoft's documentation: `0xC0000006`.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Status(#[schemars(regex(pattern = "^0x[0-9A-F]{8}$"))] String);

/// An address or offset in bytes, in hexadecimal.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Hexadecimal(#[schemars(regex(pattern = "^0x[0-9a-f]{1,16}$"))] String);

/// The cause of a crash. `netswap explain CAUSE` prints the full explanation.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Cause {
    /// The connection to a share was lost.
    ShareLost,
    /// A page could not be read, and the cause is unknown.
    CauseUnclear,
    /// A disk could not be read.
    DiskFailed,
    /// A medium was removed or is damaged.
    MediumFailed,
    /// Windows lacked memory to read a page.
    NoProgress,
    /// Something other than an unreadable page.
    NotAnInPageError,
}

/// The kind of memory that the page belonged to.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Place {
    /// An image.
    Image,
    /// Perhaps the image of the instruction that failed.
    Instruction,
    /// A file that is mapped as data, or shared memory.
    Mapped,
    /// The program's private memory.
    Private,
    /// No image that the dump lists: a mapped file, or other memory.
    Memory,
    /// Not recorded.
    NotTold,
}

/// A loaded image.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Image {
    /// Its path as Windows recorded it.
    path: String,
    origin: Origin,
    bit: Bit,
    bits: Bits,
}

/// The origin of an image, as far as its path shows.
#[derive(JsonSchema)]
#[schemars(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Origin {
    /// A share.
    Share {
        /// Server and share: `\\server\share`.
        share: String,
    },
    /// A folder of a web server.
    WebDav {
        /// Server and folder: `\\server@SSL\DavWWWRoot`.
        share: String,
    },
    /// A drive that can be a local volume or a share.
    Drive {
        /// Its letter in upper case.
        drive: char,
    },
    /// Windows' own folder.
    System {},
    /// A local volume.
    Local {},
    /// A CD or a floppy disk.
    Removable {},
    /// The path does not show it.
    Unknown {},
}

/// The bits of an image, and where they were read.
#[derive(JsonSchema)]
#[schemars(tag = "from", rename_all = "kebab-case", deny_unknown_fields)]
enum Bits {
    /// In its header, which is in the dump.
    Dump {
        /// The bits that are set.
        swap_run: Vec<SwapRun>,
    },
    /// In its file, which has the same time stamp and size.
    File {
        #[schemars(flatten)]
        path: Path,
        /// The bits that are set.
        swap_run: Vec<SwapRun>,
    },
    /// In a file with the same name, time stamp and size, which may have been changed since the
    /// crash.
    Later {
        #[schemars(flatten)]
        path: Path,
        /// The bits that are set.
        swap_run: Vec<SwapRun>,
    },
    /// In a file with the same name, which may be another build.
    SameName {
        #[schemars(flatten)]
        path: Path,
        /// The bits that are set.
        swap_run: Vec<SwapRun>,
    },
    /// Nowhere: the file with the same name could not be read.
    Unreadable {
        #[schemars(flatten)]
        path: Path,
        /// The reason.
        why: String,
    },
    /// Nowhere: the file with the same name is another build, or not an image.
    OtherBuild {
        #[schemars(flatten)]
        path: Path,
    },
    /// Nowhere: no file in the paths of `--images` has this name.
    NotFound {},
    /// Nowhere: `--images` was not given.
    Nowhere {},
}

/// Crashes with the same cause, exception, status, place, and image or program.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Group {
    cause: Cause,
    exception: Status,
    status: Option<Status>,
    place: Place,
    /// Path of the image, as in the first crash. Null if it is unknown.
    image: Option<String>,
    /// The program of the first crash. Null if it is not recorded.
    program: Option<String>,
    /// Number of crashes.
    count: u64,
    /// Time of the earliest crash. Null if no time is recorded.
    first: Option<Time>,
    /// Time of the latest crash. Null if no time is recorded.
    last: Option<Time>,
    /// Number of different offsets in the image, or of different addresses if the image is unknown.
    addresses: u64,
    bits: BitCounts,
}

/// Number of crashes by the state of the image's bit. A state without crashes has no field.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct BitCounts {
    #[schemars(skip_serializing_if = "absent")]
    set: u64,
    #[schemars(skip_serializing_if = "absent")]
    not_set: u64,
    #[schemars(skip_serializing_if = "absent")]
    not_known: u64,
    #[schemars(skip_serializing_if = "absent")]
    set_now: u64,
}
