//! Reads netswap's `ndjson` reports.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::outcome::Outcome;

pub(super) struct Report {
    pub(super) outcome: Outcome,
    rows: Vec<Value>,
}

impl Report {
    /// Runs a command, whose exit code must be one of these, and parses its output.
    pub(super) fn run(command: &mut Command, codes: &[i32]) -> Result<Self, String> {
        Report::parse(Outcome::run(command)?.expect_codes(codes)?)
    }

    pub(super) fn parse(outcome: Outcome) -> Result<Self, String> {
        let lines = outcome.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let rows = lines.map(serde_json::from_slice).collect::<Result<_, _>>();
        let rows = rows.map_err(|error| outcome.error(&error.to_string()))?;
        Ok(Report { outcome, rows })
    }

    pub(super) fn paths(&self, status: &str) -> Result<BTreeSet<PathBuf>, String> {
        let has_status = |row: &&Value| row.get("status").is_some_and(|it| it == status);
        let mut paths = BTreeSet::new();
        for path in self.rows.iter().filter(has_status).filter_map(path_in) {
            if let Some(path) = paths.replace(path) {
                return Err(self.error(&format!("{} is reported twice", path.display())));
            }
        }
        Ok(paths)
    }

    /// Returns a number from the summary.
    pub(super) fn count(&self, field: &str) -> Result<usize, String> {
        let count = self.rows.last().and_then(|last| last.get("summary")?.get(field)?.as_u64());
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.error(&format!("the report has no summary with {field}")))
    }

    /// Checks that the findings of each of these files contain this word.
    pub(super) fn expect_finding(
        &self,
        word: &str,
        paths: &BTreeSet<PathBuf>,
    ) -> Result<(), String> {
        for path in paths {
            let row = self.rows.iter().find(|row| path_in(row).as_ref() == Some(path));
            let findings = row.and_then(|row| row.get("findings")).map(Value::to_string);
            if !findings.is_some_and(|findings| findings.contains(word)) {
                let path = path.display();
                return Err(self.error(&format!("the findings of {path} lack {word:?}")));
            }
        }
        Ok(())
    }

    pub(super) fn error(&self, reason: &str) -> String {
        self.outcome.error(reason)
    }
}

/// Returns the path in a row of a report or a journal.
pub(super) fn path_in(row: &Value) -> Option<PathBuf> {
    let text = row.get("path")?.as_str()?;
    let Some(bytes) = row.get("path_bytes").and_then(Value::as_str) else {
        return Some(text.into());
    };
    let (pairs, rest) = bytes.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    rest.is_empty().then_some(OsString::from_vec(bytes?).into())
}
