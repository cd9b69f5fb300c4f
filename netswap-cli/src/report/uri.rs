//! Paths as URIs (RFC 3986, RFC 8089).

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// The characters that are escaped in a path.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns a relative reference for a relative path, and a URI with the scheme `file` for others.
pub(super) fn uri(path: &Path) -> String {
    if cfg!(windows) {
        uri_on_windows(&path.to_string_lossy())
    } else {
        uri_on_unix(path.as_os_str().as_encoded_bytes())
    }
}

fn uri_on_unix(path: &[u8]) -> String {
    let scheme = if path.starts_with(b"/") { "file://" } else { "" };
    format!("{scheme}{}", percent_encode(path, ESCAPED))
}

fn uri_on_windows(path: &str) -> String {
    let slashes = path.replace('\\', "/");
    let encode = |path: &str| percent_encode(path.as_bytes(), ESCAPED).to_string();
    if let Some(share) = slashes.strip_prefix("//?/UNC/") {
        return format!("file://{}", encode(share));
    }
    let local = slashes.strip_prefix("//?/").unwrap_or(&slashes);
    if let Some(share) = local.strip_prefix("//") {
        return format!("file://{}", encode(share));
    }
    match local.split_once(':') {
        Some((drive, rest)) if drive.len() == 1 => format!("file:///{drive}:{}", encode(rest)),
        _ => encode(local),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_path_becomes_a_uri() {
        for (path, expected) in [
            (&b"tools/a.exe"[..], "tools/a.exe"),
            (b"a b%.exe", "a%20b%25.exe"),
            (b"c:d?#.exe", "c%3Ad%3F%23.exe"),
            (b"\xff\n", "%FF%0A"),
            ("ü\\".as_bytes(), "%C3%BC%5C"),
            (b"/srv/a.exe", "file:///srv/a.exe"),
        ] {
            assert_eq!(uri_on_unix(path), expected);
        }
    }

    #[test]
    fn windows_path_becomes_a_uri() {
        for (path, expected) in [
            (r"tools\a b.exe", "tools/a%20b.exe"),
            (r"C:\tools\a.exe", "file:///C:/tools/a.exe"),
            (r"\\?\C:\tools\a.exe", "file:///C:/tools/a.exe"),
            (r"\\server\share\a.exe", "file://server/share/a.exe"),
            (r"\\?\UNC\server\share\a.exe", "file://server/share/a.exe"),
        ] {
            assert_eq!(uri_on_windows(path), expected);
        }
    }
}
