//! Which file a linker's arguments tell it to link (pure): no more of them is understood than that.
//!
//! A compiler driver gives its own `-o` to the linker first and those of `-Wl,` and `-Xlinker` behind
//! it; of several the last one holds. Seen with gcc 12 for MinGW, and GNU ld.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use netswap::system::os_string;

/// What GNU ld and the drivers of a MinGW target make where they are told no name.
const UNNAMED: &str = "a.exe";

/// The files that may be linked, response files expanded. Where the name has no extension, drivers for
/// MinGW append `.exe` and other linkers do not, so there are two. None where nothing is linked.
pub(super) fn outputs(arguments: &[OsString]) -> Vec<PathBuf> {
    if arguments.iter().any(|argument| is_question(argument)) {
        return Vec::new();
    }
    let (driver, linker) = words(arguments);
    let Some(named) = named(&linker).or_else(|| named(&driver)) else {
        let is_linked = has_input(&driver) && !driver.iter().any(|word| stops_early(word));
        return if is_linked { vec![UNNAMED.into()] } else { Vec::new() };
    };
    let named = PathBuf::from(named);
    if named.extension().is_some() {
        return vec![named];
    }
    let mut with_extension = named.clone().into_os_string();
    with_extension.push(".exe");
    vec![with_extension.into(), named]
}

/// Whether the linker is link.exe, or one that takes its arguments.
pub(super) fn is_msvc(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| msvc_output(argument).is_some())
}

/// The words for the compiler driver, or for a linker that is called directly, and those that a driver
/// gives to its linker.
fn words(arguments: &[OsString]) -> (Vec<OsString>, Vec<OsString>) {
    let (mut driver, mut linker) = (Vec::new(), Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "-Xlinker" {
            linker.extend(arguments.next().cloned());
        } else if let Some(list) = argument.as_encoded_bytes().strip_prefix(b"-Wl,") {
            linker.extend(list.split(|byte| *byte == b',').map(os_string));
        } else {
            driver.push(argument.clone());
        }
    }
    (driver, linker)
}

/// The output that is named last.
fn named(words: &[OsString]) -> Option<OsString> {
    let mut words = words.iter();
    let mut named = None;
    while let Some(word) = words.next() {
        let bytes = word.as_encoded_bytes();
        let here = if word == "-o" || word == "--output" {
            words.next().cloned()
        } else if let Some(name) = msvc_output(word) {
            Some(name)
        } else {
            let joined = bytes.strip_prefix(b"--output=").or_else(|| bytes.strip_prefix(b"-o"));
            joined.map(os_string)
        };
        named = here.or(named);
    }
    named
}

/// The file of `/OUT:FILE`; link.exe takes any case, and a hyphen for the slash.
fn msvc_output(word: &OsStr) -> Option<OsString> {
    let (option, name) = word.as_encoded_bytes().split_at_checked("/out:".len())?;
    let is_out = ["/out:", "-out:"].iter().any(|out| option.eq_ignore_ascii_case(out.as_bytes()));
    is_out.then(|| os_string(name))
}

/// Whether a driver or linker only answers a question. GNU ld has options that begin with `--print-`
/// and link all the same, so these are told apart by their whole names
/// ([GCC's manual](https://gcc.gnu.org/onlinedocs/gcc/Developer-Options.html)).
pub(super) fn is_question(word: &OsStr) -> bool {
    const WHOLE: [&str; 9] = [
        "--version",
        "--help",
        "--target-help",
        "-###",
        "-dumpmachine",
        "-dumpversion",
        "-dumpfullversion",
        "-dumpspecs",
        "/?",
    ];
    const PRINTED: [&str; 6] =
        ["file-name=", "prog-name=", "search-dirs", "libgcc-file-name", "multi-", "sysroot"];
    let bytes = word.as_encoded_bytes();
    let printed = bytes.strip_prefix(b"--print-").or_else(|| bytes.strip_prefix(b"-print-"));
    let is_printed = |printed: &[u8]| PRINTED.iter().any(|p| printed.starts_with(p.as_bytes()));
    WHOLE.iter().any(|whole| word == *whole) || printed.is_some_and(is_printed)
}

/// Whether a driver does not come to linking. An output that is named needs no such question: if it is
/// no image it is left alone. And GNU ld has other meanings for some of these.
fn stops_early(word: &OsStr) -> bool {
    ["-c", "-S", "-E", "-M", "-MM", "-fsyntax-only"].iter().any(|option| word == *option)
}

fn has_input(words: &[OsString]) -> bool {
    words.iter().any(|word| !word.as_encoded_bytes().starts_with(b"-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(arguments: &str) -> Vec<OsString> {
        arguments.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect()
    }

    #[test]
    #[rustfmt::skip]
    fn the_table_of_command_lines_read_whole() {
        let table = [
            // arguments -> files that may be linked
            ("a.o -o t.exe", &["t.exe"][..]),
            ("a.o -ot.exe", &["t.exe"]),
            ("a.o --output=t.exe", &["t.exe"]),
            ("a.o --output t.exe", &["t.exe"]),
            ("a.o -Wl,-o,t.exe", &["t.exe"]),
            ("a.o -Wl,-ot.exe,--gc-sections", &["t.exe"]),
            ("a.o -Wl,--output=t.exe", &["t.exe"]),
            ("a.o -Wl,--output,t.exe", &["t.exe"]),
            ("a.o -Xlinker -o -Xlinker t.exe", &["t.exe"]),
            ("a.o -o first.exe -o t.exe", &["t.exe"]),
            ("a.o -Wl,-o,t.exe -o first.exe", &["t.exe"]),
            ("a.o -o t", &["t.exe", "t"]),
            ("a.o -o d.d/t", &["d.d/t.exe", "d.d/t"]),
            ("a.o -o t.", &["t."]),
            ("-shared a.o -o t.dll -Wl,--out-implib=libt.dll.a", &["t.dll"]),
            ("-r a.o -o t.o", &["t.o"]),
            ("-c a.c -o a.o", &["a.o"]),
            // What GNU ld means by these is no reason not to link.
            ("-S -E a.o -o t.exe", &["t.exe"]),
            ("--print-map -print-gc-sections a.o -o t.exe", &["t.exe"]),
            ("-Wl,--print-memory-usage a.o -o t.exe", &["t.exe"]),
            ("-v a.o -o t.exe", &["t.exe"]),
            ("a.o", &["a.exe"]),
            ("-shared a.o", &["a.exe"]),
            ("-v", &[]),
            ("", &[]),
            ("-c a.c", &[]),
            ("-S a.c", &[]),
            ("-E a.c", &[]),
            ("-fsyntax-only a.c", &[]),
            ("-o", &[]),
            ("--version", &[]),
            ("--version -o t.exe", &[]),
            ("--help", &[]),
            ("-### a.o -o t.exe", &[]),
            ("-dumpmachine", &[]),
            ("-print-search-dirs", &[]),
            ("-print-file-name=crt2.o -o t.exe", &[]),
            ("--print-file-name=crt2.o", &[]),
            ("-print-libgcc-file-name -m64", &[]),
            ("-print-multi-os-directory", &[]),
            ("--print-sysroot", &[]),
            ("-print-prog-name=ld", &[]),
            ("/NOLOGO a.obj /OUT:t.exe /DLL /IMPLIB:t.lib", &["t.exe"]),
            ("-nologo a.obj -out:t.exe", &["t.exe"]),
            ("a.obj /Out:first.exe -OUT:t.exe", &["t.exe"]),
            ("-flavor link a.obj /out:t.exe", &["t.exe"]),
        ];
        for (arguments, expected) in table {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(outputs(&split(arguments)), expected, "{arguments}");
        }
    }

    #[test]
    fn the_arguments_of_link_exe_are_told_by_its_output() {
        assert!(is_msvc(&split("a.obj /OUT:t.exe")));
        assert!(!is_msvc(&split("a.o -o t.exe /out -outlook")));
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_stays_as_it_is() {
        use std::os::unix::ffi::OsStringExt;
        let name = OsString::from_vec(b"\xff.exe".to_vec());
        let joined = OsString::from_vec(b"-o\xff.exe".to_vec());
        assert_eq!(outputs(&["-o".into(), name.clone()]), [PathBuf::from(&name)]);
        assert_eq!(outputs(&[joined]), [PathBuf::from(&name)]);
    }
}
