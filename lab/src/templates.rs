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
    Ok(compare_all()?)
}

/// A layout: the template, the arguments of `netswap new`, and the answers for `cargo generate`.
type Layout = (&'static str, &'static [&'static str], &'static [&'static str]);

const LAYOUTS: [Layout; 5] = [
    ("tool", &[], &["lib_and_bin=false", "cdylib=false"]),
    ("tool", &["--lib-and-bin"], &["lib_and_bin=true", "cdylib=false"]),
    ("tool", &["--cdylib"], &["lib_and_bin=false", "cdylib=true"]),
    ("tool", &["--lib-and-bin", "--cdylib"], &["lib_and_bin=true", "cdylib=true"]),
    ("workspace", &["--workspace"], &[]),
];

/// Creates each combination of options with both programs and compares the files.
fn compare_all() -> Result<(), String> {
    let programs = [programs::debug("netswap")?, program("cargo-generate")?];
    let clone = root().to_string_lossy().replace('\\', "/");
    let mut count = 0;
    for layout in &LAYOUTS {
        for edition in ["2021", "2024"] {
            for license in ["none", "MIT", "Apache-2.0", "MIT OR Apache-2.0"] {
                for netswap_path in ["", &clone] {
                    compare(&programs, layout, edition, license, netswap_path)?;
                    count += 1;
                }
            }
        }
    }
    println!("{count} combinations of options: both programs create the same files");
    Ok(())
}

/// Creates a project with both programs and compares the files.
fn compare(
    [netswap, cargo_generate]: &[PathBuf; 2],
    (template, layout, answers): &Layout,
    edition: &str,
    license: &str,
    netswap_path: &str,
) -> Result<(), String> {
    let folder = empty_folder(scratch("templates"))?;
    let ours = folder.join("netswap").join(NAME);
    let theirs = create_folder(folder.join("cargo-generate"))?;

    let mut options = [layout, &["--edition", edition, "--license", license][..]].concat();
    if !netswap_path.is_empty() {
        options.extend(["--netswap-path", netswap_path]);
    }
    let mut new = Command::new(netswap);
    all_output(new.args(["new", "--vcs", "none"]).args(&options).arg(&ours))?;

    let mut generate = Command::new(cargo_generate);
    generate.args(["generate", "--silent", "--vcs", "none", "--name", NAME, "--path"]);
    generate.arg(root().join("netswap-cli").join("templates")).arg(template);
    generate.arg("--destination").arg(&theirs).stdin(Stdio::null());
    generate.args(answers.iter().flat_map(|answer| ["--define", answer]));
    generate.arg("--define").arg(format!("edition={edition}"));
    generate.arg("--define").arg(format!("license={license}"));
    generate.arg("--define").arg(format!("netswap_path={netswap_path}"));
    all_output(&mut generate)?;

    let (ours, theirs) = (contents(&ours)?, contents(&theirs.join(NAME))?);
    let mut paths = ours.keys().chain(theirs.keys());
    match paths.find(|path| ours.get(*path) != theirs.get(*path)) {
        Some(path) => Err(format!(
            "{template} {}: {} differs; the projects are in {}",
            options.join(" "),
            path.display(),
            folder.display()
        )),
        None => Ok(()),
    }
}

fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let content = |path: PathBuf| {
        let content = fs::read(&path).map_err(at(&path))?;
        Ok((path.strip_prefix(folder).unwrap_or(&path).to_owned(), content))
    };
    files_below(folder)?.into_iter().map(content).collect()
}
