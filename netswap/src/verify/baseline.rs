//! The known failures, so that only new ones count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_core::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::VerifiedImage;
use crate::json::{FromJson, read_fields, write_fields};
use crate::policy::{Exclude, PolicyError};
use crate::text::{PathFields, Printable, hex, normal};
use crate::verdict::Status;
use crate::{Error, system};

const SCHEMA: &str = "netswap.baseline/1";

/// The known failures of one file.
#[derive(Debug)]
pub(crate) struct Baseline {
    source: PathBuf,
    keys: Keys,
    /// For each path, the codes and whether each occurred again.
    known: BTreeMap<String, BTreeMap<String, bool>>,
}

/// The result of comparing a run with the known failures.
#[derive(Debug)]
pub struct BaselineOutcome {
    /// The baseline file.
    pub source: PathBuf,
    /// The number of failures in it.
    pub known: usize,
    /// The entries that no longer occur: path and code.
    pub stale: Vec<(String, String)>,
}

/// The format of paths in a baseline. Paths below the baseline's folder are relative to it, so that
/// the baseline can move with a repository or a share. Other paths are absolute. The separator is
/// `/` on every system.
#[derive(Debug)]
struct Keys {
    folder: PathBuf,
}

/// A baseline as it is written.
struct Document {
    schema: String,
    images: Vec<Image>,
}

/// The failures of one image.
struct Image {
    path: String,
    codes: Vec<String>,
}

read_fields!(Document { schema, images });
read_fields!(Image { path, codes });
write_fields!(Image { path, codes });

impl Document {
    /// Reads a document that has no unknown fields.
    fn read(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let document = Document::from_json(&value)?;
        check_keys(&value, &["schema", "images"])?;
        for image in value.get("images").and_then(Value::as_array).into_iter().flatten() {
            check_keys(image, &["path", "codes"])?;
        }
        Ok(document)
    }
}

/// Checks that an object has no other keys. Someone who adds a key expects it to have an effect.
fn check_keys(object: &Value, known: &[&str]) -> Result<(), String> {
    let mut keys = object.as_object().into_iter().flatten().map(|(key, _)| key);
    match keys.find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown key `{key}`")),
        None => Ok(()),
    }
}

impl Baseline {
    /// Reads the known failures.
    pub(crate) fn from_file(path: &Path) -> Result<Self, PolicyError> {
        let unreadable = |error: io::Error| invalid(path, &error.to_string());
        let text = fs::read(path).map_err(unreadable)?;
        let document = Document::read(&text).map_err(|why| invalid(path, &why))?;
        if document.schema != SCHEMA {
            return Err(invalid(path, &format!("its schema is not {SCHEMA}")));
        }
        let mut known = BTreeMap::<_, BTreeMap<_, _>>::new();
        for image in document.images {
            let codes = image.codes.into_iter().map(|code| (code, false));
            known.entry(image.path).or_default().extend(codes);
        }
        Ok(Baseline { source: path.to_owned(), keys: Keys::new(path), known })
    }

    /// Accepts a failed image if all of its findings are known.
    pub(crate) fn apply(&mut self, image: &mut VerifiedImage) {
        if image.verdict.status != Status::Failed {
            return;
        }
        let Some(known) = self.known.get_mut(&self.keys.key_for(&image.path)) else {
            return;
        };
        let mut all_known = true;
        for finding in &image.verdict.findings {
            match known.get_mut(finding.code.name()) {
                Some(occurred) => *occurred = true,
                None => all_known = false,
            }
        }
        if all_known {
            image.allow(format!("known in {}", Printable(&self.source)));
        }
    }

    /// Returns the result. Entries outside of the scope may still occur, so they are not stale.
    pub(crate) fn finish(self, scope: &Scope<'_>) -> BaselineOutcome {
        let count = self.known.values().map(BTreeMap::len).sum();
        let folder = self.keys.folder;
        let known = self.known.into_iter().filter(|(key, _)| scope.covers(&folder.join(key)));
        let stale = known.flat_map(|(path, codes)| {
            let stale = codes.into_iter().filter(|(_, occurred)| !occurred);
            stale.map(move |(code, _)| (path.clone(), code))
        });
        BaselineOutcome { source: self.source, known: count, stale: stale.collect() }
    }
}

fn invalid(path: &Path, why: &str) -> PolicyError {
    PolicyError::Baseline { path: path.to_owned(), why: why.to_owned() }
}

impl Keys {
    fn new(baseline: &Path) -> Self {
        Keys { folder: normal(baseline).parent().map(Path::to_owned).unwrap_or_default() }
    }

    fn key_for(&self, path: &Path) -> String {
        let full = normal(path);
        let key = full.strip_prefix(&self.folder).unwrap_or(&full);
        // The bytes make the key of a name that is not valid Unicode unique.
        let escaped = || format!("{} {}", Printable(key), hex(&system::path_bytes(key)));
        let key = key.to_str().map_or_else(escaped, str::to_owned);
        if std::path::MAIN_SEPARATOR == '/' { key } else { key.replace('\\', "/") }
    }
}

impl Serialize for BaselineOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Stale<'a> {
            path: &'a str,
            code: &'a str,
        }
        write_fields!(Stale<'a> { path, code });
        let stale: Vec<_> = self.stale.iter().map(|(path, code)| Stale { path, code }).collect();
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("source", &PathFields::new(&self.source))?;
        object.serialize_entry("known", &self.known)?;
        object.serialize_entry("stale", &stale)?;
        object.end()
    }
}

/// A writer that saves the failures of a run as known failures.
///
/// It keeps the entries that the run says nothing about: those outside of the paths that were
/// scanned, and those of files that could not be read. The file is replaced as a whole, and only
/// after a complete run.
pub(crate) struct BaselineWriter {
    path: PathBuf,
    keys: Keys,
    /// The entries of the existing file.
    old: BTreeMap<String, BTreeMap<String, bool>>,
    new: BTreeMap<String, BTreeSet<String>>,
    /// The images that did not fail, and so have no entry any more.
    passed: BTreeSet<String>,
    /// The files and folders that could not be read.
    unread: BTreeSet<String>,
}

/// The files and folders that a run was about.
pub(crate) struct Scope<'a> {
    pub(crate) paths: &'a [PathBuf],
    pub(crate) exclude: &'a Exclude,
}

impl Scope<'_> {
    /// Whether the run would have found this file.
    fn covers(&self, full: &Path) -> bool {
        self.paths.iter().any(|root| {
            let Ok(below) = full.strip_prefix(normal(root)) else { return false };
            let parts = below.ancestors().filter(|part| !part.as_os_str().is_empty());
            !parts.into_iter().any(|part| self.exclude.would_match(part))
        })
    }
}

impl BaselineWriter {
    /// Starts a baseline. Reads the existing one, and checks that the folder is writable.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let keys = Keys::new(path);
        new_file(&keys.folder).map_err(failed(path))?;
        let old = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            _ => Baseline::from_file(path)?.known,
        };
        let (new, passed, unread) = Default::default();
        Ok(BaselineWriter { path: path.to_owned(), keys, old, new, passed, unread })
    }

    /// Adds the image if it failed. Returns the reason why it is then accepted.
    pub(crate) fn image(&mut self, image: &VerifiedImage) -> Option<String> {
        let key = self.keys.key_for(&image.path);
        match image.verdict.status {
            Status::Failed => {
                let findings = image.verdict.findings.iter();
                let codes = findings.map(|finding| finding.code.name().to_owned());
                self.new.insert(key, codes.collect());
                return Some(format!("to be recorded in {}", Printable(&self.path)));
            }
            Status::Unreadable | Status::Offline => self.unread.insert(key),
            Status::Passed | Status::Allowed => {
                self.old.contains_key(&key) && self.passed.insert(key)
            }
        };
        None
    }

    /// Writes the file.
    pub(crate) fn finish(mut self, scope: &Scope<'_>) -> Result<(), Error> {
        for (key, codes) in std::mem::take(&mut self.old) {
            if self.is_kept(&key, scope) {
                self.new.entry(key).or_insert_with(|| codes.into_keys().collect());
            }
        }
        let images = self.new.into_iter().map(|(path, codes)| {
            serde_json::to_string(&Image { path, codes: codes.into_iter().collect() })
        });
        let write = || {
            let mut file = BufWriter::new(new_file(&self.keys.folder)?);
            write!(file, "{{\n\"schema\": \"{SCHEMA}\",\n\"images\": [")?;
            for (index, image) in images.enumerate() {
                let comma = if index == 0 { "" } else { "," };
                write!(file, "{comma}\n{}", image?)?;
            }
            file.write_all(b"\n]\n}\n")?;
            let file = file.into_inner()?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            Ok(())
        };
        write().map_err(failed(&self.path))
    }

    /// Whether an entry of the existing file stays, because the run says nothing about its file.
    fn is_kept(&self, key: &str, scope: &Scope<'_>) -> bool {
        let is_unread = Path::new(key)
            .ancestors()
            .any(|part| part.to_str().is_some_and(|part| self.unread.contains(part)));
        is_unread || !(self.passed.contains(key) || scope.covers(&self.keys.folder.join(key)))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn new_file(folder: &Path) -> io::Result<NamedTempFile> {
    system::temporary_file(folder, ".netswap-baseline")
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    |error| {
        let source = system::without_path(&error);
        Error::WriteBaseline { path: path.to_owned(), source }
    }
}
