//! Finds the target of a link (pure). rustc does not pass it to its linker, so other arguments of
//! rustc have to show it.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use super::arguments;

/// The target that this program is made for. It is the default if no argument says otherwise.
const DEFAULT: &str = "x86_64-pc-windows-gnu";

pub const NAME: &str = "netswap-linker";

/// Returns the target's triple. The first of these that shows it decides:
///
/// 1. the suffix of the name by which this program is called, after `netswap-linker-`,
/// 2. the folder of the target's standard library, `rustlib/TRIPLE/lib`,
/// 3. the folder in which Cargo builds for `--target`,
/// 4. the arguments of link.exe,
/// 5. rustc's `-m64`, and for i686 its `--large-address-aware`.
pub fn triple(called: &OsStr, arguments: &[OsString], outputs: &[PathBuf]) -> String {
    let suffix = program_name(called);
    let suffix = suffix.strip_prefix(NAME).and_then(|rest| rest.strip_prefix('-'));
    // A shorter suffix only shows rustc which linker this program replaces: netswap-linker-ld.
    let suffix = suffix.filter(|suffix| suffix.split('-').count() >= 3);
    let in_rustlib = || arguments.iter().find_map(|argument| from_rustlib(Path::new(argument)));
    let in_output = || outputs.iter().find_map(|output| from_output(output));
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let by_options = || {
        if arguments::is_msvc(arguments) {
            "x86_64-pc-windows-msvc"
        } else if has("-m32") || has("-Wl,--large-address-aware") || has("--large-address-aware") {
            "i686-pc-windows-gnu"
        } else {
            DEFAULT
        }
    };
    let found = suffix.map(str::to_owned).or_else(in_rustlib).or_else(in_output);
    found.unwrap_or_else(|| by_options().to_owned())
}

/// Returns the name by which a program is called, without the folder and `.exe`.
pub(super) fn program_name(called: &OsStr) -> String {
    let name = Path::new(called).file_name().unwrap_or_default().to_string_lossy();
    match name.rsplit_once('.') {
        Some((stem, extension)) if extension.eq_ignore_ascii_case("exe") => stem.to_owned(),
        _ => name.into_owned(),
    }
}

fn folders(path: &Path) -> Vec<&str> {
    let names = path.components().map(|component| match component {
        Component::Normal(name) => name.to_str().unwrap_or_default(),
        _ => "",
    });
    names.collect()
}

/// Returns the TRIPLE of `rustlib/TRIPLE/lib`. Ignores `..` and invalid Unicode. The folder
/// `rustlib/HOST/bin` next to it has programs of the host.
fn from_rustlib(path: &Path) -> Option<String> {
    folders(path).array_windows().find_map(|names| match names {
        ["rustlib", triple, "lib"] if !triple.is_empty() => Some((*triple).to_owned()),
        _ => None,
    })
}

/// Returns the folder in a path that has the name of a Windows target.
fn from_output(path: &Path) -> Option<String> {
    const ARCHITECTURES: [&str; 6] = ["x86_64", "i686", "i586", "aarch64", "arm64ec", "thumbv7a"];
    let is_triple = |name: &&str| match *name.split('-').collect::<Vec<_>>() {
        [machine, _, "windows", "gnu" | "gnullvm" | "msvc"] => ARCHITECTURES.contains(&machine),
        _ => false,
    };
    folders(path).into_iter().rfind(is_triple).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn target_is_found_in_names_and_arguments() {
        let table = [
            // called, arguments -> target
            ("netswap-linker", "-m64 a.o -o t.exe", DEFAULT),
            ("netswap-linker", "--version", DEFAULT),
            ("netswap-linker", "-m32 a.o -o t.exe", "i686-pc-windows-gnu"),
            ("netswap-linker", "-Wl,--large-address-aware a.o -o t.exe", "i686-pc-windows-gnu"),
            ("netswap-linker", "a.obj /OUT:t.exe", "x86_64-pc-windows-msvc"),
            ("netswap-linker", "a.o -o target/i686-win7-windows-gnu/debug/t.exe", "i686-win7-windows-gnu"),
            ("netswap-linker", "-m64 -o target/aarch64-pc-windows-gnullvm/t", "aarch64-pc-windows-gnullvm"),
            ("netswap-linker", "-m64 -o my-own-windows-gnu/t.exe", DEFAULT),
            ("netswap-linker", "-m64 /r/rustlib/x86_64-unknown-linux-gnu/lib/libstd.rlib -o t", "x86_64-unknown-linux-gnu"),
            ("netswap-linker", "-L /r/rustlib/i686-pc-windows-gnu/lib -o target/x86_64-pc-windows-gnu/t", "i686-pc-windows-gnu"),
            ("netswap-linker", "-m32 -L/r/rustlib/../lib -o t.exe", "i686-pc-windows-gnu"),
            ("netswap-linker", "-B/r/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld -o t.exe", DEFAULT),
            ("/bin/netswap-linker-i686-pc-windows-gnu", "-m64 -o t.exe", "i686-pc-windows-gnu"),
            ("netswap-linker-aarch64-pc-windows-gnullvm.EXE", "", "aarch64-pc-windows-gnullvm"),
            ("netswap-linker-ld", "-o t.exe", DEFAULT),
            ("x86_64-w64-mingw32-gcc", "-o t.exe", DEFAULT),
        ];
        for (called, arguments, expected) in table {
            let arguments: Vec<_> = arguments.split(' ').map(OsString::from).collect();
            let outputs = arguments::outputs(&arguments);
            assert_eq!(triple(OsStr::new(called), &arguments, &outputs), expected, "{called} {arguments:?}");
        }
    }

    #[test]
    fn program_name_lacks_folder_and_exe() {
        for (called, expected) in [
            ("gcc", "gcc"),
            ("/x/gcc.exe", "gcc"),
            ("a.EXE", "a"),
            (".exe", ""),
            ("ld.bfd", "ld.bfd"),
            ("ö", "ö"),
        ] {
            assert_eq!(program_name(OsStr::new(called)), expected);
        }
    }
}
