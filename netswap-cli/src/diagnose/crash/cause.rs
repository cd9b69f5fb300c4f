//! The cause of a crash: its exception, and the NTSTATUS beneath an in-page error.
//!
//! The names and numbers are from
//! [MS-ERREF](https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55).
//! The causes and the sentences are netswap's own.

use netswap::Code;
use serde::{Serialize, Serializer};

use super::IN_PAGE_ERROR;

/// The cause of a crash. Causes that involve shares come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The connection to a file server failed, or the server.
    ShareLost,
    /// The status is unknown, or has more than one of the other causes.
    Unclear,
    /// A disk failed, or its connection to the machine.
    DiskFailed,
    /// A medium was taken out, or its data is damaged.
    MediumFailed,
    /// Windows lacked memory to read the page.
    NoProgress,
    /// The exception is not about a page that could not be read in.
    NotInPage,
}

impl Cause {
    /// Returns the code of the cause, which `netswap explain` describes.
    pub fn code(self) -> Code {
        match self {
            Cause::ShareLost => Code::ShareLost,
            Cause::DiskFailed => Code::DiskFailed,
            Cause::MediumFailed => Code::MediumFailed,
            Cause::NoProgress => Code::NoProgress,
            Cause::Unclear => Code::CauseUnclear,
            Cause::NotInPage => Code::NotAnInPageError,
        }
    }

    /// Determines the cause from the exception's code and the status beneath it.
    pub fn from_exception(code: u32, status: Option<u32>) -> Self {
        match status.map(Status::new) {
            _ if code != IN_PAGE_ERROR => Cause::NotInPage,
            Some(status) => status.cause,
            None => Cause::Unclear,
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code().name())
    }
}

/// A status beneath an in-page error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    pub number: u32,
    /// Its symbolic name, or `None` if it is unknown.
    pub name: Option<&'static str>,
    pub cause: Cause,
    /// Its meaning for a read, in a sentence.
    pub sentence: &'static str,
}

/// Number, name, cause and sentence.
type Row = (u32, &'static str, Cause, &'static str);

#[rustfmt::skip]
const TABLE: [Row; 35] = [
    (0xC000_00BE, "STATUS_BAD_NETWORK_PATH", Cause::ShareLost, "The file server was not found."),
    (0xC000_00BF, "STATUS_NETWORK_BUSY", Cause::ShareLost, "The network was too busy for the request."),
    (0xC000_00C4, "STATUS_UNEXPECTED_NETWORK_ERROR", Cause::ShareLost, "The connection to the file server failed."),
    (0xC000_00C9, "STATUS_NETWORK_NAME_DELETED", Cause::ShareLost, "The file server ended the connection to the share."),
    (0xC000_00CC, "STATUS_BAD_NETWORK_NAME", Cause::ShareLost, "The file server no longer has this share."),
    (0xC000_00D6, "STATUS_VIRTUAL_CIRCUIT_CLOSED", Cause::ShareLost, "The file server did not answer in time; the connection was ended."),
    (0xC000_0203, "STATUS_USER_SESSION_DELETED", Cause::ShareLost, "The file server ended the user's session."),
    (0xC000_020C, "STATUS_CONNECTION_DISCONNECTED", Cause::ShareLost, "The connection to the file server was lost."),
    (0xC000_020D, "STATUS_CONNECTION_RESET", Cause::ShareLost, "The file server reset the connection."),
    (0xC000_0236, "STATUS_CONNECTION_REFUSED", Cause::ShareLost, "The file server refused the connection."),
    (0xC000_023C, "STATUS_NETWORK_UNREACHABLE", Cause::ShareLost, "The file server's network could not be reached."),
    (0xC000_023D, "STATUS_HOST_UNREACHABLE", Cause::ShareLost, "The file server could not be reached."),
    (0xC000_0241, "STATUS_CONNECTION_ABORTED", Cause::ShareLost, "This machine ended the connection to the file server."),
    (0xC000_035C, "STATUS_NETWORK_SESSION_EXPIRED", Cause::ShareLost, "The user's session with the file server had expired."),
    (0xC000_0466, "STATUS_SERVER_UNAVAILABLE", Cause::ShareLost, "The file server was not available."),
    (0xC000_0480, "STATUS_SHARE_UNAVAILABLE", Cause::ShareLost, "The share was not available."),
    (0xC000_000E, "STATUS_NO_SUCH_DEVICE", Cause::DiskFailed, "The disk no longer existed."),
    (0xC000_0032, "STATUS_DISK_CORRUPT_ERROR", Cause::DiskFailed, "The file system on the disk is damaged."),
    (0xC000_003F, "STATUS_CRC_ERROR", Cause::DiskFailed, "The data from the disk was not what had been written."),
    (0xC000_009C, "STATUS_DEVICE_DATA_ERROR", Cause::DiskFailed, "The disk could not read the data."),
    (0xC000_009D, "STATUS_DEVICE_NOT_CONNECTED", Cause::DiskFailed, "The disk was no longer connected."),
    (0xC000_00A3, "STATUS_DEVICE_NOT_READY", Cause::DiskFailed, "The disk was not ready."),
    (0xC000_00C0, "STATUS_DEVICE_DOES_NOT_EXIST", Cause::DiskFailed, "The disk no longer existed."),
    (0xC000_0102, "STATUS_FILE_CORRUPT_ERROR", Cause::DiskFailed, "The file on the disk is damaged."),
    (0xC000_0185, "STATUS_IO_DEVICE_ERROR", Cause::DiskFailed, "The disk, or its connection, reported an error."),
    (0xC000_02B6, "STATUS_DEVICE_REMOVED", Cause::DiskFailed, "The disk was taken out."),
    (0xC000_0013, "STATUS_NO_MEDIA_IN_DEVICE", Cause::MediumFailed, "The drive no longer held a medium."),
    (0xC000_003E, "STATUS_DATA_ERROR", Cause::MediumFailed, "The data on the medium is damaged and could not be read."),
    (0xC000_0178, "STATUS_NO_MEDIA", Cause::MediumFailed, "The drive no longer held a medium."),
    (0xC000_009A, "STATUS_INSUFFICIENT_RESOURCES", Cause::NoProgress, "Windows lacked the memory to read the page, again and again."),
    (0xC000_0098, "STATUS_FILE_INVALID", Cause::Unclear, "The volume was changed from outside; the open file is not valid."),
    (0xC000_00B5, "STATUS_IO_TIMEOUT", Cause::Unclear, "The file server, or the disk, did not answer in time."),
    (0xC000_0120, "STATUS_CANCELLED", Cause::Unclear, "The read was cancelled, as when a share or a disk is lost."),
    (0xC000_0128, "STATUS_FILE_CLOSED", Cause::Unclear, "The file was closed, as when a connection or a volume is lost."),
    (0xC000_026E, "STATUS_VOLUME_DISMOUNTED", Cause::Unclear, "The volume was dismounted, which may be a disk or a share."),
];

impl Status {
    pub fn new(number: u32) -> Self {
        let (name, cause, sentence) = match TABLE.iter().find(|row| row.0 == number) {
            Some((_, name, cause, sentence)) => (Some(*name), *cause, *sentence),
            None => {
                (None, Cause::Unclear, "This status is not known to mean a lost share or disk.")
            }
        };
        Status { number, name, cause, sentence }
    }
}

/// The codes of the exceptions that programs often end with. The last two are those of C++ and .NET.
const EXCEPTIONS: [(u32, &str); 12] = [
    (0x8000_0003, "STATUS_BREAKPOINT"),
    (0xC000_0005, "STATUS_ACCESS_VIOLATION"),
    (0xC000_0006, "STATUS_IN_PAGE_ERROR"),
    (0xC000_001D, "STATUS_ILLEGAL_INSTRUCTION"),
    (0xC000_0094, "STATUS_INTEGER_DIVIDE_BY_ZERO"),
    (0xC000_00FD, "STATUS_STACK_OVERFLOW"),
    (0xC000_0374, "STATUS_HEAP_CORRUPTION"),
    (0xC000_0409, "STATUS_STACK_BUFFER_OVERRUN"),
    (0xC000_041D, "STATUS_FATAL_USER_CALLBACK_EXCEPTION"),
    (0xC000_0417, "STATUS_INVALID_CRUNTIME_PARAMETER"),
    (0xE06D_7363, "a C++ exception"),
    (0xE043_4352, "a .NET exception"),
];

/// Returns the name of an exception's code, if programs often end with it.
pub fn exception_name(code: u32) -> Option<&'static str> {
    EXCEPTIONS.iter().find(|row| row.0 == code).map(|row| row.1)
}

/// An exception, or a status beneath an in-page error, that netswap knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownStatus {
    pub number: u32,
    pub name: &'static str,
    pub cause: Cause,
    /// Its meaning, in a sentence. Empty for an exception.
    pub sentence: &'static str,
}

/// Returns the symbolic names of the statuses and exceptions that netswap knows.
pub fn status_names() -> impl Iterator<Item = &'static str> {
    let exceptions = EXCEPTIONS.iter().map(|row| row.1);
    let names = TABLE.iter().map(|row| row.1).chain(exceptions);
    names.filter(|name| name.starts_with(PREFIX))
}

const PREFIX: &str = "STATUS_";

/// Finds a status or an exception by its number in hexadecimal or, as in exit codes, in decimal, or
/// by its name, in any case. Debuggers write `EXCEPTION_` instead of `STATUS_`.
pub fn known_status(text: &str) -> Option<KnownStatus> {
    let upper_case = text.to_ascii_uppercase();
    let rest = [PREFIX, "EXCEPTION_"].iter().find_map(|prefix| upper_case.strip_prefix(prefix));
    let rest = rest.unwrap_or(&upper_case);
    let number = number(&upper_case);
    let is_it = |(row, name): (u32, &str)| {
        number == Some(row) || name.strip_prefix(PREFIX).is_some_and(|name| name == rest)
    };
    let statuses = TABLE.iter().find(|row| is_it((row.0, row.1)));
    let status = statuses.map(|&(number, name, cause, sentence)| KnownStatus {
        number,
        name,
        cause,
        sentence,
    });
    let exception = || {
        let &(number, name) = EXCEPTIONS.iter().find(|row| is_it(**row))?;
        let cause = Cause::from_exception(number, None);
        Some(KnownStatus { number, name, cause, sentence: "" })
    };
    status.or_else(exception)
}

/// Parses `0XC0000006`, `C0000006`, `3221225478` or `-1073741818`.
fn number(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0X") {
        return hexadecimal(digits);
    }
    let decimal = text.parse::<u32>().ok();
    let negative = || text.parse::<i32>().ok().map(i32::cast_unsigned);
    let bare = || hexadecimal(text).filter(|_| text.len() == 8);
    decimal.or_else(negative).or_else(bare)
}

fn hexadecimal(digits: &str) -> Option<u32> {
    let is_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_digits)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn statuses_are_distinct_errors() {
        let by_number: BTreeMap<_, _> = TABLE.iter().map(|row| (row.0, row.1)).collect();
        let by_name: BTreeMap<_, _> = TABLE.iter().map(|row| (row.1, row.0)).collect();
        assert_eq!((by_number.len(), by_name.len()), (TABLE.len(), TABLE.len()));
        for status in TABLE.iter().map(|row| Status::new(row.0)) {
            assert_eq!(status.number >> 28, 0xC, "{status:?}");
            assert!(status.sentence.ends_with('.'), "{status:?}");
            // A report line has room for this many characters.
            assert!(status.sentence.len() <= 66, "{status:?}");
        }
    }

    #[test]
    fn status_decides_the_cause() {
        let network = [
            0xBE, 0xBF, 0xC4, 0xC9, 0xCC, 0xD6, 0x203, 0x20C, 0x20D, 0x236, 0x23C, 0x23D, 0x241,
            0x35C, 0x466, 0x480,
        ];
        let disk = [0x0E, 0x32, 0x3F, 0x9C, 0x9D, 0xA3, 0xC0, 0x102, 0x185, 0x2B6];
        for (cause, numbers) in [
            (Cause::ShareLost, &network[..]),
            (Cause::DiskFailed, &disk),
            (Cause::MediumFailed, &[0x13, 0x3E, 0x178]),
            (Cause::NoProgress, &[0x9A]),
            (Cause::Unclear, &[0x98, 0xB5, 0x120, 0x128, 0x26E]),
        ] {
            for number in numbers {
                let status = Status::new(0xC000_0000 | number);
                assert_eq!((status.cause, status.name.is_some()), (cause, true), "{number:#x}");
                assert_eq!(Cause::from_exception(IN_PAGE_ERROR, Some(status.number)), cause);
                assert_eq!(
                    Cause::from_exception(0xC000_0005, Some(status.number)),
                    Cause::NotInPage
                );
            }
            let in_table = TABLE.iter().filter(|row| row.2 == cause).count();
            assert_eq!(in_table, numbers.len(), "{cause:?}");
        }
        assert_eq!(Cause::from_exception(IN_PAGE_ERROR, None), Cause::Unclear);
        assert_eq!(Cause::from_exception(0xC000_0005, None), Cause::NotInPage);
    }

    #[test]
    fn unknown_status_leaves_the_cause_unclear() {
        for number in [0, 0xC000_0005, 0xC000_1234, u32::MAX] {
            let status = Status::new(number);
            let known = (status.number, status.name, status.cause);
            assert_eq!(known, (number, None, Cause::Unclear));
            assert_eq!(Cause::from_exception(IN_PAGE_ERROR, Some(number)), Cause::Unclear);
        }
    }
}
