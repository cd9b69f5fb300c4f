//! `netswap patch`: sets or clears the run-from-swap bits of finished files, in place.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use netswap::find::{Visit, WalkOptions, WalkedFile, all_exist, walk};
use netswap::finding::{Code, Finding};
use netswap::image::{self, Edit, Kind, Layout, NewChecksum, ReadError, StrongName};
use netswap::system::{self, Identity, Stamp};
use netswap::{Header, SwapRun};

use crate::Error;
use crate::patch::change::{
    Change, ChangeStatus, ChangeSummary, Changes, OnChange, Write, WriteError, unwritable,
};
use crate::patch::journal::{Entry, Journal, JournalFile};

/// The change to make, and what it may break.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the command's switches")]
pub(crate) struct Options {
    /// The bits to set, or to clear.
    pub(crate) bits: Vec<SwapRun>,
    pub(crate) clear: bool,
    pub(crate) recompute_checksum: bool,
    pub(crate) break_signature: bool,
    pub(crate) break_strong_name: bool,
    pub(crate) include_read_only: bool,
    pub(crate) dry_run: bool,
    pub(crate) journal: JournalFile,
    pub(crate) walk: WalkOptions,
    /// Number of files processed so far, for the progress display.
    pub(crate) looked_at: Arc<AtomicU64>,
}

/// The result for a file with several names. `None` until the change under one of them is finished.
type Shared = Arc<Mutex<Option<Result<(Header, Header), Finding>>>>;

/// The result for one file, and the file's identity if it has several names.
struct PatchResult {
    change: Change,
    shared: Option<Identity>,
}

impl From<Change> for PatchResult {
    fn from(change: Change) -> Self {
        PatchResult { change, shared: None }
    }
}

/// Changes the files, and all images below the folders, in the order of their paths. Stops if the
/// journal can't be written. An error that concerns one file is in its [`Change`].
pub(crate) fn patch(paths: &[PathBuf], options: &Options, on_change: &mut OnChange<'_>) -> Changes {
    let start = Instant::now();
    let mut summary = ChangeSummary::default();
    if let Err(error) = all_exist(paths) {
        return Changes { summary, journal: None, error: Some(error.into()) };
    }
    let patcher = Patcher {
        options,
        roots_may_overlap: paths.len() > 1,
        journal: Journal::at(options.journal.clone()),
        shared: Mutex::default(),
        others: AtomicU64::new(0),
    };
    let mut reported = HashSet::new();
    let walked = walk(paths, &options.walk, &patcher, |result: Result<PatchResult, Error>| {
        let PatchResult { mut change, shared } = result?;
        // Which of its names a file was changed under is random. Report the first name in path
        // order.
        let is_changed = matches!(change.status, ChangeStatus::Changed | ChangeStatus::WouldChange);
        if is_changed && shared.is_some_and(|identity| !reported.insert(identity)) {
            change.status = ChangeStatus::Skipped;
            change.reason = Some("it is another name of a file above, which was changed once");
        }
        summary.count(change.status);
        on_change(&change)
    });
    let others = patcher.others.into_inner();
    summary.files += others;
    summary.not_images = others;
    summary.seconds = start.elapsed().as_secs_f64();
    let journal = patcher.journal.path().map(Path::to_owned);
    Changes { summary, journal, error: walked.err() }
}

struct Patcher<'a> {
    options: &'a Options,
    /// Whether several of the given paths may lead to the same file.
    roots_may_overlap: bool,
    journal: Journal,
    /// The results for files with several names. Each file is changed under the name that is
    /// reached first.
    shared: Mutex<HashMap<Identity, Shared>>,
    others: AtomicU64,
}

impl Visit for Patcher<'_> {
    type Item = Result<PatchResult, Error>;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        self.options.looked_at.fetch_add(1, Ordering::Relaxed);
        let path = file.path();
        if let WalkedFile::Named(named) = file
            && let Some(finding) = self.link(named)
        {
            items.push(Ok(Change::refused(path, None, finding).into()));
            return;
        }
        let read = file.open().map_err(ReadError::from).and_then(|file| {
            let layout = Layout::read(&file)?;
            Ok(layout.map(|layout| (file, layout)))
        });
        items.push(match read {
            Ok(Some((opened, layout))) => self.image(path, &opened, &layout),
            Ok(None) if matches!(file, WalkedFile::Named(_)) => {
                Ok(Change::refused(path, None, Finding::not_an_image()).into())
            }
            Ok(None) => {
                self.others.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Err(ReadError::Io(error)) if system::is_in_use(&error) => {
                Ok(Change::refused(path, None, unwritable(&error)).into())
            }
            Err(error) => Ok(Change::refused(path, None, Finding::from(error)).into()),
        });
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        Ok(Change::refused(path, None, Finding::from(ReadError::Io(error))).into())
    }
}

impl Patcher<'_> {
    /// Returns the finding for a named file that is a symbolic link, unless links are followed.
    fn link(&self, named: &Path) -> Option<Finding> {
        let is_link = named.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        (is_link && !self.options.walk.follow_links).then(|| Finding {
            code: Code::SymbolicLink,
            message: "it is a symbolic link".into(),
            help: "name its target, or pass --follow-links".into(),
        })
    }

    fn image(&self, path: PathBuf, file: &File, layout: &Layout) -> Result<PatchResult, Error> {
        let header = layout.header;
        if header.kind() == Kind::Efi {
            let reason = Some("UEFI loads it, not Windows");
            let none = Change::none(path, ChangeStatus::Skipped, header);
            return Ok(Change { reason, ..none }.into());
        }
        let (stamp, names) = match system::stamp(file) {
            Ok(stamp) => stamp,
            Err(error) => {
                let finding = Finding::from(ReadError::from(error));
                return Ok(Change::refused(path, Some(header), finding).into());
            }
        };
        // A followed link is another name for a file. So is a folder that was given twice.
        let is_shared = names > 1 || self.options.walk.follow_links || self.roots_may_overlap;
        let shared = stamp.identity.filter(|_| is_shared);
        let planned = match self.plan(file, layout, stamp) {
            Ok(Some(planned)) => planned,
            Ok(None) => return Ok(self.unchanged(path, header, shared)),
            Err(finding) => return Ok(Change::refused(path, Some(header), finding).into()),
        };
        let after = planned.edit.applied(header);
        if self.options.dry_run {
            let change = Change::changed(path, ChangeStatus::WouldChange, header, after);
            return Ok(PatchResult { change, shared });
        }
        let written = match shared {
            None => self.write(&path, file, layout, planned),
            Some(identity) => self
                .write_once(identity, (header, after), || self.write(&path, file, layout, planned)),
        };
        match written {
            Ok(()) => {
                let change = Change::changed(path, ChangeStatus::Changed, header, after);
                Ok(PatchResult { change, shared })
            }
            Err(WriteError::Refused(finding)) => {
                Ok(Change::refused(path, Some(header), finding).into())
            }
            Err(WriteError::Failed(error)) => Err(error),
        }
    }

    /// Changes a file with several names under the first name that is reached. Returns the same
    /// result for its other names.
    fn write_once(
        &self,
        identity: Identity,
        headers: (Header, Header),
        write: impl FnOnce() -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let cell = {
            let mut cells = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            cells.entry(identity).or_default().clone()
        };
        let mut outcome = cell.lock().unwrap_or_else(PoisonError::into_inner);
        match &*outcome {
            Some(Ok(_)) => return Ok(()),
            Some(Err(finding)) => return Err(WriteError::Refused(finding.clone())),
            None => {}
        }
        let written = write();
        *outcome = match &written {
            Ok(()) => Some(Ok(headers)),
            Err(WriteError::Refused(finding)) => Some(Err(finding.clone())),
            Err(WriteError::Failed(_)) => None,
        };
        written
    }

    /// Returns the result for a file that is as requested: it was so before, or it was just changed
    /// under another name.
    fn unchanged(&self, path: PathBuf, header: Header, shared: Option<Identity>) -> PatchResult {
        let cells = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = shared.and_then(|identity| cells.get(&identity).cloned());
        drop(cells);
        if let Some(cell) = cell
            && let Some(Ok((before, after))) = &*cell.lock().unwrap_or_else(PoisonError::into_inner)
        {
            let change = Change::changed(path, ChangeStatus::Changed, *before, *after);
            return PatchResult { change, shared };
        }
        Change::none(path, ChangeStatus::Unchanged, header).into()
    }

    /// Plans the write to an image. Returns `None` if there is nothing to write. The error says
    /// what the write would break.
    fn plan(&self, file: &File, layout: &Layout, stamp: Stamp) -> Result<Option<Planned>, Finding> {
        let options = self.options;
        let io_finding = |error: io::Error| Finding::from(ReadError::Io(error));
        let checksum = if options.recompute_checksum {
            NewChecksum::Recomputed(layout.checksum(file, stamp.length).map_err(io_finding)?)
        } else {
            NewChecksum::Updated
        };
        let edit = Edit::plan(layout, stamp.length, &options.bits, !options.clear, checksum);
        let Some(edit) = edit else {
            return Ok(None);
        };
        if !layout.can_be_edited {
            let why = "its headers overlap, so one can't be changed without the other";
            return Err(Finding::from(ReadError::Table(why)));
        }
        if layout.end_of_sections() > stamp.length {
            return Err(Finding::from(ReadError::SectionPastEnd));
        }
        self.refuse_signed(file, layout)?;
        let is_read_only = file.metadata().map_err(io_finding)?.permissions().readonly();
        if is_read_only && !options.include_read_only {
            return Err(Finding {
                code: Code::ReadOnly,
                message: "it is read-only".into(),
                help: "pass --include-read-only to change it and keep it read-only".into(),
            });
        }
        Ok(Some(Planned { edit, stamp, is_read_only }))
    }

    fn refuse_signed(&self, file: &File, layout: &Layout) -> Result<(), Finding> {
        if layout.certificate_table().is_some() && !self.options.break_signature {
            return Err(Finding {
                code: Code::SignatureWouldBreak,
                message: "it is signed".into(),
                help: "ask the vendor for a build with /SWAPRUN:NET, or pass --break-signature"
                    .into(),
            });
        }
        if self.options.break_strong_name {
            return Ok(());
        }
        match image::strong_name(file, layout) {
            Ok(None | Some(StrongName::None | StrongName::DelaySigned)) => Ok(()),
            Ok(Some(StrongName::Signed)) => Err(Finding {
                code: Code::StrongNameWouldBreak,
                message: "it is a .NET assembly with a strong name".into(),
                help: "ask the vendor for a build with the bit, or pass --break-strong-name".into(),
            }),
            Err(error) => Err(Finding::from(ReadError::from(error))),
        }
    }

    fn write(
        &self,
        path: &Path,
        reader: &File,
        layout: &Layout,
        planned: Planned,
    ) -> Result<(), WriteError> {
        let Planned { edit, stamp, is_read_only } = planned;
        let entry = Entry::new(path, layout, stamp.length, edit);
        let entry = entry.map_err(|error| WriteError::Failed(error.into()))?;
        let entry = Entry { is_read_only, ..entry };
        let write = Write {
            path,
            reader,
            follow_link: self.options.walk.follow_links,
            stamp,
            is_read_only,
            is_flushed: true,
            offset: entry.edit.offset,
            old: &entry.edit.old,
            new: &entry.edit.new,
        };
        write.perform(|| self.journal.append(&entry))
    }
}

/// A planned write, and the state of its file.
struct Planned {
    edit: Edit,
    stamp: Stamp,
    is_read_only: bool,
}
