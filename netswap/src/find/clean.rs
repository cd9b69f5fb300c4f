//! The `cargo clean` command that makes Cargo build one package again (pure).

use std::borrow::Cow;
use std::ffi::OsString;
use std::iter;
use std::path::Path;

use crate::text::{one_line, quoted};

/// Returns the command for a build of this package with these arguments. It removes only the files
/// that this build made, from the folders of this build.
pub(super) fn command(
    package: &str,
    target: Option<&str>,
    manifest_path: Option<&Path>,
    arguments: &[OsString],
) -> String {
    let mut words = vec!["cargo clean --package".to_owned(), one_line(package)];
    let mut push = |option: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{option} {}", quoted(value.as_ref()))));
    };
    let value_of = |option| values_of(option, arguments).next().flatten();
    let profile = value_of("--profile");
    let is_release = profile.is_none() && arguments.iter().any(is_release);
    push("--profile", profile);
    push("--target", target.map(str::to_owned));
    push("--manifest-path", manifest_path.map(|path| path.to_string_lossy().into_owned()));
    push("--target-dir", value_of("--target-dir"));
    if is_release {
        words.insert(2, "--release".to_owned());
    }
    words.join(" ")
}

/// Returns the values of an option in Cargo's arguments. `None` stands for a missing value.
pub(super) fn values_of(
    option: &str,
    arguments: &[OsString],
) -> impl Iterator<Item = Option<String>> {
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    iter::from_fn(move || {
        loop {
            let argument = arguments.next()?;
            if argument == option {
                return Some(arguments.next().map(Cow::into_owned));
            }
            let value = argument.strip_prefix(option).and_then(|rest| rest.strip_prefix('='));
            if let Some(value) = value {
                return Some(Some(value.to_owned()));
            }
        }
    })
}

/// Whether the argument is `--release`, `-r`, or a group of short options that includes `r`.
fn is_release(argument: &OsString) -> bool {
    let argument = argument.to_string_lossy();
    let short = argument.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    // These options take a value: the rest of the argument.
    let mut switches = short.unwrap_or_default().chars().take_while(|c| !"FZCjp".contains(*c));
    argument == "--release" || switches.any(|switch| switch == 'r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_options_are_repeated() {
        let table = [
            (&[][..], ""),
            (&["--release", "--locked"], " --release"),
            (&["-qr"], " --release"),
            (&["-pr", "-Fr", "--profile=dev"], " --profile dev"),
            (&["-p", "tool"], ""),
            (&["--profile", "small", "--target-dir=x"], " --profile small --target-dir x"),
        ];
        for (arguments, options) in table {
            let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
            let expected = format!("cargo clean --package tool{options}");
            assert_eq!(command("tool", None, None, &arguments), expected);
        }
        let (target, manifest) = ("i686-pc-windows-gnu", "w/Cargo.toml");
        assert_eq!(
            command("tool", Some(target), Some(manifest.as_ref()), &["-r".into()]),
            format!(
                "cargo clean --package tool --release --target {target} --manifest-path {manifest}"
            )
        );
    }

    #[test]
    fn path_is_quoted_for_the_shell() {
        let command = command("tool", None, None, &["--target-dir".into(), "a b".into()]);
        let path = if cfg!(windows) { "\"a b\"" } else { "'a b'" };
        assert!(command.ends_with(&format!(" --target-dir {path}")), "{command}");
    }
}
