//! The reason a page could not be read in: the NTSTATUS beneath an in-page error.
//!
//! The names and numbers are from
//! [MS-ERREF](https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55).
//! The classes and the sentences are netswap's own.

use serde::Serialize;

/// The kind of thing that failed beneath an in-page error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The connection to a file server, or the server.
    Network,
    /// A disk, or its connection to the machine.
    Disk,
    /// The data on a medium, or a missing medium.
    Media,
    /// Windows lacked memory for the read.
    NoProgress,
    /// A status with more than one of these possible causes.
    Ambiguous,
    /// A status that is not in the table.
    Unknown,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The number.
    pub number: u32,
    /// Its symbolic name, or `None` if it is unknown.
    pub name: Option<&'static str>,
    /// The kind of thing that failed.
    pub class: Class,
    /// Its meaning for a read, in a sentence.
    pub sentence: &'static str,
}

/// Number, name, class and sentence.
type Row = (u32, &'static str, Class, &'static str);

#[rustfmt::skip]
const TABLE: [Row; 35] = [
    (0xC000_00BE, "STATUS_BAD_NETWORK_PATH", Class::Network, "The file server was not found."),
    (0xC000_00BF, "STATUS_NETWORK_BUSY", Class::Network, "The network was too busy for the request."),
    (0xC000_00C4, "STATUS_UNEXPECTED_NETWORK_ERROR", Class::Network, "The connection to the file server failed."),
    (0xC000_00C9, "STATUS_NETWORK_NAME_DELETED", Class::Network, "The file server ended the connection to the share."),
    (0xC000_00CC, "STATUS_BAD_NETWORK_NAME", Class::Network, "The file server no longer has this share."),
    (0xC000_00D6, "STATUS_VIRTUAL_CIRCUIT_CLOSED", Class::Network, "The file server did not answer in time; the connection was ended."),
    (0xC000_0203, "STATUS_USER_SESSION_DELETED", Class::Network, "The file server ended the user's session."),
    (0xC000_020C, "STATUS_CONNECTION_DISCONNECTED", Class::Network, "The connection to the file server was lost."),
    (0xC000_020D, "STATUS_CONNECTION_RESET", Class::Network, "The file server reset the connection."),
    (0xC000_0236, "STATUS_CONNECTION_REFUSED", Class::Network, "The file server refused the connection."),
    (0xC000_023C, "STATUS_NETWORK_UNREACHABLE", Class::Network, "The file server's network could not be reached."),
    (0xC000_023D, "STATUS_HOST_UNREACHABLE", Class::Network, "The file server could not be reached."),
    (0xC000_0241, "STATUS_CONNECTION_ABORTED", Class::Network, "This machine ended the connection to the file server."),
    (0xC000_035C, "STATUS_NETWORK_SESSION_EXPIRED", Class::Network, "The user's session with the file server had expired."),
    (0xC000_0466, "STATUS_SERVER_UNAVAILABLE", Class::Network, "The file server was not available."),
    (0xC000_0480, "STATUS_SHARE_UNAVAILABLE", Class::Network, "The share was not available."),
    (0xC000_000E, "STATUS_NO_SUCH_DEVICE", Class::Disk, "The disk no longer existed."),
    (0xC000_0032, "STATUS_DISK_CORRUPT_ERROR", Class::Disk, "The file system on the disk is damaged."),
    (0xC000_003F, "STATUS_CRC_ERROR", Class::Disk, "The data from the disk was not what had been written."),
    (0xC000_009C, "STATUS_DEVICE_DATA_ERROR", Class::Disk, "The disk could not read the data."),
    (0xC000_009D, "STATUS_DEVICE_NOT_CONNECTED", Class::Disk, "The disk was no longer connected."),
    (0xC000_00A3, "STATUS_DEVICE_NOT_READY", Class::Disk, "The disk was not ready."),
    (0xC000_00C0, "STATUS_DEVICE_DOES_NOT_EXIST", Class::Disk, "The disk no longer existed."),
    (0xC000_0102, "STATUS_FILE_CORRUPT_ERROR", Class::Disk, "The file on the disk is damaged."),
    (0xC000_0185, "STATUS_IO_DEVICE_ERROR", Class::Disk, "The disk, or its connection, reported an error."),
    (0xC000_02B6, "STATUS_DEVICE_REMOVED", Class::Disk, "The disk was taken out."),
    (0xC000_0013, "STATUS_NO_MEDIA_IN_DEVICE", Class::Media, "The drive no longer held a medium."),
    (0xC000_003E, "STATUS_DATA_ERROR", Class::Media, "The data on the medium is damaged and could not be read."),
    (0xC000_0178, "STATUS_NO_MEDIA", Class::Media, "The drive no longer held a medium."),
    (0xC000_009A, "STATUS_INSUFFICIENT_RESOURCES", Class::NoProgress, "Windows lacked the memory to read the page, again and again."),
    (0xC000_0098, "STATUS_FILE_INVALID", Class::Ambiguous, "The volume was changed from outside; the open file is not valid."),
    (0xC000_00B5, "STATUS_IO_TIMEOUT", Class::Ambiguous, "The file server, or the disk, did not answer in time."),
    (0xC000_0120, "STATUS_CANCELLED", Class::Ambiguous, "The read was cancelled, as when a share or a disk is lost."),
    (0xC000_0128, "STATUS_FILE_CLOSED", Class::Ambiguous, "The file was closed, as when a connection or a volume is lost."),
    (0xC000_026E, "STATUS_VOLUME_DISMOUNTED", Class::Ambiguous, "The volume was dismounted, which may be a disk or a share."),
];

impl Status {
    /// Finds the number in the table.
    pub fn new(number: u32) -> Self {
        let row = TABLE.iter().find(|row| row.0 == number);
        match row {
            Some(&(number, name, class, sentence)) => {
                Status { number, name: Some(name), class, sentence }
            }
            None => Status {
                number,
                name: None,
                class: Class::Unknown,
                sentence: "This status is not known to mean a lost share or disk.",
            },
        }
    }
}

/// Returns the symbolic name of an exception's code, if programs often end with it. The last two
/// are those of C++ and .NET.
pub fn exception_name(code: u32) -> Option<&'static str> {
    Some(match code {
        0x8000_0003 => "STATUS_BREAKPOINT",
        0xC000_0005 => "STATUS_ACCESS_VIOLATION",
        0xC000_0006 => "STATUS_IN_PAGE_ERROR",
        0xC000_001D => "STATUS_ILLEGAL_INSTRUCTION",
        0xC000_0094 => "STATUS_INTEGER_DIVIDE_BY_ZERO",
        0xC000_00FD => "STATUS_STACK_OVERFLOW",
        0xC000_0374 => "STATUS_HEAP_CORRUPTION",
        0xC000_0409 => "STATUS_STACK_BUFFER_OVERRUN",
        0xC000_041D => "STATUS_FATAL_USER_CALLBACK_EXCEPTION",
        0xC000_0417 => "STATUS_INVALID_CRUNTIME_PARAMETER",
        0xE06D_7363 => "a C++ exception",
        0xE043_4352 => "a .NET exception",
        _ => return None,
    })
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
    fn each_status_has_its_class() {
        for (class, numbers) in [
            (
                Class::Network,
                &[
                    0xC000_00BE,
                    0xC000_00BF,
                    0xC000_00C4,
                    0xC000_00C9,
                    0xC000_00CC,
                    0xC000_00D6,
                    0xC000_0203,
                    0xC000_020C,
                    0xC000_020D,
                    0xC000_0236,
                    0xC000_023C,
                    0xC000_023D,
                    0xC000_0241,
                    0xC000_035C,
                    0xC000_0466,
                    0xC000_0480,
                ][..],
            ),
            (
                Class::Disk,
                &[
                    0xC000_000E,
                    0xC000_0032,
                    0xC000_003F,
                    0xC000_009C,
                    0xC000_009D,
                    0xC000_00A3,
                    0xC000_00C0,
                    0xC000_0102,
                    0xC000_0185,
                    0xC000_02B6,
                ],
            ),
            (Class::Media, &[0xC000_0013, 0xC000_003E, 0xC000_0178]),
            (Class::NoProgress, &[0xC000_009A]),
            (Class::Ambiguous, &[0xC000_0098, 0xC000_00B5, 0xC000_0120, 0xC000_0128, 0xC000_026E]),
        ] {
            for number in numbers {
                assert_eq!(Status::new(*number).class, class, "{number:#x}");
            }
            let in_table = TABLE.iter().filter(|row| row.2 == class).count();
            assert_eq!(in_table, numbers.len(), "{class:?}");
        }
    }

    #[test]
    fn status_outside_the_table_has_unknown_class() {
        for number in [0, 0xC000_0005, 0xC000_1234, u32::MAX] {
            let status = Status::new(number);
            assert_eq!((status.number, status.name, status.class), (number, None, Class::Unknown));
        }
    }
}
