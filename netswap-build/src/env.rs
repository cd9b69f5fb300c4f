//! The only reader of environment variables.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Error;

/// The variables that Cargo sets for a build script
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/environment-variables.html#environment-variables-cargo-sets-for-build-scripts)),
/// and that affect the decision, and `NETSWAP`.
#[derive(Debug)]
#[cfg_attr(test, derive(PartialEq))]
pub struct BuildEnv {
    /// `CARGO_PKG_NAME`: the package whose build script runs.
    pub(crate) package: String,
    pub(crate) target: String,
    pub(crate) target_os: String,
    /// `CARGO_CFG_TARGET_ENV`, empty if the target has none.
    pub(crate) target_env: String,
    /// `CARGO_CFG_TARGET_ABI`. Rust before 1.78 does not set it.
    pub(crate) target_abi: Option<String>,
    /// `RUSTC_LINKER`: the linker that Cargo is configured to use, if any.
    pub(crate) linker: Option<OsString>,
    /// `CARGO_ENCODED_RUSTFLAGS`: the flags, separated by unit separators (0x1F).
    pub(crate) rustflags: String,
    /// `NETSWAP`: the packager's switch; an empty value counts as unset.
    pub(crate) netswap: Option<OsString>,
    /// `OUT_DIR`: the folder of the receipt.
    pub(crate) out_dir: PathBuf,
}

impl BuildEnv {
    /// Reads the variables of this process.
    ///
    /// # Errors
    ///
    /// When a variable that Cargo always sets is missing, or one that must be text is not UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        // Nothing else reads the environment.
        #[allow(clippy::disallowed_methods)]
        Self::from_vars(|name| std::env::var_os(name))
    }

    /// Takes the variables from `lookup` instead of from the process.
    ///
    /// # Errors
    ///
    /// As for [`from_env`](Self::from_env).
    pub fn from_vars(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let text = |name| {
            let text = lookup(name).map(OsString::into_string).transpose();
            text.map_err(|_| Error::not_utf8(name))
        };
        let required = |name| text(name)?.ok_or_else(|| Error::missing(name));
        // An empty value counts as unset.
        let filled = |name| lookup(name).filter(|value| !value.is_empty());
        Ok(BuildEnv {
            package: required("CARGO_PKG_NAME")?,
            target: required("TARGET")?,
            target_os: required("CARGO_CFG_TARGET_OS")?,
            target_env: text("CARGO_CFG_TARGET_ENV")?.unwrap_or_default(),
            target_abi: text("CARGO_CFG_TARGET_ABI")?,
            linker: filled("RUSTC_LINKER"),
            rustflags: text("CARGO_ENCODED_RUSTFLAGS")?.unwrap_or_default(),
            netswap: filled("NETSWAP"),
            out_dir: filled("OUT_DIR").ok_or_else(|| Error::missing("OUT_DIR"))?.into(),
        })
    }
}

/// Returns the environment of a build script of the package `tool`, for unit tests.
#[cfg(test)]
pub(crate) fn for_tests(triple: &str, os: &str, env: &str, abi: Option<&str>) -> BuildEnv {
    BuildEnv {
        package: "tool".into(),
        target: triple.into(),
        target_os: os.into(),
        target_env: env.into(),
        target_abi: abi.map(str::to_owned),
        linker: None,
        rustflags: String::new(),
        netswap: None,
        out_dir: "out".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cargo_sets(name: &str) -> Option<OsString> {
        let value = match name {
            "CARGO_PKG_NAME" => "tool",
            "TARGET" => "x86_64-pc-windows-msvc",
            "OUT_DIR" => "/out",
            "CARGO_CFG_TARGET_OS" => "windows",
            "CARGO_CFG_TARGET_ENV" => "msvc",
            _ => return None,
        };
        Some(value.into())
    }

    #[test]
    fn empty_variable_counts_as_unset() {
        let env = BuildEnv::from_vars(|name| match name {
            "NETSWAP" | "RUSTC_LINKER" | "CARGO_ENCODED_RUSTFLAGS" => Some(OsString::new()),
            _ => cargo_sets(name),
        })
        .unwrap();
        assert_eq!(env, BuildEnv::from_vars(cargo_sets).unwrap());
    }

    #[test]
    fn missing_variable_is_named() {
        for missing in ["CARGO_PKG_NAME", "TARGET", "OUT_DIR", "CARGO_CFG_TARGET_OS"] {
            let error = BuildEnv::from_vars(|name| cargo_sets(name).filter(|_| name != missing))
                .unwrap_err()
                .to_string();
            assert!(error.contains(missing), "{}", error);
            assert!(error.contains("build.rs"), "the remedy is missing: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn variable_with_invalid_utf8_is_named() {
        use std::os::unix::ffi::OsStringExt;
        let with = |bad: &'static str| {
            BuildEnv::from_vars(move |name| match name {
                name if name == bad => Some(OsString::from_vec(vec![b'l', 0xff])),
                name => cargo_sets(name),
            })
        };
        for name in ["CARGO_PKG_NAME", "TARGET", "CARGO_ENCODED_RUSTFLAGS"] {
            let error = with(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("UTF-8"), "{}", error);
        }
        for name in ["RUSTC_LINKER", "OUT_DIR", "NETSWAP"] {
            assert!(with(name).is_ok(), "{}", name);
        }
    }
}
