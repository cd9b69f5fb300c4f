//! `netswap patch`: sets or clears the run-from-swap bits of finished files, in place.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use netswap::Header;
use netswap::find::{Visit, WalkOptions, WalkedFile, all_exist, walk};
use netswap::finding::{Code, Finding};
use netswap::image::{Edit, Kind, Layout, NewChecksum, ReadError};
use netswap::system::{self, Identity, Stamp};

use crate::Error;
use crate::arguments::{OtherKind, SwapRun};
use crate::hazards::{ACCEPTABLE, Hazard, Hazards, Severity};
use crate::maker::Maker;
use crate::patch::change::{
    Change, ChangeStatus, ChangeSummary, Changes, OnChange, Write, WriteError, unwritable,
};
use crate::patch::journal::{Entry, Journal, OnCreate, fingerprint};

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
    /// Change files even if they are refused for the reason CODE, which `netswap explain CODE`
    /// describes. Can be repeated
    #[arg(long, value_name = "CODE", value_parser = hazards())]
    accept: Vec<Code>,
    /// Also change images of this kind. By default they are skipped, because the bit has no effect on
    /// them. Can be repeated
    #[arg(long, value_name = "KIND", value_enum)]
    include_kind: Vec<OtherKind>,
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

/// Returns a parser for the codes of the hazards that can be accepted, which the help lists.
fn hazards() -> impl TypedValueParser<Value = Code> {
    let value = |code: Code| {
        let summary = code.summary();
        PossibleValue::new(code.name()).help(summary.strip_suffix('.').unwrap_or(summary))
    };
    PossibleValuesParser::new(ACCEPTABLE.map(value)).try_map(|name| {
        let code = ACCEPTABLE.into_iter().find(|code| code.name() == name);
        code.ok_or("it is not the code of a hazard")
    })
}

/// The result for a file with several names. `None` until the change under one of them is finished.
type Shared = Arc<Mutex<Option<Result<(Header, Header), Finding>>>>;

/// The result for one file, and the file's identity if it has several names.
type PatchResult = (Change, Option<Identity>);

/// Changes the files, and all images below the folders, in the order of their paths. Stops if the
/// journal can't be written, or when `walk_options.stop` is set. An error that concerns one file is
/// in its [`Change`]. Counts the files in `looked_at`, for the progress display. Calls `on_journal`
/// with the journal's path before the first change, on any thread.
pub(super) fn patch(
    paths: &[PathBuf],
    walk_options: &WalkOptions,
    options: &Options,
    looked_at: &AtomicU64,
    on_journal: &OnCreate<'_>,
    on_change: &mut OnChange<'_>,
) -> Changes {
    let start = Instant::now();
    let mut summary = ChangeSummary::default();
    if let Err(error) = all_exist(paths) {
        let error = Some(error.into());
        return Changes { summary, journal: None, error, is_interrupted: false };
    }
    let patcher = Patcher {
        options,
        bits: options.swap_run.iter().flat_map(|word| word.bits()).copied().collect(),
        follow_links: walk_options.follow_links,
        roots_may_overlap: paths.len() > 1,
        looked_at,
        journal: Journal::at(options.journal.clone(), on_journal),
        hazards: Hazards::new(walk_options.recall),
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
        summary.count(&change);
        on_change(&change)
    });
    let others = patcher.others.into_inner();
    summary.files += others;
    summary.not_images = others;
    summary.seconds = start.elapsed().as_secs_f64();
    let journal = patcher.journal.path().map(Path::to_owned);
    let is_interrupted = walk_options.is_stopped();
    Changes { summary, journal, error: walked.err(), is_interrupted }
}

struct Patcher<'a> {
    options: &'a Options,
    bits: Vec<netswap::SwapRun>,
    follow_links: bool,
    /// Whether several of the given paths may lead to the same file.
    roots_may_overlap: bool,
    looked_at: &'a AtomicU64,
    journal: Journal<'a>,
    hazards: Hazards,
    /// The results for files with several names. Each file is changed under the name that is
    /// reached first.
    shared: Mutex<HashMap<Identity, Shared>>,
    others: AtomicU64,
}

impl Visit for Patcher<'_> {
    type Item = Result<PatchResult, Error>;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        self.looked_at.fetch_add(1, Ordering::Relaxed);
        let refused = |finding| Ok((Change::refused(file.path(), None, vec![finding]), None));
        if let WalkedFile::Named(named, _) = file
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
            Ok(None) if matches!(file, WalkedFile::Named(..)) => refused(Finding::not_an_image()),
            Ok(None) => {
                self.others.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Err(ReadError::Io(error)) if system::is_in_use(&error) => refused(unwritable(&error)),
            Err(error) => refused(Finding::from(error)),
        });
    }

    fn offline(&self, file: &WalkedFile<'_>) -> Option<Self::Item> {
        self.looked_at.fetch_add(1, Ordering::Relaxed);
        Some(Ok((Change::refused(file.path(), None, vec![Finding::offline()]), None)))
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        Ok((Change::refused(path, None, vec![Finding::from(ReadError::Io(error))]), None))
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
                Ok((Change::refused(path, Some(layout.header), vec![finding]), None))
            }
            Err(WriteError::Failed(error)) => Err(error),
        }
    }

    fn change(&self, path: &Path, file: &File, layout: &Layout) -> Result<PatchResult, WriteError> {
        let header = layout.header;
        let result = |status, after| Change::new(path.to_owned(), status, header, after);
        let kind = header.kind();
        let is_included = self.options.include_kind.iter().any(|other| Kind::from(*other) == kind);
        if let Some(reason) = kind.no_effect().filter(|_| !is_included) {
            let reason = Some(reason);
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
        let maker = if header.signed { Maker::read(file, layout) } else { Ok(Maker::NONE) };
        let hazards = maker
            .map_err(ReadError::from)
            .and_then(|maker| Ok((self.hazards.find(path, file, layout, &maker)?, maker)));
        let (hazards, maker) = hazards.map_err(Finding::from)?;
        let is_refused = |hazard: &Hazard| match hazard.severity {
            Severity::Final => true,
            Severity::Refusal => !self.is_accepted(hazard.finding.code),
            Severity::Warning => false,
        };
        let (refusals, warnings): (Vec<_>, Vec<_>) = hazards.into_iter().partition(is_refused);
        if !refusals.is_empty() {
            let refusals = refusals.into_iter().map(|hazard| hazard.finding).collect();
            let refused = Change::refused(path.to_owned(), Some(header), refusals);
            return Ok((Change { maker: header.signed.then_some(maker), ..refused }, None));
        }
        let warnings: Vec<_> = warnings.into_iter().map(Hazard::into_warning).collect();
        let result = |status, after| Change { warnings, ..result(status, after) };
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

    fn is_accepted(&self, hazard: Code) -> bool {
        match hazard {
            Code::SignatureWouldBreak => self.options.break_signature,
            Code::StrongNameWouldBreak => self.options.break_strong_name,
            code => self.options.accept.contains(&code),
        }
    }

    /// Plans the write to an image. Returns `None` if there is nothing to write. Refuses a write
    /// that can't be undone or that the file's attributes forbid.
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
