//! Finds the real linker: chooses its name (pure), then finds it in `PATH`. It is never this
//! program itself.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use netswap::system;
use netswap::text::one_line;

use super::LinkerError;
use super::target::{NAME, program_name};

/// The programs to try. The first one found runs.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    target: String,
    /// The variable that names the linker, or `None` for the default one.
    variable: Option<String>,
    /// Names to find in `PATH`, or paths.
    programs: Vec<OsString>,
}

/// Returns the name of the variable for one target only, in Cargo's spelling.
fn variable_of(target: &str) -> String {
    format!("NETSWAP_LINKER_{}", target.to_ascii_uppercase().replace(['-', '.'], "_"))
}

/// Chooses the linker that `NETSWAP_LINKER_TARGET` or else `NETSWAP_LINKER` names. Without them, if
/// this program is called by the name of a linker, chooses the next one of that name. Otherwise
/// chooses the linker that rustc would run.
pub fn choose(
    called: &OsStr,
    target: &str,
    on_windows: bool,
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Choice {
    let target = target.to_owned();
    for variable in [variable_of(&target), "NETSWAP_LINKER".to_owned()] {
        if let Some(program) = lookup(&variable) {
            return Choice { target, variable: Some(variable), programs: vec![program] };
        }
    }
    let called = program_name(called);
    let is_linker = !called.is_empty() && !called.starts_with(NAME);
    let programs = if is_linker { vec![called] } else { default_linkers(&target, on_windows) };
    let programs = programs.into_iter().map(OsString::from).collect();
    Choice { target, variable: None, programs }
}

/// Returns the linkers that rustc runs for a target. Adds gcc by its short name where it needs no
/// prefix.
fn default_linkers(target: &str, on_windows: bool) -> Vec<String> {
    let architecture = target.split('-').next().unwrap_or_default();
    let architecture = if architecture == "i586" { "i686" } else { architecture };
    let mingw = |tool: &str| format!("{architecture}-w64-mingw32-{tool}");
    let environment = target.rsplit_once("-windows-").map(|(_, environment)| environment);
    match (environment, on_windows) {
        (Some("gnu"), false) => vec![mingw("gcc")],
        (Some("gnu"), true) => vec![mingw("gcc"), "gcc".to_owned()],
        (Some("gnullvm"), _) => vec![mingw("clang")],
        (Some("msvc"), false) => vec!["lld-link".to_owned()],
        (Some("msvc"), true) => vec!["link".to_owned(), "lld-link".to_owned()],
        _ => vec!["cc".to_owned()],
    }
}

/// Finds the chosen linker. `search` is the list of folders in `PATH`.
pub fn find(choice: &Choice, search: Option<&OsStr>) -> Result<PathBuf, LinkerError> {
    let folders: Vec<_> = search.into_iter().flat_map(std::env::split_paths).collect();
    let own = std::env::current_exe().ok();
    let is_own = |path: &Path| own.as_ref().is_some_and(|own| is_same(own, path));
    let mut is_own_in_path = false;
    for program in &choice.programs {
        let path = Path::new(program);
        let is_name = path.file_name() == Some(program);
        if let (false, Some(variable)) = (is_name, &choice.variable) {
            // On Windows, the path may lack `.exe`.
            if system::program(path.to_owned()).is_some_and(|program| is_own(&program)) {
                let variable = variable.clone();
                return Err(LinkerError::Itself { variable, linker: path.to_owned() });
            }
            return Ok(path.to_owned());
        }
        let candidates = folders.iter().map(|folder| match folder.as_os_str() {
            // An empty name means the current folder.
            name if name.is_empty() => Path::new(".").join(program),
            _ => folder.join(program),
        });
        for candidate in candidates.filter_map(system::program) {
            if !is_own(&candidate) {
                return Ok(candidate);
            }
            is_own_in_path = true;
        }
    }
    let names = choice.programs.iter().map(|program| one_line(&program.to_string_lossy()));
    let names = names.collect::<Vec<_>>().join(" or ");
    let target = one_line(&choice.target);
    let variable = variable_of(&target);
    let why = if is_own_in_path { "in PATH is netswap-linker itself" } else { "is not in PATH" };
    Err(LinkerError::NotFound { target, names, why, variable })
}

/// Whether two paths lead to the same file, through any links.
fn is_same(a: &Path, b: &Path) -> bool {
    let identity =
        |path: &Path| -> io::Result<_> { Ok(system::stamp(&system::open(path)?)?.0.identity) };
    match (identity(a), identity(b)) {
        (Ok(Some(a)), Ok(Some(b))) => a == b,
        _ => matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn linker_is_chosen_by_name_target_and_variables() {
        const GNU: &str = "x86_64-pc-windows-gnu";
        let none = &[][..];
        let any = &[("NETSWAP_LINKER", "any")][..];
        let one = &[("NETSWAP_LINKER", "any"), ("NETSWAP_LINKER_X86_64_PC_WINDOWS_GNU", "/one")][..];
        let table = [
            // called, target, on Windows, variables -> linkers
            (NAME, GNU, false, none, &["x86_64-w64-mingw32-gcc"][..]),
            (NAME, GNU, true, none, &["x86_64-w64-mingw32-gcc", "gcc"]),
            (NAME, "i686-pc-windows-gnu", false, none, &["i686-w64-mingw32-gcc"]),
            (NAME, "i586-pc-windows-gnu", false, none, &["i686-w64-mingw32-gcc"]),
            (NAME, "x86_64-win7-windows-gnu", false, none, &["x86_64-w64-mingw32-gcc"]),
            (NAME, "aarch64-pc-windows-gnullvm", true, none, &["aarch64-w64-mingw32-clang"]),
            (NAME, "x86_64-pc-windows-msvc", true, none, &["link", "lld-link"]),
            (NAME, "x86_64-pc-windows-msvc", false, none, &["lld-link"]),
            (NAME, "x86_64-unknown-linux-gnu", false, none, &["cc"]),
            (NAME, GNU, false, any, &["any"]),
            (NAME, GNU, false, one, &["/one"]),
            (NAME, "i686-pc-windows-gnu", false, one, &["any"]),
            ("/a/netswap-linker-x86_64-pc-windows-gnu", GNU, false, none, &["x86_64-w64-mingw32-gcc"]),
            ("/a/x86_64-w64-mingw32-gcc-12", GNU, false, none, &["x86_64-w64-mingw32-gcc-12"]),
            ("/a/ld.exe", GNU, false, none, &["ld"]),
            ("/a/ld", GNU, false, any, &["any"]),
        ];
        for (called, target, on_windows, variables, expected) in table {
            let lookup = |name: &str| {
                variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).into())
            };
            let choice = choose(OsStr::new(called), target, on_windows, &lookup);
            assert_eq!(choice.programs, expected, "{called} {target} {on_windows} {variables:?}");
        }
    }

    #[test]
    fn missing_linker_names_the_variables_to_set() {
        let choice = choose(OsStr::new(NAME), "i686-pc-windows-gnu", true, &|_| None);
        let error = find(&choice, Some(OsStr::new(""))).unwrap_err().to_string();
        for word in
            ["i686-w64-mingw32-gcc or gcc", "NETSWAP_LINKER or NETSWAP_LINKER_I686_PC_WINDOWS_GNU"]
        {
            assert!(error.contains(word), "{error}");
        }
    }
}
