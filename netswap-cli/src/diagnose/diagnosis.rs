//! `netswap diagnose`: finds the cause of a crash in its dump or report.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use netswap::find::{Visit, WalkedFile, all_exist, walk};
use netswap::{ExitCode, WalkOptions};
use serde::Serialize;

use crate::Error;
use crate::diagnose::crash::{
    self, Advice, Bit, Bits, Cause, Crash, CrashError, Images, Origin, PageOwner, advice,
    file_name, is_same_name, needed_bit,
};

/// A dump or report, and its diagnosis.
#[derive(Debug)]
pub(crate) struct Diagnosed {
    pub(crate) path: PathBuf,
    /// The diagnosis, or the reason that there is none.
    pub(crate) result: Result<Box<Diagnosis>, CrashError>,
}

/// A crash, its cause, and what helps.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    pub(crate) crash: Crash,
    pub(crate) cause: Cause,
    pub(crate) owner: PageOwner,
    /// The image that the page belonged to, as far as that is known, or else the likeliest one.
    pub(crate) suspect: Option<Suspect>,
    /// Other images of the same share. Their pages may be lost next.
    pub(crate) others: Vec<Suspect>,
    pub(crate) advice: Vec<Advice>,
}

/// A loaded image that may be involved in the crash.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Suspect {
    /// Its path in the form that Windows recorded.
    pub(crate) path: String,
    pub(crate) origin: Origin,
    /// The state of the bit that an image of this origin needs.
    pub(crate) bit: Bit,
    /// All its bits, and how they are known.
    pub(crate) bits: Bits,
}

impl Diagnosis {
    /// Diagnoses a crash. `find_bits` returns what is known of an image's bits.
    pub(crate) fn new(crash: Crash, find_bits: &dyn Fn(&crash::Module) -> Bits) -> Self {
        let exception = crash.exception;
        let cause = Cause::from_exception(exception.code, exception.in_page.status);
        let is_in_page_error = cause != Cause::NotInPage;
        let owner =
            if is_in_page_error { PageOwner::from_crash(&crash) } else { PageOwner::Unknown };
        let to_suspect = |module: &crash::Module| {
            let origin = Origin::from_path(&module.path);
            let bits = find_bits(module);
            let bit = bits.has(needed_bit(cause, &origin));
            Suspect { path: module.path.clone(), origin, bit, bits }
        };
        let likely_owner = likely_owner(&crash);
        let known_owner = owner.module().and_then(|index| crash.modules.get(index));
        // For other exceptions, no image is suspected and no file is opened.
        let suspect =
            known_owner.or(likely_owner.as_ref()).filter(|_| is_in_page_error).map(to_suspect);
        let modules = crash.modules.iter().enumerate();
        let other_modules = modules.filter(|(index, _)| Some(*index) != owner.module());
        // A report may name the program but no modules.
        let unlisted_program = likely_owner.iter().filter(|_| crash.modules.is_empty());
        let others = other_modules.map(|(_, module)| module).chain(unlisted_program);
        // `to_suspect` may open a file, so it is called only for images of the same share.
        let has_same_origin = |module: &&crash::Module| {
            let origin = Origin::from_path(&module.path);
            suspect.as_ref().is_some_and(|suspect| is_same_origin(&suspect.origin, &origin))
        };
        let others = others.filter(has_same_origin).map(to_suspect).collect();
        let advice = match &suspect {
            Some(suspect) => advice(cause, owner, &suspect.origin, suspect.bit),
            None => advice(cause, owner, &Origin::Unknown, Bit::NotKnown),
        };
        Diagnosis { crash, cause, owner, suspect, others, advice }
    }

    /// Whether the crash was caused by the loss of a share, or may have been.
    pub(crate) fn involves_share(&self) -> bool {
        // This advice is given only if the page may have come from a share.
        let share_advice = [Advice::ReadTheOthers, Advice::CopyTheData];
        self.cause == Cause::ShareLost
            || self.cause == Cause::Unclear
                && self.advice.iter().any(|advice| share_advice.contains(advice))
    }

    /// Returns the image that the page belonged to or may have belonged to.
    pub(crate) fn page_image(&self) -> Option<&Suspect> {
        self.suspect.as_ref().filter(|_| self.owner.module().is_some())
    }

    /// Whether the crash was read from a report. Only a dump has the addresses of modules.
    pub(crate) fn is_from_report(&self) -> bool {
        self.crash.modules.iter().all(|module| module.range.is_none())
    }
}

/// Returns the likeliest owner of the page if the owner is unknown. This is the program, or, if the
/// program is local, a DLL from a share.
fn likely_owner(crash: &Crash) -> Option<crash::Module> {
    let path = crash.program.as_deref()?;
    let modules = &crash.modules;
    let has_path = |module: &&crash::Module| is_same_name(&module.path, path);
    let has_name = |module: &&crash::Module| is_same_name(file_name(&module.path), file_name(path));
    let is_from_share = |module: &&crash::Module| {
        matches!(Origin::from_path(&module.path), Origin::Share(_) | Origin::WebDav(_))
    };
    let is_local = matches!(Origin::from_path(path), Origin::System | Origin::Local);
    let library = modules.iter().find(is_from_share).filter(|_| is_local);
    let program = || modules.iter().find(has_path).or_else(|| modules.iter().find(has_name));
    let unlisted = || crash::Module { path: path.to_owned(), ..Default::default() };
    Some(library.or_else(program).cloned().unwrap_or_else(unlisted))
}

/// Whether both origins are the same share, or the same drive, which may be a share.
fn is_same_origin(a: &Origin, b: &Origin) -> bool {
    match (a, b) {
        (Origin::Share(a), Origin::Share(b)) | (Origin::WebDav(a), Origin::WebDav(b)) => {
            is_same_name(a, b)
        }
        (Origin::Drive(a), Origin::Drive(b)) => a == b,
        _ => false,
    }
}

/// Diagnoses files, and all dumps and reports below folders, in the order of their paths. Returns
/// `Interrupted` if `options.stop` was set.
pub(crate) fn diagnose(
    paths: &[PathBuf],
    images: &Images,
    options: &WalkOptions,
    on_diagnosed: &mut dyn FnMut(&Diagnosed) -> Result<(), Error>,
) -> Result<ExitCode, Error> {
    all_exist(paths)?;
    let mut code = ExitCode::NothingToVerify;
    walk(paths, options, &Diagnoser { images }, |diagnosed: Diagnosed| {
        let file_code = match &diagnosed.result {
            Ok(diagnosis) if diagnosis.involves_share() => ExitCode::Findings,
            Ok(_) => ExitCode::Passed,
            Err(CrashError::Offline) => ExitCode::NothingToVerify,
            Err(_) => ExitCode::Error,
        };
        code = file_code.worse(code);
        on_diagnosed(&diagnosed)
    })?;
    Ok(if options.is_stopped() { ExitCode::Interrupted } else { code })
}

struct Diagnoser<'a> {
    images: &'a Images,
}

impl Visit for Diagnoser<'_> {
    type Item = Diagnosed;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        let path = file.path();
        let result = match file.open().map_err(CrashError::from).and_then(|file| crash::read(&file))
        {
            Ok(crash) => {
                let find_bits = |module: &_| self.images.find_bits(module);
                Ok(Box::new(Diagnosis::new(crash, &find_bits)))
            }
            // Folders contain other files, too.
            Err(error) if matches!(file, WalkedFile::Listed(..)) && is_unrelated(&error, &path) => {
                return;
            }
            Err(error) => Err(error),
        };
        items.push(Diagnosed { path, result });
    }

    fn offline(&self, file: &WalkedFile<'_>) -> Option<Self::Item> {
        let path = file.path();
        let may_be_crash = matches!(file, WalkedFile::Named(..)) || has_crash_name(&path);
        may_be_crash.then_some(Diagnosed { path, result: Err(CrashError::Offline) })
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        Diagnosed { path, result: Err(error.into()) }
    }
}

/// Whether a file that can't be read as a crash has nothing to do with one. A damaged dump or report
/// may have an unknown format, so the file's name decides.
fn is_unrelated(error: &CrashError, path: &Path) -> bool {
    match error {
        CrashError::UnknownFormat => !has_crash_name(path),
        CrashError::OtherEvent(_) | CrashError::NoException => true,
        _ => false,
    }
}

/// Whether a file has the name of a dump or report.
fn has_crash_name(path: &Path) -> bool {
    let is = |name: Option<&OsStr>, expected| {
        name.is_some_and(|name| name.eq_ignore_ascii_case(expected))
    };
    ["dmp", "mdmp", "hdmp"].into_iter().any(|extension| is(path.extension(), extension))
        || is(path.file_name(), "Report.wer")
}
