//! `netswap inspect`: all that an image's headers say, and what follows from it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use netswap::find::{SiblingDlls, Visit, WalkOptions, WalkedFile, all_exist, walk};
use netswap::finding::Finding;
use netswap::image::{
    self, CertificateTable, Content, Kind, Layout, ReadError, StrongName, SwapRun, TableError,
};
use netswap::text::PathFields;
use netswap::{Code, ExitCode};
use serde::Serialize;

use crate::Error;

/// What is to be said of one file.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// The file.
    pub(crate) path: PathBuf,
    /// What it is, or why that can't be told.
    pub(crate) what: Result<Box<Inspection>, Finding>,
}

/// What an image's headers say, and what lies behind them.
#[derive(Debug, Serialize)]
pub(crate) struct Inspection {
    /// Program, library, driver or UEFI image.
    pub(crate) kind: Kind,
    /// The machine's usual name, else its number in hexadecimal.
    pub(crate) machine: String,
    /// `PE32` or `PE32+`.
    pub(crate) format: &'static str,
    /// Characteristics, in hexadecimal.
    pub(crate) characteristics: String,
    /// The run-from-swap bits that are set.
    pub(crate) swap_run: Vec<SwapRun>,
    /// Subsystem, an `IMAGE_SUBSYSTEM_*` value.
    pub(crate) subsystem: u16,
    /// The file's length in bytes.
    pub(crate) file_size: u64,
    /// `SizeOfImage` in bytes.
    pub(crate) size_of_image: u32,
    /// What running it from a share costs in commit once a bit is set: `SizeOfImage` in whole pages,
    /// in bytes.
    pub(crate) commit: u64,
    /// `CheckSum`.
    pub(crate) checksum: Checksum,
    /// The attribute certificate table.
    pub(crate) certificate_table: CertificateTable,
    /// Whether it is a .NET assembly.
    pub(crate) managed: bool,
    /// Whether that has a strong name; null if it is none.
    pub(crate) strong_name: Option<StrongName>,
    /// The DLLs that it names.
    pub(crate) imports: Vec<InspectedImport>,
    /// What is wrong with it.
    pub(crate) findings: Vec<Finding>,
}

/// `CheckSum`, and what it should be.
#[derive(Debug, Serialize)]
pub(crate) struct Checksum {
    /// As it stands in the file, in hexadecimal.
    pub(crate) stored: String,
    /// As it follows from the whole file, in hexadecimal.
    pub(crate) computed: String,
    /// Whether it has one, and it is right.
    pub(crate) state: ChecksumState,
}

/// Whether a checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChecksumState {
    /// It is 0: there is none. Only drivers, boot DLLs and some services need one.
    None,
    /// It is that of the file.
    Valid,
    /// The file was changed since.
    Stale,
}

/// A DLL that an image names.
#[derive(Debug, Serialize)]
pub(crate) struct InspectedImport {
    /// As the image has it.
    pub(crate) name: String,
    /// Whether it is loaded when a function of it is first called.
    pub(crate) delayed: bool,
    /// The files of that name in the image's own folder: none as a rule, for DLLs of Windows; one,
    /// and more only on a system that tells case apart.
    pub(crate) beside: Vec<SiblingImage>,
}

/// A DLL in the image's own folder.
#[derive(Debug)]
pub(crate) struct SiblingImage {
    /// The file.
    pub(crate) path: PathBuf,
    /// The run-from-swap bits that are set in it; null if it can't be read or is no image.
    pub(crate) swap_run: Option<Vec<SwapRun>>,
}

/// What is done with each file as it comes.
pub(crate) type OnInspected<'a> = dyn FnMut(&Inspected) -> Result<(), Error> + 'a;

/// Inspects files, and all images below folders, in the order of their paths. Each is read from its
/// start to its end, for the checksum.
///
/// # Errors
///
/// When a path does not exist, or `on_inspected` fails.
pub(crate) fn inspect(
    paths: &[PathBuf],
    options: &WalkOptions,
    on_inspected: &mut OnInspected<'_>,
) -> Result<ExitCode, Error> {
    all_exist(paths)?;
    let inspector = Inspector { siblings: SiblingDlls::default() };
    let mut code = ExitCode::NothingToVerify;
    walk(paths, options, &inspector, |inspected: Inspected| {
        code = code.worse(of(&inspected));
        on_inspected(&inspected)
    })?;
    Ok(code)
}

/// What a program ends with that has inspected this alone.
fn of(inspected: &Inspected) -> ExitCode {
    match &inspected.what {
        Ok(inspection) if inspection.findings.is_empty() => ExitCode::Passed,
        Err(finding) if finding.code == Code::Unreadable => ExitCode::Error,
        Ok(_) | Err(_) => ExitCode::Findings,
    }
}

struct Inspector {
    siblings: SiblingDlls,
}

impl Visit for Inspector {
    type Item = Inspected;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        let path = file.path();
        let what =
            match file.open().map_err(ReadError::from).and_then(|file| self.look(&path, &file)) {
                Ok(Some(inspection)) => Ok(Box::new(inspection)),
                Ok(None) if matches!(file, WalkedFile::Named(_)) => Err(Finding::not_an_image()),
                Ok(None) => return,
                Err(error) => Err(Finding::from(error)),
            };
        items.push(Inspected { path, what });
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        Inspected { path, what: Err(Finding::from(ReadError::Io(error))) }
    }
}

impl Inspector {
    fn look(&self, path: &Path, file: &File) -> Result<Option<Inspection>, ReadError> {
        let Some(layout) = Layout::read(file)? else {
            return Ok(None);
        };
        let length = file.metadata()?.len();
        let header = layout.header;
        let computed = layout.checksum(file, length)?;
        let certificate_table = CertificateTable::read(file, &layout, length)?;
        let mut findings = Vec::new();
        if layout.end_of_sections() > length {
            findings.push(Finding::from(ReadError::SectionPastEnd));
        }
        if let CertificateTable::Malformed { why, .. } = certificate_table {
            let message = format!("its certificate table is malformed: {why}").into();
            findings.push(Finding { message, ..Finding::from(ReadError::Table(why)) });
        }
        let strong_name = told(image::strong_name(file, &layout), &mut findings)?.flatten();
        let imports = told(image::imports(file, &layout), &mut findings)?.unwrap_or_default();
        let imports = imports.into_iter().map(|import| {
            let beside = self.siblings.of_import(path, &import)?.into_iter().map(beside_image);
            Ok(InspectedImport {
                beside: beside.collect(),
                delayed: import.is_delayed,
                name: import.name,
            })
        });
        Ok(Some(Inspection {
            kind: header.kind(),
            machine: header.machine_name(),
            format: if header.is_pe32_plus { "PE32+" } else { "PE32" },
            characteristics: format!("{:#06x}", header.characteristics),
            swap_run: header.swap_run(),
            subsystem: header.subsystem,
            file_size: length,
            size_of_image: header.size_of_image,
            commit: u64::from(header.size_of_image).next_multiple_of(PAGE),
            checksum: Checksum {
                stored: format!("{:#010x}", header.checksum),
                computed: format!("{computed:#010x}"),
                state: match header.checksum {
                    0 => ChecksumState::None,
                    stored if stored == computed => ChecksumState::Valid,
                    _ => ChecksumState::Stale,
                },
            },
            certificate_table,
            managed: layout.is_managed(),
            strong_name,
            imports: imports.collect::<io::Result<_>>()?,
            findings,
        }))
    }
}

/// A page of memory on every machine that Windows runs on today.
const PAGE: u64 = 4096;

/// What a table says; if it is malformed, that is a finding.
fn told<T>(
    table: Result<T, TableError>,
    findings: &mut Vec<Finding>,
) -> Result<Option<T>, ReadError> {
    match table {
        Ok(told) => Ok(Some(told)),
        Err(TableError::Io(error)) => Err(error.into()),
        Err(TableError::Malformed(why)) => {
            findings.push(Finding::from(ReadError::Table(why)));
            Ok(None)
        }
    }
}

fn beside_image(path: PathBuf) -> SiblingImage {
    let swap_run = match image::read(&path) {
        Ok(Content::Image(header)) => Some(header.swap_run()),
        Ok(Content::Other) | Err(_) => None,
    };
    SiblingImage { path, swap_run }
}

impl Serialize for SiblingImage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            #[serde(flatten)]
            path: PathFields<'a>,
            swap_run: Option<&'a [SwapRun]>,
        }
        let swap_run = self.swap_run.as_deref();
        Fields { path: PathFields::of(&self.path), swap_run }.serialize(serializer)
    }
}
