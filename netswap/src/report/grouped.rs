//! What is at fault with several files in a row, told once behind them: on a share it is mostly the same.

use std::io::{self, Write};

use anstyle::Style;

use crate::finding::Finding;

pub struct Grouped {
    /// Of the files that were written last.
    findings: Vec<Finding>,
    indent: usize,
}

impl Grouped {
    /// For reports whose files' names begin in this column.
    pub fn new(indent: usize) -> Self {
        Grouped { findings: Vec::new(), indent }
    }

    /// To be called before a file with these findings is written.
    pub fn before(&mut self, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
        if self.findings != findings {
            self.end(out)?;
            self.findings = findings.to_vec();
        }
        Ok(())
    }

    /// Writes what is at fault with the files so far, each with its cure, and an empty line.
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
