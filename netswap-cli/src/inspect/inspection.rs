//! `netswap inspect`: reads an image's headers and tables, and finds the problems in them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use netswap::find::{SiblingDlls, Visit, WalkOptions, WalkedFile, all_exist, walk};
use netswap::finding::Finding;
use netswap::image::{
    self, CertificateTable, Content, Kind, Layout, ReadError, StrongName, SwapRun, TableError,
};
use netswap::system::{self, Recall};
use netswap::text::PathFields;
use netswap::{Code, ExitCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::Error;
use crate::hazards::{Hazard, Hazards};
use crate::maker::Maker;

#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) path: PathBuf,
    /// The inspection, or the reason that the file can't be inspected.
    pub(crate) result: Result<Box<Inspection>, Finding>,
}

/// The content of an image's headers, and of the tables that they point to.
#[derive(Debug, Serialize)]
pub(crate) struct Inspection {
    pub(crate) kind: Kind,
    /// The machine's usual name, or its number in hexadecimal if it is unknown.
    pub(crate) machine: String,
    pub(crate) format: &'static str,
    /// In hexadecimal.
    pub(crate) characteristics: String,
    pub(crate) swap_run: Vec<SwapRun>,
    /// Subsystem, an `IMAGE_SUBSYSTEM_*` value.
    pub(crate) subsystem: u16,
    pub(crate) file_size: u64,
    pub(crate) size_of_image: u32,
    /// Commit in bytes that the image needs when it runs from a share with a bit set:
    /// `SizeOfImage`, rounded up to whole pages.
    pub(crate) commit: u64,
    pub(crate) checksum: Checksum,
    pub(crate) certificate_table: CertificateTable,
    /// Whether it is a .NET assembly.
    pub(crate) managed: bool,
    /// The kind of its strong name; null if it is not a .NET assembly.
    pub(crate) strong_name: Option<StrongName>,
    pub(crate) imports: Vec<InspectedImport>,
    /// The reasons why the import table and the delay-load import table can't be read.
    pub(crate) import_problem: Option<&'static str>,
    pub(crate) delay_import_problem: Option<&'static str>,
    pub(crate) maker: Maker,
    /// The hazards of changing the image.
    pub(crate) hazards: Vec<Hazard>,
    pub(crate) findings: Vec<Finding>,
}

/// The `CheckSum` field, and its correct value, in hexadecimal.
#[derive(Debug, Serialize)]
pub(crate) struct Checksum {
    pub(crate) stored: String,
    pub(crate) computed: String,
    pub(crate) state: ChecksumState,
}

/// Whether the stored checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChecksumState {
    /// It is 0: the image has none. Only drivers, boot DLLs and some services need one.
    None,
    /// It is right.
    Valid,
    /// It is wrong: the file was changed since.
    Stale,
}

#[derive(Debug, Serialize)]
pub(crate) struct InspectedImport {
    pub(crate) name: String,
    /// Whether it is delay-loaded: Windows loads it when one of its functions is first called.
    pub(crate) delayed: bool,
    /// The files of that name in the image's own folder. Usually none for the DLLs of Windows. More
    /// than one only on a case-sensitive system.
    pub(crate) beside: Vec<SiblingImage>,
}

#[derive(Debug)]
pub(crate) struct SiblingImage {
    pub(crate) path: PathBuf,
    /// The run-from-swap bits that are set in it; null if it is unreadable, offline or not an image.
    pub(crate) swap_run: Option<Vec<SwapRun>>,
}

/// Inspects files, and all images below folders, in the order of their paths. Reads each file from
/// start to end to compute its checksum. Returns `Interrupted` if `options.stop` was set.
pub(crate) fn inspect(
    paths: &[PathBuf],
    options: &WalkOptions,
    on_inspected: &mut dyn FnMut(&Inspected) -> Result<(), Error>,
) -> Result<ExitCode, Error> {
    all_exist(paths)?;
    let mut code = ExitCode::NothingToVerify;
    walk(paths, options, &Inspector::new(options.recall), |inspected: Inspected| {
        code = code.worse(match &inspected.result {
            Ok(inspection) if inspection.findings.is_empty() => ExitCode::Passed,
            Err(finding) if finding.code == Code::Unreadable => ExitCode::Error,
            Err(finding) if finding.code == Code::Offline => ExitCode::NothingToVerify,
            Ok(_) | Err(_) => ExitCode::Findings,
        });
        on_inspected(&inspected)
    })?;
    Ok(if options.is_stopped() { ExitCode::Interrupted } else { code })
}

struct Inspector {
    siblings: SiblingDlls,
    hazards: Hazards,
    recall: Recall,
}

impl Visit for Inspector {
    type Item = Inspected;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        let path = file.path();
        let opened = file.open().map_err(ReadError::from);
        let result = match opened.and_then(|file| self.inspect(&path, &file)) {
            Ok(Some(inspection)) => Ok(Box::new(inspection)),
            Ok(None) if matches!(file, WalkedFile::Named(..)) => Err(Finding::not_an_image()),
            Ok(None) => return,
            Err(error) => Err(Finding::from(error)),
        };
        items.push(Inspected { path, result });
    }

    fn offline(&self, file: &WalkedFile<'_>) -> Option<Self::Item> {
        Some(Inspected { path: file.path(), result: Err(Finding::offline()) })
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        Inspected { path, result: Err(Finding::from(ReadError::Io(error))) }
    }
}

impl Inspector {
    fn new(recall: Recall) -> Self {
        Inspector { siblings: SiblingDlls::new(recall), hazards: Hazards::new(recall), recall }
    }

    fn inspect(&self, path: &Path, file: &File) -> Result<Option<Inspection>, ReadError> {
        let Some(layout) = Layout::read(file)? else {
            return Ok(None);
        };
        let length = file.metadata()?.len();
        let header = layout.header;
        let computed = layout.checksum(file, length)?;
        let certificate_table = CertificateTable::read(file, &layout, length)?;
        let mut findings = Vec::new();
        if layout.is_cut(length) {
            findings.push(Finding::from(ReadError::SectionPastEnd));
        }
        if let CertificateTable::Malformed { why, .. } = certificate_table {
            let message = format!("its certificate table is malformed: {why}").into();
            findings.push(Finding { message, ..Finding::from(ReadError::Table(why)) });
        }
        let strong_name = image::strong_name(file, &layout);
        let strong_name = content_or_finding(strong_name, &mut findings)?.flatten();
        let imports = image::imports(file, &layout)?;
        findings.extend(imports.findings().map(|(finding, _)| finding));
        let maker = Maker::read(file, &layout)?;
        let hazards = self.hazards.find(path, file, &layout, &maker)?;
        let (import_problem, delay_import_problem) = (imports.problem, imports.delay_problem);
        let imports = imports.dlls.into_iter().map(|import| {
            let beside = self.siblings.of_import(path, &import)?.into_iter();
            Ok(InspectedImport {
                beside: beside.map(|path| sibling_image(path, self.recall)).collect(),
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
            import_problem,
            delay_import_problem,
            maker,
            hazards,
            findings,
        }))
    }
}

/// The page size in bytes of every machine that Windows runs on today.
const PAGE: u64 = 4096;

/// Returns the content of a table. If the table is malformed, adds a finding and returns `None`.
fn content_or_finding<T>(
    table: Result<T, TableError>,
    findings: &mut Vec<Finding>,
) -> Result<Option<T>, ReadError> {
    match table {
        Ok(content) => Ok(Some(content)),
        Err(TableError::Io(error)) => Err(error.into()),
        Err(TableError::Malformed(why)) => {
            findings.push(Finding::from(ReadError::Table(why)));
            Ok(None)
        }
    }
}

fn sibling_image(path: PathBuf, recall: Recall) -> SiblingImage {
    let content = system::open_with(&path, recall).map_err(ReadError::from);
    let swap_run = match content.and_then(|file| image::read_from(&file)) {
        Ok(Content::Image(header)) => Some(header.swap_run()),
        Ok(Content::Other) | Err(_) => None,
    };
    SiblingImage { path, swap_run }
}

impl Serialize for SiblingImage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        PathFields::new(&self.path).write_to(&mut fields)?;
        fields.serialize_entry("swap_run", &self.swap_run)?;
        fields.end()
    }
}
