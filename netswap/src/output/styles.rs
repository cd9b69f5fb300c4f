//! Terminal styles. The code always writes them; the writers here remove them if the stream does
//! not show them.

use std::io::{self, IsTerminal, Write};
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};

/// When output has colors and other styles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On terminals that show them, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always, also in files and pipes.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Returns the word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Color::Auto => "auto",
            Color::Always => "always",
            Color::Never => "never",
        }
    }
}

impl FromStr for Color {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Color::Auto, Color::Always, Color::Never];
        let color = all.into_iter().find(|color| color.name() == name);
        color.ok_or_else(|| "--color takes auto, always or never".to_owned())
    }
}

/// The number of the process's [`Color`].
static COLOR: AtomicU8 = AtomicU8::new(Color::Auto as u8);

/// Sets the choice for all output that is opened from now on.
pub fn set_color(color: Color) {
    COLOR.store(color as u8, Ordering::Relaxed);
}

/// Returns the choice of the user.
pub fn color() -> Color {
    let number = COLOR.load(Ordering::Relaxed);
    [Color::Always, Color::Never]
        .into_iter()
        .find(|color| *color as u8 == number)
        .unwrap_or_default()
}

/// The byte that begins each style.
const ESCAPE: u8 = 0x1b;

/// Returns standard output. Removes styles unless it shows them.
pub(super) fn stdout() -> Box<dyn Write + Send> {
    let to = io::stdout();
    if shows_styles(&to) { Box::new(to) } else { Box::new(Styled::plain(to)) }
}

/// Returns standard error, locked. Removes styles unless it shows them.
pub fn stderr() -> Box<dyn Write> {
    let to = io::stderr().lock();
    if shows_styles(&to) { Box::new(to) } else { Box::new(Styled::plain(to)) }
}

/// Whether the stream shows styles.
///
/// `--color` takes precedence over [NO_COLOR](https://no-color.org), and that over
/// [CLICOLOR_FORCE and CLICOLOR](https://bixense.com/clicolors/). Those take precedence over what
/// the terminal can do.
fn shows_styles(stream: &impl IsTerminal) -> bool {
    let color = color();
    if color == Color::Always {
        // On Windows the console shows styles only after this call.
        let _ = anstyle_query::windows::enable_ansi_colors();
        return true;
    }
    if color == Color::Never || anstyle_query::no_color() {
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

/// A writer that removes styles unless they are wanted.
///
/// A style is `ESC [ NUMBERS m`. Nothing else in reports begins with ESC, because
/// [`Printable`](crate::text::Printable) escapes it in text from other sources.
pub(super) struct Styled<W> {
    to: W,
    keeps_styles: bool,
    /// Whether the last byte was within a style.
    is_in_style: bool,
}

impl<W> Styled<W> {
    /// Returns a writer for what is not a terminal. It keeps styles only with `--color always`.
    pub(super) fn new(to: W) -> Self {
        Styled { keeps_styles: color() == Color::Always, ..Styled::plain(to) }
    }

    /// Returns a writer that removes styles.
    fn plain(to: W) -> Self {
        Styled { to, keeps_styles: false, is_in_style: false }
    }

    pub(super) fn into_inner(self) -> W {
        self.to
    }
}

impl<W: Write> Write for Styled<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.keeps_styles {
            return self.to.write(bytes);
        }
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
            let mut plain = Styled::plain(Vec::new());
            for part in text.as_bytes().chunks(length) {
                plain.write_all(part).unwrap();
            }
            assert_eq!(plain.to, b"error: a m\n", "{length}");
        }
    }
}
