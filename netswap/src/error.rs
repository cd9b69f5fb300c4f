//! The error of a command that could not do its work.

use std::io;
use std::path::PathBuf;

use crate::find::BuildError;
use crate::policy::PolicyError;
use crate::text::{Printable, one_line};

/// The reason why a command could not do its work. [`ExitCode`](crate::ExitCode) lists the exit
/// codes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The build failed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The policy can't be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A named file or folder does not exist.
    #[error("failed to find {}: {source}; name a file or folder that exists", Printable(path))]
    NoSuchPath {
        /// The path as given.
        path: PathBuf,
        /// The error from the system.
        source: io::Error,
    },
    /// The baseline can't be written.
    #[error("failed to write the baseline {}: {source}", Printable(path))]
    WriteBaseline {
        /// The baseline's path.
        path: PathBuf,
        /// The error from the system.
        source: io::Error,
    },
    /// The arguments are invalid.
    #[error("{}", one_line(.0))]
    Usage(String),
    /// The report can't be written.
    #[error("failed to write the report: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// Whether the program that reads the output has ended.
    #[doc(hidden)]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
