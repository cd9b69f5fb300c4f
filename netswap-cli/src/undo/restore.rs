//! `netswap undo`: restores the original bytes from a journal.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use netswap::Header;
use netswap::find::ordered::{self, TaskResult};
use netswap::finding::{Code, Finding};
use netswap::image::{EditState, Layout, ReadError};
use netswap::system::{self, Recall};

use crate::Error;
use crate::patch::change::{
    Change, ChangeStatus, ChangeSummary, Changes, OnChange, Write, WriteError, unwritable,
};
use crate::patch::journal::{Entries, Entry, fingerprint};

/// Entries held in memory at once. A journal may be larger than memory.
const AT_ONCE: usize = 4096;

/// Restores the original bytes of each file in the journal, if the file is still as `patch` left
/// it. Stops when `stop` is set.
///
/// # Errors
///
/// When the journal can't be read. An invalid line does not prevent the other files from being
/// restored. Its error is in [`Changes::error`].
pub(crate) fn undo(
    journal: &Path,
    jobs: NonZeroUsize,
    dry_run: bool,
    stop: &AtomicBool,
    on_change: &mut OnChange<'_>,
) -> Result<Changes, Error> {
    let is_stopped = || stop.load(Ordering::Relaxed);
    let start = Instant::now();
    let mut summary = ChangeSummary::default();
    let mut first_error = None;
    let mut entries = Entries::open(journal)?.peekable();
    while !is_stopped() && entries.peek().is_some() {
        let mut batch = Vec::new();
        for entry in entries.by_ref().take(AT_ONCE) {
            match entry {
                Ok(entry) => batch.push(entry),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        // The threads of patch finished in any order. The report groups the files of a folder.
        batch.sort_by(|one, other| one.path.cmp(&other.path));
        let restore_entry = |entry: Entry| {
            let items = if is_stopped() { Vec::new() } else { vec![restore(&entry, dry_run)] };
            TaskResult { items, tasks: Vec::new() }
        };
        let result = ordered::run(jobs, batch, restore_entry, |change: Change| {
            summary.count(&change);
            on_change(&change)
        });
        if let Err(error) = result {
            first_error = Some(error);
            break;
        }
    }
    summary.seconds = start.elapsed().as_secs_f64();
    let is_interrupted = is_stopped();
    // The same journal restores the rest.
    let journal = is_interrupted.then(|| journal.to_owned());
    Ok(Changes { summary, journal, error: first_error, is_interrupted })
}

fn restore(entry: &Entry, dry_run: bool) -> Change {
    let mut header = None;
    let restored = restore_file(entry, dry_run, &mut header);
    restored.unwrap_or_else(|finding| Change::refused(entry.path.clone(), header, vec![finding]))
}

/// Restores the bytes. Sets `before` as soon as the file's header is known.
fn restore_file(
    entry: &Entry,
    dry_run: bool,
    before: &mut Option<Header>,
) -> Result<Change, Finding> {
    let path = &entry.path;
    // Writing the file fetches its content, so reading it may fetch it too.
    let file = system::open_with(path, Recall::Allowed).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => changed_since("the file no longer exists"),
        io::ErrorKind::IsADirectory => changed_since(REPLACED_BY_FOLDER),
        _ if system::is_in_use(&error) => unwritable(&error),
        _ => Finding::from(ReadError::from(error)),
    })?;
    let layout = match Layout::read(&file) {
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::IsADirectory => {
            return Err(changed_since(REPLACED_BY_FOLDER));
        }
        Err(ReadError::Io(error)) => return Err(Finding::from(ReadError::Io(error))),
        layout => layout,
    };
    let stamp = system::stamp(&file);
    let (stamp, _) = stamp.map_err(|error| Finding::from(ReadError::Io(error)))?;
    let Ok(Some(layout)) = layout else {
        return Err(changed_since("it is no longer an image"));
    };
    let header = *before.insert(layout.header);
    if stamp.length != entry.length {
        return Err(changed_since("its length has changed since the patch"));
    }
    if fingerprint(&layout) != entry.fingerprint {
        return Err(changed_since("its headers have changed since the patch"));
    }
    if !layout.can_be_edited {
        return Err(changed_since("its headers overlap"));
    }
    match entry.edit.state(&layout) {
        EditState::Applied => {}
        EditState::NotApplied => {
            make_read_only_again(entry, &file, dry_run)?;
            return Ok(Change::new(path.clone(), ChangeStatus::Unchanged, header, header));
        }
        EditState::Other => {
            return Err(changed_since("its bits or its checksum have changed since the patch"));
        }
    }
    let after = entry.edit.undone(header);
    if dry_run {
        return Ok(Change::new(path.clone(), ChangeStatus::WouldChange, header, after));
    }
    let write = Write {
        path,
        reader: &file,
        follow_link: true,
        stamp,
        is_read_only: entry.is_read_only,
        is_flushed: true,
        offset: entry.edit.offset,
        old: entry.edit.now(&layout),
        new: &entry.edit.old,
    };
    write.perform(|| Ok(())).map_err(|error| match error {
        WriteError::Refused(finding) => finding,
        WriteError::Failed(error) => changed_since(&error.to_string()),
    })?;
    make_read_only_again(entry, &file, dry_run)?;
    Ok(Change::new(path.clone(), ChangeStatus::Changed, header, after))
}

/// Makes a file read-only again. A patch that was interrupted may have left it writable.
fn make_read_only_again(entry: &Entry, file: &File, dry_run: bool) -> Result<(), Finding> {
    if !entry.is_read_only || dry_run {
        return Ok(());
    }
    let metadata = file.metadata().map_err(|error| unwritable(&error))?;
    let mut permissions = metadata.permissions();
    if permissions.readonly() {
        return Ok(());
    }
    permissions.set_readonly(true);
    system::set_permissions(file, &entry.path, permissions).map_err(|error| unwritable(&error))
}

const REPLACED_BY_FOLDER: &str = "it was replaced by a folder";

fn changed_since(what: &str) -> Finding {
    Finding {
        code: Code::ChangedSince,
        message: what.to_owned().into(),
        help: "if it was replaced by another version, there is nothing to do; otherwise restore it from a backup".into(),
    }
}
