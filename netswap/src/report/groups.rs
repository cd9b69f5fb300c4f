//! Files grouped by folder and by their findings, and then what to do about each cause.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::Style;

use super::causes::{Cause, Causes, files};
use super::lines::{folder_name, is_longer_than_line, write_text, write_wrapped};
use crate::finding::{Code, Finding};
use crate::style::WARNING;
use crate::text::Printable;

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
    causes: Causes,
}

/// The files of one folder with the same findings.
struct Group {
    about: About,
    is_signed: bool,
    indent: usize,
    names: Vec<String>,
}

/// The number of files of one folder that are held back to group them. A folder may have millions.
const MAX_HELD: usize = 4096;

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
            self.causes.add(code, &help, &path, is_signed, signer.as_deref());
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
        self.causes.iter().try_for_each(|cause| write_cause(cause, out))
    }

    /// Whether there is a cause to write.
    pub fn has_causes(&self) -> bool {
        !self.causes.is_empty()
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

/// Writes the code with the number of files, and the remedy.
fn write_cause(cause: &Cause, out: &mut dyn Write) -> io::Result<()> {
    let style = Style::new().bold();
    let title = format!("{style}{}{style:#}: {}", cause.code(), cause.counts());
    write_wrapped(title.split(' '), " ", 0, out)?;
    write_text(cause.help(), cause.paths().arguments().as_deref(), 2, out)?;
    writeln!(out)
}
