//! Arguments that several commands have.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};
use netswap::{Exclude, WalkOptions};

use crate::Error;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Format {
    /// For people: what is at fault and its cure first, then the rest, then a summary
    #[default]
    Human,
    /// One JSON document
    Json,
    /// One JSON object a line: each file, then the summary
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

/// A bit of `--swap-run`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SwapRun {
    /// `IMAGE_FILE_NET_RUN_FROM_SWAP`: an image on a network share is copied to the page file
    Net,
    /// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`: an image on removable media is copied to the page file
    Cd,
}

impl From<SwapRun> for netswap::SwapRun {
    fn from(bit: SwapRun) -> Self {
        match bit {
            SwapRun::Net => netswap::SwapRun::Net,
            SwapRun::Cd => netswap::SwapRun::Cd,
        }
    }
}

/// How folders are walked.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to walk folders")]
pub(super) struct WalkArguments {
    /// Leave out files and folders: by name, or by path below the named folder if it has a separator
    #[arg(long, value_name = "GLOB", requires = "paths")]
    exclude: Vec<String>,
    /// Follow links below the named folders
    #[arg(long, requires = "paths")]
    follow_links: bool,
    /// Stay on the file system of each named folder
    #[arg(long, requires = "paths")]
    one_file_system: bool,
    /// Ask for this many files and folders at once
    #[arg(short, long, value_name = "NUMBER", value_parser = jobs, requires = "paths", default_value_t = WalkOptions::default().jobs)]
    jobs: NonZeroUsize,
}

/// More would only make the system run out of open files.
const MOST_JOBS: usize = 256;

/// A number of jobs.
pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = text.parse().ok().filter(|jobs: &NonZeroUsize| jobs.get() <= MOST_JOBS);
    jobs.ok_or_else(|| format!("give a number from 1 to {MOST_JOBS}"))
}

impl WalkArguments {
    pub(super) fn options(self) -> Result<WalkOptions, Error> {
        let WalkArguments { exclude, follow_links, one_file_system, jobs } = self;
        Ok(WalkOptions { jobs, follow_links, one_file_system, exclude: Exclude::new(exclude)? })
    }
}
