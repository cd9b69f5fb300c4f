//! The faults of a report's files with their remedies, and the number of files with each.

use std::collections::BTreeMap;
use std::path::Path;

use super::lines::Paths;
use crate::finding::Code;
use crate::text::{number, one_line, plural};

/// The causes in the order in which they occurred first.
#[derive(Default)]
pub struct Causes(Vec<Cause>);

/// The files with the same fault and the same remedy.
pub struct Cause {
    code: Code,
    help: String,
    /// Whether the signature is what prevents the remedy.
    is_signed: bool,
    paths: Paths,
    /// The number of files by signer.
    signers: Tally,
}

/// The number of files by reason or signer.
#[derive(Default)]
pub struct Tally(BTreeMap<String, u64>);

/// The number of reasons or signers that are written.
const MAX_LISTED: usize = 5;

/// The number of different reasons or signers that are counted. A share may have any number.
const MAX_NAMES: usize = 1000;

impl Causes {
    /// Adds a file with a fault.
    pub fn add(
        &mut self,
        code: Code,
        help: &str,
        path: &Path,
        is_signed: bool,
        signer: Option<&str>,
    ) {
        let is_same = |cause: &Cause| cause.code == code && cause.help == help;
        let index = self.0.iter().position(is_same).unwrap_or_else(|| {
            self.0.push(Cause::new(code, help.to_owned()));
            self.0.len() - 1
        });
        if let Some(cause) = self.0.get_mut(index) {
            cause.add(path, is_signed, signer);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Cause> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Cause {
    fn new(code: Code, help: String) -> Self {
        let (paths, signers) = (Paths::default(), Tally::default());
        Cause { code, help, is_signed: false, paths, signers }
    }

    fn add(&mut self, path: &Path, is_signed: bool, signer: Option<&str>) {
        self.paths.add(path);
        if is_signed && (self.code.is_missing_bit() || self.code == Code::SignatureWouldBreak) {
            self.is_signed = true;
            if let Some(signer) = signer {
                self.signers.add(signer);
            }
        }
    }

    pub fn code(&self) -> Code {
        self.code
    }

    /// Returns the remedy.
    pub fn help(&self) -> &str {
        &self.help
    }

    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Counts the files, and names their signers: `12 signed files, 8 by A, 4 by B`.
    pub fn counts(&self) -> String {
        let files = files(self.paths.count(), self.is_signed);
        match &self.signers.largest()[..] {
            [(signer, count)] if *count == self.paths.count() => {
                format!("{files} by {}", one_line(signer))
            }
            signers => {
                let by = |(name, count): &(&str, u64)| {
                    format!("{} by {}", number(*count), one_line(name))
                };
                let signers = signers.iter().map(by);
                std::iter::once(files).chain(signers).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Tally {
    /// Counts a name, unless there are too many.
    pub fn add(&mut self, name: &str) {
        if let Some(count) = self.0.get_mut(name) {
            *count += 1;
        } else if self.0.len() < MAX_NAMES {
            self.0.insert(name.to_owned(), 1);
        }
    }

    /// Returns the names with the largest counts.
    pub fn largest(&self) -> Vec<(&str, u64)> {
        let mut names: Vec<_> =
            self.0.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        names.truncate(MAX_LISTED);
        names
    }
}

/// Counts files: `1 file`, `12 signed files`.
pub(super) fn files(count: u64, is_signed: bool) -> String {
    if is_signed {
        plural(count, "signed file", "signed files")
    } else {
        plural(count, "file", "files")
    }
}
