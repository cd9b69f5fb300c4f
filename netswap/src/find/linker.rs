//! The linker that Cargo is configured to use for a target.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_platform::{Cfg, Platform};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::clean::values_of;
use super::xtask::config_file_in;

/// The linkers that Cargo's configuration names for one `cargo build`.
pub(super) struct ConfiguredLinkers<'a> {
    arguments: &'a [OsString],
    environment: &'a [(OsString, Option<OsString>)],
    /// The configuration files, read when the first linker is requested.
    files: OnceCell<Result<Vec<Table>, Unknown>>,
}

/// The error for a configuration that can't be read or has parts unknown to this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unknown;

impl<'a> ConfiguredLinkers<'a> {
    /// Returns the linkers for a `cargo build` with these arguments, run in the current folder with
    /// these changes to the environment.
    pub(super) fn new(
        arguments: &'a [OsString],
        environment: &'a [(OsString, Option<OsString>)],
    ) -> Self {
        ConfiguredLinkers { arguments, environment, files: OnceCell::new() }
    }

    /// Returns the linker that `target.TRIPLE.linker` or `target.'cfg(…)'.linker` names, or `None`
    /// if neither is set. Cargo gives the same value to a build script in `RUSTC_LINKER`.
    ///
    /// Arguments override variables, and variables override files
    /// ([the Cargo
    /// book](https://doc.rust-lang.org/cargo/reference/config.html#configuration-format)).
    /// A triple overrides a `cfg`, no matter where each is set.
    pub(super) fn get(&self, triple: &str) -> Result<Option<PathBuf>, Unknown> {
        let arguments = self.tables()?;
        let variable = self.variable(triple)?;
        let files = self.files.get_or_init(|| self.read_files()).as_ref().map_err(|why| *why)?;
        let tables: Vec<&Table> = arguments.iter().rev().chain(&variable).chain(files).collect();
        let first =
            |matches: &dyn Fn(&str) -> bool| tables.iter().find_map(|table| table.linker(matches));
        if let Some(linker) = first(&|key| key == triple) {
            return Ok(Some(linker));
        }
        if first(&|key| key.starts_with("cfg(")).is_none() {
            return Ok(None);
        }
        let cfgs = cfgs(triple)?;
        Ok(first(&|key| match key.parse() {
            Ok(Platform::Cfg(expression)) => expression.matches(&cfgs),
            _ => false,
        }))
    }

    /// Reads Cargo's configuration files: those of the current folder and each folder above it,
    /// then that of Cargo's home.
    fn read_files(&self) -> Result<Vec<Table>, Unknown> {
        let here = std::env::current_dir().map_err(|_| Unknown)?;
        let home = match crate::env::changed("CARGO_HOME", self.environment) {
            Some(home) if !home.is_empty() => Some(here.join(home)),
            _ => home().map(|home| home.join(".cargo")),
        };
        let files = config_files(&here, home);
        files.iter().map(|file| Table::read_file(file).ok_or(Unknown)).collect()
    }

    /// Reads `CARGO_TARGET_TRIPLE_LINKER`.
    fn variable(&self, triple: &str) -> Result<Option<Table>, Unknown> {
        let name =
            format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace(['-', '.'], "_"));
        let linker = crate::env::changed(&name, self.environment);
        let Some(linker) = linker.filter(|linker| !linker.is_empty()) else {
            return Ok(None);
        };
        let linker = linker.into_string().map_err(|_| Unknown)?;
        let folder = std::env::current_dir().map_err(|_| Unknown)?;
        Ok(Some(Table { linkers: vec![(triple.to_owned(), linker)], folder }))
    }

    /// Reads the `--config` arguments, in their order.
    fn tables(&self) -> Result<Vec<Table>, Unknown> {
        let tables = values_of("--config", self.arguments);
        tables.map(|table| table.as_deref().and_then(Table::read).ok_or(Unknown)).collect()
    }
}

/// Returns the account's home folder.
#[allow(deprecated, reason = "Rust 1.85 repaired this function, and 1.87 says so")]
fn home() -> Option<PathBuf> {
    std::env::home_dir()
}

/// Returns the configuration files for a Cargo that runs in this folder, highest precedence first
/// ([the Cargo
/// book](https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure)).
fn config_files(here: &Path, home: Option<PathBuf>) -> Vec<PathBuf> {
    let mut folders: Vec<_> = here.ancestors().map(|folder| folder.join(".cargo")).collect();
    folders.extend(home.filter(|home| !folders.contains(home)));
    let files = folders.iter().map(|folder| config_file_in(folder));
    files.filter(|file| file.is_file()).collect()
}

/// A configuration table from a `--config` argument, a variable or a file.
struct Table {
    /// The `linker` of each `[target]` table that sets one, after the table's key.
    linkers: Vec<(String, String)>,
    /// The folder that relative paths start from.
    folder: PathBuf,
}

impl Table {
    /// Reads a `--config` argument, which is a file or `KEY=VALUE`.
    fn read(argument: &str) -> Option<Self> {
        if let Ok(table) = DeTable::parse(argument) {
            return Some(Table {
                linkers: linkers(table.get_ref()),
                folder: std::env::current_dir().ok()?,
            });
        }
        Table::read_file(&std::path::absolute(argument).ok()?)
    }

    /// Reads a file. Returns `None` if it can't be read or includes other files.
    fn read_file(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let table = DeTable::parse(&text).ok()?;
        if table.get_ref().contains_key("include") {
            return None;
        }
        // Relative paths start from the folder that contains `.cargo`.
        let folder = path.parent()?.parent()?.to_owned();
        Some(Table { linkers: linkers(table.get_ref()), folder })
    }

    /// Returns the linker of the first `[target]` table whose key matches.
    fn linker(&self, matches: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
        let (_, linker) = self.linkers.iter().find(|(key, _)| matches(key))?;
        let linker = PathBuf::from(linker);
        // Cargo searches PATH for a bare name.
        let is_bare = linker.parent() == Some(Path::new(""));
        Some(if is_bare { linker } else { self.folder.join(linker) })
    }
}

/// Returns the key and the `linker` of each `[target]` table that sets one.
fn linkers(config: &DeTable<'_>) -> Vec<(String, String)> {
    let targets = config.get("target").and_then(|targets| targets.get_ref().as_table());
    let linker = |(key, target): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        let linker = target.get_ref().get("linker")?.get_ref().as_str()?;
        Some((key.get_ref().to_string(), linker.to_owned()))
    };
    targets.into_iter().flatten().filter_map(linker).collect()
}

/// Returns the compiler's `cfg` values for this target.
fn cfgs(triple: &str) -> Result<Vec<Cfg>, Unknown> {
    let text = rustc_prints("cfg", triple).ok_or(Unknown)?;
    // Newer compilers print some `cfg` values that this version can't parse.
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Returns the output of `rustc --print` for this target.
pub(super) fn rustc_prints(what: &str, target: &str) -> Option<String> {
    let mut rustc = Command::new(crate::env::rustc());
    rustc.args(["--print", what, "--target", target]).stdin(Stdio::null());
    let output = rustc.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target that no machine is configured for. The tests also read the machine's configuration.
    const TARGET: &str = "x86_64-unknown-uefi";

    fn get(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Option<PathBuf>, Unknown> {
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        let variable = |(name, value): &(&str, &str)| (name.into(), Some(value.into()));
        let environment: Vec<_> = environment.iter().map(variable).collect();
        ConfiguredLinkers::new(&arguments, &environment).get(TARGET)
    }

    #[test]
    fn the_setting_of_highest_precedence_wins() {
        let first = "--config=target.x86_64-unknown-uefi.linker='first'";
        let second = "target.x86_64-unknown-uefi.linker = \"second\"";
        let cfg = "target.'cfg(target_os = \"uefi\")'.linker = 'by-cfg'";
        let variable = ("CARGO_TARGET_X86_64_UNKNOWN_UEFI_LINKER", "clang");
        let empty = (variable.0, "");
        let other = ("CARGO_TARGET_I686_UNKNOWN_UEFI_LINKER", "clang");
        let table = [
            (&["--release"][..], &[][..], None),
            (&[], &[variable], Some("clang")),
            (&[], &[empty], None),
            (&[], &[other], None),
            (&[first], &[variable], Some("first")),
            (&[first, "-q", "--config", second], &[], Some("second")),
            (&["--config", second], &[variable], Some("second")),
            // A triple overrides a cfg, even if the cfg is in an argument.
            (&["--config", cfg], &[variable], Some("clang")),
        ];
        for (arguments, environment, expected) in table {
            let found = get(arguments, environment);
            assert_eq!(found, Ok(expected.map(Into::into)), "{arguments:?} {environment:?}");
        }
    }

    #[test]
    fn cfg_key_matches_the_target() {
        for (os, expected) in [("uefi", Some("wild")), ("windows", None)] {
            let argument = format!(
                "target.'cfg(all(target_os = \"{os}\", target_arch = \"x86_64\"))'.linker = 'wild'"
            );
            let found = get(&["--config", &argument], &[]);
            assert_eq!(found, Ok(expected.map(Into::into)), "{os}");
        }
    }

    #[test]
    fn config_paths_are_relative_to_their_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".cargo").join("more.toml");
        fs::create_dir(dir.path().join(".cargo")).unwrap();
        fs::write(&file, "target.x86_64-unknown-uefi.linker = 'tools/ld'\n").unwrap();
        let found = get(&["--config", file.to_str().unwrap()], &[]);
        assert_eq!(found, Ok(Some(dir.path().join("tools/ld"))));
    }

    #[test]
    fn nearest_config_file_comes_first_and_home_last() {
        let dir = tempfile::tempdir().unwrap();
        let file = |path: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        let home = file("home/config.toml");
        let above = file("work/.cargo/config.toml");
        let older = file("work/project/.cargo/config");
        file("work/project/.cargo/config.toml");
        let here = dir.path().join("work/project");
        let found = config_files(&here, Some(dir.path().join("home")));
        let below = |path: &&PathBuf| path.starts_with(dir.path());
        let found: Vec<_> = found.iter().filter(below).collect();
        assert_eq!(found, [&older, &above, &home]);
        // Cargo's home can also be above the project.
        let found = config_files(&here, Some(dir.path().join("work/.cargo")));
        assert_eq!(found.iter().filter(below).collect::<Vec<_>>(), [&older, &above]);
    }

    #[test]
    fn config_file_with_include_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("more.toml");
        fs::write(&file, "include = ['other.toml']\n").unwrap();
        assert_eq!(get(&["--config", file.to_str().unwrap()], &[]), Err(Unknown));
    }

    #[test]
    fn unreadable_config_argument_is_unknown() {
        for arguments in [&["--config"][..], &["--config", "no/such/file.toml"]] {
            assert_eq!(get(arguments, &[]), Err(Unknown), "{arguments:?}");
        }
    }
}
