//! `cargo xtask templates`: checks that `cargo generate` and `netswap new` create the same
//! projects.
//!
//! Both read the same templates, but `cargo generate` has another engine and its own conditions.
//! Each combination of options is created by both, and the folders are compared byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files::{at, create_folder, empty_folder, files_below, root, scratch};
use crate::process::all_output;
use crate::tools::crates::program;
use crate::{NotPassed, no_arguments, programs};

const NAME: &str = "a-tool";

/// Compares the projects of all combinations of options.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask templates")?;
    Ok(compare()?)
}

/// A combination of options: the template, and the arguments for both programs.
struct Combination {
    template: &'static str,
    /// The arguments of `netswap new`.
    options: Vec<String>,
    /// The answers for `cargo generate`: `question=answer`.
    answers: Vec<String>,
}

/// Returns all combinations of options.
fn combinations() -> Vec<Combination> {
    let clone = root().to_string_lossy().replace('\\', "/");
    let layouts: [(&str, &[&str], &[&str]); 5] = [
        ("tool", &[], &["lib_and_bin=false", "cdylib=false"]),
        ("tool", &["--lib-and-bin"], &["lib_and_bin=true", "cdylib=false"]),
        ("tool", &["--cdylib"], &["lib_and_bin=false", "cdylib=true"]),
        ("tool", &["--lib-and-bin", "--cdylib"], &["lib_and_bin=true", "cdylib=true"]),
        ("workspace", &["--workspace"], &[]),
    ];
    let mut combinations = Vec::new();
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
                    combinations.push(Combination { template, options, answers });
                }
            }
        }
    }
    combinations
}

/// Creates each combination with both programs and compares the files.
fn compare() -> Result<(), String> {
    let cargo_generate = program("cargo-generate")?;
    let netswap = programs::debug("netswap")?;
    let folder = scratch("templates");
    let combinations = combinations();
    for combination in &combinations {
        let ours = empty_folder(folder.clone())?.join("netswap").join(NAME);
        let theirs = create_folder(folder.join("cargo-generate"))?;

        let mut new = Command::new(&netswap);
        new.args(["new", "--vcs", "none"]).args(&combination.options).arg(&ours);
        all_output(&mut new)?;

        let mut generate = Command::new(&cargo_generate);
        generate.args(["generate", "--silent", "--vcs", "none", "--name", NAME, "--path"]);
        generate.arg(root().join("netswap-cli").join("templates")).arg(combination.template);
        generate.arg("--destination").arg(&theirs).stdin(Stdio::null());
        for answer in &combination.answers {
            generate.args(["--define", answer]);
        }
        all_output(&mut generate)?;

        let (ours, theirs) = (contents(&ours)?, contents(&theirs.join(NAME))?);
        let mut paths = ours.keys().chain(theirs.keys());
        if let Some(path) = paths.find(|path| ours.get(*path) != theirs.get(*path)) {
            return Err(format!(
                "{} {}: {} differs; the projects are in {}",
                combination.template,
                combination.options.join(" "),
                path.display(),
                folder.display()
            ));
        }
    }
    println!("{} combinations of options: both programs create the same files", combinations.len());
    Ok(())
}

/// Returns the content of each file below a folder.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let content = |path: PathBuf| {
        let content = fs::read(&path).map_err(at(&path))?;
        Ok((path.strip_prefix(folder).unwrap_or(&path).to_owned(), content))
    };
    files_below(folder)?.into_iter().map(content).collect()
}
