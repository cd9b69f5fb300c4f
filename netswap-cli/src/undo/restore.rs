//! `netswap undo`: restores the original bytes from a journal.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use netswap::find::ordered::{self, TaskResult};
use netswap::finding::{Code, Finding};
use netswap::image::{EditState, Layout, ReadError};
use netswap::system;

use crate::Error;
use crate::patch::change::{
    Change, ChangeStatus, ChangeSummary, Changes, OnChange, Write, WriteError, unwritable,
};
use crate::patch::journal::{Entries, Entry, fingerprint};

/// Entries held in memory at once. A journal may be larger than memory.
const AT_ONCE: usize = 512;

/// Restores the original bytes of each file in the journal, if the file is still as `patch` left
/// it.
///
/// # Errors
///
/// When the journal can't be read. An invalid line does not prevent the other files from being
/// restored. Its error is in [`Changes::error`].
pub(crate) fn undo(
    journal: &Path,
    jobs: NonZeroUsize,
    dry_run: bool,
    on_change: &mut OnChange<'_>,
) -> Result<Changes, Error> {
    let start = Instant::now();
    let mut summary = ChangeSummary::default();
    let mut first_error = None;
    let mut entries = Entries::open(journal)?;
    let mut is_at_end = false;
    while !is_at_end {
        let mut batch = Vec::new();
        while batch.len() < AT_ONCE && !is_at_end {
            match entries.next() {
                Some(Ok(entry)) => batch.push(entry),
                Some(Err(error)) => {
                    first_error.get_or_insert(error);
                }
                None => is_at_end = true,
            }
        }
        let restore_entry =
            |entry: Entry| TaskResult { items: vec![restore(&entry, dry_run)], tasks: Vec::new() };
        let result = ordered::run(jobs, batch, restore_entry, |change: Change| {
            summary.count(change.status);
            on_change(&change)
        });
        if let Err(error) = result {
            first_error = Some(error);
            break;
        }
    }
    summary.seconds = start.elapsed().as_secs_f64();
    Ok(Changes { summary, journal: None, error: first_error })
}

fn restore(entry: &Entry, dry_run: bool) -> Change {
    let path = entry.path.clone();
    let refused = |finding| Change::refused(path.clone(), None, finding);
    let file = match system::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return refused(changed_since("the file no longer exists"));
        }
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            return refused(changed_since("it was replaced by a folder"));
        }
        Err(error) if system::is_in_use(&error) => {
            return refused(unwritable(&error));
        }
        Err(error) => return refused(Finding::from(ReadError::from(error))),
    };
    let io_finding = |error: io::Error| Finding::from(ReadError::Io(error));
    let (layout, stamp) = match (Layout::read(&file), system::stamp(&file)) {
        (Ok(Some(layout)), Ok((stamp, _))) => (layout, stamp),
        (Err(ReadError::Io(error)), _) if error.kind() == io::ErrorKind::IsADirectory => {
            return refused(changed_since("it was replaced by a folder"));
        }
        (Err(ReadError::Io(error)), _) | (_, Err(error)) => return refused(io_finding(error)),
        (Ok(None) | Err(_), _) => return refused(changed_since("it is no longer an image")),
    };
    let header = layout.header;
    let refused = |finding| Change::refused(path.clone(), Some(header), finding);
    if stamp.length != entry.length {
        return refused(changed_since("its length has changed since the patch"));
    }
    if fingerprint(&layout) != entry.fingerprint {
        return refused(changed_since("its headers have changed since the patch"));
    }
    if !layout.can_be_edited {
        return refused(changed_since("its headers overlap"));
    }
    match entry.edit.state(&layout) {
        EditState::Applied => {}
        EditState::NotApplied => {
            return match make_read_only_again(entry, &file, dry_run) {
                Ok(()) => Change::none(path, ChangeStatus::Unchanged, header),
                Err(error) => refused(unwritable(&error)),
            };
        }
        EditState::Other => {
            return refused(changed_since("its bits or its checksum have changed since the patch"));
        }
    }
    let after = Some(entry.edit.undone(header));
    if dry_run {
        return Change { after, ..Change::none(path, ChangeStatus::WouldChange, header) };
    }
    let write = Write {
        path: &entry.path,
        reader: &file,
        follow_link: true,
        stamp,
        is_read_only: entry.is_read_only,
        is_flushed: true,
        offset: entry.edit.offset,
        old: entry.edit.now(&layout),
        new: &entry.edit.old,
    };
    let written = write.perform(|| Ok(())).and_then(|()| {
        let written = make_read_only_again(entry, &file, dry_run);
        written.map_err(|error| unwritable(&error).into())
    });
    match written {
        Ok(()) => Change { after, ..Change::none(path, ChangeStatus::Changed, header) },
        Err(WriteError::Refused(finding)) => refused(finding),
        Err(WriteError::Failed(error)) => refused(changed_since(&error.to_string())),
    }
}

/// Makes a file read-only again. A patch that was interrupted may have left it writable.
fn make_read_only_again(entry: &Entry, file: &File, dry_run: bool) -> io::Result<()> {
    if !entry.is_read_only || dry_run {
        return Ok(());
    }
    let mut permissions = file.metadata()?.permissions();
    if permissions.readonly() {
        return Ok(());
    }
    permissions.set_readonly(true);
    system::set_permissions(file, &entry.path, permissions)
}

fn changed_since(what: &str) -> Finding {
    Finding {
        code: Code::ChangedSince,
        message: what.to_owned().into(),
        help: "if it was replaced by another version, there is nothing to do; otherwise restore it from a backup".into(),
    }
}
