//! `netswap patch`: sets or clears the run-from-swap bits of finished files, in place.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Args;
use netswap::Header;
use netswap::find::{Visit, WalkOptions, WalkedFile, all_exist, walk};
use netswap::finding::{Code, Finding};
use netswap::image::{self, Edit, Kind, Layout, NewChecksum, ReadError, StrongName};
use netswap::system::{self, Identity, Stamp};

use crate::Error;
use crate::arguments::SwapRun;
use crate::patch::change::{
    Change, ChangeStatus, ChangeSummary, Changes, OnChange, Write, WriteError, unwritable,
};
use crate::patch::journal::{Entry, Journal, fingerprint};

/// The change to make, and what it may break.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "the command's switches")]
pub(super) struct Options {
    /// The bits to set: net, cd, or both
    #[arg(long, value_name = "BITS", value_enum, value_delimiter = ',', default_value = "net")]
    swap_run: Vec<SwapRun>,
    /// Clear the bits instead
    #[arg(long)]
    clear: bool,
    /// Show what would be changed, and change nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Change signed files too, which invalidates their signatures
    #[arg(long)]
    break_signature: bool,
    /// Change strong-named .NET assemblies too, which invalidates their strong names
    #[arg(long)]
    break_strong_name: bool,
    /// Change read-only files too, and keep them read-only
    #[arg(long)]
    include_read_only: bool,
    /// Compute the checksum from the whole file instead of updating it
    #[arg(long)]
    recompute_checksum: bool,
    /// Write the journal to FILE, which must not exist, instead of this account's own folder
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

/// The result for a file with several names. `None` until the change under one of them is finished.
type Shared = Arc<Mutex<Option<Result<(Header, Header), Finding>>>>;

/// The result for one file, and the file's identity if it has several names.
type PatchResult = (Change, Option<Identity>);

/// Changes the files, and all images below the folders, in the order of their paths. Stops if the
/// journal can't be written. An error that concerns one file is in its [`Change`]. Counts the files
/// in `looked_at`, for the progress display.
pub(super) fn patch(
    paths: &[PathBuf],
    walk_options: &WalkOptions,
    options: &Options,
    looked_at: &AtomicU64,
    on_change: &mut OnChange<'_>,
) -> Changes {
    let start = Instant::now();
    let mut summary = ChangeSummary::default();
    if let Err(error) = all_exist(paths) {
        return Changes { summary, journal: None, error: Some(error.into()) };
    }
    let patcher = Patcher {
        options,
        bits: options.swap_run.iter().copied().map(Into::into).collect(),
        follow_links: walk_options.follow_links,
        roots_may_overlap: paths.len() > 1,
        looked_at,
        journal: Journal::at(options.journal.clone()),
        shared: Mutex::default(),
        others: AtomicU64::new(0),
    };
    let mut reported = HashSet::new();
    let walked = walk(paths, walk_options, &patcher, |result: Result<PatchResult, Error>| {
        let (mut change, shared) = result?;
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
    bits: Vec<netswap::SwapRun>,
    follow_links: bool,
    /// Whether several of the given paths may lead to the same file.
    roots_may_overlap: bool,
    looked_at: &'a AtomicU64,
    journal: Journal,
    /// The results for files with several names. Each file is changed under the name that is
    /// reached first.
    shared: Mutex<HashMap<Identity, Shared>>,
    others: AtomicU64,
}

impl Visit for Patcher<'_> {
    type Item = Result<PatchResult, Error>;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        self.looked_at.fetch_add(1, Ordering::Relaxed);
        let refused = |finding| Ok((Change::refused(file.path(), None, finding), None));
        if let WalkedFile::Named(named) = file
            && let Some(finding) = self.link(named)
        {
            return items.push(refused(finding));
        }
        let read = file.open().map_err(ReadError::from).and_then(|file| {
            let layout = Layout::read(&file)?;
            Ok(layout.map(|layout| (file, layout)))
        });
        items.push(match read {
            Ok(Some((opened, layout))) => self.image(file.path(), &opened, &layout),
            Ok(None) if matches!(file, WalkedFile::Named(_)) => refused(Finding::not_an_image()),
            Ok(None) => {
                self.others.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Err(ReadError::Io(error)) if system::is_in_use(&error) => refused(unwritable(&error)),
            Err(error) => refused(Finding::from(error)),
        });
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        Ok((Change::refused(path, None, Finding::from(ReadError::Io(error))), None))
    }
}

impl Patcher<'_> {
    /// Returns the finding for a named file that is a symbolic link, unless links are followed.
    fn link(&self, named: &Path) -> Option<Finding> {
        let is_link = named.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        (is_link && !self.follow_links).then(|| Finding {
            code: Code::SymbolicLink,
            message: "it is a symbolic link".into(),
            help: "name its target, or pass --follow-links".into(),
        })
    }

    fn image(&self, path: PathBuf, file: &File, layout: &Layout) -> Result<PatchResult, Error> {
        match self.change(&path, file, layout) {
            Ok(result) => Ok(result),
            Err(WriteError::Refused(finding)) => {
                Ok((Change::refused(path, Some(layout.header), finding), None))
            }
            Err(WriteError::Failed(error)) => Err(error),
        }
    }

    fn change(&self, path: &Path, file: &File, layout: &Layout) -> Result<PatchResult, WriteError> {
        let header = layout.header;
        let result = |status, after| Change::new(path.to_owned(), status, header, after);
        if header.kind() == Kind::Efi {
            let reason = Some("UEFI loads it, not Windows");
            return Ok((Change { reason, ..result(ChangeStatus::Skipped, header) }, None));
        }
        let stamp = system::stamp(file);
        let (stamp, names) = stamp.map_err(|error| Finding::from(ReadError::from(error)))?;
        // A followed link is another name for a file. So is a folder that was given twice.
        let is_shared = names > 1 || self.follow_links || self.roots_may_overlap;
        let shared = stamp.identity.filter(|_| is_shared);
        let Some(entry) = self.plan(path, file, layout, stamp)? else {
            return Ok(self.unchanged(path.to_owned(), header, shared));
        };
        let after = entry.edit.applied(header);
        if self.options.dry_run {
            return Ok((result(ChangeStatus::WouldChange, after), shared));
        }
        let write = || self.write(path, file, stamp, &entry);
        match shared {
            None => write()?,
            Some(identity) => self.write_once(identity, (header, after), write)?,
        }
        Ok((result(ChangeStatus::Changed, after), shared))
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
        if outcome.is_none() {
            *outcome = match write() {
                Ok(()) => Some(Ok(headers)),
                Err(WriteError::Refused(finding)) => Some(Err(finding)),
                Err(failed @ WriteError::Failed(_)) => return Err(failed),
            };
        }
        match &*outcome {
            Some(Err(finding)) => Err(WriteError::Refused(finding.clone())),
            _ => Ok(()),
        }
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
            return (Change::new(path, ChangeStatus::Changed, *before, *after), shared);
        }
        (Change::new(path, ChangeStatus::Unchanged, header, header), None)
    }

    /// Plans the write to an image. Returns `None` if there is nothing to write. Refuses a write
    /// that would break something.
    fn plan(
        &self,
        path: &Path,
        file: &File,
        layout: &Layout,
        stamp: Stamp,
    ) -> Result<Option<Entry>, WriteError> {
        let options = self.options;
        let io_finding = |error: io::Error| Finding::from(ReadError::Io(error));
        let checksum = if options.recompute_checksum {
            NewChecksum::Recomputed(layout.checksum(file, stamp.length).map_err(io_finding)?)
        } else {
            NewChecksum::Updated
        };
        let edit = Edit::plan(layout, stamp.length, &self.bits, !options.clear, checksum);
        let Some(edit) = edit else {
            return Ok(None);
        };
        if !layout.can_be_edited {
            let why = "its headers overlap, so one can't be changed without the other";
            return Err(Finding::from(ReadError::Table(why)).into());
        }
        if layout.end_of_sections() > stamp.length {
            return Err(Finding::from(ReadError::SectionPastEnd).into());
        }
        self.refuse_signed(file, layout)?;
        let is_read_only = file.metadata().map_err(io_finding)?.permissions().readonly();
        if is_read_only && !options.include_read_only {
            return Err(WriteError::Refused(Finding {
                code: Code::ReadOnly,
                message: "it is read-only".into(),
                help: "pass --include-read-only to change it and keep it read-only".into(),
            }));
        }
        let path = std::path::absolute(path).map_err(|error| WriteError::Failed(error.into()))?;
        let (length, fingerprint) = (stamp.length, fingerprint(layout));
        Ok(Some(Entry { path, length, fingerprint, is_read_only, edit }))
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
        stamp: Stamp,
        entry: &Entry,
    ) -> Result<(), WriteError> {
        let write = Write {
            path,
            reader,
            follow_link: self.follow_links,
            stamp,
            is_read_only: entry.is_read_only,
            is_flushed: true,
            offset: entry.edit.offset,
            old: &entry.edit.old,
            new: &entry.edit.new,
        };
        write.perform(|| self.journal.append(entry))
    }
}
