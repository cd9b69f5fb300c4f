//! A line for Cargo. No name or variable can split it into two.

use std::fmt;

use crate::{Error, Scope};

/// A directive for Cargo in the single-colon spelling, which every Cargo since 1.56 accepts. Cargo refuses
/// `cargo::` in a package whose `rust-version` is older than 1.77
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/build-scripts.html#outputs-of-the-build-script)).
///
/// Its [`Display`](fmt::Display) is the line, without an end of line.
#[derive(Debug)]
pub struct Directive(String);

impl Directive {
    /// Returns `cargo:rustc-link-arg…`, which passes `argument` to the linker of the images in `scope`.
    /// A binary's name with `=` or a control character is an error.
    pub(crate) fn link_arg(scope: &Scope, argument: &'static str) -> Result<Self, Error> {
        let is_invalid = |c: char| c == '=' || c.is_control();
        let scope = match scope {
            Scope::All => String::new(),
            Scope::Bin(name) if name.is_empty() || name.contains(is_invalid) => {
                return Err(Error::bin_name(name));
            }
            Scope::Bin(name) => format!("-bin={name}"),
            _ => format!("-{}", scope.name()),
        };
        Ok(Directive(format!("cargo:rustc-link-arg{scope}={argument}")))
    }

    /// Returns `cargo:rerun-if-env-changed=NETSWAP`: Cargo runs the build script again if it changes.
    pub(crate) fn rerun_if_netswap_changed() -> Self {
        Directive("cargo:rerun-if-env-changed=NETSWAP".to_owned())
    }

    /// Returns `cargo:warning`, which Cargo shows to the user.
    pub(crate) fn warning(text: &str) -> Self {
        Directive(format!("cargo:warning={}", one_line(text)))
    }
}

/// Replaces control characters, which would end the line or control the terminal.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_use_cargos_spelling() {
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
    fn invalid_binary_name_is_refused() {
        for name in ["", "a=b", "a\ncargo:rustc-link-arg=evil", "a\rb", "a\u{85}b"] {
            let error =
                Directive::link_arg(&Scope::bin(name), "/SWAPRUN:NET").unwrap_err().to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(error.contains("Scope::Bin"), "{}", error);
        }
    }

    #[test]
    fn warning_is_always_one_line() {
        let warning = Directive::warning("a\r\ncargo:rustc-link-arg=evil\u{1b}[2J").to_string();
        let expected = "cargo:warning=a\u{fffd}\u{fffd}cargo:rustc-link-arg=evil\u{fffd}[2J";
        assert_eq!(warning, expected);
    }
}
