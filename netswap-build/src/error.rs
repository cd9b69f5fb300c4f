//! The errors of netswap-build.

use std::error;
use std::fmt;
use std::io;
use std::path::Path;

use crate::directive::one_line;

/// An error that stops the build script. Its text is one line: the variable, path or name at fault, and
/// what to do.
#[derive(Debug)]
pub struct Error {
    text: String,
    source: Option<io::Error>,
}

impl Error {
    fn new(text: String) -> Self {
        Error { text, source: None }
    }

    pub(crate) fn missing(variable: &str) -> Self {
        Error::new(format!(
            "the environment variable {variable} is not set; call netswap-build from a build.rs that Cargo runs"
        ))
    }

    pub(crate) fn not_utf8(variable: &str) -> Self {
        Error::new(format!(
            "the environment variable {variable} is not valid UTF-8; set it to plain text"
        ))
    }

    /// `NETSWAP` has an unknown value.
    pub(crate) fn switch(value: &str) -> Self {
        // Debug escapes whatever would break the line or the terminal.
        Error::new(format!(
            "the environment variable NETSWAP is {value:?}; set it to one of off, net, cd, net,cd, or unset it"
        ))
    }

    pub(crate) fn bin_name(name: &str) -> Self {
        Error::new(format!(
            "the binary name {name:?} is not valid in a Cargo directive; give Scope::Bin the name from Cargo.toml, without `=` or control characters"
        ))
    }

    /// The linker can't set the bit, and it is required. `text` explains why.
    pub(crate) fn unsupported(text: &str) -> Self {
        Error::new(one_line(text))
    }

    /// A second call would overwrite the receipt of the first.
    pub(crate) fn second_call() -> Self {
        Error::new("called twice in one build script; request all scopes in one call, SwapRun::new().scope(…).scope(…).emit()".to_owned())
    }

    pub(crate) fn receipt(path: &Path, source: io::Error) -> Self {
        let text = format!(
            "failed to write the receipt {:?}: {source}; make OUT_DIR writable, or run `cargo clean`",
            path.to_string_lossy()
        );
        Error { text, source: Some(source) }
    }

    pub(crate) fn stdout(source: io::Error) -> Self {
        let text = format!(
            "failed to print Cargo's directives to standard output: {source}; let Cargo run the build script"
        );
        Error { text, source: Some(source) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_ref().map(|source| source as &(dyn error::Error + 'static))
    }
}
