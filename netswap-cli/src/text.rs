//! Text that only the programs print or read: sizes, labelled rows, UTF-16, hexadecimal, and paths
//! to paste into a Windows shell.

use std::io::{self, Write};

use netswap::style::LABEL;
use netswap::text::{is_escaped, plural};

/// Formats a number of bytes, rounded and exact: `1.2 MiB (1,236,992 bytes)`.
pub(crate) fn bytes(count: u64) -> String {
    let exact = plural(count, "byte", "bytes");
    if count < 1024 { exact } else { format!("{} ({exact})", netswap::report::bytes(count)) }
}

/// The column in which the texts of rows begin.
pub(crate) const ROW_INDENT: usize = 14;

/// Writes rows of a label and a text, which may have several lines. Skips rows without text.
pub(crate) fn write_rows(rows: &[(&str, String)], out: &mut dyn Write) -> io::Result<()> {
    for (label, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
        let mut lines = text.lines();
        writeln!(out, "  {LABEL}{label:<12}{LABEL:#}{}", lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(out, "  {:<12}{line}", ""))?;
    }
    Ok(())
}

/// Decodes little-endian UTF-16, and replaces invalid units.
pub(crate) fn decode_utf_16(bytes: &[u8]) -> String {
    let (units, _) = bytes.as_chunks();
    let units: Vec<_> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16_lossy(&units)
}

/// Returns the bytes that a hexadecimal text encodes, or `None` if it is invalid.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let [high, low] = pair.map(digit);
        u8::try_from(high? * 16 + low?).ok()
    };
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Quotes a Windows path for pasting into both `cmd` and PowerShell, on any system. Returns `None`
/// if one of the shells would replace or run a part of it.
pub(crate) fn quote_for_windows(path: &str) -> Option<String> {
    let is_plain = |c: char| c.is_alphanumeric() || "/\\:._-+".contains(c);
    // PowerShell treats typographic quotation marks as quotes. It replaces `$NAME`, but not the `$`
    // of `\\server\c$`.
    let is_special = |c: char| is_escaped(c) || "\"`%\u{201c}\u{201d}\u{201e}".contains(c);
    let is_replaced =
        path.split('$').skip(1).any(|rest| !rest.is_empty() && !rest.starts_with('\\'));
    if path.is_empty() || path.contains(is_special) || is_replaced {
        None
    } else if path.chars().all(is_plain) && !path.starts_with('-') {
        Some(path.to_owned())
    } else {
        // A backslash before the closing quote would escape it.
        Some(format!("\"{}\"", path.trim_end_matches('\\')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_only_if_both_shells_keep_them() {
        for (path, expected) in [
            (r"\\fileserver\tools\ledger.exe", Some(r"\\fileserver\tools\ledger.exe")),
            (r"Z:\", Some(r"Z:\")),
            (r"C:\Program Files\a.exe", Some(r#""C:\Program Files\a.exe""#)),
            (r"C:\a b\", Some(r#""C:\a b""#)),
            (r"\\server@SSL\DavWWWRoot\ü.dll", Some(r#""\\server@SSL\DavWWWRoot\ü.dll""#)),
            (r"\\server\c$\a.exe", Some(r#""\\server\c$\a.exe""#)),
            (r"\\server\c$", Some(r#""\\server\c$""#)),
            (r"\\a\b&calc.exe", Some(r#""\\a\b&calc.exe""#)),
            (r"\\a\it's.exe", Some(r#""\\a\it's.exe""#)),
            ("-rf", Some("\"-rf\"")),
            (r"\\a\$(calc)\b.exe", None),
            (r"\\a\$x.exe", None),
            (r"\\a\%x%.exe", None),
            (r"\\a\`n.exe", None),
            ("\\\\a\\\" & calc & \".exe", None),
            ("\\\\a\\\u{201d}; calc #.exe", None),
            ("\\\\a\\b\nc.exe", None),
            ("", None),
        ] {
            assert_eq!(quote_for_windows(path).as_deref(), expected, "{path}");
        }
    }
}
