//! `cargo xtask templates`: checks that `cargo generate` and `netswap new` create the same
//! projects.
//!
//! Both read the same templates, but `cargo generate` has another engine and its own conditions.
//! Each combination of options is created by both, and the folders are compared byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{cargo, check, everything, root, scratch};
use crate::tools::crates::program;
use crate::{NotPassed, no_arguments};

const NAME: &str = "a-tool";

/// Compares the projects of all combinations of options.
///
/// # Errors
///
/// Returns an error if two projects differ, or if one can't be created.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask templates")?;
    Ok(compare()?)
}

/// A combination of options: the template, and the arguments for both programs.
struct Choice {
    template: &'static str,
    /// The arguments of `netswap new`.
    options: Vec<String>,
    /// The answers for `cargo generate`: `question=answer`.
    answers: Vec<String>,
}

/// Returns all combinations of options.
fn choices() -> Vec<Choice> {
    let clone = root().to_string_lossy().replace('\\', "/");
    let layouts: [(&str, &[&str], &[&str]); 5] = [
        ("tool", &[], &["lib_and_bin=false", "cdylib=false"]),
        ("tool", &["--lib-and-bin"], &["lib_and_bin=true", "cdylib=false"]),
        ("tool", &["--cdylib"], &["lib_and_bin=false", "cdylib=true"]),
        ("tool", &["--lib-and-bin", "--cdylib"], &["lib_and_bin=true", "cdylib=true"]),
        ("workspace", &["--workspace"], &[]),
    ];
    let mut choices = Vec::new();
    for (template, layout, layout_answers) in layouts {
        for edition in ["2021", "2024"] {
            for license in ["none", "MIT", "Apache-2.0", "MIT OR Apache-2.0"] {
                for netswap_path in ["", &clone] {
                    let owned = |words: &[&str]| -> Vec<String> {
                        words.iter().map(|word| (*word).to_owned()).collect()
                    };
                    let mut options = owned(layout);
                    options.extend(owned(&["--edition", edition, "--license", license]));
                    if !netswap_path.is_empty() {
                        options.extend(owned(&["--netswap-path", netswap_path]));
                    }
                    let mut answers = owned(layout_answers);
                    answers.push(format!("edition={edition}"));
                    answers.push(format!("license={license}"));
                    answers.push(format!("netswap_path={netswap_path}"));
                    choices.push(Choice { template, options, answers });
                }
            }
        }
    }
    choices
}

/// Creates each combination with both programs and compares the files.
fn compare() -> Result<(), String> {
    let cargo_generate = program("cargo-generate")?;
    check(&mut cargo(&["build", "--quiet", "--locked", "-p", "netswap-cli", "--bin", "netswap"]))?;
    let netswap = root().join("target").join("debug").join("netswap");
    let folder = scratch("templates");
    let choices = choices();
    for choice in &choices {
        let _ = fs::remove_dir_all(&folder);
        let ours = folder.join("netswap").join(NAME);
        let theirs = folder.join("cargo-generate");
        fs::create_dir_all(&theirs).map_err(|error| error.to_string())?;

        let mut new = Command::new(&netswap);
        new.args(["new", "--vcs", "none"]).args(&choice.options).arg(&ours);
        everything(&mut new)?;

        let mut generate = Command::new(&cargo_generate);
        generate.args(["generate", "--silent", "--vcs", "none", "--name", NAME, "--path"]);
        generate.arg(root().join("netswap-cli").join("templates")).arg(choice.template);
        generate.arg("--destination").arg(&theirs).stdin(Stdio::null());
        for answer in &choice.answers {
            generate.args(["--define", answer]);
        }
        everything(&mut generate)?;

        let (ours, theirs) = (files(&ours)?, files(&theirs.join(NAME))?);
        let all = ours.keys().chain(theirs.keys());
        if let Some(other) = all.into_iter().find(|path| ours.get(*path) != theirs.get(*path)) {
            return Err(format!(
                "{} {}: {} differs, see {}",
                choice.template,
                choice.options.join(" "),
                other.display(),
                folder.display()
            ));
        }
    }
    println!("{} choices of the options: the same files from both", choices.len());
    Ok(())
}

/// Returns the files below a folder, with their contents.
fn files(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    let failed = |error: std::io::Error| format!("{}: {error}", root.display());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(root).unwrap_or(&path).to_owned();
                found.insert(below, fs::read(&path).map_err(failed)?);
            }
        }
    }
    Ok(found)
}
