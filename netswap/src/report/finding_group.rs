//! The findings that consecutive files share, written once after these files. On a share, most files
//! have the same findings.

use std::io::{self, Write};

use anstyle::Style;

use crate::finding::Finding;

/// The group of consecutive files with the same findings that is being written.
pub struct FindingGroup {
    /// The findings of each file in the group.
    findings: Vec<Finding>,
    indent: usize,
}

impl FindingGroup {
    /// Returns an empty group, for a report in which file names begin in the column `indent`.
    pub fn new(indent: usize) -> Self {
        FindingGroup { findings: Vec::new(), indent }
    }

    /// Ends the group if the next file has different findings. Must be called before that file is
    /// written.
    pub fn before_file(&mut self, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
        if self.findings != findings {
            self.end(out)?;
            self.findings = findings.to_vec();
        }
        Ok(())
    }

    /// Ends the group: writes its findings, each with its remedy, and an empty line.
    pub fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let bold = Style::new().bold();
        let indent = self.indent;
        for finding in &self.findings {
            let Finding { code, message, help } = finding;
            writeln!(out, "{:indent$}{bold}{code}{bold:#}: {message}", "")?;
            for line in help.lines() {
                writeln!(out, "{:indent$}{line}", "")?;
            }
        }
        if !self.findings.is_empty() {
            writeln!(out)?;
        }
        self.findings.clear();
        Ok(())
    }
}
