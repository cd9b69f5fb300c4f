//! Arguments that several commands share.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{ArgGroup, Args, ValueEnum};
use netswap::image::Kind;
use netswap::output::print_warning;
use netswap::report::Detail;
use netswap::system::Recall;
use netswap::text::one_line;
use netswap::{Exclude, WalkOptions};

use crate::Error;

/// The format of a report.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Format {
    /// For people: failures with their fixes, other files, a summary
    #[default]
    Human,
    /// One JSON document
    Json,
    /// One JSON object per line: the files, then the summary
    Ndjson,
}

impl From<Format> for netswap::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Human => netswap::Format::Human,
            Format::Json => netswap::Format::Json,
            Format::Ndjson => netswap::Format::Ndjson,
        }
    }
}

/// The format of a report that is also for spreadsheets and browsers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people: failures with their fixes, other files, a summary
    #[default]
    Human,
    /// One JSON document
    Json,
    /// One JSON object per line: the files, then the summary
    Ndjson,
    /// A table for spreadsheets, with a row per file
    Csv,
    /// One web page that needs no network: a summary, what to do, and a table of all files
    Html,
}

impl From<Format> for ReportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Human => ReportFormat::Human,
            Format::Json => ReportFormat::Json,
            Format::Ndjson => ReportFormat::Ndjson,
        }
    }
}

/// A word of `--swap-run`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SwapRun {
    /// `IMAGE_FILE_NET_RUN_FROM_SWAP`, for images on a network share
    Net,
    /// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`, for images on removable media
    Cd,
    /// Both bits, the same as net,cd
    Both,
}

impl SwapRun {
    /// Returns the bits that the word stands for.
    pub(super) fn bits(self) -> &'static [netswap::SwapRun] {
        match self {
            SwapRun::Net => &[netswap::SwapRun::Net],
            SwapRun::Cd => &[netswap::SwapRun::Cd],
            SwapRun::Both => &netswap::SwapRun::ALL,
        }
    }
}

/// A kind of image that the bits have no effect on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OtherKind {
    /// Drivers and other parts of the kernel, which Windows never pages from a share
    Driver,
    /// Programs that run before Windows does, such as its boot manager
    Boot,
    /// UEFI programs and drivers
    Efi,
    /// Programs for an Xbox
    Xbox,
    /// Programs for Windows CE, which ignores the bits
    WindowsCe,
}

impl From<OtherKind> for Kind {
    fn from(kind: OtherKind) -> Self {
        match kind {
            OtherKind::Driver => Kind::Driver,
            OtherKind::Boot => Kind::Boot,
            OtherKind::Efi => Kind::Efi,
            OtherKind::Xbox => Kind::Xbox,
            OtherKind::WindowsCe => Kind::WindowsCe,
        }
    }
}

/// The name of the group of arguments that name files and folders.
pub(super) const INPUTS: &str = "inputs";

/// Returns the group of the paths and of `--files-from`.
pub(super) fn inputs() -> ArgGroup {
    ArgGroup::new(INPUTS).args(["paths", "files_from"]).multiple(true)
}

/// Returns how much a report lists.
pub(super) fn detail(is_quiet: bool, is_verbose: bool) -> Detail {
    match (is_quiet, is_verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Verbose,
        _ => Detail::Normal,
    }
}

/// The options for walking folders.
#[derive(Debug, Args)]
#[command(next_help_heading = "Searching folders")]
pub(super) struct WalkArguments {
    /// Exclude files and folders whose name matches. A glob with a separator matches paths below PATHS
    #[arg(long, value_name = "GLOB", requires = INPUTS)]
    exclude: Vec<String>,
    /// Follow symbolic links and junctions
    #[arg(long, requires = INPUTS)]
    follow_links: bool,
    /// Do not enter other file systems
    #[arg(long, requires = INPUTS)]
    one_file_system: bool,
    /// Also read files whose content is in the cloud or on tape. Windows then fetches their content
    #[arg(long, requires = INPUTS)]
    recall: bool,
    /// Read this many files and folders at once
    #[arg(short, long, value_name = "NUMBER", value_parser = jobs, requires = INPUTS, default_value_t = WalkOptions::default().jobs)]
    jobs: NonZeroUsize,
}

/// The maximum of `--jobs`. More jobs would only make the system run out of open files.
const MAX_JOBS: usize = 256;

/// Parses a number of jobs, from 1 to `MAX_JOBS`.
pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = text.parse().ok().filter(|jobs: &NonZeroUsize| jobs.get() <= MAX_JOBS);
    jobs.ok_or_else(|| format!("use a number from 1 to {MAX_JOBS}"))
}

impl WalkArguments {
    /// Returns the options of a walk that ends when `stop` is set.
    pub(super) fn options(self, stop: Arc<AtomicBool>) -> Result<WalkOptions, Error> {
        let WalkArguments { exclude, follow_links, one_file_system, recall, jobs } = self;
        let exclude = Exclude::new(exclude)?;
        let recall = if recall { Recall::Allowed } else { Recall::Never };
        Ok(WalkOptions { jobs, follow_links, one_file_system, exclude, recall, stop })
    }
}

/// Warns about each glob of `--exclude` that has matched nothing after a complete search.
pub(super) fn warn_unmatched(exclude: &Exclude) {
    for glob in exclude.unmatched() {
        let glob = one_line(glob);
        print_warning(&format!(
            "--exclude: `{glob}` matched no file or folder; check its spelling"
        ));
    }
}
