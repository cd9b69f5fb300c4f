//! One Windows image: what its header says.

mod header;
mod read;

pub(crate) use header::Malformed;
pub use header::{Header, Kind};
pub use read::{Content, ReadError, read};

use serde::{Deserialize, Serialize};

/// A run-from-swap bit of an image's Characteristics, by its word in `/SWAPRUN`
/// ([Microsoft Learn](https://learn.microsoft.com/cpp/build/reference/swaprun-load-linker-output-to-swap-file)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SwapRun {
    /// `IMAGE_FILE_NET_RUN_FROM_SWAP`: an image on a network share is copied to the page file.
    Net,
    /// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`: an image on removable media is copied to the page
    /// file.
    Cd,
}

impl SwapRun {
    /// Both bits, in the order of reports.
    pub const ALL: [SwapRun; 2] = [SwapRun::Net, SwapRun::Cd];

    /// The bit in Characteristics (PE format, "Characteristics").
    pub fn mask(self) -> u16 {
        match self {
            SwapRun::Net => object::pe::IMAGE_FILE_NET_RUN_FROM_SWAP.0,
            SwapRun::Cd => object::pe::IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP.0,
        }
    }

    /// Its word in `/SWAPRUN`, in policies and in reports.
    pub fn word(self) -> &'static str {
        match self {
            SwapRun::Net => "net",
            SwapRun::Cd => "cd",
        }
    }

    /// The linker's switch that sets it.
    pub fn switch(self) -> &'static str {
        match self {
            SwapRun::Net => "/SWAPRUN:NET",
            SwapRun::Cd => "/SWAPRUN:CD",
        }
    }

    /// The name of the bit in the PE format.
    pub fn constant(self) -> &'static str {
        match self {
            SwapRun::Net => "IMAGE_FILE_NET_RUN_FROM_SWAP",
            SwapRun::Cd => "IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP",
        }
    }
}
