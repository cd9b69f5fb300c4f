//! Rust as the project's own rustfmt would have it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use cargo_metadata::Edition;

/// The edited text, formatted if the text before was; a new text is formatted anyway. Without a
/// rustfmt it is left as it is.
pub(crate) fn formatted(
    before: Option<&str>,
    after: String,
    folder: &Path,
    edition: Edition,
) -> String {
    let of = |text: &str| rustfmt(text, folder, edition);
    let is_formatted = match before {
        Some(before) => of(before).is_some_and(|formatted| formatted == before),
        None => true,
    };
    if is_formatted { of(&after).unwrap_or(after) } else { after }
}

/// None if rustfmt is not there or does not like the text.
fn rustfmt(text: &str, folder: &Path, edition: Edition) -> Option<String> {
    let mut command = Command::new("rustfmt");
    command.args(["--edition", edition.as_str(), "--emit", "stdout"]).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut rustfmt = command.spawn().ok()?;
    // It reads all before it writes anything.
    let written = rustfmt.stdin.take()?.write_all(text.as_bytes());
    let output = rustfmt.wait_with_output().ok()?;
    if written.is_err() || !output.status.success() {
        return None;
    }
    Some(String::from_utf8(output.stdout).ok()?.replace("\r\n", "\n"))
}
