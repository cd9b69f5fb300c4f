//! Reads a policy from `netswap.toml` or a `Cargo.toml`, and reports mistakes with their line.

use std::fmt;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize as Derive;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::{Allow, Glob, POLICY_FILE, Rules};
use crate::SwapRun;
use crate::text::{Printable, nearest, one_line};

/// Every key and word that a policy may contain, to suggest the one that was meant.
const WORDS: [&str; 6] = ["swap-run", "allow", "image", "reason", "net", "cd"];

/// The reason why a policy can't be used.
#[derive(Debug)]
pub enum PolicyError {
    /// The file can't be read.
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is not a valid policy.
    Parse {
        /// The file.
        path: PathBuf,
        /// The line, the column, the mistake there and what may have been meant.
        mistake: String,
    },
    /// The baseline can't be read.
    Baseline {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::Read { path, source } => {
                write!(f, "failed to read the policy {}: {source}", Printable(path))
            }
            PolicyError::Parse { path, mistake } => {
                write!(f, "failed to read the policy {}, {mistake}", Printable(path))
            }
            PolicyError::Baseline { path, why } => {
                let (path, why) = (Printable(path), one_line(why));
                write!(
                    f,
                    "failed to read the baseline {path}: {why}; create one with --write-baseline"
                )
            }
        }
    }
}

impl std::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PolicyError::Read { source, .. } => Some(source),
            PolicyError::Parse { .. } | PolicyError::Baseline { .. } => None,
        }
    }
}

/// A policy table: the whole of `netswap.toml`, or `metadata.netswap` of a manifest.
#[derive(Derive)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    swap_run: Option<Vec<SwapRun>>,
    #[serde(default)]
    allow: Vec<Allow>,
}

/// The parts of a `Cargo.toml` that can contain a policy.
#[derive(Derive)]
struct Manifest {
    package: Option<Section>,
    workspace: Option<Section>,
}

#[derive(Derive)]
struct Section {
    metadata: Option<Metadata>,
}

#[derive(Derive)]
struct Metadata {
    netswap: Option<Table>,
}

/// The rules from the two policy tables of a manifest.
#[derive(Debug, Default)]
pub(crate) struct ManifestRules {
    /// `[package.metadata.netswap]`.
    pub(crate) package: Option<Arc<Rules>>,
    /// `[workspace.metadata.netswap]`.
    pub(crate) workspace: Option<Arc<Rules>>,
}

impl<'de> Deserialize<'de> for Allow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Derive)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            #[serde(deserialize_with = "glob")]
            image: Glob,
            #[serde(deserialize_with = "filled")]
            reason: String,
        }
        let fields = Fields::deserialize(deserializer)?;
        Ok(Allow::new(fields.image, fields.reason))
    }
}

fn glob<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Glob, D::Error> {
    Glob::new(filled(deserializer)?).map_err(D::Error::custom)
}

fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom("the value must not be empty; fill it in"));
    }
    Ok(text)
}

impl Rules {
    /// Reads a `netswap.toml`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file can't be read or is not a valid policy.
    pub fn from_file(path: &Path) -> Result<Self, PolicyError> {
        let table: Table = parse(path, &read(path)?)?;
        Ok(table.rules(path, path.parent().unwrap_or(Path::new(""))))
    }

    /// Reads the `netswap.toml` in this folder, if there is one.
    ///
    /// # Errors
    ///
    /// Returns an error if the file exists but can't be read or is not a valid policy.
    pub(crate) fn in_folder(folder: &Path) -> Result<Option<Arc<Self>>, PolicyError> {
        let path = folder.join(POLICY_FILE);
        // A broken link counts as an existing file, because someone put it there. Reading it fails.
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Ok(Some(Arc::new(Self::from_file(&path)?))),
        }
    }
}

impl ManifestRules {
    /// Reads the `metadata.netswap` tables of a `Cargo.toml`. `folder` is the workspace's folder,
    /// which contains the images.
    ///
    /// # Errors
    ///
    /// Returns an error if the file can't be read or is not a valid policy.
    pub(crate) fn from_file(path: &Path, folder: &Path) -> Result<Self, PolicyError> {
        let manifest: Manifest = parse(path, &read(path)?)?;
        let rules = |section: Option<Section>| {
            let table = section?.metadata?.netswap?;
            Some(Arc::new(table.rules(path, folder)))
        };
        Ok(ManifestRules { package: rules(manifest.package), workspace: rules(manifest.workspace) })
    }
}

impl Table {
    fn rules(self, source: &Path, folder: &Path) -> Rules {
        Rules {
            source: source.to_owned(),
            folder: folder.to_owned(),
            swap_run: self.swap_run,
            allow: self.allow,
        }
    }
}

fn read(path: &Path) -> Result<String, PolicyError> {
    fs::read_to_string(path).map_err(|source| PolicyError::Read { path: path.to_owned(), source })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T, PolicyError> {
    toml::from_str(text).map_err(|error| PolicyError::Parse {
        path: path.to_owned(),
        mistake: mistake(text, &error),
    })
}

/// Formats a mistake, for example
/// ``line 3, column 1: unknown field `swaprun`…; did you mean `swap-run`?``.
fn mistake(text: &str, error: &toml::de::Error) -> String {
    let mut mistake = String::new();
    let span = error.span().unwrap_or(0..0);
    let before = text.get(..span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    // Writing to a String can't fail.
    let _ = write!(mistake, "line {line}, column {column}: {}", one_line(error.message()));

    // serde's messages about an unknown key or word start like this.
    let is_unknown = error.message().starts_with("unknown ");
    let word = text.get(span).unwrap_or_default().trim_matches(['"', '\'']);
    if let Some(nearest) = nearest(word, WORDS).filter(|_| is_unknown) {
        let _ = write!(mistake, "; did you mean `{nearest}`?");
    }
    mistake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Result<Rules, String> {
        let path = Path::new("/share/netswap.toml");
        let table: Table = parse(path, text).map_err(|error| error.to_string())?;
        Ok(table.rules(path, Path::new("/share")))
    }

    #[test]
    fn policy_lists_bits_and_exceptions() {
        let rules = rules(
            "swap-run = [\"net\", \"cd\"]\n[[allow]]\nimage = \"a-*.exe\"\nreason = \"why\"\n",
        )
        .unwrap();
        assert_eq!(rules.swap_run.as_deref(), Some(&SwapRun::ALL[..]));
        assert_eq!(rules.allow[0].image(), "a-*.exe");
        assert_eq!(rules.allow[0].reason, "why");
    }

    #[test]
    fn empty_file_has_no_rules() {
        let rules = rules("").unwrap();
        assert!(rules.swap_run.is_none() && rules.allow.is_empty());
    }

    #[test]
    fn mistake_is_reported_with_line_and_suggestion() {
        let table = [
            ("\nswaprun = []\n", "line 2, column 1", "did you mean `swap-run`?"),
            ("swap-run = [\"nett\"]", "line 1, column 13", "did you mean `net`?"),
            ("swap-run = \"net\"", "line 1, column 12", "expected a sequence"),
            (
                "[[allow]]\nimage = \"a\"\nreasons = \"b\"",
                "line 3, column 1",
                "did you mean `reason`?",
            ),
            ("[[allow]]\nimage = \"a\"\nreason = \" \"", "line 3, column 10", "must not be empty"),
            ("[[allow]]\nimage = \"\"\nreason = \"b\"", "line 2, column 9", "must not be empty"),
            ("[[allow]]\nimage = \"a\"", "line 1", "missing field `reason`"),
            ("[[allow]]\nreason = \"b\"\nimage = \"[\"", "line 3, column 9", "glob"),
            ("swap-run = ", "line 1, column 12", ""),
        ];
        for (text, position, words) in table {
            let error = rules(text).unwrap_err();
            for part in ["/share/netswap.toml", position, words] {
                assert!(error.contains(part), "`{part}` is missing for {text:?}: {error}");
            }
        }
    }

    #[test]
    fn dissimilar_word_gets_no_suggestion() {
        let error = rules("colour = 1").unwrap_err();
        assert!(!error.contains("did you mean"), "{error}");
    }
}
