//! One line of a build script's output to Cargo; nothing can make two of it.

use std::fmt;

use crate::{Error, Scope};

/// A directive in the single-colon spelling, which every Cargo since 1.56 reads: `cargo::` is
/// refused in a package whose `rust-version` is older than 1.77
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/build-scripts.html#outputs-of-the-build-script)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    LinkArg { scope: Scope, argument: &'static str },
    RerunIfEnvChanged(&'static str),
    Warning(String),
}

impl Directive {
    /// `cargo:rustc-link-arg…`: pass `argument` to the linker of the images in `scope`.
    ///
    /// # Errors
    ///
    /// When the scope is a binary whose name would end the line or be taken for the argument.
    pub(crate) fn link_arg(scope: &Scope, argument: &'static str) -> Result<Self, Error> {
        if let Scope::Bin(name) = scope {
            if name.is_empty() || name.contains(|c: char| c == '=' || c.is_control()) {
                return Err(Error::bin_name(name));
            }
        }
        Ok(Directive(Kind::LinkArg { scope: scope.clone(), argument }))
    }

    /// `cargo:rerun-if-env-changed`: run the build script again when this variable changes.
    pub(crate) fn rerun_if_env_changed(variable: &'static str) -> Self {
        Directive(Kind::RerunIfEnvChanged(variable))
    }

    /// `cargo:warning`: what the user sees.
    pub(crate) fn warning(text: impl Into<String>) -> Self {
        Directive(Kind::Warning(text.into()))
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::LinkArg { scope, argument } => match scope {
                Scope::All => write!(f, "cargo:rustc-link-arg={argument}"),
                Scope::Bins => write!(f, "cargo:rustc-link-arg-bins={argument}"),
                Scope::Bin(name) => write!(f, "cargo:rustc-link-arg-bin={name}={argument}"),
                Scope::Cdylib => write!(f, "cargo:rustc-link-arg-cdylib={argument}"),
                Scope::Examples => write!(f, "cargo:rustc-link-arg-examples={argument}"),
                Scope::Tests => write!(f, "cargo:rustc-link-arg-tests={argument}"),
                Scope::Benches => write!(f, "cargo:rustc-link-arg-benches={argument}"),
            },
            Kind::RerunIfEnvChanged(variable) => {
                write!(f, "cargo:rerun-if-env-changed={variable}")
            }
            Kind::Warning(text) => {
                f.write_str("cargo:warning=")?;
                for c in text.chars() {
                    if c.is_control() {
                        write!(f, "{}", c.escape_default())?;
                    } else {
                        write!(f, "{c}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_has_cargos_spelling() {
        let table = [
            (Scope::All, "cargo:rustc-link-arg=/SWAPRUN:NET"),
            (Scope::Bins, "cargo:rustc-link-arg-bins=/SWAPRUN:NET"),
            (Scope::bin("my-tool"), "cargo:rustc-link-arg-bin=my-tool=/SWAPRUN:NET"),
            (Scope::Cdylib, "cargo:rustc-link-arg-cdylib=/SWAPRUN:NET"),
            (Scope::Examples, "cargo:rustc-link-arg-examples=/SWAPRUN:NET"),
            (Scope::Tests, "cargo:rustc-link-arg-tests=/SWAPRUN:NET"),
            (Scope::Benches, "cargo:rustc-link-arg-benches=/SWAPRUN:NET"),
        ];
        for (scope, line) in table {
            let directive = Directive::link_arg(&scope, "/SWAPRUN:NET").unwrap();
            assert_eq!(directive.to_string(), line);
        }
    }

    #[test]
    fn a_binary_name_that_would_change_the_directive_is_refused_and_shown_escaped() {
        for name in ["", "a=b", "a\ncargo:rustc-link-arg=evil", "a\rb", "a\u{85}b"] {
            let error =
                Directive::link_arg(&Scope::bin(name), "/SWAPRUN:NET").unwrap_err().to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(error.contains("Scope::Bin"), "{}", error);
        }
    }

    #[test]
    fn a_warning_stays_one_line_whatever_it_holds() {
        let warning = Directive::warning("a\r\ncargo:rustc-link-arg=evil\u{1b}[2J");
        assert_eq!(warning.to_string(), "cargo:warning=a\\r\\ncargo:rustc-link-arg=evil\\u{1b}[2J");
    }
}
