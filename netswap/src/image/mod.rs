//! One Windows image: its headers, the tables behind them, and edits of its run-from-swap bits.
//!
//! All functions read from a [`ReadAt`]: a file or its bytes. They allocate only what the PE format
//! allows, never what a header claims.

mod certificates;
mod checksum;
mod clr;
mod edit;
mod header;
mod imports;
mod layout;
mod read;
mod source;
mod table;

pub use certificates::CertificateTable;
pub use clr::{StrongName, strong_name};
pub use edit::{Edit, EditState, NewChecksum};
pub use header::{Directory, Header, Kind, Malformed};
pub use imports::{Import, Imports, imports};
pub use layout::{DirectoryEntry, Layout, Mapped};
pub use read::{Content, ReadError, read, read_from};
pub use source::{ReadAt, read_full};
pub use table::{TableError, WindowedReader};

use serde_json::Value;

use crate::json::{FromJson, write_name};

/// A run-from-swap bit in an image's Characteristics, named by its word in [`/SWAPRUN`][1].
///
/// [1]: https://learn.microsoft.com/cpp/build/reference/swaprun-load-linker-output-to-swap-file
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwapRun {
    /// `IMAGE_FILE_NET_RUN_FROM_SWAP`: Windows copies an image on a network share to the page file.
    Net,
    /// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`: Windows copies an image on removable media to the page
    /// file.
    Cd,
}

write_name!(SwapRun);

impl FromJson for SwapRun {
    fn from_json(value: &Value) -> Result<Self, String> {
        let name = value.as_str().unwrap_or_default();
        SwapRun::from_name(name).ok_or_else(|| "is neither `net` nor `cd`".to_owned())
    }
}

impl SwapRun {
    /// Lists the names of bits for people: `net, cd`, or `none`.
    pub fn list(bits: &[SwapRun]) -> String {
        let names: Vec<_> = bits.iter().map(|bit| bit.name()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// Both bits, in the order used in reports.
    pub const ALL: [SwapRun; 2] = [SwapRun::Net, SwapRun::Cd];

    /// Returns the bit in Characteristics (PE format, "Characteristics").
    pub fn mask(self) -> u16 {
        match self {
            SwapRun::Net => object::pe::IMAGE_FILE_NET_RUN_FROM_SWAP.0,
            SwapRun::Cd => object::pe::IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP.0,
        }
    }

    /// Returns the bit's word in `/SWAPRUN`, in policies and in reports.
    pub fn name(self) -> &'static str {
        match self {
            SwapRun::Net => "net",
            SwapRun::Cd => "cd",
        }
    }

    /// Returns the bit with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        SwapRun::ALL.into_iter().find(|bit| bit.name() == name)
    }

    /// Returns the linker option that sets the bit.
    pub fn switch(self) -> &'static str {
        match self {
            SwapRun::Net => "/SWAPRUN:NET",
            SwapRun::Cd => "/SWAPRUN:CD",
        }
    }

    /// Returns the bit's name in the PE format.
    pub fn constant(self) -> &'static str {
        match self {
            SwapRun::Net => "IMAGE_FILE_NET_RUN_FROM_SWAP",
            SwapRun::Cd => "IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP",
        }
    }
}
