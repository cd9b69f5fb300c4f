//! The files that fail: grouped by folder and cause as they come, and then what to do about each
//! cause.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::lines::{Paths, folder_name, write_text, write_wrapped};
use crate::finding::{Code, Finding};
use crate::style::BAD;
use crate::text::{Printable, number, one_line, plural};

/// The files that fail. Those of one folder are written when the next folder begins.
pub struct Failures {
    indent: usize,
    folder: PathBuf,
    /// The files of the folder by what is wrong with them.
    groups: Vec<Group>,
    /// The number of files in the groups.
    held: usize,
    causes: Vec<Cause>,
}

/// The files of one folder with the same findings.
struct Group {
    /// The status.
    word: &'static str,
    is_signed: bool,
    /// The code and the message of each finding.
    findings: Vec<(Code, String)>,
    names: Vec<String>,
}

/// The files with the same fault and the same remedy.
struct Cause {
    code: Code,
    help: String,
    is_signed: bool,
    paths: Paths,
}

/// The number of files of one folder that are held back to group them. A folder may have millions.
const MAX_HELD: usize = 4096;

/// The number of reasons or signers that are written.
const MAX_LISTED: usize = 5;

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

impl Failures {
    /// Returns an empty list for a report in which paths begin in the column `indent`.
    pub fn new(indent: usize) -> Self {
        Failures { indent, folder: PathBuf::new(), groups: Vec::new(), held: 0, causes: Vec::new() }
    }

    /// Adds a file. Writes the files before it if they are in another folder. `word` is its status.
    pub fn add(
        &mut self,
        word: &'static str,
        path: &Path,
        is_signed: bool,
        findings: &[Finding],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new(""));
        if folder != self.folder || self.held == MAX_HELD {
            self.write_folder(out)?;
            folder.clone_into(&mut self.folder);
        }
        self.add_to_folder(word, path, is_signed, findings);
        for Finding { code, help, .. } in findings {
            let is_same = |cause: &&mut Cause| cause.code == *code && cause.help == **help;
            if let Some(cause) = self.causes.iter_mut().find(is_same) {
                cause.paths.add(path);
                continue;
            }
            let (code, help, mut paths) = (*code, help.to_string(), Paths::default());
            paths.add(path);
            self.causes.push(Cause { code, help, is_signed, paths });
        }
        Ok(())
    }

    /// Writes the last folder, and what to do about each cause. `signers` are those of the signed
    /// files that lack a bit.
    pub fn end(&mut self, signers: &BTreeMap<String, u64>, out: &mut dyn Write) -> io::Result<()> {
        self.write_folder(out)?;
        if !self.causes.is_empty() {
            writeln!(out)?;
        }
        self.causes.drain(..).try_for_each(|cause| cause.write(signers, out))
    }

    fn add_to_folder(
        &mut self,
        word: &'static str,
        path: &Path,
        is_signed: bool,
        findings: &[Finding],
    ) {
        self.held += 1;
        let name = Printable(path.file_name().map_or(path, Path::new)).to_string();
        let is_same = |group: &&mut Group| {
            let pairs = group.findings.iter().zip(findings);
            (group.word, group.is_signed) == (word, is_signed)
                && group.findings.len() == findings.len()
                && pairs.into_iter().all(|((code, message), finding)| {
                    *code == finding.code && *message == finding.message
                })
        };
        if let Some(group) = self.groups.iter_mut().find(is_same) {
            group.names.push(name);
            return;
        }
        let findings = findings.iter().map(|finding| (finding.code, finding.message.to_string()));
        let (findings, names) = (findings.collect(), vec![name]);
        self.groups.push(Group { word, is_signed, findings, names });
    }

    /// Writes the files of the folder, and forgets them.
    fn write_folder(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let indent = self.indent;
        for Group { word, is_signed, findings, names } in self.groups.drain(..) {
            let path = if let [name] = &names[..] {
                Printable(&self.folder.join("")).to_string() + name
            } else {
                let count = files(names.len() as u64, is_signed);
                format!("{}: {count}", folder_name(&self.folder))
            };
            writeln!(out, "{BAD}{word:<width$}{BAD:#} {path}", width = indent - 1)?;
            for (code, message) in &findings {
                let text = format!("{code}: {message}");
                write_wrapped(text.split(' '), " ", indent, out)?;
            }
            if names.len() > 1 {
                write_wrapped(names.iter().map(String::as_str), ", ", indent, out)?;
            }
        }
        self.held = 0;
        Ok(())
    }
}

impl Cause {
    /// Writes the code with the number of files, and the remedy.
    fn write(&self, signers: &BTreeMap<String, u64>, out: &mut dyn Write) -> io::Result<()> {
        let style = anstyle::Style::new().bold();
        let by = |(name, count): (&str, u64)| format!("{} by {}", number(count), one_line(name));
        let is_signed = self.is_signed && self.code.is_missing_bit();
        let signers = if is_signed { largest(signers) } else { Vec::new() };
        let files = [files(self.paths.count(), is_signed)];
        let counts: Vec<_> = files.into_iter().chain(signers.into_iter().map(by)).collect();
        let title = format!("{style}{}{style:#}: {}", self.code, counts.join(", "));
        write_wrapped(title.split(' '), " ", 0, out)?;
        write_text(&self.help, self.paths.arguments().as_deref(), 2, out)?;
        writeln!(out)
    }
}
