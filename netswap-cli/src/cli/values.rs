//! The values of options that several commands have.

use clap::ValueEnum;

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
