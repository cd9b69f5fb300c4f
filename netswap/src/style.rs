//! The styles of reports and messages, and the line of an error.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

pub const GOOD: Style = AnsiColor::Green.on_default();
pub const CAUTION: Style = AnsiColor::Yellow.on_default();
pub const WARNING: Style = CAUTION.bold();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const NAME: Style = Style::new().bold();
pub const LABEL: Style = Style::new().dimmed();

/// Writes a line with an error, after a red `error:`.
pub fn write_error(err: &mut dyn Write, error: &dyn Display) -> io::Result<()> {
    writeln!(err, "{BAD}error:{BAD:#} {error}")
}

/// Writes the line of a report that is incomplete because of an interrupt, such as Ctrl-C.
pub fn write_interrupted(what: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{CAUTION}interrupted:{CAUTION:#} {what}, so this report is incomplete")
}
