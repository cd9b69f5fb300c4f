//! Reads a policy from `netswap.toml` or a `Cargo.toml`, and reports mistakes with their line.

use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Allow, Day, Glob, POLICY_FILE, Rules};
use crate::text::{Printable, nearest, one_line};
use crate::{Code, SwapRun};

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

/// A mistake in a policy, and its place in the text.
struct Mistake {
    place: Range<usize>,
    message: String,
}

/// The rules from the two policy tables of a manifest.
#[derive(Debug, Default)]
pub(crate) struct ManifestRules {
    /// `[package.metadata.netswap]`.
    pub(crate) package: Option<Arc<Rules>>,
    /// `[workspace.metadata.netswap]`.
    pub(crate) workspace: Option<Arc<Rules>>,
}

impl Mistake {
    fn new(at: &Spanned<impl Sized>, message: impl Into<String>) -> Self {
        Mistake { place: at.span(), message: message.into() }
    }

    /// Returns the mistake of a word that none of the known words is.
    fn unknown(at: &Spanned<impl Sized>, what: &str, word: &str, known: &[&str]) -> Self {
        let hint = match nearest(word, known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("use `{}`", known.join("` or `")),
        };
        Mistake::new(at, format!("unknown {what} `{}`; {hint}", one_line(word)))
    }

    /// Formats the mistake for example as
    /// ``line 3, column 1: unknown key `swaprun`; did you mean `swap-run`?``.
    fn describe(&self, text: &str) -> String {
        let before = text.get(..self.place.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}: {}", self.message)
    }
}

/// Reads a word of `swap-run`.
fn bit(value: &Spanned<DeValue<'_>>) -> Result<SwapRun, Mistake> {
    let word = string(value)?;
    SwapRun::from_name(word).ok_or_else(|| Mistake::unknown(value, "word", word, &["net", "cd"]))
}

/// Reads a table of `[[allow]]`.
fn allow(value: &Spanned<DeValue<'_>>) -> Result<Allow, Mistake> {
    const KEYS: [&str; 6] = ["image", "signed", "signer", "code", "until", "reason"];
    let (mut allow, mut has_condition) = (Allow::default(), false);
    for (key, value) in table(value)? {
        let name = &**key.get_ref();
        has_condition |= KEYS[..4].contains(&name);
        match name {
            "image" => {
                let glob = Glob::new(filled(value)?.to_owned());
                allow.image = Some(glob.map_err(|why| Mistake::new(value, why))?);
            }
            "signed" => match value.get_ref() {
                DeValue::Boolean(true) => allow.signed = true,
                DeValue::Boolean(false) => {
                    return Err(Mistake::new(value, "use `signed = true`, or leave it out"));
                }
                _ => return Err(wrong_type(value, "true")),
            },
            "signer" => {
                let glob = Glob::for_text(filled(value)?);
                allow.signer = Some(glob.map_err(|why| Mistake::new(value, why))?);
            }
            "code" => allow.code = Some(code(value)?),
            "until" => allow.until = Some(day(value)?),
            "reason" => filled(value)?.clone_into(&mut allow.reason),
            word => return Err(Mistake::unknown(key, "key", word, &KEYS)),
        }
    }
    let missing = |keys: &str| Mistake::new(value, format!("{keys} is missing in this exception"));
    if !has_condition {
        return Err(missing("a condition (`image`, `signed`, `signer` or `code`)"));
    }
    if allow.reason.is_empty() { Err(missing("`reason`")) } else { Ok(allow) }
}

/// Reads the code of a finding that can be excused.
fn code(value: &Spanned<DeValue<'_>>) -> Result<Code, Mistake> {
    let word = filled(value)?;
    match Code::from_name(word) {
        Some(code) if code.is_missing_bit() || code.is_broken_image() => Ok(code),
        Some(Code::Unreadable) => {
            Err(Mistake::new(value, "`unreadable` can't be allowed; pass --ignore-unreadable"))
        }
        Some(_) => Err(Mistake::new(value, format!("verify never reports `{word}`"))),
        None => {
            let names = Code::ALL.iter().map(|code| code.name());
            let hint = match nearest(word, names) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "`netswap explain` lists the codes".to_owned(),
            };
            Err(Mistake::new(value, format!("unknown code `{}`; {hint}", one_line(word))))
        }
    }
}

/// Reads a date: a local date of TOML, or a string.
fn day(value: &Spanned<DeValue<'_>>) -> Result<Day, Mistake> {
    let day = match value.get_ref() {
        DeValue::Datetime(date) => Day::parse(&date.to_string()),
        DeValue::String(text) => Day::parse(text),
        _ => None,
    };
    day.ok_or_else(|| Mistake::new(value, "expected a date, such as 2027-01-31"))
}

/// Reads each item of an array.
fn each<T>(
    value: &Spanned<DeValue<'_>>,
    read: fn(&Spanned<DeValue<'_>>) -> Result<T, Mistake>,
) -> Result<Vec<T>, Mistake> {
    let array = value.get_ref().as_array().ok_or_else(|| wrong_type(value, "an array"))?;
    array.iter().map(read).collect()
}

fn table<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> Result<&'a DeTable<'i>, Mistake> {
    value.get_ref().as_table().ok_or_else(|| wrong_type(value, "a table"))
}

fn string<'a>(value: &'a Spanned<DeValue<'_>>) -> Result<&'a str, Mistake> {
    value.get_ref().as_str().ok_or_else(|| wrong_type(value, "a string"))
}

fn filled<'a>(value: &'a Spanned<DeValue<'_>>) -> Result<&'a str, Mistake> {
    let text = string(value)?;
    if text.trim().is_empty() {
        return Err(Mistake::new(value, "the value must not be empty; fill it in"));
    }
    Ok(text)
}

fn wrong_type(value: &Spanned<DeValue<'_>>, expected: &str) -> Mistake {
    let found = value.get_ref().type_str();
    Mistake::new(value, format!("expected {expected}, found {found}"))
}

impl Rules {
    /// Reads a `netswap.toml`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file can't be read or is not a valid policy.
    pub fn from_file(path: &Path) -> Result<Self, PolicyError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        parse(path, &read(path)?, |table| Rules::from_table(table, path, folder))
    }

    /// Reads a policy table: the whole of `netswap.toml`, or `metadata.netswap` of a manifest.
    fn from_table(table: &DeTable<'_>, source: &Path, folder: &Path) -> Result<Self, Mistake> {
        let (source, folder) = (source.to_owned(), folder.to_owned());
        let mut rules = Rules { source, folder, swap_run: None, allow: Vec::new() };
        for (key, value) in table {
            match &**key.get_ref() {
                "swap-run" => rules.swap_run = Some(each(value, bit)?),
                "allow" => rules.allow = each(value, allow)?,
                word => return Err(Mistake::unknown(key, "key", word, &["swap-run", "allow"])),
            }
        }
        Ok(rules)
    }

    /// Reads the `netswap.toml` in this folder, if there is one.
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
    pub(crate) fn from_file(path: &Path, folder: &Path) -> Result<Self, PolicyError> {
        let section = |manifest: &DeTable<'_>, name: &str| {
            let metadata = manifest.get(name).and_then(|section| section.get_ref().get("metadata"));
            let policy = metadata.and_then(|metadata| metadata.get_ref().get("netswap"));
            let rules = |policy| Rules::from_table(table(policy)?, path, folder).map(Arc::new);
            policy.map(rules).transpose()
        };
        parse(path, &read(path)?, |manifest| {
            Ok(ManifestRules {
                package: section(manifest, "package")?,
                workspace: section(manifest, "workspace")?,
            })
        })
    }
}

fn read(path: &Path) -> Result<String, PolicyError> {
    fs::read_to_string(path).map_err(|source| PolicyError::Read { path: path.to_owned(), source })
}

/// Parses a file and reads its table. The error contains the place of a mistake.
fn parse<T>(
    path: &Path,
    text: &str,
    read: impl FnOnce(&DeTable<'_>) -> Result<T, Mistake>,
) -> Result<T, PolicyError> {
    let table = DeTable::parse(text).map_err(|error| Mistake {
        place: error.span().unwrap_or(0..0),
        message: one_line(error.message()),
    });
    table.and_then(|table| read(table.get_ref())).map_err(|mistake| PolicyError::Parse {
        path: path.to_owned(),
        mistake: mistake.describe(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Result<Rules, String> {
        let path = Path::new("/share/netswap.toml");
        let read = |table: &DeTable<'_>| Rules::from_table(table, path, Path::new("/share"));
        parse(path, text, read).map_err(|error| error.to_string())
    }

    #[test]
    fn policy_lists_bits_and_exceptions() {
        let rules = rules(
            "swap-run = [\"net\", \"cd\"]\n[[allow]]\nimage = \"a-*.exe\"\nreason = \"why\"\n",
        )
        .unwrap();
        assert_eq!(rules.swap_run.as_deref(), Some(&SwapRun::ALL[..]));
        assert_eq!(rules.allow[0].image(), Some("a-*.exe"));
        assert_eq!(rules.allow[0].reason, "why");
    }

    #[test]
    fn exception_can_have_every_condition() {
        let text = "[[allow]]\nimage = \"a\"\nsigned = true\nsigner = \"Contoso*\"\n\
                    code = \"net-swap-missing\"\nuntil = 2027-01-31\nreason = \"why\"\n\
                    [[allow]]\nsigned = true\nuntil = \"2027-01-31\"\nreason = \"why\"\n";
        let rules = rules(text).unwrap();
        let [first, second] = &rules.allow[..] else { panic!("{rules:?}") };
        assert_eq!(
            first.conditions(),
            "image = `a`, signed = true, signer = `Contoso*`, code = `net-swap-missing`"
        );
        assert_eq!(second.conditions(), "signed = true");
        assert_eq!(first.until, Day::parse("2027-01-31"));
        assert_eq!(second.until, first.until);
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
            ("swap-run = \"net\"", "line 1, column 12", "expected an array"),
            (
                "[[allow]]\nimage = \"a\"\nreasons = \"b\"",
                "line 3, column 1",
                "did you mean `reason`?",
            ),
            ("[[allow]]\nimage = \"a\"\nreason = \" \"", "line 3, column 10", "must not be empty"),
            ("[[allow]]\nimage = \"\"\nreason = \"b\"", "line 2, column 9", "must not be empty"),
            ("[[allow]]\nimage = \"a\"", "line 1", "`reason` is missing"),
            ("[[allow]]\nreason = \"a\"", "line 1", "a condition (`image`, `signed`, `signer` or"),
            ("[[allow]]\nsigned = false", "line 2, column 10", "use `signed = true`"),
            ("[[allow]]\nsigned = 1", "line 2, column 10", "expected true"),
            ("[[allow]]\nsigner = \"[\"", "line 2, column 10", "glob"),
            ("[[allow]]\ncode = \"net-swap-mising\"", "line 2, column 8", "`net-swap-missing`"),
            ("[[allow]]\ncode = \"x\"", "line 2, column 8", "`netswap explain` lists"),
            ("[[allow]]\ncode = \"unreadable\"", "line 2", "--ignore-unreadable"),
            ("[[allow]]\ncode = \"in-use\"", "line 2", "verify never reports `in-use`"),
            ("[[allow]]\nuntil = \"2026-02-30\"", "line 2, column 9", "such as 2027-01-31"),
            ("[[allow]]\nuntil = 2026-02-28T00:00:00Z", "line 2, column 9", "such as 2027-01-31"),
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
