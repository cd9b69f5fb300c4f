//! What a crash left behind: a minidump, or a report of Windows Error Reporting (WER).

mod cause;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod images;
mod minidump;
mod origin;
mod status;
mod wer;

use std::fs::File;
use std::io;

use netswap::image::read_full;
use serde::Serialize;

pub use cause::{Advice, Bit, Cause, Place, advice, needed};
pub use images::{Bits, Images};
pub use origin::{Origin, file_name, mapping_commands, same_share};
pub use status::{Class, Status, exception_name};

/// `STATUS_IN_PAGE_ERROR`: a page could not be read in
/// ([NTSTATUS values](https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55)).
pub const IN_PAGE_ERROR: u32 = 0xC000_0006;

/// What is known of one crash of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crash {
    /// The program's path as Windows had it, or its name where that is all.
    pub program: Option<String>,
    /// When it was, in seconds since 1970.
    pub time: Option<u64>,
    /// What the program died of.
    pub exception: Exception,
    /// The module that the report names for it, of which a dump knows by its address.
    pub named: Option<NamedModule>,
    /// The images that were loaded, in the order in which they were found.
    pub modules: Vec<Module>,
    /// What kind of memory could not be read in, where a dump tells.
    pub memory: Option<Memory>,
    /// Whether the dump ends before the memory does that it says it holds.
    pub is_cut_off: bool,
}

/// The exception that ended the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// Its code, an NTSTATUS.
    pub code: u32,
    /// What an in-page error tells besides.
    pub in_page: InPage,
}

/// What an in-page error tells: the parameters of its `EXCEPTION_RECORD`
/// ([documented](https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-exception_record)), none of which
/// a report of WER has whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InPage {
    /// What was done with the memory.
    pub access: Option<Access>,
    /// The address that could not be read in.
    pub address: Option<u64>,
    /// Why not, an NTSTATUS.
    pub status: Option<u32>,
}

/// What a program did with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It read it: parameter 0.
    Read,
    /// It wrote to it: parameter 1.
    Write,
    /// It ran it: parameter 8, which is that of data execution prevention.
    Execute,
}

/// What pages of memory hold: the `Type` of a `MEMORY_BASIC_INFORMATION`
/// ([documented](https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-memory_basic_information)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// An image: `MEM_IMAGE`.
    Image,
    /// A file that is mapped as data, or memory that programs share: `MEM_MAPPED`.
    Mapped,
    /// Memory of the program's own, such as its heap: `MEM_PRIVATE`.
    Private,
}

/// An image that was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its path as Windows had it.
    pub path: String,
    /// Where it lay, if that is known: its first address, and its size in bytes.
    pub range: Option<(u64, u32)>,
    /// `TimeDateStamp` of its header, which with its size tells one build from another.
    pub time_stamp: Option<u32>,
    /// `CheckSum` of its header; where neither linker nor signer wrote one, 0.
    pub checksum: Option<u32>,
    /// `Characteristics` of its header, where the dump holds that.
    pub characteristics: Option<u16>,
}

/// A module by its name alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedModule {
    /// Its file name.
    pub name: String,
    /// `TimeDateStamp` of its header.
    pub time_stamp: Option<u32>,
    /// Where in it the instruction lay that failed, in bytes from its start.
    pub offset: Option<u64>,
}

/// Why a file could not be read as that of a crash.
#[derive(Debug, thiserror::Error)]
pub enum CrashError {
    /// It is neither a minidump nor a report.
    #[error("it is no minidump and no Report.wer: was it copied whole?")]
    NotACrash,
    /// It is a dump of the whole system.
    #[error("it is a kernel dump, of Windows and of no program: WinDbg reads it")]
    KernelDump,
    /// It ends where something else should be.
    #[error("it ends before its {0} does: was it copied whole?")]
    Truncated(&'static str),
    /// It says of itself what can't be.
    #[error("its {0} is not as the format has it")]
    Malformed(&'static str),
    /// It holds no exception: it was written of a program that lives.
    #[error("it holds no exception: the program had not crashed")]
    NoException,
    /// A report that tells of something else than a crash.
    #[error("it tells of `{0}`, which is no crash of a program")]
    NotOfACrash(String),
    /// A report without the lines that tell what happened.
    #[error("it has no line `{0}`, which tells what happened")]
    NoSignature(&'static str),
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// No report of WER is as long, not even one that names a thousand modules.
const LONGEST_REPORT: u64 = 4 << 20;

/// Reads what a crash left behind.
///
/// # Errors
///
/// When the file is neither a dump of a program nor a report of a crash, or can't be read.
pub fn read(file: &File) -> Result<Crash, CrashError> {
    let length = file.metadata()?.len();
    let mut start = [0; 4096];
    let count = read_full(file, &mut start, 0)?;
    let start = start.get(..count).unwrap_or_default();
    if minidump::is_minidump(start) {
        minidump::read(file, length)
    } else if minidump::is_kernel_dump(start) {
        Err(CrashError::KernelDump)
    } else if wer::is_report(start) && length <= LONGEST_REPORT {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let count = read_full(file, &mut bytes, 0)?;
        wer::read(bytes.get(..count).unwrap_or_default())
    } else {
        Err(CrashError::NotACrash)
    }
}
