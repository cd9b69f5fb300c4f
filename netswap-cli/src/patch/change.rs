//! Changing a file in place, with one write, and only if it is still the file that was read.
//!
//! Nothing is copied or renamed, so links, permissions, owner, streams and whatever else belongs to
//! the file stay.

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

/// What became of one file.
#[derive(Debug)]
pub(crate) struct Change {
    /// The file.
    pub(crate) path: PathBuf,
    /// What became of it.
    pub(crate) status: ChangeStatus,
    /// What its header said before, if it is an image.
    pub(crate) before: Option<Header>,
    /// What its header says after; as before if nothing was changed.
    pub(crate) after: Option<Header>,
    /// Why it was left alone, if that is no fault.
    pub(crate) reason: Option<&'static str>,
    /// Why it was refused or could not be read.
    pub(crate) finding: Option<Finding>,
}

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChangeStatus {
    /// Its bytes were changed.
    Changed,
    /// They would have been.
    WouldChange,
    /// It is as wanted.
    Unchanged,
    /// It need not be changed: Windows does not load it, or it was changed under another name.
    Skipped,
    /// To change it would break it, or the system does not allow it.
    Refused,
    /// It could not be read, so nothing is known of it.
    Unreadable,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ChangeSummary {
    /// Files that were looked at.
    pub(crate) files: u64,
    /// Files that were changed, or would have been.
    pub(crate) changed: u64,
    /// Images that are as wanted.
    pub(crate) unchanged: u64,
    /// Images that need not be changed.
    pub(crate) skipped: u64,
    /// Files that were refused.
    pub(crate) refused: u64,
    /// Files that are no images.
    pub(crate) not_images: u64,
    /// Files and folders that could not be read.
    pub(crate) unreadable: u64,
    /// How long it took.
    pub(crate) seconds: f64,
}

/// What is known when all files are done, or when something else than a file was at fault.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) summary: ChangeSummary,
    /// The journal, if there is an entry in it.
    pub(crate) journal: Option<PathBuf>,
    /// What ended it early.
    pub(crate) error: Option<Error>,
}

impl Changes {
    pub(crate) fn exit_code(&self) -> ExitCode {
        let ChangeSummary { changed, unchanged, refused, unreadable, .. } = self.summary;
        if unreadable > 0 || self.error.is_some() {
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
    pub(crate) fn count(&mut self, status: ChangeStatus) {
        self.files += 1;
        let count = match status {
            ChangeStatus::Changed | ChangeStatus::WouldChange => &mut self.changed,
            ChangeStatus::Unchanged => &mut self.unchanged,
            ChangeStatus::Skipped => &mut self.skipped,
            ChangeStatus::Refused => &mut self.refused,
            ChangeStatus::Unreadable => &mut self.unreadable,
        };
        *count += 1;
    }
}

impl Change {
    /// A file with another header than before.
    pub(crate) fn of(path: PathBuf, status: ChangeStatus, before: Header, after: Header) -> Self {
        let (before, after) = (Some(before), Some(after));
        Change { path, status, before, after, reason: None, finding: None }
    }

    /// A file that is left as it is.
    pub(crate) fn none(path: PathBuf, status: ChangeStatus, header: Header) -> Self {
        Change::of(path, status, header, header)
    }

    /// A file that can't be changed, or read.
    pub(crate) fn refused(path: PathBuf, header: Option<Header>, finding: Finding) -> Self {
        let status = match finding.code {
            Code::Unreadable => ChangeStatus::Unreadable,
            _ => ChangeStatus::Refused,
        };
        let finding = Some(finding);
        Change { path, status, before: header, after: header, reason: None, finding }
    }
}

/// What is done with each file as it comes.
pub(crate) type OnChange<'a> = dyn FnMut(&Change) -> Result<(), Error> + 'a;

/// A write that is to be made.
pub(crate) struct Write<'a> {
    pub(crate) path: &'a Path,
    /// The file that was read, open for reading.
    pub(crate) reader: &'a File,
    pub(crate) follow_link: bool,
    /// What the file was when it was read.
    pub(crate) stamp: Stamp,
    /// Whether it may be made writable for the time of the write.
    pub(crate) is_read_only: bool,
    /// Whether it is on the disk, or the server, before it counts as made.
    pub(crate) is_flushed: bool,
    pub(crate) offset: u64,
    pub(crate) old: &'a [u8],
    pub(crate) new: &'a [u8],
}

/// Why a write was not made.
pub(crate) enum WriteError {
    /// It is the file's fault.
    Refused(Finding),
    /// It is not, and no other write should be tried.
    Failed(Error),
}

impl From<Finding> for WriteError {
    fn from(finding: Finding) -> Self {
        WriteError::Refused(finding)
    }
}

impl Write<'_> {
    /// Makes the write. `enter` is called before the file is touched in any way.
    pub(crate) fn make(&self, enter: impl FnOnce() -> Result<(), Error>) -> Result<(), WriteError> {
        let mut enter = Some(enter);
        let mut enter = || enter.take().map_or(Ok(()), |enter| enter()).map_err(WriteError::Failed);
        match system::open_to_change(self.path, self.follow_link) {
            Ok(file) => self.write(&file, enter),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && self.is_read_only => {
                enter()?;
                self.with_permission(|file| self.write(file, || Ok(())))
            }
            Err(error) => Err(unwritable(&error).into()),
        }
    }

    fn write(
        &self,
        file: &File,
        enter: impl FnOnce() -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.check(file)?;
        enter()?;
        self.check(file)?;
        self.compare(file)?;
        // A share tells only at the end whether what was written has arrived.
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
            finding.help = "netswap undo puts them back, once it can be written to".into();
        }
        Err(finding.into())
    }

    /// Whether it is still the file that was read.
    fn check(&self, file: &File) -> Result<(), Finding> {
        match system::stamp(file) {
            Ok((stamp, _)) if stamp == self.stamp => Ok(()),
            Ok(_) => Err(changed_meanwhile()),
            Err(error) => Err(unwritable(&error)),
        }
    }

    /// Whether the bytes that are to be replaced are still those that were read: a time of modification
    /// can stand still while a file is changed.
    fn compare(&self, file: &File) -> Result<(), Finding> {
        let mut now = vec![0; self.old.len()];
        let read = read_full(file, &mut now, self.offset).map_err(|error| unwritable(&error))?;
        now.truncate(read);
        if now == self.old { Ok(()) } else { Err(changed_meanwhile()) }
    }

    /// Takes the read-only attribute away for the time of the write.
    fn with_permission(
        &self,
        write: impl FnOnce(&File) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let of_system = |error: io::Error| WriteError::Refused(unwritable(&error));
        let before = self.reader.metadata().map_err(of_system)?.permissions();
        let mut writable = before.clone();
        system::make_writable(&mut writable);
        system::set_permissions(self.reader, self.path, writable).map_err(of_system)?;
        let made = match system::open_to_change(self.path, self.follow_link) {
            Ok(file) => write(&file),
            Err(error) => Err(unwritable(&error).into()),
        };
        let restored = system::set_permissions(self.reader, self.path, before);
        made.and(restored.map_err(of_system))
    }
}

/// Writes all bytes; how many were written before the error.
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

/// Why the system does not let a file be changed.
pub(crate) fn unwritable(error: &io::Error) -> Finding {
    let message = one_line(&error.to_string()).into();
    if system::is_in_use(error) {
        let help = "end the programs that run from it or have it open".into();
        return Finding { code: Code::InUse, message, help };
    }
    let help = "see that this account may write to it, and that its disk is not full".into();
    Finding { code: Code::Unwritable, message, help }
}
