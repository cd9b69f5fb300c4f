//! Findings that consecutive files share, printed once after them. On a share most files have the
//! same ones.

use std::io::{self, Write};

use anstyle::Style;

use crate::finding::Finding;

pub struct Grouped {
    /// The findings of the files written last.
    findings: Vec<Finding>,
    indent: usize,
}

impl Grouped {
    /// Returns a writer for reports in which file names begin in this column.
    pub fn new(indent: usize) -> Self {
        Grouped { findings: Vec::new(), indent }
    }

    /// Writes the group so far if these findings are different. Must be called before a file with
    /// these findings is written.
    pub fn before(&mut self, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
        if self.findings != findings {
            self.end(out)?;
            self.findings = findings.to_vec();
        }
        Ok(())
    }

    /// Writes the findings of the files so far, each with its remedy, and an empty line.
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
