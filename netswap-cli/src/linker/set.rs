//! Sets the bits in a file that has just been linked. A file this new needs no journal.

use std::io;
use std::path::Path;

use netswap::finding::{Code, Finding};
use netswap::image::{Edit, Layout, NewChecksum, ReadError};
use netswap::{SwapRun, system};

use crate::patch::change::{Write, WriteError, unwritable};

/// Sets the bits. Skips a file that is missing or is not a Windows image.
pub(super) fn set(path: &Path, bits: &[SwapRun]) -> Result<(), Finding> {
    let file = match system::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ReadError::from(error).into()),
    };
    // Skip devices, such as /dev/null.
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    let Some(layout) = Layout::read(&file)? else {
        return Ok(());
    };
    if layout.header.kind().no_effect().is_some() {
        return Ok(());
    }
    let (stamp, _) = system::stamp(&file).map_err(ReadError::from)?;
    let Some(edit) = Edit::plan(&layout, stamp.length, bits, true, NewChecksum::Updated) else {
        return Ok(());
    };
    if !layout.can_be_edited {
        let why = "its headers overlap, so one can't be changed without the other";
        return Err(ReadError::Table(why).into());
    }
    if layout.is_cut(stamp.length) {
        return Err(ReadError::SectionPastEnd.into());
    }
    if layout.header.signed {
        return Err(Finding {
            code: Code::SignatureWouldBreak,
            message: "the linker signed it".into(),
            help: "sign it after linking".into(),
        });
    }
    let write = Write {
        path,
        reader: &file,
        follow_link: true,
        stamp,
        is_read_only: false,
        is_flushed: false,
        offset: edit.offset,
        old: &edit.old,
        new: &edit.new,
    };
    write.perform(|| Ok(())).map_err(|error| match error {
        WriteError::Refused(finding) => finding,
        WriteError::Failed(error) => unwritable(&io::Error::other(error)),
    })
}
