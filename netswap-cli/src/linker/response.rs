//! Response files: `@FILE` in a linker's arguments stands for the arguments in that file.
//!
//! rustc writes one if the command line would be too long. It uses UTF-8 for GNU ld, and UTF-16
//! with a byte order mark for link.exe. The encoding shows whose quoting applies ([GNU ld's
//! manual](https://sourceware.org/binutils/docs/ld/Options.html), `@FILE`; [Microsoft
//! Learn](https://learn.microsoft.com/cpp/build/reference/at-specify-a-linker-response-file)).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netswap::system::os_string;

use super::LinkerError;
use crate::text::decode_utf_16;

/// The maximum number of files to read. Without it, a file that names itself would have no end. GNU
/// ld and gcc refuse the 2,000th argument that names a file ("too many @-files encountered", seen
/// with 2.40 and 12). LLVM's linkers refuse a file that names itself.
const MAX_FILES: u32 = 1999;

/// The byte order mark of UTF-16, little-endian.
pub const UTF_16_MARK: [u8; 2] = [0xff, 0xfe];

const UTF_8_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Replaces each argument `@FILE` by the arguments in the file. Keeps it if the file is missing: GNU
/// ld then takes it literally, and the linker reports the error.
pub(super) fn expand(arguments: &[OsString]) -> Result<Vec<OsString>, LinkerError> {
    expand_with(&read, MAX_FILES, arguments)
}

/// Expands the arguments, with `read` instead of the file system, and refuses more than `max_files`
/// files. `read` returns `None` if there is no such file.
pub fn expand_with(
    read: &dyn Fn(&Path) -> io::Result<Option<Vec<u8>>>,
    max_files: u32,
    arguments: &[OsString],
) -> Result<Vec<OsString>, LinkerError> {
    let mut expanded = Vec::with_capacity(arguments.len());
    // A stack: the next argument is the last one.
    let mut pending: Vec<OsString> = arguments.iter().rev().cloned().collect();
    let mut files = 0;
    while let Some(argument) = pending.pop() {
        let Some(name) = argument.as_encoded_bytes().strip_prefix(b"@") else {
            expanded.push(argument);
            continue;
        };
        let path = PathBuf::from(os_string(name));
        let contents = if files == max_files {
            let why = format!("{max_files} were read before it; perhaps one names itself");
            Err(io::Error::other(why))
        } else {
            read(&path)
        };
        match contents {
            Ok(Some(bytes)) => {
                files += 1;
                pending.extend(split(&bytes).into_iter().rev());
            }
            Ok(None) => expanded.push(argument),
            Err(source) => return Err(LinkerError::ResponseFile { path, source }),
        }
    }
    Ok(expanded)
}

/// Reads a response file. Returns `None` if there is no such file, or it is a folder.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::read(path).map(Some),
        Ok(metadata) if metadata.is_dir() => Ok(None),
        // Reading a pipe would leave nothing in it for the linker.
        Ok(_) => Err(io::Error::other("it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Splits the contents of a response file into arguments. The byte order mark shows how.
pub fn split(bytes: &[u8]) -> Vec<OsString> {
    match bytes.strip_prefix(&UTF_16_MARK) {
        Some(units) => split_as_msvc(units),
        None => split_as_gnu(bytes.strip_prefix(&UTF_8_MARK).unwrap_or(bytes)),
    }
}

/// Splits arguments as GNU ld does. White space separates them, and quotes of either kind keep them
/// together. A backslash makes the next byte literal, also within quotes. A zero byte ends the
/// text.
fn split_as_gnu(bytes: &[u8]) -> Vec<OsString> {
    let mut arguments = Vec::new();
    let (mut argument, mut quote): (Option<Vec<u8>>, Option<u8>) = (None, None);
    let mut bytes = bytes.iter().copied().take_while(|byte| *byte != 0);
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\\', _) => argument.get_or_insert_default().extend(bytes.next()),
            (_, Some(open)) if byte == open => quote = None,
            (b'"' | b'\'', None) => {
                quote = Some(byte);
                argument.get_or_insert_default();
            }
            (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, None) => arguments.extend(argument.take()),
            _ => argument.get_or_insert_default().push(byte),
        }
    }
    arguments.extend(argument);
    arguments.iter().map(|argument| os_string(argument)).collect()
}

/// Splits arguments as link.exe does. White space separates them, and double quotes keep them
/// together. A backslash is literal unless a quote follows. A line end also ends the argument: rustc
/// writes one argument per line, and a backslash at its end would escape the closing quote.
fn split_as_msvc(units: &[u8]) -> Vec<OsString> {
    let mut arguments = Vec::new();
    for line in decode_utf_16(units).lines() {
        let (mut argument, mut is_quoted): (Option<String>, bool) = (None, false);
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.next_if_eq(&'"').is_some() => {
                    argument.get_or_insert_default().push('"');
                }
                '"' => {
                    is_quoted = !is_quoted;
                    argument.get_or_insert_default();
                }
                ' ' | '\t' if !is_quoted => arguments.extend(argument.take()),
                _ => argument.get_or_insert_default().push(character),
            }
        }
        arguments.extend(argument);
    }
    arguments.into_iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn encode_utf_16(text: &str) -> Vec<u8> {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        UTF_16_MARK.into_iter().chain(units).collect()
    }

    #[test]
    #[rustfmt::skip]
    fn each_encoding_has_its_own_quoting() {
        let table = [
            // the file in UTF-8 -> its arguments
            (b"-o\nt.exe\n".to_vec(), &["-o", "t.exe"][..]),
            (b" a\tb\r\nc ".to_vec(), &["a", "b", "c"]),
            (br"a\ b C:\\x\\y.exe".to_vec(), &["a b", r"C:\x\y.exe"]),
            (br#""a b" 'c "d' x"y z""#.to_vec(), &["a b", "c \"d", "xy z"]),
            (br#""a\"b" 'c\'d' "#.to_vec(), &["a\"b", "c'd"]),
            (br#""" a"#.to_vec(), &["", "a"]),
            (b"\"open a".to_vec(), &["open a"]),
            (b"end\\".to_vec(), &["end"]),
            (b"-o t.exe\0 -o u.exe".to_vec(), &["-o", "t.exe"]),
            (b"".to_vec(), &[]),
            (b"\xef\xbb\xbf-o t\xc3\xb6.exe".to_vec(), &["-o", "tö.exe"]),
            // in UTF-16
            (encode_utf_16("\"/OUT:C:\\a b\\tö.exe\"\n\"/DLL\"\n"), &["/OUT:C:\\a b\\tö.exe", "/DLL"]),
            (encode_utf_16("/OUT:C:\\x\\y.exe /DLL\r\n"), &["/OUT:C:\\x\\y.exe", "/DLL"]),
            (encode_utf_16("\"/LIBPATH:C:\\a b\\\"\n\"/OUT:t.exe\"\n"), &["/LIBPATH:C:\\a b\"", "/OUT:t.exe"]),
            (encode_utf_16("\"a\\\"b\""), &["a\"b"]),
            (encode_utf_16(""), &[]),
        ];
        for (bytes, expected) in table {
            assert_eq!(split(&bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    fn in_files(files: &[(&str, &str)], arguments: &[&str]) -> Result<Vec<OsString>, LinkerError> {
        let files: HashMap<_, _> = files.iter().copied().collect();
        let read = |path: &Path| match files.get(path.to_str().unwrap()).copied() {
            Some("unreadable") => Err(io::Error::other("a pipe")),
            text => Ok(text.map(|text| text.as_bytes().to_vec())),
        };
        let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
        expand_with(&read, MAX_FILES, &arguments)
    }

    #[test]
    fn files_are_expanded_in_place_unless_missing() {
        let files = [("outer", "b @inner e"), ("inner", "c\nd")];
        for (arguments, expected) in [
            (["a", "@outer", "f"], &["a", "b", "c", "d", "e", "f"][..]),
            (["@missing", "-o", "t.exe"], &["@missing", "-o", "t.exe"]),
        ] {
            assert_eq!(in_files(&files, &arguments).unwrap(), expected);
        }
    }

    #[test]
    fn deeply_nested_files_are_expanded() {
        let names: Vec<_> =
            (1..100).map(|next| (format!("{}", next - 1), format!("a @{next}"))).collect();
        let mut files: Vec<_> = names.iter().map(|(name, text)| (&**name, &**text)).collect();
        files.push(("99", "-o t.exe"));
        let all = in_files(&files, &["@0"]).unwrap();
        assert_eq!(all.len(), 99 + 2);
        assert_eq!(all.last().unwrap(), "t.exe");
    }

    #[test]
    fn endless_and_unreadable_files_are_errors() {
        const TOO_MANY: &str = "1999 were read before it";
        for (text, expected) in [
            ("a @self", TOO_MANY),
            ("@self", TOO_MANY),
            ("@self @self", TOO_MANY),
            ("@other @self @other", TOO_MANY),
            ("unreadable", "response file self: a pipe"),
        ] {
            let files = [("self", text), ("other", "@self @self a")];
            let error = in_files(&files, &["@self"]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn file_limit_is_that_of_gnu_ld() {
        let named = |count| vec!["@empty"; count];
        assert_eq!(in_files(&[("empty", "")], &named(1999)).unwrap(), [""; 0]);
        assert!(in_files(&[("empty", "")], &named(2000)).is_err());
    }
}
