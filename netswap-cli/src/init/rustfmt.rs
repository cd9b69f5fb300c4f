//! Formats Rust code with the project's own rustfmt.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use cargo_metadata::Edition;

/// Formats the edited text if the old text was formatted, or if the file is new. Returns the text
/// unchanged if rustfmt is missing.
pub(crate) fn formatted(
    before: Option<&str>,
    after: String,
    folder: &Path,
    edition: Edition,
) -> String {
    let of = |text: &str| rustfmt(text, folder, edition);
    let is_formatted = before.is_none_or(|before| of(before).as_deref() == Some(before));
    if is_formatted { of(&after).unwrap_or(after) } else { after }
}

/// Runs rustfmt on a text. Returns `None` if rustfmt is missing or rejects the text.
fn rustfmt(text: &str, folder: &Path, edition: Edition) -> Option<String> {
    let mut command = Command::new("rustfmt");
    command.args(["--edition", edition.as_str(), "--emit", "stdout"]).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut rustfmt = command.spawn().ok()?;
    // rustfmt reads all of its input before it writes anything, so this can't block.
    let written = rustfmt.stdin.take()?.write_all(text.as_bytes());
    let output = rustfmt.wait_with_output().ok()?;
    if written.is_err() || !output.status.success() {
        return None;
    }
    Some(String::from_utf8(output.stdout).ok()?.replace("\r\n", "\n"))
}
