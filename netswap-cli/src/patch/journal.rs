//! The journal: what `patch` is about to change, so that `undo` can restore it.
//!
//! A journal is a text file with one JSON object on each line. The first describes the program that
//! wrote it. Each of the others is the entry of one file. An entry is on the disk before its file
//! is touched. So either the file is unchanged, or its entry has the original bytes.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use netswap::image::{Edit, Layout};
use netswap::system;
use netswap::text::{hex, one_line};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::env;
use crate::text::unhex;

const SCHEMA: &str = "netswap.journal/1";

/// The most bytes in a line. A longer line is not an entry: paths have at most 32,767 characters on
/// Windows, and fewer elsewhere.
const MAX_LINE_LENGTH: u64 = 256 << 10;

/// The first line of a journal.
#[derive(Deserialize, Serialize)]
struct Head {
    schema: String,
    netswap: String,
    created: String,
}

/// The change that was to be made to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub length: u64,
    /// The `fingerprint` of its headers.
    pub fingerprint: u32,
    /// Whether it was read-only, and has to be made read-only again.
    pub is_read_only: bool,
    pub edit: Edit,
}

/// An entry as a line of the journal.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: String,
    /// The path in hexadecimal, if it is not valid Unicode.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    length: u64,
    headers: String,
    read_only: bool,
    offset: u64,
    old: String,
    new: String,
}

/// Returns the CRC-32 of the headers without the fields that `patch` changes. `undo` compares it,
/// to refuse a file that was replaced.
pub(crate) fn fingerprint(layout: &Layout) -> u32 {
    crc32fast::hash(&layout.fixed_headers)
}

impl Entry {
    pub fn line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(&Line {
            path: self.path.to_string_lossy().into_owned(),
            path_bytes: self.path.to_str().is_none().then(|| hex(&system::path_bytes(&self.path))),
            length: self.length,
            headers: hex(&self.fingerprint.to_be_bytes()),
            read_only: self.is_read_only,
            offset: self.edit.offset,
            old: hex(&self.edit.old),
            new: hex(&self.edit.new),
        })?;
        line.push(b'\n');
        Ok(line)
    }

    /// Parses a line. The error says what is wrong with it.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let read: Line = serde_json::from_slice(line).map_err(|error| {
            // Remove the position: the caller reports the line number, which is always 1 here.
            let error = error.to_string();
            error.split_once(" at line 1 ").map_or(error.clone(), |(what, _)| what.to_owned())
        })?;
        let bytes = |field: &str, text: &str| {
            unhex(text).ok_or_else(|| format!("`{field}` is not in hexadecimal"))
        };
        let path = match &read.path_bytes {
            None => Some(PathBuf::from(read.path)),
            Some(text) => system::path_from_bytes(&bytes("path_bytes", text)?),
        };
        let headers = bytes("headers", &read.headers)?.try_into();
        let edit = Edit {
            offset: read.offset,
            old: bytes("old", &read.old)?,
            new: bytes("new", &read.new)?,
        };
        if !edit.is_sound() {
            return Err("it changes bytes that netswap patch never changes".to_owned());
        }
        Ok(Entry {
            path: path.filter(|path| path.is_absolute()).ok_or("its path is not absolute")?,
            length: read.length,
            fingerprint: u32::from_be_bytes(headers.map_err(|_| "`headers` is not four bytes")?),
            is_read_only: read.read_only,
            edit,
        })
    }
}

/// A function that shows the path of a journal to the user.
pub(crate) type OnCreate<'a> = dyn Fn(&Path) + Sync + 'a;

/// A journal that many threads write to at once.
pub(crate) struct Journal<'a> {
    /// The file to create. `None` for a new file in the system's folder for the state of programs.
    location: Option<PathBuf>,
    on_create: &'a OnCreate<'a>,
    opened: OnceLock<Result<Opened, String>>,
}

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Debug)]
struct State {
    file: File,
    written: u64,
    /// Number of entries that are on the disk.
    synced: u64,
    is_syncing: bool,
    failed: Option<String>,
}

impl<'a> Journal<'a> {
    /// Creates a journal whose file is created with its first entry. Calls `on_create` then, before
    /// any file is changed.
    pub(crate) fn at(location: Option<PathBuf>, on_create: &'a OnCreate<'a>) -> Self {
        Journal { location, on_create, opened: OnceLock::new() }
    }

    /// Writes an entry, and returns when it is on the disk. One sync also covers the entries that
    /// other threads write meanwhile.
    ///
    /// # Errors
    ///
    /// When this entry or another one can't be written. The file must not be touched then.
    pub(crate) fn append(&self, entry: &Entry) -> Result<(), Error> {
        let create = || {
            let opened = Opened::create(self.location.as_deref());
            let opened = opened.map_err(|error| error.to_string())?;
            (self.on_create)(&opened.path);
            Ok(opened)
        };
        let opened = self.opened.get_or_init(create).as_ref().map_err(|why| self.failed(why))?;
        opened.append(entry).map_err(|why| self.failed(&why))
    }

    /// Returns the path of the journal's file, if there is an entry.
    pub(crate) fn path(&self) -> Option<&Path> {
        let opened = self.opened.get()?.as_ref().ok()?;
        Some(&opened.path)
    }

    fn failed(&self, why: &str) -> Error {
        let path = self.path().or(self.location.as_deref()).map(Path::to_owned);
        Error::WriteJournal { path, why: why.to_owned(), has_entries: self.path().is_some() }
    }
}

impl Opened {
    fn create(location: Option<&Path>) -> io::Result<Self> {
        let created = Timestamp::now();
        let (mut file, path) = if let Some(path) = location {
            (File::create_new(path)?, path.to_owned())
        } else {
            let no_home = || io::Error::other("this account has no home folder to keep it in");
            let folder = env::state_folder().ok_or_else(no_home)?;
            fs::create_dir_all(&folder)?;
            let file = tempfile::Builder::new()
                .prefix(&created.strftime("%Y%m%dT%H%M%SZ-").to_string())
                .suffix(".journal")
                .tempfile_in(&folder)?;
            file.keep()?
        };
        let head = Head {
            schema: SCHEMA.to_owned(),
            netswap: env!("CARGO_PKG_VERSION").to_owned(),
            created: created.to_string(),
        };
        let mut line = serde_json::to_vec(&head)?;
        line.push(b'\n');
        file.write_all(&line)?;
        // The file's name, too, should survive a loss of power. Some systems can't sync a folder.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let _ = File::open(folder.unwrap_or(Path::new("."))).map(|folder| folder.sync_all());
        let state = State { file, written: 0, synced: 0, is_syncing: false, failed: None };
        Ok(Opened { path, state: Mutex::new(state), synced: Condvar::new() })
    }

    fn append(&self, entry: &Entry) -> Result<(), String> {
        let line = entry.line().map_err(|error| error.to_string())?;
        let mut state = self.lock();
        state.check()?;
        if let Err(error) = (&state.file).write_all(&line) {
            return Err(state.fail(&error));
        }
        state.written += 1;
        let own = state.written;
        while state.synced < own {
            state.check()?;
            if state.is_syncing {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            // One sync covers all waiting threads.
            state.is_syncing = true;
            let written = state.written;
            let file = state.file.try_clone();
            drop(state);
            let result = file.and_then(|file| file.sync_data());
            state = self.lock();
            state.is_syncing = false;
            self.synced.notify_all();
            match result {
                Ok(()) => state.synced = written,
                Err(error) => return Err(state.fail(&error)),
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self) -> Result<(), String> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// Remembers the first error, so that nothing is written after a partial line. A reader could
    /// not read an entry that follows one.
    fn fail(&mut self, error: &io::Error) -> String {
        self.failed.get_or_insert_with(|| error.to_string()).clone()
    }
}

/// An iterator over the entries of a journal. It reads them one by one, because a journal may be
/// larger than memory.
#[derive(Debug)]
pub struct Entries<R> {
    path: PathBuf,
    lines: R,
    number: u64,
    /// Whether nothing further can be read.
    is_at_end: bool,
}

impl Entries<BufReader<File>> {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error: io::Error| read_error(path, None, &error.to_string());
        Entries::read(path, BufReader::new(File::open(path).map_err(failed)?))
    }
}

impl<R: BufRead> Entries<R> {
    /// Reads a journal that error messages call `path`.
    pub fn read(path: &Path, lines: R) -> Result<Self, Error> {
        let mut entries = Entries { path: path.to_owned(), lines, number: 0, is_at_end: false };
        let line = entries.bytes()?;
        entries.is_at_end = Head::parse(path, &line)?.is_none();
        Ok(entries)
    }

    /// Reads up to the end of the line, but at most `MAX_LINE_LENGTH` bytes.
    fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        self.number += 1;
        let read = io::Read::take(&mut self.lines, MAX_LINE_LENGTH).read_until(b'\n', &mut line);
        self.is_at_end = read.is_err();
        read.map_err(|error| self.error(&error.to_string()))?;
        Ok(line)
    }

    /// Reads the next line. Returns `None` at the end, or if the last line is cut off: its file has
    /// not been touched.
    fn line(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut line = self.bytes()?;
        let is_cut_off = (line.len() as u64) < MAX_LINE_LENGTH;
        if line.pop() == Some(b'\n') {
            return Ok(Some(line));
        }
        if is_cut_off {
            return Ok(None);
        }
        // The next call continues after this line.
        self.is_at_end = self.lines.skip_until(b'\n').is_err();
        Err(self.error("it is too long"))
    }

    fn error(&self, why: &str) -> Error {
        read_error(&self.path, Some(self.number), why)
    }
}

impl<R: BufRead> Iterator for Entries<R> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_at_end {
            return None;
        }
        let line = self.line().transpose()?;
        Some(line.and_then(|line| Entry::parse(&line).map_err(|why| self.error(&why))))
    }
}

impl Head {
    /// Parses the first line of a journal that error messages call `path`. Returns `None` if the
    /// line is cut off: the program that wrote it ended before it changed any file.
    fn parse(path: &Path, line: &[u8]) -> Result<Option<Self>, Error> {
        if line.last() != Some(&b'\n') && is_start_of_head(line) {
            return Ok(None);
        }
        match serde_json::from_slice::<Head>(line) {
            Ok(head) if head.schema == SCHEMA => Ok(Some(head)),
            Ok(head) => {
                let schema = one_line(&head.schema);
                let why = format!("its schema is `{schema}`, but this netswap reads `{SCHEMA}`");
                Err(read_error(path, None, &why))
            }
            Err(_) => Err(read_error(path, None, "it does not begin like a netswap journal")),
        }
    }
}

/// Reads the first line of a journal and returns the time when it was created. Returns `None` if the
/// line is cut off.
pub(crate) fn read_created(
    path: &Path,
    lines: &mut impl BufRead,
) -> Result<Option<Timestamp>, Error> {
    let mut line = Vec::new();
    let read = io::Read::take(lines, MAX_LINE_LENGTH).read_until(b'\n', &mut line);
    read.map_err(|error| read_error(path, None, &error.to_string()))?;
    let Some(head) = Head::parse(path, &line)? else {
        return Ok(None);
    };
    let created = head.created.parse();
    created.map(Some).map_err(|_| read_error(path, None, "its date is invalid"))
}

/// Whether these bytes are the beginning of a journal's first line.
fn is_start_of_head(line: &[u8]) -> bool {
    let begin = format!("{{\"schema\":\"{SCHEMA}\",");
    line.iter().zip(begin.as_bytes()).all(|(byte, expected)| byte == expected)
}

fn read_error(path: &Path, line: Option<u64>, why: &str) -> Error {
    Error::ReadJournal { path: path.to_owned(), line, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn entry(path: &str) -> Entry {
        let edit = Edit { offset: 0x96, old: vec![0x22, 0x00], new: vec![0x22, 0x08] };
        Entry { path: path.into(), length: 1234, fingerprint: 7, is_read_only: true, edit }
    }

    fn journal() -> (tempfile::TempDir, Journal<'static>) {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::at(Some(dir.path().join("a.journal")), &|_| {});
        (dir, journal)
    }

    fn entries(path: &Path) -> Vec<Entry> {
        Entries::open(path).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn entries_with_odd_names_are_read_back() {
        use std::os::unix::ffi::OsStrExt;
        let (_dir, journal) = journal();
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff\n\x1b.exe")).to_owned();
        let all = [entry("/ü.exe"), Entry { path: odd, is_read_only: false, ..entry("/") }];
        for entry in &all {
            journal.append(entry).unwrap();
        }
        assert_eq!(entries(journal.path().unwrap()), all);
    }

    #[cfg(unix)]
    #[test]
    fn concurrent_entries_are_each_complete() {
        let (_dir, journal) = journal();
        thread::scope(|scope| {
            for thread in 0..8 {
                let journal = &journal;
                scope.spawn(move || {
                    for n in 0..20 {
                        journal.append(&entry(&format!("/{thread}/{n}"))).unwrap();
                    }
                });
            }
        });
        assert_eq!(entries(journal.path().unwrap()).len(), 160);
    }

    #[test]
    fn no_entry_creates_no_file() {
        let (dir, journal) = journal();
        assert_eq!(journal.path(), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn existing_journal_is_not_overwritten() {
        let (dir, journal) = journal();
        fs::write(dir.path().join("a.journal"), "precious").unwrap();
        assert!(journal.append(&entry("/a")).is_err());
        assert_eq!(fs::read(dir.path().join("a.journal")).unwrap(), b"precious");
    }

    #[cfg(unix)]
    #[test]
    fn truncated_last_line_is_ignored() {
        let (dir, journal) = journal();
        journal.append(&entry("/a")).unwrap();
        let first = fs::read(journal.path().unwrap()).unwrap().len();
        journal.append(&entry("/b")).unwrap();
        let bytes = fs::read(journal.path().unwrap()).unwrap();
        for length in first..bytes.len() {
            let cut = dir.path().join("cut.journal");
            fs::write(&cut, &bytes[..length]).unwrap();
            assert_eq!(entries(&cut), [entry("/a")], "{length}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn invalid_line_is_reported_and_the_rest_is_read() {
        let (_dir, journal) = journal();
        journal.append(&entry("/a")).unwrap();
        journal.append(&entry("/b")).unwrap();
        let text = fs::read_to_string(journal.path().unwrap()).unwrap();
        for (from, to, why) in [
            ("\"length\":1234", "\"length\":-1", "invalid value"),
            ("\"old\":\"2200\"", "\"old\":\"220\"", "`old` is not in hexadecimal"),
            ("\"old\":\"2200\"", "\"old\":\"2300\"", "bytes that netswap patch never changes"),
            ("\"path\":\"/a\"", "\"path\":\"a\"", "its path is not absolute"),
            ("\"path\":\"/a\"", "\"path\":\"/a\",\"run\":\"rm\"", "unknown field `run`"),
            ("\"headers\":\"00000007\"", "\"headers\":\"07\"", "`headers` is not four bytes"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            let read = Entries::read(Path::new("x.journal"), changed.as_bytes()).unwrap();
            let read: Vec<_> = read.collect();
            let message = read[0].as_ref().unwrap_err().to_string();
            assert!(message.contains("x.journal, line 2") && message.contains(why), "{message}");
            assert_eq!(read[1].as_ref().unwrap(), &entry("/b"));
            assert_eq!(read.len(), 2);
        }
    }

    #[test]
    fn truncated_first_line_means_no_entries() {
        let head = b"{\"schema\":\"netswap.journal/1\",\"netswap\":\"0\",\"created\":\"\"}";
        for length in 0..=head.len() {
            let entries = Entries::read(Path::new("x"), &head[..length]).unwrap();
            assert_eq!(entries.count(), 0, "{length}");
        }
    }

    #[test]
    fn other_files_and_too_long_lines_are_errors() {
        let read = |bytes: &[u8]| Entries::read(Path::new("x"), bytes).err().map(|e| e.to_string());
        for bytes in [&b"\n"[..], b"MZ", b"{}\n", b"{\"schema\":\"netswap.journal/1\"}\n"] {
            assert!(read(bytes).unwrap().contains("it does not begin like a netswap journal"));
        }
        let newer = b"{\"schema\":\"netswap.journal/2\",\"netswap\":\"9\",\"created\":\"\"}\n";
        assert!(read(newer).unwrap().contains("its schema is `netswap.journal/2`"));
        let head = b"{\"schema\":\"netswap.journal/1\",\"netswap\":\"0\",\"created\":\"\"}\n";
        let long = vec![b'x'; 3 << 20];
        let mut line = entry(if cfg!(windows) { "C:\\a" } else { "/a" }).line().unwrap();
        line.extend(&long);
        let all = [&head[..], &long, b"\n", &line].concat();
        let read: Vec<_> = Entries::read(Path::new("x"), &*all).unwrap().collect();
        assert_eq!(read.len(), 3);
        for (index, is_entry) in [(0, false), (1, true), (2, false)] {
            assert_eq!(read[index].is_ok(), is_entry, "{index}");
        }
        let message = read[2].as_ref().unwrap_err().to_string();
        assert!(message.contains("line 4: it is too long"), "{message}");
    }
}
