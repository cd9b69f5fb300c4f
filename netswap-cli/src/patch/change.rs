//! Changes a file in place, with one write, and only if it is still the file that was read.
//!
//! Nothing is copied or renamed. The file keeps its links, permissions, owner, streams and
//! everything else that belongs to it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use netswap::finding::{Code, Finding};
use netswap::image::read_full;
use netswap::system::{self, Stamp};
use netswap::text::one_line;
use netswap::{ExitCode, Header};
use serde::Serialize;

use crate::Error;
use crate::maker::Maker;

#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) path: PathBuf,
    pub(crate) status: ChangeStatus,
    /// Its header before the change, if it is an image.
    pub(crate) before: Option<Header>,
    /// Its header after the change. Equal to `before` if nothing was changed.
    pub(crate) after: Option<Header>,
    /// The reason it was skipped, if that is not an error.
    pub(crate) reason: Option<&'static str>,
    /// The reasons it was refused or could not be read.
    pub(crate) findings: Vec<Finding>,
    /// The hazards of the change.
    pub(crate) warnings: Vec<Finding>,
    /// Whoever made it. Read only if it is signed and is refused.
    pub(crate) maker: Option<Maker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeStatus {
    /// Its bytes were changed.
    Changed,
    /// A dry run: its bytes would have been changed.
    WouldChange,
    /// It is already as requested.
    Unchanged,
    /// It need not be changed: Windows does not load it, or it was changed under another name.
    Skipped,
    /// Changing it would break it, or the system does not allow the change.
    Refused,
    /// It could not be read, so its content is unknown.
    Unreadable,
    /// It was not read, because its content is in the cloud or on tape.
    Offline,
}

/// The number of files with each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ChangeSummary {
    pub(crate) files: u64,
    /// Files that were changed, or would have been.
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) skipped: u64,
    pub(crate) refused: u64,
    pub(crate) not_images: u64,
    /// Files and folders that could not be read.
    pub(crate) unreadable: u64,
    /// Files whose content is in the cloud or on tape.
    pub(crate) offline: u64,
    /// Files that were changed, or would have been, although the change may break something.
    pub(crate) warned: u64,
    pub(crate) seconds: f64,
}

/// The result of a run, whether it finished or an error that concerns no single file ended it.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) summary: ChangeSummary,
    /// The journal, if it has an entry.
    pub(crate) journal: Option<PathBuf>,
    /// The error that ended the run early.
    pub(crate) error: Option<Error>,
    /// Whether Ctrl-C or a signal ended the run early.
    pub(crate) is_interrupted: bool,
}

impl Changes {
    pub(crate) fn exit_code(&self) -> ExitCode {
        let ChangeSummary { changed, unchanged, refused, unreadable, .. } = self.summary;
        if self.is_interrupted {
            ExitCode::Interrupted
        } else if unreadable > 0 || self.error.is_some() {
            ExitCode::Error
        } else if refused > 0 {
            ExitCode::Findings
        } else if changed + unchanged == 0 {
            ExitCode::NothingToVerify
        } else {
            ExitCode::Passed
        }
    }
}

impl ChangeSummary {
    pub(crate) fn count(&mut self, change: &Change) {
        self.files += 1;
        let is_changed = matches!(change.status, ChangeStatus::Changed | ChangeStatus::WouldChange);
        self.warned += u64::from(is_changed && !change.warnings.is_empty());
        let count = match change.status {
            ChangeStatus::Changed | ChangeStatus::WouldChange => &mut self.changed,
            ChangeStatus::Unchanged => &mut self.unchanged,
            ChangeStatus::Skipped => &mut self.skipped,
            ChangeStatus::Refused => &mut self.refused,
            ChangeStatus::Unreadable => &mut self.unreadable,
            ChangeStatus::Offline => &mut self.offline,
        };
        *count += 1;
    }
}

impl Change {
    /// Creates the result for a file with these headers before and after.
    pub(crate) fn new(path: PathBuf, status: ChangeStatus, before: Header, after: Header) -> Self {
        let (before, after) = (Some(before), Some(after));
        let (findings, warnings, maker) = (Vec::new(), Vec::new(), None);
        Change { path, status, before, after, reason: None, findings, warnings, maker }
    }

    /// Creates the result for a file that can't be changed or read.
    pub(crate) fn refused(path: PathBuf, header: Option<Header>, findings: Vec<Finding>) -> Self {
        let status = match findings.first().map(|finding| finding.code) {
            Some(Code::Unreadable) => ChangeStatus::Unreadable,
            Some(Code::Offline) => ChangeStatus::Offline,
            _ => ChangeStatus::Refused,
        };
        let (warnings, maker) = (Vec::new(), None);
        let (before, after) = (header, header);
        Change { path, status, before, after, reason: None, findings, warnings, maker }
    }
}

/// A callback that receives each file as soon as it is finished.
pub(crate) type OnChange<'a> = dyn FnMut(&Change) -> Result<(), Error> + 'a;

pub(crate) struct Write<'a> {
    pub(crate) path: &'a Path,
    /// The file that was read, open for reading.
    pub(crate) reader: &'a File,
    pub(crate) follow_link: bool,
    /// The file's stamp when it was read.
    pub(crate) stamp: Stamp,
    /// Whether the file may be made writable during the write.
    pub(crate) is_read_only: bool,
    /// Whether the write is flushed to the disk or the server before it counts as done.
    pub(crate) is_flushed: bool,
    pub(crate) offset: u64,
    pub(crate) old: &'a [u8],
    pub(crate) new: &'a [u8],
}

/// The reason a write failed.
pub(crate) enum WriteError {
    /// The file is the cause.
    Refused(Finding),
    /// Something else is the cause, so no other write should be tried.
    Failed(Error),
}

impl From<Finding> for WriteError {
    fn from(finding: Finding) -> Self {
        WriteError::Refused(finding)
    }
}

impl Write<'_> {
    /// Performs the write. Calls `append_entry` before it touches the file in any way.
    pub(crate) fn perform(
        &self,
        append_entry: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), WriteError> {
        match system::open_to_change(self.path, self.follow_link) {
            Ok(file) => self.write(&file, append_entry),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && self.is_read_only => {
                append_entry().map_err(WriteError::Failed)?;
                self.write_read_only()
            }
            Err(error) => Err(unwritable(&error).into()),
        }
    }

    fn write(
        &self,
        file: &File,
        append_entry: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), WriteError> {
        self.check(file)?;
        append_entry().map_err(WriteError::Failed)?;
        self.check(file)?;
        self.compare(file)?;
        // A share reports only on flush whether the written bytes have arrived.
        let flush = || if self.is_flushed { file.sync_data() } else { Ok(()) };
        let written = write_all(file, self.new, self.offset)
            .and_then(|()| flush().map_err(|error| (self.new.len(), error)));
        let Err((written, error)) = written else {
            return Ok(());
        };
        let old = self.old.get(..written).unwrap_or_default();
        let mut finding = unwritable(&error);
        if write_all(file, old, self.offset).is_err() {
            let message = format!("{}; {written} bytes of it were changed", finding.message);
            finding.message = message.into();
            finding.help = "netswap undo restores them once the file is writable".into();
        }
        Err(finding.into())
    }

    /// Checks that the file is still the one that was read.
    fn check(&self, file: &File) -> Result<(), Finding> {
        match system::stamp(file) {
            Ok((stamp, _)) if stamp == self.stamp => Ok(()),
            Ok(_) => Err(changed_meanwhile()),
            Err(error) => Err(unwritable(&error)),
        }
    }

    /// Checks that the bytes to replace are still those that were read. A file's modification time
    /// can stay the same while the file changes.
    fn compare(&self, file: &File) -> Result<(), Finding> {
        let mut current = vec![0; self.old.len()];
        let read = read_full(file, &mut current, self.offset);
        current.truncate(read.map_err(|error| unwritable(&error))?);
        if current == self.old { Ok(()) } else { Err(changed_meanwhile()) }
    }

    /// Removes the read-only attribute during the write.
    fn write_read_only(&self) -> Result<(), WriteError> {
        let io_finding = |error: io::Error| WriteError::Refused(unwritable(&error));
        let before = self.reader.metadata().map_err(io_finding)?.permissions();
        let mut writable = before.clone();
        system::make_writable(&mut writable);
        system::set_permissions(self.reader, self.path, writable).map_err(io_finding)?;
        let written = match system::open_to_change(self.path, self.follow_link) {
            Ok(file) => self.write(&file, || Ok(())),
            Err(error) => Err(unwritable(&error).into()),
        };
        let restored = system::set_permissions(self.reader, self.path, before);
        written.and(restored.map_err(io_finding))
    }
}

/// Writes all bytes. The error includes how many bytes were written before it.
fn write_all(file: &File, bytes: &[u8], offset: u64) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match system::write_at(file, rest, offset + written as u64) {
            Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}

pub(crate) fn changed_meanwhile() -> Finding {
    Finding {
        code: Code::ChangedMeanwhile,
        message: "another program changed it while netswap worked on it".into(),
        help: "run the command again when that program is done".into(),
    }
}

/// Explains why the system does not let a file be changed.
pub(crate) fn unwritable(error: &io::Error) -> Finding {
    let (code, help) = if system::is_in_use(error) {
        (Code::InUse, "close the programs that run from it or have it open")
    } else {
        let help = "check that this account may write to it and that its disk is not full";
        (Code::Unwritable, help)
    };
    Finding { code, message: one_line(&error.to_string()).into(), help: help.into() }
}
