//! The error of a command that could not do its work.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::find::BuildError;
use crate::policy::PolicyError;
use crate::text::{Printable, one_line};

/// The reason why a command could not do its work. [`ExitCode`](crate::ExitCode) lists the exit
/// codes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The build failed.
    Build(BuildError),
    /// The policy can't be used.
    Policy(PolicyError),
    /// A named file or folder does not exist.
    NoSuchPath {
        /// The path as given.
        path: PathBuf,
        /// The error from the system.
        source: io::Error,
    },
    /// The baseline can't be written.
    WriteBaseline {
        /// The baseline's path.
        path: PathBuf,
        /// The error from the system.
        source: io::Error,
    },
    /// The arguments are invalid.
    Usage(String),
    /// The report can't be written.
    Output(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Build(error) => error.fmt(f),
            Error::Policy(error) => error.fmt(f),
            Error::NoSuchPath { path, source } => {
                let path = Printable(path);
                write!(f, "failed to find {path}: {source}; name a file or folder that exists")
            }
            Error::WriteBaseline { path, source } => {
                write!(f, "failed to write the baseline {}: {source}", Printable(path))
            }
            Error::Usage(why) => f.write_str(&one_line(why)),
            Error::Output(error) => write!(f, "failed to write the report: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Build(error) => error.source(),
            Error::Policy(error) => error.source(),
            Error::NoSuchPath { source, .. } | Error::WriteBaseline { source, .. } => Some(source),
            Error::Usage(_) => None,
            Error::Output(error) => Some(error),
        }
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        Error::Build(error)
    }
}

impl From<PolicyError> for Error {
    fn from(error: PolicyError) -> Self {
        Error::Policy(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Output(error)
    }
}

impl Error {
    /// Whether the program that reads the output has ended.
    #[doc(hidden)]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
