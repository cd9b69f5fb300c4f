//! The journals in this account's own folder, and the list of them that `netswap undo --list`
//! prints.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use netswap::output::Out;
use netswap::report::json_stream::{JsonStream, Names};
use netswap::text::{PathFields, Printable, plural};
use netswap::{ExitCode, Format};
use serde::Serialize;

use crate::Error;
use crate::env;
use crate::patch::journal::read_created;

const NAMES: Names = Names { schema: "netswap.journals/1", list: "journals", line: "journal" };

/// A journal with at least one entry.
pub(super) struct StoredJournal {
    pub(super) path: PathBuf,
    created: Timestamp,
    /// The number of complete entries.
    files: u64,
}

/// The journals in a folder.
#[derive(Default)]
pub(super) struct StoredJournals {
    /// The journals with entries, sorted by date. The newest is last.
    pub(super) journals: Vec<StoredJournal>,
    /// The errors of the journals that can't be read.
    pub(super) errors: Vec<Error>,
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    path: PathFields<'a>,
    created: String,
    files: u64,
}

impl StoredJournals {
    /// Reads the journals of this account. Skips journals without entries: `patch` was ended before
    /// it changed any file.
    pub(super) fn read() -> Result<Self, Error> {
        match env::state_folder() {
            Some(folder) => StoredJournals::in_folder(&folder),
            None => Ok(StoredJournals::default()),
        }
    }

    fn in_folder(folder: &Path) -> Result<Self, Error> {
        let mut stored = StoredJournals::default();
        let failed = |error: io::Error| Error::ReadJournal {
            path: folder.to_owned(),
            line: None,
            why: error.to_string(),
        };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(stored),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            // A pipe would block the program.
            let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
            if !is_file || path.extension().is_none_or(|extension| extension != "journal") {
                continue;
            }
            match StoredJournal::read(path) {
                Ok(journal) => stored.journals.extend(journal),
                Err(error) => stored.errors.push(error),
            }
        }
        stored.journals.sort_by(|a, b| (a.created, &a.path).cmp(&(b.created, &b.path)));
        Ok(stored)
    }

    /// Prints the journals, the newest last.
    pub(super) fn print(&self, format: Format) -> io::Result<()> {
        let mut out = Out::new(format == Format::Human);
        if format == Format::Human {
            for StoredJournal { path, created, files } in &self.journals {
                let (created, path) = (created.strftime("%Y-%m-%d %H:%M:%S UTC"), Printable(path));
                writeln!(out, "{created}  {:>13}  {path}", plural(*files, "file", "files"))?;
            }
        } else {
            let mut objects = JsonStream::new(NAMES, format);
            for StoredJournal { path, created, files } in &self.journals {
                let (path, created) = (PathFields::new(path), created.to_string());
                objects.object(&Object { path, created, files: *files }, &mut out)?;
            }
            objects.end(&[], &mut out)?;
        }
        out.flush()
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if !self.errors.is_empty() {
            ExitCode::Error
        } else if self.journals.is_empty() {
            ExitCode::NothingToVerify
        } else {
            ExitCode::Passed
        }
    }
}

impl StoredJournal {
    /// Reads the first line and counts the others. Returns `None` if there is no complete entry.
    fn read(path: PathBuf) -> Result<Option<Self>, Error> {
        let failed = |error: io::Error| Error::ReadJournal {
            path: path.clone(),
            line: None,
            why: error.to_string(),
        };
        let mut lines = BufReader::new(File::open(&path).map_err(failed)?);
        let Some(created) = read_created(&path, &mut lines)? else {
            return Ok(None);
        };
        let files = count_lines(lines).map_err(failed)?;
        Ok((files > 0).then_some(StoredJournal { path, created, files }))
    }
}

/// Counts the complete lines. A line may be longer than memory, because anyone may have written it.
fn count_lines(mut lines: impl BufRead) -> io::Result<u64> {
    let mut count = 0;
    loop {
        let bytes = lines.fill_buf()?;
        if bytes.is_empty() {
            return Ok(count);
        }
        count += memchr::memchr_iter(b'\n', bytes).count() as u64;
        let length = bytes.len();
        lines.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, created: &str, entries: &str) {
        let head = r#"{"schema":"netswap.journal/1","netswap":"0","created":"CREATED"}"#;
        let text = format!("{}\n{entries}", head.replace("CREATED", created));
        fs::write(folder.join(name), text).unwrap();
    }

    fn names(stored: &StoredJournals) -> Vec<(String, u64)> {
        let name = |journal: &StoredJournal| {
            let name = journal.path.file_name().unwrap().to_string_lossy().into_owned();
            (name, journal.files)
        };
        stored.journals.iter().map(name).collect()
    }

    #[test]
    fn newest_is_last_whatever_the_names() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.journal", "2026-01-02T00:00:00.5Z", "1\n2\n");
        write(dir.path(), "b.journal", "2026-01-02T00:00:00.25Z", "1\ncut off");
        write(dir.path(), "c.journal", "2025-12-31T00:00:00Z", "1\n2\n3\n");
        let stored = StoredJournals::in_folder(dir.path()).unwrap();
        let expected = [("c.journal", 3), ("b.journal", 1), ("a.journal", 2)];
        assert_eq!(names(&stored), expected.map(|(name, files)| (name.to_owned(), files)));
        assert_eq!(stored.exit_code(), ExitCode::Passed);
    }

    #[test]
    fn empty_journals_and_other_files_are_skipped() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "empty.journal", "2026-01-01T00:00:00Z", "");
        write(dir.path(), "cut.journal", "2026-01-01T00:00:00Z", "cut off");
        write(dir.path(), "other.txt", "2026-01-01T00:00:00Z", "1\n");
        fs::write(dir.path().join("head.journal"), "{\"schema\":\"netswap.jo").unwrap();
        fs::create_dir(dir.path().join("folder.journal")).unwrap();
        let stored = StoredJournals::in_folder(dir.path()).unwrap();
        assert_eq!((names(&stored), stored.errors.len()), (Vec::new(), 0));
        assert_eq!(stored.exit_code(), ExitCode::NothingToVerify);
        let missing = StoredJournals::in_folder(&dir.path().join("missing")).unwrap();
        assert_eq!(missing.exit_code(), ExitCode::NothingToVerify);
    }

    #[test]
    fn unreadable_journal_is_an_error_beside_the_others() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.journal", "2026-01-01T00:00:00Z", "1\n");
        write(dir.path(), "b.journal", "yesterday", "1\n");
        fs::write(dir.path().join("c.journal"), vec![b'x'; 1 << 20]).unwrap();
        let stored = StoredJournals::in_folder(dir.path()).unwrap();
        assert_eq!(names(&stored), [("a.journal".to_owned(), 1)]);
        assert_eq!((stored.errors.len(), stored.exit_code()), (2, ExitCode::Error));
    }
}
