//! `netswap diagnose`: what a crash left behind, and what follows from it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use netswap::find::{Visit, WalkedFile, all_exist, walk};
use netswap::{ExitCode, WalkOptions};
use serde::Serialize;

use crate::Error;
use crate::diagnose::crash::{
    self, Advice, Bit, Bits, Cause, Crash, CrashError, Images, Origin, Place, advice, file_name,
    needed, same_share,
};

/// What is to be said of one file.
#[derive(Debug)]
pub(crate) struct Diagnosed {
    /// The file.
    pub(crate) path: PathBuf,
    /// What happened, or why that can't be told.
    pub(crate) what: Result<Box<Diagnosis>, CrashError>,
}

/// What happened to one program.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    /// What is known of it.
    pub(crate) crash: Crash,
    /// What it died of.
    pub(crate) cause: Cause,
    /// What the page belonged to that could not be read in.
    pub(crate) place: Place,
    /// The image that it belonged to or may have belonged to, or else the program.
    pub(crate) image: Option<Suspect>,
    /// Images of the same share, whose pages may be the next.
    pub(crate) others: Vec<Suspect>,
    /// What helps, in the order in which it is to be said.
    pub(crate) advice: Vec<Advice>,
}

/// An image that was loaded.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Suspect {
    /// Its path as Windows had it.
    pub(crate) path: String,
    /// Where it came from.
    pub(crate) origin: Origin,
    /// Whether it has the bit that is needed there.
    pub(crate) bit: Bit,
    /// What is known of its bits.
    pub(crate) bits: Bits,
}

impl Diagnosis {
    /// What follows from a crash, with what is known of its images.
    pub(crate) fn of(crash: Crash, bits: &dyn Fn(&crash::Module) -> Bits) -> Self {
        let exception = crash.exception;
        let cause = Cause::of(exception.code, exception.in_page.status);
        let is_in_page = cause != Cause::NotInPage;
        let place = if is_in_page { Place::of(&crash) } else { Place::NotTold };
        let suspect = |module: &crash::Module| {
            let origin = Origin::of(&module.path);
            let bits = bits(module);
            let bit = bits.has(needed(cause, &origin));
            Suspect { path: module.path.clone(), origin, bit, bits }
        };
        let likeliest = likeliest(&crash);
        let told = place.module().and_then(|index| crash.modules.get(index));
        // Of another exception no image is suspected, and no file looked at.
        let image = told.or(likeliest.as_ref()).filter(|_| is_in_page).map(suspect);
        let is_itself = |index| Some(index) == place.module();
        let elsewhere = crash.modules.iter().enumerate().filter(|(index, _)| !is_itself(*index));
        let elsewhere = elsewhere.map(|(_, module)| module);
        // A report may name the program and no module at all.
        let alone = likeliest.iter().filter(|_| crash.modules.is_empty());
        // Of the many others no file is looked at.
        let is_one = |module: &&crash::Module| {
            let origin = Origin::of(&module.path);
            image.as_ref().is_some_and(|image| is_same(&image.origin, &origin))
        };
        let others = elsewhere.chain(alone).filter(is_one).map(suspect).collect();
        let (origin, bit) = image
            .as_ref()
            .map_or((Origin::Unknown, Bit::NotKnown), |image| (image.origin.clone(), image.bit));
        let advice = advice(cause, place, &origin, bit);
        Diagnosis { crash, cause, place, image, others, advice }
    }

    /// Whether the loss of a share was the cause, or may have been.
    pub(crate) fn is_of_a_share(&self) -> bool {
        let of_network = [Advice::ReadTheOthers, Advice::CopyTheData];
        self.cause == Cause::ShareLost
            || self.cause == Cause::Unclear
                && self.advice.iter().any(|advice| of_network.contains(advice))
    }

    /// Whether it is told by a report, and not by a dump.
    pub(crate) fn is_by_report(&self) -> bool {
        self.crash.modules.iter().all(|module| module.range.is_none())
    }
}

/// What the page may have been of where that is not told: the program, or, if that is local, a DLL that it had from a
/// share.
fn likeliest(crash: &Crash) -> Option<crash::Module> {
    let path = crash.program.as_deref()?;
    let is_path = |module: &&crash::Module| same_share(&module.path, path);
    let is_name = |module: &&crash::Module| same_share(file_name(&module.path), file_name(path));
    let modules = &crash.modules;
    let program = modules.iter().find(is_path).or_else(|| modules.iter().find(is_name)).cloned();
    let program =
        program.unwrap_or_else(|| crash::Module { path: path.to_owned(), ..Default::default() });
    let is_of_share = |module: &&crash::Module| {
        matches!(Origin::of(&module.path), Origin::Share(_) | Origin::WebDav(_))
    };
    let is_local = matches!(Origin::of(path), Origin::System | Origin::Local);
    let library = modules.iter().find(is_of_share).filter(|_| is_local).cloned();
    Some(library.unwrap_or(program))
}

/// Whether both came from one share, or from one drive, which may be one.
fn is_same(a: &Origin, b: &Origin) -> bool {
    match (a, b) {
        (Origin::Share(a), Origin::Share(b)) | (Origin::WebDav(a), Origin::WebDav(b)) => {
            same_share(a, b)
        }
        (Origin::Drive(a), Origin::Drive(b)) => a == b,
        _ => false,
    }
}

/// What is done with each file as it comes.
pub(crate) type OnDiagnosed<'a> = dyn FnMut(&Diagnosed) -> Result<(), Error> + 'a;

/// Diagnoses files, and all dumps and reports below folders, in the order of their paths.
///
/// # Errors
///
/// When a path does not exist, or `on_diagnosed` fails.
pub(crate) fn diagnose(
    paths: &[PathBuf],
    images: &Images,
    options: &WalkOptions,
    on_diagnosed: &mut OnDiagnosed<'_>,
) -> Result<ExitCode, Error> {
    all_exist(paths)?;
    let mut code = ExitCode::NothingToVerify;
    walk(paths, options, &Diagnoser { images }, |diagnosed: Diagnosed| {
        let this = match &diagnosed.what {
            Ok(diagnosis) if diagnosis.is_of_a_share() => ExitCode::Findings,
            Ok(_) => ExitCode::Passed,
            Err(_) => ExitCode::Error,
        };
        code = this.worse(code);
        on_diagnosed(&diagnosed)
    })?;
    Ok(code)
}

/// Whether what is in a folder beside dumps and reports is none of them. What has the name of one, and is not, may have
/// been one; reports of other events are none, nor are dumps of programs that live on.
fn is_other(error: &CrashError, path: &Path) -> bool {
    match error {
        CrashError::NotACrash => !is_called_one(path),
        CrashError::NotOfACrash(_) | CrashError::NoException => true,
        _ => false,
    }
}

/// Whether a file has the name of a dump or of a report.
fn is_called_one(path: &Path) -> bool {
    let is =
        |name: Option<&OsStr>, of: &str| name.is_some_and(|name| name.eq_ignore_ascii_case(of));
    ["dmp", "mdmp", "hdmp"].iter().any(|extension| is(path.extension(), extension))
        || is(path.file_name(), "Report.wer")
}

struct Diagnoser<'a> {
    images: &'a Images,
}

impl Visit for Diagnoser<'_> {
    type Item = Diagnosed;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        let read = || crash::read(&file.open()?);
        let what = match read() {
            Ok(crash) => {
                let bits = |module: &_| self.images.of(module);
                Ok(Box::new(Diagnosis::of(crash, &bits)))
            }
            // A folder holds other things, too.
            Err(error)
                if !matches!(file, WalkedFile::Named(_)) && is_other(&error, &file.path()) =>
            {
                return;
            }
            Err(error) => Err(error),
        };
        items.push(Diagnosed { path: file.path(), what });
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        Diagnosed { path, what: Err(error.into()) }
    }
}
