//! The files that a crash leaves behind: a minidump, or a report of Windows Error Reporting (WER).

mod advice;
mod cause;
mod images;
pub mod minidump;
mod origin;
pub mod wer;

use std::fs::File;
use std::io;

use netswap::image::read_full;
use schemars::JsonSchema;
use serde::Serialize;

pub use advice::{Advice, Bit, PageOwner, advice, needed_bit};
pub use cause::{Cause, KnownStatus, Status, exception_name, known_status, status_names};
pub use images::{Bits, Images};
pub use origin::{Origin, file_name, is_same_name, mapping_commands};

/// `STATUS_IN_PAGE_ERROR`: a page could not be read in
/// ([NTSTATUS values](https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55)).
pub const IN_PAGE_ERROR: u32 = 0xC000_0006;

/// The data about one crash of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crash {
    /// The program's path in the form that Windows recorded, or its name if only that is known.
    pub program: Option<String>,
    /// The time of the crash, in seconds since 1970.
    pub time: Option<u64>,
    pub exception: Exception,
    /// The module that crashed, if a report names it. A dump has an address instead.
    pub faulting_module: Option<NamedModule>,
    /// The loaded images, in the order in which they were found.
    pub modules: Vec<Module>,
    /// The kind of memory that could not be read in, if a dump records it.
    pub memory: Option<MemoryKind>,
    /// Whether the dump ends before the end of the memory that it claims to hold.
    pub is_cut_off: bool,
}

/// The exception that ended the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// Its code, an NTSTATUS.
    pub code: u32,
    pub in_page: InPage,
}

/// The details of an in-page error: the parameters of its `EXCEPTION_RECORD`
/// ([documented](https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-exception_record)). A WER
/// report has the status at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InPage {
    pub access: Option<Access>,
    /// The address that could not be read in.
    pub address: Option<u64>,
    /// The reason, an NTSTATUS.
    pub status: Option<u32>,
}

/// The kind of access to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    Read,
    Write,
    /// Running code. Windows records it as a violation of data execution prevention (DEP).
    Execute,
}

/// The kind of memory that pages belong to: the `Type` of a `MEMORY_BASIC_INFORMATION`
/// ([documented](https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-memory_basic_information)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    Image,
    /// A file that is mapped as data, or memory that programs share.
    Mapped,
    /// The program's own memory, such as its heap.
    Private,
}

/// A loaded image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its path in the form that Windows recorded.
    pub path: String,
    /// Its first address, and its size in bytes, if they are known.
    pub range: Option<(u64, u32)>,
    /// `TimeDateStamp` of its header. Together with the size, it distinguishes builds.
    pub time_stamp: Option<u32>,
    /// `CheckSum` of its header. It is 0 if neither the linker nor a signer wrote one.
    pub checksum: Option<u32>,
    /// `Characteristics` of its header, if the dump holds the header.
    pub characteristics: Option<u16>,
}

/// A module that a report names, without its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedModule {
    pub name: String,
    /// `TimeDateStamp` of its header.
    pub time_stamp: Option<u32>,
    /// The offset of the failed instruction in the module, in bytes.
    pub offset: Option<u64>,
}

/// The reason a file could not be read as a crash.
#[derive(Debug, thiserror::Error)]
pub enum CrashError {
    #[error("it is neither a minidump nor a Report.wer; if it should be one, copy it again")]
    UnknownFormat,
    #[error("it is a kernel dump, not one of a program; open it with WinDbg")]
    KernelDump,
    #[error("it ends before the end of its {0}; copy it again")]
    Truncated(&'static str),
    #[error("its {0} is malformed")]
    Malformed(&'static str),
    #[error("it contains no exception: the program had not crashed")]
    NoException,
    #[error("it reports `{0}`, which is not a program crash")]
    OtherEvent(String),
    #[error("it lacks the line `{0}`, which describes the crash")]
    NoSignature(&'static str),
    #[error("its content is in the cloud or on tape; pass --recall to fetch and read it")]
    Offline,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The maximum length of a report in bytes. Even a report with a thousand modules is shorter.
const MAX_REPORT_LENGTH: u64 = 4 << 20;

/// Reads a minidump or a WER report. The first bytes show which of them the file is.
pub fn read(file: &File) -> Result<Crash, CrashError> {
    let length = file.metadata()?.len();
    let mut start = [0; 4096];
    let count = read_full(file, &mut start, 0)?;
    let start = start.get(..count).unwrap_or_default();
    if minidump::is_minidump(start) || minidump::is_kernel_dump(start) {
        minidump::read(file, length)
    } else if wer::is_report(start) && length <= MAX_REPORT_LENGTH {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let count = read_full(file, &mut bytes, 0)?;
        wer::read(bytes.get(..count).unwrap_or_default())
    } else {
        Err(CrashError::UnknownFormat)
    }
}
