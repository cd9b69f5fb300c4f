//! Where images come from: trees of files, and the builds of Cargo.

mod receipt;
mod walk;
mod workspace;

use std::path::PathBuf;

pub use receipt::{Outcome, Receipt, ReceiptState, Scope};
pub(crate) use walk::files;
pub(crate) use workspace::Workspace;
pub use workspace::{Build, BuildError};

/// A file that may be an image, and what is known of where it came from.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The build that made it, if Cargo did just now.
    pub artifact: Option<Artifact>,
}

/// What Cargo tells of the build of one image.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The package's name.
    pub package: String,
    /// The package's `Cargo.toml`.
    pub manifest: PathBuf,
    /// The name of the Cargo target: the binary, library, example, test or benchmark.
    pub name: String,
    /// Its kinds, in Cargo's words: `bin`, `cdylib`, `example` and so on.
    pub kinds: Vec<String>,
    /// The triple that it was built for, if one was given or the receipt tells.
    pub target: Option<String>,
    /// What the package's build script left.
    pub receipt: ReceiptState,
}
