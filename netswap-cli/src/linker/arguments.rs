//! Finds the output file in a linker's arguments (pure). Nothing else in them is interpreted.
//!
//! A compiler driver passes its own `-o` to the linker first, and those of `-Wl,` and `-Xlinker`
//! after it. The last one wins. Observed with gcc 12 for MinGW, and GNU ld.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use netswap::system::os_string;

/// The output of GNU ld and of the drivers for a MinGW target if no name is given.
const UNNAMED: &str = "a.exe";

/// Returns the files that may be linked. The arguments must have their response files expanded. A
/// name without an extension yields two files, because drivers for MinGW append `.exe` and other
/// linkers don't. Returns none if nothing is linked.
pub fn outputs(arguments: &[OsString]) -> Vec<PathBuf> {
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

/// Whether the linker is link.exe, or one that takes the same arguments.
pub(super) fn is_msvc(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| msvc_output(argument).is_some())
}

/// Separates the words that a driver passes to its linker. The first list is for the driver, or for
/// a linker that is called directly. The second is for the driver's linker.
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

/// Returns the output that is named last.
fn named(words: &[OsString]) -> Option<OsString> {
    let mut words = words.iter();
    let mut named = None;
    while let Some(word) = words.next() {
        let bytes = word.as_encoded_bytes();
        let here = if word == "-o" || word == "--output" {
            words.next().cloned()
        } else {
            let joined = bytes.strip_prefix(b"--output=").or_else(|| bytes.strip_prefix(b"-o"));
            msvc_output(word).or_else(|| joined.map(os_string))
        };
        named = here.or(named);
    }
    named
}

/// Returns the file of `/OUT:FILE`. link.exe ignores case and accepts a hyphen instead of the
/// slash.
fn msvc_output(word: &OsStr) -> Option<OsString> {
    let (option, name) = word.as_encoded_bytes().split_at_checked("/out:".len())?;
    let is_out = ["/out:", "-out:"].iter().any(|out| option.eq_ignore_ascii_case(out.as_bytes()));
    is_out.then(|| os_string(name))
}

/// Whether a driver or linker only answers a question. Some of GNU ld's options that start with
/// `--print-` don't prevent the link, so the rest of the name decides ([GCC's
/// manual](https://gcc.gnu.org/onlinedocs/gcc/Developer-Options.html)).
pub fn is_question(word: &OsStr) -> bool {
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

/// Whether a driver stops before the link. A named output does not need this check, because it is
/// left alone if it is not an image. Also, some of these options have other meanings in GNU ld.
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
    fn outputs_are_found_in_each_command_line() {
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
            // These options have other meanings in GNU ld, which links all the same.
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
    fn out_option_identifies_link_exe() {
        assert!(is_msvc(&split("a.obj /OUT:t.exe")));
        assert!(!is_msvc(&split("a.o -o t.exe /out -outlook")));
    }

    #[cfg(unix)]
    #[test]
    fn names_in_invalid_utf_8_are_unchanged() {
        use std::os::unix::ffi::OsStringExt;
        let name = OsString::from_vec(b"\xff.exe".to_vec());
        let joined = OsString::from_vec(b"-o\xff.exe".to_vec());
        assert_eq!(outputs(&["-o".into(), name.clone()]), [PathBuf::from(&name)]);
        assert_eq!(outputs(&[joined]), [PathBuf::from(&name)]);
    }
}
