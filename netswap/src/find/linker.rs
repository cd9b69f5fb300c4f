//! The linker that Cargo is configured to use for a target.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_config2::{Config, ResolveOptions};
use cargo_platform::{Cfg, Platform};

/// The linkers that one `cargo build` is configured with.
pub(super) struct ConfiguredLinkers<'a> {
    arguments: &'a [OsString],
    environment: &'a [(OsString, Option<OsString>)],
    /// Environment variables and configuration files, read when they are first needed.
    config: OnceCell<Option<Config>>,
}

/// The configuration cannot be read, or not by this version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown;

impl<'a> ConfiguredLinkers<'a> {
    /// For a `cargo build` with these arguments, and with these changes to the environment.
    pub(super) fn new(
        arguments: &'a [OsString],
        environment: &'a [(OsString, Option<OsString>)],
    ) -> Self {
        ConfiguredLinkers { arguments, environment, config: OnceCell::new() }
    }

    /// Returns the linker that `target.TRIPLE.linker` or `target.'cfg(…)'.linker` names, as Cargo
    /// gives it to a build script in `RUSTC_LINKER`; `None` if neither does
    /// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/config.html#targettriplelinker)).
    pub(super) fn get(&self, triple: &str) -> Result<Option<PathBuf>, Unknown> {
        let tables = self.tables()?;
        let by_triple = tables.iter().rev().find_map(|table| table.linker(&|key| key == triple));
        if by_triple.is_some() {
            return Ok(by_triple);
        }
        let config = self.config.get_or_init(|| self.load()).as_ref().ok_or(Unknown)?;
        let linker = config.linker(triple).map_err(|_| Unknown)?;
        if tables.is_empty() {
            return Ok(linker);
        }
        let cfgs = cfgs(triple)?;
        let matches = |key: &str| match key.parse() {
            Ok(Platform::Cfg(expression)) => expression.matches(&cfgs),
            _ => false,
        };
        match (tables.iter().rev().find_map(|table| table.linker(&matches)), linker) {
            (None, linker) => Ok(linker),
            (by_cfg, None) => Ok(by_cfg),
            // A triple in a file wins over a cfg on the command line, a cfg in a file does not.
            (by_cfg, linker) if by_cfg == linker => Ok(linker),
            _ => Err(Unknown),
        }
    }

    fn load(&self) -> Option<Config> {
        let options = ResolveOptions::default().env(crate::env::changed(self.environment));
        Config::load_with_options(std::env::current_dir().ok()?, options).ok()
    }

    /// What the `--config` arguments say, in their order.
    fn tables(&self) -> Result<Vec<Table>, Unknown> {
        let mut tables = Vec::new();
        let mut arguments = self.arguments.iter().map(|argument| argument.to_str());
        while let Some(argument) = arguments.next() {
            let value = match argument {
                Some("--config") => arguments.next().flatten(),
                Some(argument) => match argument.strip_prefix("--config=") {
                    Some(value) => Some(value),
                    None => continue,
                },
                None => continue,
            };
            tables.push(value.and_then(Table::read).ok_or(Unknown)?);
        }
        Ok(tables)
    }
}

/// What one `--config` argument says.
struct Table {
    table: toml::Table,
    /// Relative paths start here.
    folder: PathBuf,
}

impl Table {
    /// Reads a file, or `KEY=VALUE`.
    fn read(argument: &str) -> Option<Self> {
        if let Ok(table) = argument.parse() {
            return Some(Table { table, folder: std::env::current_dir().ok()? });
        }
        let path = std::path::absolute(argument).ok()?;
        let table = fs::read_to_string(&path).ok()?.parse().ok()?;
        // The folder around `.cargo`.
        Some(Table { table, folder: path.parent()?.parent()?.to_owned() })
    }

    /// The linker of the first `[target]` table whose key matches.
    fn linker(&self, matches: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
        let mut targets = self.table.get("target")?.as_table()?.iter();
        let linker = |(key, target): (&String, &toml::Value)| {
            Some(target.get("linker")?.as_str()?).filter(|_| matches(key)).map(str::to_owned)
        };
        let linker = PathBuf::from(targets.find_map(linker)?);
        // Cargo leaves a bare name to the search in PATH.
        let is_bare = linker.parent() == Some(Path::new(""));
        Some(if is_bare { linker } else { self.folder.join(linker) })
    }
}

/// The compiler's `cfg` values for this target.
fn cfgs(triple: &str) -> Result<Vec<Cfg>, Unknown> {
    let mut rustc = Command::new(crate::env::rustc());
    rustc.args(["--print", "cfg", "--target", triple]).stdin(Stdio::null()).stderr(Stdio::null());
    let output = rustc.output().map_err(|_| Unknown)?;
    if !output.status.success() {
        return Err(Unknown);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // Some values of newer compilers are no cfg that this version can parse.
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target that no machine is configured for: the tests read its configuration, too.
    const TARGET: &str = "x86_64-unknown-uefi";

    fn get(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Option<PathBuf>, Unknown> {
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        let variable = |(name, value): &(&str, &str)| (name.into(), Some(value.into()));
        let environment: Vec<_> = environment.iter().map(variable).collect();
        ConfiguredLinkers::new(&arguments, &environment).get(TARGET)
    }

    #[test]
    fn no_linker_is_configured_here() {
        assert_eq!(get(&["--release"], &[]), Ok(None));
    }

    #[test]
    fn an_environment_variable_names_it() {
        let variable = [("CARGO_TARGET_X86_64_UNKNOWN_UEFI_LINKER", "clang")];
        assert_eq!(get(&[], &variable), Ok(Some("clang".into())));
        let other = [("CARGO_TARGET_I686_UNKNOWN_UEFI_LINKER", "clang")];
        assert_eq!(get(&[], &other), Ok(None));
    }

    #[test]
    fn the_last_config_argument_wins() {
        let first = "--config=target.x86_64-unknown-uefi.linker='first'";
        let second = "target.x86_64-unknown-uefi.linker = \"second\"";
        let variable = [("CARGO_TARGET_X86_64_UNKNOWN_UEFI_LINKER", "clang")];
        assert_eq!(get(&[first], &variable), Ok(Some("first".into())));
        assert_eq!(get(&[first, "-q", "--config", second], &[]), Ok(Some("second".into())));
    }

    #[test]
    fn a_cfg_matches_the_target() {
        for (os, expected) in [("uefi", Some("wild")), ("windows", None)] {
            let argument = format!(
                "target.'cfg(all(target_os = \"{os}\", target_arch = \"x86_64\"))'.linker = 'wild'"
            );
            let found = get(&["--config", &argument], &[]);
            assert_eq!(found, Ok(expected.map(Into::into)), "{os}");
        }
    }

    #[test]
    fn a_config_file_has_paths_from_its_own_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".cargo").join("more.toml");
        fs::create_dir(dir.path().join(".cargo")).unwrap();
        fs::write(&file, "target.x86_64-unknown-uefi.linker = 'tools/ld'\n").unwrap();
        let found = get(&["--config", file.to_str().unwrap()], &[]);
        assert_eq!(found, Ok(Some(dir.path().join("tools/ld"))));
    }

    #[test]
    fn an_unreadable_argument_is_no_answer() {
        for arguments in [&["--config"][..], &["--config", "no/such/file.toml"]] {
            assert_eq!(get(arguments, &[]), Err(Unknown), "{arguments:?}");
        }
    }
}
