//! Checks of `netswap-linker`'s readers, for any arguments and response files.

use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use netswap::system::os_string;

use netswap_cli::linker::{arguments, real, response, target};

/// The separator between the files of an input: ASCII's file separator.
const FILE_SEPARATOR: u8 = 0x1c;

/// The limit on the number of files that are read. A fuzzer can reach it, unlike GNU ld's limit.
const MAX_FILES: u32 = 30;

/// The bytes that separate words for GNU ld.
const WHITE_SPACE: &[u8] = b" \t\n\r\x0b\x0c";

/// The name of a file that can't be read.
const PIPE: &str = "pipe";

/// The name in the output option that follows all other arguments.
const LAST: &str = "last.exe";

/// Each way to name the output, and whether a driver passes it to its linker.
const SPELLINGS: [(&[&str], bool); 12] = [
    (&["-o", LAST], false),
    (&["-olast.exe"], false),
    (&["--output", LAST], false),
    (&["--output=last.exe"], false),
    (&["/OUT:last.exe"], false),
    (&["-out:last.exe"], false),
    (&["-Wl,-o,last.exe"], true),
    (&["-Wl,-olast.exe"], true),
    (&["-Wl,--output,last.exe"], true),
    (&["-Wl,--gc-sections,--output=last.exe"], true),
    (&["-Xlinker", "-o", "-Xlinker", LAST], true),
    (&["-Wl,-o", "-Xlinker", LAST], true),
];

/// Reads an input as response files with the names `0`, `1` and so on, which may name each other.
/// The linker gets the first one.
pub fn check(bytes: &[u8]) {
    let files: Vec<&[u8]> = bytes.split(|byte| *byte == FILE_SEPARATOR).collect();
    for file in &files {
        check_words(file);
        check_round_trip(file);
    }
    let Some(arguments) = expand(&files) else { return };
    let outputs = arguments::outputs(&arguments);
    check_outputs_are_named(&outputs, &arguments);
    // Only one spelling per input. The input's length is as good a choice as any.
    let (spelling, for_linker) = SPELLINGS[bytes.len() % SPELLINGS.len()];
    check_last_name_wins(&arguments, spelling, for_linker);
    check_linker_choice(&arguments, &outputs);
}

/// Checks that the words of a file are no longer than the file.
fn check_words(file: &[u8]) {
    let words = response::split(file);
    assert!(words.len() <= file.len());
    // Two bytes of UTF-16 become at most three bytes of UTF-8.
    let length: usize = words.iter().map(|word| word.len()).sum();
    assert!(2 * length <= 3 * file.len());
    let has_no_zero = |word: &OsString| !word.as_encoded_bytes().contains(&0);
    assert!(file.starts_with(&response::UTF_16_MARK) || words.iter().all(has_no_zero));
}

/// Checks that words written to a file are read back unchanged.
fn check_round_trip(file: &[u8]) {
    // An argument can contain any byte except zero.
    let words: Vec<_> = file.split(|byte| *byte == 0).map(os_string).collect();
    assert_eq!(response::split(&escape_for_gnu(&words)), words);

    let text = String::from_utf8_lossy(file);
    // rustc escapes no quotes, and no white space except the space.
    let words = text.split(['"', '\'', '\t', '\n', '\r', '\x0b', '\x0c', '\0']);
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    assert_eq!(response::split(&write_as_rustc_for_gnu(&words)), words);

    let lines: Vec<_> = text.split('\n').collect();
    let read = response::split(&write_as_rustc_for_msvc(&lines));
    assert_eq!(read.len(), lines.len());
    for (read, line) in read.iter().zip(lines) {
        // A final backslash escapes the quote that should end the argument.
        match line.strip_suffix('\\') {
            Some(start) => assert_eq!(*read, *format!("{start}\"")),
            None => assert_eq!(read, line),
        }
    }
}

/// Writes a response file by the rules of [GNU ld's
/// manual](https://sourceware.org/binutils/docs/ld/Options.html). Uses all kinds of white space and
/// of quotes in turn. The file begins with white space, so that it has no byte order mark.
fn escape_for_gnu(words: &[OsString]) -> Vec<u8> {
    let mut file = Vec::new();
    let spaces = WHITE_SPACE.iter().cycle();
    let quotes = [None, Some(b'"'), None, Some(b'\'')].into_iter().cycle();
    for ((word, space), quote) in words.iter().zip(spaces).zip(quotes) {
        let quote = if word.is_empty() { Some(quote.unwrap_or(b'"')) } else { quote };
        file.push(*space);
        file.extend(quote);
        for byte in word.as_encoded_bytes() {
            let is_escaped = match quote {
                Some(quote) => [b'\\', quote].contains(byte),
                None => b"\\'\"".contains(byte) || WHITE_SPACE.contains(byte),
            };
            file.extend(is_escaped.then_some(b'\\'));
            file.push(*byte);
        }
        file.extend(quote);
    }
    file
}

/// Writes a response file as rustc does for GNU ld.
fn write_as_rustc_for_gnu(words: &[&str]) -> Vec<u8> {
    let mut file = String::from(" ");
    for word in words {
        file.extend([&word.replace('\\', "\\\\").replace(' ', "\\ "), "\n"]);
    }
    file.into_bytes()
}

/// Writes a response file as rustc does for link.exe.
fn write_as_rustc_for_msvc(words: &[&str]) -> Vec<u8> {
    let mut file = String::from("\u{feff}");
    for word in words {
        file.extend(["\"", &word.replace('"', "\\\""), "\"\n"]);
    }
    file.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Expands the response files and checks the result. The fuzzer itself checks that this ends.
fn expand(files: &[&[u8]]) -> Option<Vec<OsString>> {
    let count = Cell::new(0);
    let read = |path: &Path| {
        let contents = contents(files, path)?;
        count.set(count.get() + u32::from(contents.is_some()));
        Ok(contents)
    };
    let result = response::expand_with(&read, MAX_FILES, &["@0".into()]);
    assert!(count.get() <= MAX_FILES);
    match result {
        Ok(arguments) => {
            let words: HashSet<_> = files.iter().flat_map(|file| response::split(file)).collect();
            for argument in &arguments {
                assert!(words.contains(argument));
                if let Some(name) = argument.as_encoded_bytes().strip_prefix(b"@") {
                    let contents = contents(files, Path::new(&os_string(name)));
                    assert!(contents.is_ok_and(|contents| contents.is_none()));
                }
            }
            Some(arguments)
        }
        Err(error) => {
            check_printable(&error.to_string());
            None
        }
    }
}

fn contents(files: &[&[u8]], path: &Path) -> io::Result<Option<Vec<u8>>> {
    if path == Path::new(PIPE) {
        return Err(io::Error::other("a pipe"));
    }
    let index = path.to_str().and_then(|name| name.parse::<usize>().ok());
    Ok(index.and_then(|index| files.get(index)).map(|file| file.to_vec()))
}

/// Checks that each output is named by an argument, or is the linkers' default output.
fn check_outputs_are_named(outputs: &[PathBuf], arguments: &[OsString]) {
    let name = match outputs {
        [] => return,
        [name] => name,
        [with_extension, name] => {
            let mut expected = name.clone().into_os_string();
            expected.push(".exe");
            assert_eq!(*with_extension.as_os_str(), *expected);
            name
        }
        _ => panic!("{outputs:?}"),
    };
    let mut words = arguments.iter().flat_map(|argument| {
        let bytes = argument.as_encoded_bytes();
        bytes
            .strip_prefix(b"-Wl,")
            .map_or_else(|| vec![bytes], |list| list.split(|byte| *byte == b',').collect())
    });
    let name = name.as_os_str().as_encoded_bytes();
    let is_name = |word: &[u8]| {
        let option = word.strip_suffix(name);
        option.is_some_and(|option| {
            [&b""[..], b"-o", b"--output="].contains(&option)
                || option.eq_ignore_ascii_case(b"/out:")
                || option.eq_ignore_ascii_case(b"-out:")
        })
    };
    assert!(name == b"a.exe" || words.any(is_name));
}

/// Checks that the last name of the output wins, whatever the arguments before it are.
fn check_last_name_wins(arguments: &[OsString], spelling: &[&str], for_linker: bool) {
    // These are values for options at the end of the arguments.
    let values = ["x", "x", "-Wl,x"];
    let words = values.iter().chain(spelling).map(OsString::from);
    let with_name: Vec<_> = arguments.iter().cloned().chain(words).collect();
    let outputs = arguments::outputs(&with_name);
    if arguments.iter().any(|argument| arguments::is_question(argument)) {
        assert!(outputs.is_empty());
        return;
    }
    // A name that a driver passes to its linker overrides the driver's own.
    let is_for_linker = |argument: &OsString| {
        argument == "-Xlinker" || argument.as_encoded_bytes().starts_with(b"-Wl,")
    };
    if for_linker || !arguments.iter().any(is_for_linker) {
        assert_eq!(outputs, [Path::new(LAST)]);
    } else {
        assert!(!outputs.is_empty());
    }
}

/// Checks that a target and a linker are chosen. The linker does not exist, and the error message
/// must be printable.
fn check_linker_choice(arguments: &[OsString], outputs: &[PathBuf]) {
    let called = arguments.first().map_or(OsStr::new(target::NAME), |first| first);
    let target = target::triple(called, arguments, outputs);
    assert!(!target.is_empty());
    let choice = real::choose(called, &target, false, &|_| None);
    match real::find(&choice, None) {
        Ok(linker) => panic!("{}", linker.display()),
        Err(error) => check_printable(&error.to_string()),
    }
}

fn check_printable(text: &str) {
    assert_eq!(text, netswap::text::one_line(text));
}
