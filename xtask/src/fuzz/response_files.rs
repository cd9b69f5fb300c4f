//! Seeds for the target `linker`: response files as rustc writes them, and as people do.
//!
//! rustc's format was observed with rustc 1.95, one argument per line. For GNU ld: UTF-8, with a
//! backslash before backslashes and spaces. For link.exe: UTF-16 with a byte order mark, and each
//! argument in quotes.

/// Separates the files of an input. The target names them `0`, `1` and so on.
const BETWEEN_FILES: u8 = 0x1c;

/// The arguments for GNU ld, passed through gcc. A library path of the target reveals which target
/// it is.
const GNU: [&str; 14] = [
    "-fno-use-linker-plugin",
    "-Wl,--dynamicbase",
    "-Wl,--disable-auto-image-base",
    "-m64",
    "-Wl,--high-entropy-va",
    "my tool.1.rcgu.o",
    "-Wl,-Bdynamic",
    r"C:\rust\lib\rustlib\x86_64-pc-windows-gnu\lib\libstd.rlib",
    "/rust/lib/rustlib/x86_64-pc-windows-gnu/lib/libcore.rlib",
    "-lkernel32",
    "-Wl,--nxcompat",
    "-o",
    r"D:\a b\target\my tool.exe",
    "-Wl,--gc-sections",
];

/// The arguments for link.exe. The folder ends in a backslash, which escapes the quote after it.
const MSVC: [&str; 8] = [
    "/NOLOGO",
    "my tool.1.rcgu.o",
    r"/LIBPATH:C:\rust lib\",
    r#"/DEF:C:\"ü.def"#,
    "/NXCOMPAT",
    r"/OUT:D:\a b\target\my tool.exe",
    "/OPT:REF,NOICF",
    "/DEBUG",
];

/// Returns the inputs, by name.
pub(super) fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let quoted = "\u{feff}\"a b.o\" 'c \"d.o' x\"y\\\"\"z\\ w.o ''\r\n\t-o\"t\".exe\x0b\x0cend\\";
    let names_itself = b"a.o @0 @0 -o t.exe".to_vec();
    let nested = files(&[b"-m32 @1 -o first.exe".to_vec(), b"a.o @2\n".to_vec(), gnu(&GNU)]);
    let nested_in_msvc = files(&[msvc(&["/DLL", "@1"]), b"/OUT:t.dll a.obj".to_vec()]);
    // Deeper than anybody needs, but no deeper than GNU ld allows.
    let deep = (1..18).map(|next| format!("@{next} ").into_bytes());
    let deep: Vec<_> = deep.chain([b"a.o -o t.exe".to_vec()]).collect();
    let odd = msvc(&MSVC).into_iter().chain([b'"']).collect();
    let little_end_first = msvc(&MSVC);
    let (units, _) = little_end_first.as_chunks::<2>();
    let big_end_first = units.iter().flat_map(|[low, high]| [*high, *low]).collect();
    vec![
        ("gnu", gnu(&GNU)),
        ("gnu-quoted", quoted.into()),
        ("gnu-nested", nested),
        ("gnu-deep", files(&deep)),
        ("gnu-names-itself", names_itself),
        ("gnu-in-the-linkers-own-words", b"a.o -o t.exe -Wl,-o,x.exe -Xlinker -ox.dll".to_vec()),
        ("gnu-no-text", b"-m32 a.o -o\xff\xfe.exe".to_vec()),
        ("gnu-zero-byte", b"a.o -o t.exe\0 --version".to_vec()),
        ("msvc", msvc(&MSVC)),
        ("msvc-nested", nested_in_msvc),
        ("msvc-odd-byte", odd),
        ("msvc-half-a-character", msvc(&["/OUT:\u{1f980}.exe"]).into_iter().take(14).collect()),
        ("msvc-big-end-first", big_end_first),
        ("missing-and-unreadable", b"a.o @missing -o t.exe @pipe".to_vec()),
        ("question", b"a.o -print-search-dirs -o t.exe".to_vec()),
        ("unnamed", b"a.o b.o".to_vec()),
    ]
}

fn files(files: &[Vec<u8>]) -> Vec<u8> {
    files.join(&BETWEEN_FILES)
}

fn gnu(arguments: &[&str]) -> Vec<u8> {
    let line = |argument: &&str| argument.replace('\\', "\\\\").replace(' ', "\\ ") + "\n";
    arguments.iter().map(line).collect::<String>().into_bytes()
}

fn msvc(arguments: &[&str]) -> Vec<u8> {
    let line = |argument: &&str| format!("\"{}\"\n", argument.replace('"', "\\\""));
    let lines: String = arguments.iter().map(line).collect();
    format!("\u{feff}{lines}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_files_are_written_as_rustc_writes_them() {
        // The text that rustc 1.95 wrote for these arguments.
        let arguments = [r"C:\a b\lib", r"C:\ends in\", "qu\"ote", "si'ngle", "ü“", r#"a\"b"#];
        let text = "C:\\\\a\\ b\\\\lib\nC:\\\\ends\\ in\\\\\nqu\"ote\nsi'ngle\nü“\na\\\\\"b\n";
        assert_eq!(gnu(&arguments), text.as_bytes());
        let text = "\u{feff}\"C:\\a b\\lib\"\n\"C:\\ends in\\\"\n\"qu\\\"ote\"\n\"si'ngle\"\n\"ü“\"\n\"a\\\\\"b\"\n";
        let units: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(msvc(&arguments), units);
    }

    #[test]
    fn each_input_has_the_files_that_it_was_made_of() {
        for (name, input) in inputs() {
            let expected = match name {
                "gnu-nested" => 3,
                "gnu-deep" => 18,
                "msvc-nested" => 2,
                _ => 1,
            };
            let count = input.split(|byte| *byte == BETWEEN_FILES).count();
            assert_eq!(count, expected, "{name}");
        }
    }
}
