//! The sources of images: folder trees and Cargo builds.

mod cargo;
mod clean;
mod linker;
mod messages;
pub mod ordered;
mod receipt;
mod siblings;
mod walk;
mod workspace;
pub mod xtask;

use std::path::PathBuf;

pub(crate) use receipt::changed_linker;
pub use receipt::{Outcome, Receipt, ReceiptState, Scope};
pub use siblings::{SiblingDlls, Siblings};
pub use walk::WalkOptions;
pub use walk::{Visit, WalkedFile, all_exist, walk};
pub(crate) use workspace::Workspace;
pub use workspace::{Build, BuildError};

/// A file that may be an image, and where it came from.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The reason why it is examined.
    pub source: Source,
}

/// The reason why a file is examined.
#[derive(Clone, Debug)]
pub enum Source {
    /// It was named, or it is below a named folder.
    File,
    /// It is in the folder of this program, which was named and loads it.
    Sibling(PathBuf),
    /// Cargo has just built it.
    Build(Box<Artifact>),
}

/// Cargo's information about the build of one image.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The package's name.
    pub package: String,
    /// The package's `Cargo.toml`.
    pub manifest: PathBuf,
    /// The package's build script, if it has one.
    pub build_script: Option<PathBuf>,
    /// Whether the package belongs to the workspace. If not, it is a dependency from elsewhere.
    pub is_member: bool,
    /// The name of the Cargo target: the binary, library, example, test or benchmark.
    pub name: String,
    /// Its kinds, in Cargo's words: `bin`, `cdylib`, `example` and so on.
    pub kinds: Vec<String>,
    /// Its crate types, in Cargo's words: `bin`, `cdylib`, `dylib` and so on.
    pub crate_types: Vec<String>,
    /// Whether it was built with its tests.
    pub is_test: bool,
    /// The command after which Cargo builds the package again for this target and profile.
    pub clean: String,
    /// The triple that it was built for, if one was given or is in the receipt.
    pub target: Option<String>,
    /// The receipt of the package's build script.
    pub receipt: ReceiptState,
}

#[cfg(test)]
pub(crate) use receipt::tests;

#[cfg(test)]
impl Artifact {
    /// Returns the binary `tool` of a package with that name.
    pub(crate) fn for_tests(receipt: ReceiptState) -> Self {
        Artifact {
            package: "tool".into(),
            manifest: "/w/Cargo.toml".into(),
            build_script: Some("/w/build.rs".into()),
            is_member: true,
            name: "tool".into(),
            kinds: vec!["bin".into()],
            crate_types: vec!["bin".into()],
            is_test: false,
            clean: "cargo clean --package tool".into(),
            target: None,
            receipt,
        }
    }
}
