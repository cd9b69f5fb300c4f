//! Files grouped by folder and by their findings, and then what to do about each cause.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::Style;

use super::lines::{Paths, folder_name, is_longer_than_line, write_text, write_wrapped};
use crate::finding::{Code, Finding};
use crate::style::WARNING;
use crate::text::{Printable, number, one_line, plural};

/// A file as a report for people shows it. It depends on no other file, so any thread can make it.
pub struct Entry {
    path: PathBuf,
    /// The column in which the path begins, after the status.
    indent: usize,
    /// The lines that files of one group have in common.
    about: About,
    is_signed: bool,
    signer: Option<String>,
    /// The code and the remedy of each finding.
    causes: Vec<(Code, Cow<'static, str>)>,
}

#[derive(PartialEq)]
struct About {
    style: Style,
    /// The status.
    word: &'static str,
    /// A short text behind the path.
    note: String,
    /// The lines below the path.
    text: Vec<u8>,
}

/// The files of a report. Those of one folder are written when the next folder begins.
#[derive(Default)]
pub struct Groups {
    folder: PathBuf,
    of_folder: Vec<Group>,
    /// The number of files in the groups.
    held: usize,
    causes: Vec<Cause>,
}

/// The files of one folder with the same findings.
struct Group {
    about: About,
    is_signed: bool,
    indent: usize,
    names: Vec<String>,
}

/// The files with the same fault and the same remedy.
struct Cause {
    code: Code,
    help: Cow<'static, str>,
    /// Whether the signature is what prevents the remedy.
    is_signed: bool,
    paths: Paths,
    /// The number of files by signer.
    signers: BTreeMap<String, u64>,
}

/// The number of files of one folder that are held back to group them. A folder may have millions.
const MAX_HELD: usize = 4096;

/// The number of reasons or signers that are written.
const MAX_LISTED: usize = 5;

/// The number of different reasons or signers that are counted. A share may have any number.
const MAX_NAMES: usize = 1000;

/// Counts a name, unless there are too many.
pub(super) fn count(names: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = names.get_mut(name) {
        *count += 1;
    } else if names.len() < MAX_NAMES {
        names.insert(name.to_owned(), 1);
    }
}

/// Returns the names with the largest counts.
pub(super) fn largest(names: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut names: Vec<_> = names.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    names.truncate(MAX_LISTED);
    names
}

/// Counts files: `1 file`, `12 signed files`.
fn files(count: u64, is_signed: bool) -> String {
    if is_signed {
        plural(count, "signed file", "signed files")
    } else {
        plural(count, "file", "files")
    }
}

impl Entry {
    /// Returns an entry for a path that begins in the column `indent`, after the status `word`.
    pub fn new(style: Style, word: &'static str, path: &Path, indent: usize) -> Self {
        let about = About { style, word, note: String::new(), text: Vec::new() };
        Entry {
            path: path.to_owned(),
            indent,
            about,
            is_signed: false,
            signer: None,
            causes: Vec::new(),
        }
    }

    /// Says whether the file is signed, and by whom.
    #[must_use]
    pub fn signed(self, is_signed: bool, signer: Option<&str>) -> Self {
        Entry { is_signed, signer: signer.map(str::to_owned), ..self }
    }

    /// Adds a short text behind the path.
    #[must_use]
    pub fn note(mut self, note: String) -> Self {
        self.about.note = note;
        self
    }

    /// Adds lines about something that is wrong with the file.
    #[must_use]
    pub fn finding(self, finding: &Finding) -> Self {
        let text = format!("{}: {}", finding.code, finding.message);
        self.with(&text, finding)
    }

    /// Adds lines about something that may be wrong with the file.
    #[must_use]
    pub fn warning(self, finding: &Finding) -> Self {
        let Finding { code, message, .. } = finding;
        self.with(&format!("{WARNING}warning:{WARNING:#} {code}: {message}"), finding)
    }

    fn with(mut self, text: &str, finding: &Finding) -> Self {
        // A vector takes all bytes.
        let _ = write_wrapped(text.split(' '), " ", self.indent, &mut self.about.text);
        self.causes.push((finding.code, finding.help.clone()));
        self
    }
}

impl Groups {
    /// Adds a file. Writes the files before it if they are in another folder.
    pub fn add(&mut self, entry: Entry, out: &mut dyn Write) -> io::Result<()> {
        let Entry { path, indent, about, is_signed, signer, causes } = entry;
        let folder = path.parent().unwrap_or(Path::new(""));
        if folder != self.folder || self.held == MAX_HELD {
            self.write_folder(out)?;
            folder.clone_into(&mut self.folder);
        }
        for (code, help) in causes {
            let is_same = |cause: &Cause| cause.code == code && cause.help == help;
            let index = self.causes.iter().position(is_same).unwrap_or_else(|| {
                self.causes.push(Cause::new(code, help));
                self.causes.len() - 1
            });
            if let Some(cause) = self.causes.get_mut(index) {
                cause.add(&path, is_signed, signer.as_deref());
            }
        }
        self.held += 1;
        let name = Printable(path.file_name().map_or(path.as_path(), Path::new)).to_string();
        let is_same = |group: &&mut Group| group.about == about && group.is_signed == is_signed;
        match self.of_folder.iter_mut().find(is_same) {
            Some(group) => group.names.push(name),
            None => self.of_folder.push(Group { about, is_signed, indent, names: vec![name] }),
        }
        Ok(())
    }

    /// Writes the files of the folder, and forgets them.
    pub fn write_folder(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.held = 0;
        self.of_folder.drain(..).try_for_each(|group| group.write(&self.folder, out))
    }

    /// Writes what to do about each cause.
    pub fn write_causes(&self, out: &mut dyn Write) -> io::Result<()> {
        self.causes.iter().try_for_each(|cause| cause.write(out))
    }

    /// Returns whether there is no cause to write.
    pub fn has_no_cause(&self) -> bool {
        self.causes.is_empty()
    }
}

impl Group {
    fn write(&self, folder: &Path, out: &mut dyn Write) -> io::Result<()> {
        let Group { about: About { style, word, note, text }, is_signed, indent, names } = self;
        let path = if let [name] = &names[..] {
            Printable(&folder.join("")).to_string() + name
        } else {
            format!("{}: {}", folder_name(folder), files(names.len() as u64, *is_signed))
        };
        write!(out, "{style}{word:<width$}{style:#} {path}", width = indent - 1)?;
        if note.is_empty() {
            writeln!(out)?;
        } else if is_longer_than_line([&path, note], indent + "  ".len()) {
            writeln!(out, "\n{:indent$}{note}", "")?;
        } else {
            writeln!(out, "  {note}")?;
        }
        out.write_all(text)?;
        if names.len() > 1 {
            write_wrapped(names.iter().map(String::as_str), ", ", *indent, out)?;
        }
        Ok(())
    }
}

impl Cause {
    fn new(code: Code, help: Cow<'static, str>) -> Self {
        let (paths, signers) = (Paths::default(), BTreeMap::new());
        Cause { code, help, is_signed: false, paths, signers }
    }

    fn add(&mut self, path: &Path, is_signed: bool, signer: Option<&str>) {
        self.paths.add(path);
        if is_signed && (self.code.is_missing_bit() || self.code == Code::SignatureWouldBreak) {
            self.is_signed = true;
            if let Some(signer) = signer {
                count(&mut self.signers, signer);
            }
        }
    }

    /// Writes the code with the number of files, and the remedy.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let style = Style::new().bold();
        let files = files(self.paths.count(), self.is_signed);
        let counts = match &largest(&self.signers)[..] {
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
        };
        let title = format!("{style}{}{style:#}: {counts}", self.code);
        write_wrapped(title.split(' '), " ", 0, out)?;
        write_text(&self.help, self.paths.arguments().as_deref(), 2, out)?;
        writeln!(out)
    }
}
