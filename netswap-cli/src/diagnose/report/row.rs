//! The row of a crash, for tables.

use super::fields::{hexadecimal, image_offset, owner_name, time};
use crate::diagnose::crash::{Bit, CrashError, Status};
use crate::diagnose::diagnosis::Diagnosed;
use crate::report::{Cell, Row};

/// The columns of a row.
pub(super) const CRASH: [&str; 13] = [
    "path",
    "status",
    "cause",
    "program",
    "image",
    "swap_run",
    "time",
    "exception",
    "nt_status",
    "nt_status_name",
    "place",
    "offset",
    "error",
];

/// Returns the row of a crash, in the columns [`CRASH`].
pub(super) fn row(diagnosed: &Diagnosed) -> Row {
    let (path, status) = (Cell::path(&diagnosed.path), Cell::name(status(diagnosed)));
    let missing = || Cell::Missing;
    let row: [Cell; CRASH.len()] = match &diagnosed.result {
        Ok(diagnosis) => {
            let crash = &diagnosis.crash;
            let (image, in_page) = (diagnosis.page_image(), crash.exception.in_page);
            let offset = image_offset(diagnosis).map(|offset| format!("0x{offset:x}"));
            [
                path,
                status,
                Cell::name(diagnosis.cause.code().name()),
                Cell::text(crash.program.as_deref()),
                Cell::text(image.map(|image| image.path.as_str())),
                image.map_or_else(missing, |image| Cell::name(Bit::words(image.bit))),
                Cell::text(crash.time.and_then(time).as_deref()),
                Cell::text(Some(&hexadecimal(crash.exception.code))),
                Cell::text(in_page.status.map(hexadecimal).as_deref()),
                Cell::text(in_page.status.and_then(|status| Status::new(status).name)),
                Cell::name(owner_name(diagnosis.owner)),
                Cell::text(offset.as_deref()),
                missing(),
            ]
        }
        Err(error) => {
            let error = Cell::text(Some(&error.to_string()));
            let fields = [(); 10].map(|()| missing());
            return [path, status].into_iter().chain(fields).chain([error]).collect();
        }
    };
    row.into()
}

/// Returns whether a share was involved, or why that is unknown.
pub(super) fn status(diagnosed: &Diagnosed) -> &'static str {
    match &diagnosed.result {
        Ok(diagnosis) if diagnosis.involves_share() => "share",
        Ok(_) => "other",
        Err(CrashError::Offline) => "offline",
        Err(_) => "unreadable",
    }
}
