//! Terminal styles. The code always writes them; the writers here remove them if the stream does
//! not show them.

use std::io::{self, IsTerminal, Write};

/// The byte that begins each style.
const ESCAPE: u8 = 0x1b;

/// Returns standard output. Removes styles unless it shows them.
pub(super) fn stdout() -> Box<dyn Write + Send> {
    let to = io::stdout();
    if shows_styles(&to) { Box::new(to) } else { Box::new(Plain { to, is_in_style: false }) }
}

/// Returns standard error, locked. Removes styles unless it shows them.
pub fn stderr() -> Box<dyn Write> {
    let to = io::stderr().lock();
    if shows_styles(&to) { Box::new(to) } else { Box::new(Plain { to, is_in_style: false }) }
}

/// Whether the stream shows styles.
///
/// [NO_COLOR](https://no-color.org) takes precedence over
/// [CLICOLOR_FORCE and CLICOLOR](https://bixense.com/clicolors/). Those take precedence over what
/// the terminal can do.
fn shows_styles(stream: &impl IsTerminal) -> bool {
    if anstyle_query::no_color() {
        return false;
    }
    if anstyle_query::clicolor_force() {
        return true;
    }
    let is_able = anstyle_query::clicolor()
        .unwrap_or_else(|| anstyle_query::term_supports_color() || anstyle_query::is_ci());
    // On Windows the console shows styles only after the last call.
    is_able && stream.is_terminal() && anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
}

/// A writer that removes styles.
///
/// A style is `ESC [ NUMBERS m`. Nothing else in reports begins with ESC, because
/// [`Printable`](crate::text::Printable) escapes it in text from other sources.
struct Plain<W> {
    to: W,
    /// Whether the last byte was within a style.
    is_in_style: bool,
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = if self.is_in_style { b'm' } else { ESCAPE };
            let at = rest.iter().position(|byte| *byte == end);
            let (part, after) = rest.split_at(at.unwrap_or(rest.len()));
            if !self.is_in_style {
                self.to.write_all(part)?;
            }
            if at.is_some() {
                self.is_in_style = !self.is_in_style;
            }
            rest = after.get(1..).unwrap_or_default();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    #[test]
    fn styles_split_across_writes_are_removed() {
        let red = AnsiColor::Red.on_default().bold();
        let text = format!("{red}error:{red:#} a m\n{red}{red:#}");
        for length in 1..text.len() {
            let mut plain = Plain { to: Vec::new(), is_in_style: false };
            for part in text.as_bytes().chunks(length) {
                plain.write_all(part).unwrap();
            }
            assert_eq!(plain.to, b"error: a m\n", "{length}");
        }
    }
}
