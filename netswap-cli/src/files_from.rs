//! The list of paths of `--files-from`.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use netswap::text::Printable;

use crate::Error;
use crate::paths::resolve;
use crate::text::decode_utf_16;

/// A list of paths, in addition to those among the arguments.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct FilesFrom {
    /// Read paths from FILE, one per line, or from standard input if it is `-`. Globs in it are not
    /// expanded
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// In FILE, a NUL character ends each path, as `find -print0` writes them
    #[arg(short = '0', long, requires = "files_from")]
    null: bool,
}

impl FilesFrom {
    /// Whether there is a list.
    pub(super) fn is_given(&self) -> bool {
        self.files_from.is_some()
    }

    /// Returns the paths among the arguments, with their globs expanded, and then those in the list.
    ///
    /// # Errors
    ///
    /// When a glob can't be expanded, or the list can't be read or is empty.
    pub(super) fn resolve(self, arguments: Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
        let mut paths = resolve(arguments)?;
        let Some(file) = self.files_from else { return Ok(paths) };
        let is_standard_input = file == Path::new("-");
        let name = || {
            let name = Printable(&file).to_string();
            if is_standard_input { "standard input".to_owned() } else { name }
        };
        let failed = |why: String| Error::FilesFrom { name: name(), why };
        let bytes = if is_standard_input {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            fs::read(&file)
        };
        let bytes = bytes.map_err(|error| failed(error.to_string()))?;
        let listed = parse(&bytes, self.null).map_err(failed)?;
        if listed.is_empty() {
            return Err(failed("it lists no path".to_owned()));
        }
        paths.extend(listed);
        Ok(paths)
    }
}

/// Splits a list in its paths. Skips empty lines.
fn parse(bytes: &[u8], is_null: bool) -> Result<Vec<PathBuf>, String> {
    if is_null {
        return bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(path).collect();
    }
    // PowerShell 5 writes UTF-16 with `>`, and a byte order mark before UTF-8.
    let decoded = bytes.strip_prefix(b"\xff\xfe").map(|units| decode_utf_16(units).into_bytes());
    let bytes = decoded.as_deref().unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut paths = Vec::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        let path = if line.contains(&0) {
            Err("it has a NUL character; pass -0 if one ends each path".to_owned())
        } else {
            path(line)
        };
        paths.push(path.map_err(|why| format!("line {}: {why}", index + 1))?);
    }
    Ok(paths)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "on Windows it can fail")]
fn path(bytes: &[u8]) -> Result<PathBuf, String> {
    use std::os::unix::ffi::OsStringExt;
    Ok(OsString::from_vec(bytes.to_vec()).into())
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> Result<PathBuf, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not valid UTF-8".to_owned())?;
    Ok(OsString::from(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_paths_whatever_ends_them() {
        let utf_16: Vec<u8> =
            "\u{feff}a ü.exe\r\nb\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (list, expected) in [
            (&b"a.exe\nb c.exe"[..], &["a.exe", "b c.exe"][..]),
            (b"a.exe\r\n\r\n b.exe \r\n", &["a.exe", " b.exe "]),
            (b"\xef\xbb\xbfa.exe\n", &["a.exe"]),
            (b"#a\n'b'\n\"c\"\n*.exe\n-d", &["#a", "'b'", "\"c\"", "*.exe", "-d"]),
            (&utf_16, &["a ü.exe", "b"]),
            (b"", &[]),
            (b"\xef\xbb\xbf\r\n\n", &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(parse(list, false).unwrap(), expected);
        }
    }

    #[test]
    fn nul_ends_paths_only_on_request() {
        let expected = ["a\r", "b\nc"].map(PathBuf::from);
        assert_eq!(parse(b"a\r\0b\nc\0", true).unwrap(), expected);
        assert_eq!(parse(b"\0\0", true).unwrap(), [""; 0].map(PathBuf::from));
        let error = parse(b"a\nb\0c\0", false).unwrap_err();
        assert_eq!(error, "line 2: it has a NUL character; pass -0 if one ends each path");
    }

    #[cfg(unix)]
    #[test]
    fn names_need_not_be_utf_8() {
        use std::os::unix::ffi::OsStrExt;
        let paths = parse(b"\xffa\n", false).unwrap();
        assert_eq!(paths[0].as_os_str().as_bytes(), b"\xffa");
    }
}
