//! `netswap patch`: sets or clears the run-from-swap bits of finished files, in place.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::inspect::not_an_image;
use crate::change::{Change, ChangeStatus, ChangeSummary, NotMade, Write};
use crate::find::{Visit, WalkOptions, WalkedFile, walk};
use crate::finding::{Code, Finding};
use crate::image::{self, Edit, Kind, Layout, NewChecksum, ReadError, StrongName, TableError};
use crate::journal::{Entry, Journal, Place};
use crate::system::{self, Identity, Stamp};
use crate::{Error, ExitCode, SwapRun, Verdict};

/// What is to be changed, and what may be broken for it.
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
    pub(crate) journal: Place,
    pub(crate) walk: WalkOptions,
    /// How many files have been looked at so far, for a display.
    pub(crate) looked_at: Arc<AtomicU64>,
}

/// What is done with each file as it comes.
pub(crate) type OnChange<'a> = dyn FnMut(&Change) -> Result<(), Error> + 'a;

/// What is known when all files are done.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) summary: ChangeSummary,
    /// The journal, if there is an entry in it.
    pub(crate) journal: Option<PathBuf>,
}

impl Changes {
    pub(crate) fn exit_code(&self) -> ExitCode {
        let ChangeSummary { changed, unchanged, refused, unreadable, .. } = self.summary;
        if unreadable > 0 {
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

/// Changes the files, and all images below the folders, in the order of their paths.
///
/// # Errors
///
/// When the journal can't be written: then no more is changed. What is the fault of one file is in its
/// [`Change`].
pub(crate) fn patch(
    paths: &[PathBuf],
    options: &Options,
    on_change: &mut OnChange<'_>,
) -> Result<Changes, Error> {
    let start = Instant::now();
    let patcher = Patcher {
        options,
        journal: Journal::at(options.journal.clone()),
        taken: Mutex::default(),
        others: AtomicU64::new(0),
    };
    let mut summary = ChangeSummary::default();
    let walked = walk(paths, &options.walk, &patcher, |change: Result<Change, Error>| {
        let change = change?;
        summary.count(change.status);
        on_change(&change)
    });
    let journal = patcher.journal.path().map(Path::to_owned);
    walked.map_err(|error| match journal.clone() {
        Some(journal) => Error::Interrupted { journal, source: Box::new(error) },
        None => error,
    })?;
    let others = patcher.others.into_inner();
    summary.files += others;
    summary.not_images = others;
    summary.seconds = start.elapsed().as_secs_f64();
    Ok(Changes { summary, journal })
}

struct Patcher<'a> {
    options: &'a Options,
    journal: Journal,
    /// The files with several names that have been changed under one of them.
    taken: Mutex<HashSet<Identity>>,
    others: AtomicU64,
}

impl Visit for Patcher<'_> {
    type Item = Result<Change, Error>;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        self.options.looked_at.fetch_add(1, Ordering::Relaxed);
        let path = file.path();
        if let WalkedFile::Named(named) = file
            && let Some(finding) = self.link(named)
        {
            items.push(Ok(Change::refused(path, None, finding)));
            return;
        }
        let read = file.open().map_err(ReadError::from).and_then(|file| {
            let layout = Layout::read(&file)?;
            Ok(layout.map(|layout| (file, layout)))
        });
        items.push(match read {
            Ok(Some((opened, layout))) => self.image(path, &opened, &layout),
            Ok(None) if matches!(file, WalkedFile::Named(_)) => {
                Ok(Change::refused(path, None, not_an_image()))
            }
            Ok(None) => {
                self.others.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Err(error) => Ok(Change::refused(path, None, Verdict::finding_of(&error))),
        });
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        Ok(Change::refused(path, None, Verdict::finding_of(&ReadError::Io(error))))
    }
}

impl Patcher<'_> {
    /// Why a file that was named is left alone for the name.
    fn link(&self, named: &Path) -> Option<Finding> {
        let is_link = named.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        (is_link && !self.options.walk.follow_links).then(|| Finding {
            code: Code::SymbolicLink,
            message: "it is a symbolic link".into(),
            help: "name the file that it leads to, or give --follow-links".into(),
        })
    }

    fn image(&self, path: PathBuf, file: &File, layout: &Layout) -> Result<Change, Error> {
        let header = layout.header;
        if header.kind() == Kind::Efi {
            let reason = Some("UEFI loads it, not Windows");
            return Ok(Change { reason, ..Change::none(path, ChangeStatus::Skipped, header) });
        }
        let planned = match self.plan(file, layout) {
            Ok(Some(planned)) => planned,
            Ok(None) => return Ok(Change::none(path, ChangeStatus::Unchanged, header)),
            Err(finding) => return Ok(Change::refused(path, Some(header), finding)),
        };
        let after = Some(planned.edit.applied(header));
        if self.options.dry_run {
            let none = Change::none(path, ChangeStatus::WouldChange, header);
            return Ok(Change { after, ..none });
        }
        if planned.names > 1 && !self.take(planned.stamp.identity) {
            let reason = Some("it is changed under another name");
            return Ok(Change { reason, ..Change::none(path, ChangeStatus::Skipped, header) });
        }
        match self.make(&path, layout, planned) {
            Ok(()) => {
                let none = Change::none(path, ChangeStatus::Changed, header);
                Ok(Change { after, ..none })
            }
            Err(NotMade::Refused(finding)) => Ok(Change::refused(path, Some(header), finding)),
            Err(NotMade::Failed(error)) => Err(error),
        }
    }

    /// What is to be written to an image. `None`: nothing. The error says what it would break.
    fn plan(&self, file: &File, layout: &Layout) -> Result<Option<Planned>, Finding> {
        let options = self.options;
        let of_system = |error: io::Error| Verdict::finding_of(&ReadError::Io(error));
        let (stamp, names) = system::stamp(file).map_err(of_system)?;
        let checksum = if options.recompute_checksum {
            NewChecksum::Recomputed(layout.checksum(file, stamp.length).map_err(of_system)?)
        } else {
            NewChecksum::Updated
        };
        let edit = Edit::plan(layout, stamp.length, &options.bits, !options.clear, checksum);
        let Some(edit) = edit else {
            return Ok(None);
        };
        if layout.end_of_sections() > stamp.length {
            return Err(Verdict::finding_of(&ReadError::Cut));
        }
        self.refuse_signed(file, layout)?;
        let is_read_only = file.metadata().map_err(of_system)?.permissions().readonly();
        if is_read_only && !options.include_read_only {
            return Err(Finding {
                code: Code::ReadOnly,
                message: "it is read-only".into(),
                help: "give --include-read-only to change it and leave it read-only".into(),
            });
        }
        // Which of a link's name and the file's own comes first must not matter either.
        let names = if options.walk.follow_links { names.max(2) } else { names };
        Ok(Some(Planned { edit, stamp, names, is_read_only }))
    }

    fn refuse_signed(&self, file: &File, layout: &Layout) -> Result<(), Finding> {
        if layout.certificate_table().is_some() && !self.options.break_signature {
            return Err(Finding {
                code: Code::SignatureWouldBreak,
                message: "it is signed".into(),
                help: "ask its maker to link it with /SWAPRUN:NET, or give --break-signature"
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
                help: "ask its maker for one with the bit, or give --break-strong-name".into(),
            }),
            Err(TableError::Io(error)) => Err(Verdict::finding_of(&ReadError::Io(error))),
            Err(TableError::Malformed(why)) => Err(Verdict::finding_of(&ReadError::Table(why))),
        }
    }

    /// Whether this file has not been taken under another name.
    fn take(&self, identity: Identity) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(identity)
    }

    fn make(&self, path: &Path, layout: &Layout, planned: Planned) -> Result<(), NotMade> {
        let Planned { edit, stamp, is_read_only, .. } = planned;
        let entry = Entry::new(path, layout, stamp.length, edit);
        let entry = entry.map_err(|error| NotMade::Failed(error.into()))?;
        let entry = Entry { is_read_only, ..entry };
        let write = Write {
            path,
            follow_link: self.options.walk.follow_links,
            stamp,
            is_read_only,
            offset: entry.edit.offset,
            old: &entry.edit.old,
            new: &entry.edit.new,
        };
        write.make(|| self.journal.enter(&entry))
    }
}

/// What is to be written, and to which file.
struct Planned {
    edit: Edit,
    stamp: Stamp,
    /// How many names the file has.
    names: u64,
    is_read_only: bool,
}
