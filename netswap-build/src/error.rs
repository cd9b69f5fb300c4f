//! Why there is no decision, or why it could not be told.

use std::error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the build script can't go on. Its text names the variable, path or name that is at fault
/// and says what to do, on one line.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
enum Kind {
    Missing(&'static str),
    NotUtf8(&'static str),
    Switch(String),
    BinName(String),
    Unsupported(String),
    Receipt(PathBuf, io::Error),
    Stdout(io::Error),
}

impl Error {
    pub(crate) fn missing(variable: &'static str) -> Self {
        Error(Kind::Missing(variable))
    }

    pub(crate) fn not_utf8(variable: &'static str) -> Self {
        Error(Kind::NotUtf8(variable))
    }

    /// `NETSWAP` holds something else than a known value.
    pub(crate) fn switch(value: impl Into<String>) -> Self {
        Error(Kind::Switch(value.into()))
    }

    /// A name given to `Scope::Bin` that can't stand in a directive.
    pub(crate) fn bin_name(name: &str) -> Self {
        Error(Kind::BinName(name.to_owned()))
    }

    /// The linker can't do it, and it was required; `text` says so.
    pub(crate) fn unsupported(text: String) -> Self {
        Error(Kind::Unsupported(text))
    }

    pub(crate) fn receipt(path: &Path, source: io::Error) -> Self {
        Error(Kind::Receipt(path.to_owned(), source))
    }

    pub(crate) fn stdout(source: io::Error) -> Self {
        Error(Kind::Stdout(source))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Missing(variable) => write!(
                f,
                "the environment variable {variable} is not set; call netswap-build from a build.rs that Cargo runs"
            ),
            Kind::NotUtf8(variable) => write!(
                f,
                "the environment variable {variable} is not valid UTF-8; set it to plain text"
            ),
            // Debug escapes whatever would break the line or the terminal.
            Kind::Switch(value) => write!(
                f,
                "the environment variable NETSWAP is {value:?}; set it to one of off, net, cd, net,cd, or unset it"
            ),
            Kind::BinName(name) => write!(
                f,
                "no binary can be called {name:?} in a Cargo directive; give Scope::Bin the name that stands in Cargo.toml, without `=` or control characters"
            ),
            Kind::Unsupported(text) => f.write_str(text),
            Kind::Receipt(path, source) => write!(
                f,
                "failed to write the receipt {}: {source}; make OUT_DIR a directory that can be written, or run `cargo clean`",
                path.display().to_string().escape_debug()
            ),
            Kind::Stdout(source) => write!(
                f,
                "failed to print Cargo's directives to standard output: {source}; let Cargo run the build script"
            ),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.0 {
            Kind::Receipt(_, source) | Kind::Stdout(source) => Some(source),
            _ => None,
        }
    }
}
