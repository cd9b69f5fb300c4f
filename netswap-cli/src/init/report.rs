//! The report of `netswap init`: the changes that it made, or would make.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::Style;
use netswap::ExitCode;
use netswap::output::Out;
use netswap::style::{BAD, GOOD};
use netswap::text::{Printable, one_line, plural, shown};

use super::diff;
use crate::Error;
use crate::init::converted::Converted;
use crate::init::run::InitResult;

const UNCHANGED: &str = "unchanged";
const BY_HAND: &str = "by-hand";

fn converted(is_dry_run: bool) -> &'static str {
    if is_dry_run { "to convert" } else { "converted" }
}

/// Returns the word for the result of a package, and its style.
fn status(package: &Converted, is_dry_run: bool) -> (&'static str, Style) {
    match (&package.todo, package.files.is_empty()) {
        (Some(_), _) => (BY_HAND, BAD),
        (None, false) => (converted(is_dry_run), GOOD),
        (None, true) => (UNCHANGED, Style::new()),
    }
}

/// Prints the report and returns the exit code. After a dry run, the diff goes to standard output,
/// for `git apply`, and the report to standard error.
pub(crate) fn print(result: &InitResult, is_dry_run: bool) -> Result<ExitCode, Error> {
    if is_dry_run {
        diff::print(&result.plan.changes, &result.root)?;
        let mut err = netswap::output::stderr();
        if !result.plan.changes.is_empty() {
            writeln!(err)?;
        }
        write(result, is_dry_run, &mut err)?;
    } else {
        write(result, is_dry_run, &mut Out::new(true))?;
    }
    let packages = &result.plan.converted;
    Ok(if packages.is_empty() {
        ExitCode::NothingToVerify
    } else if packages.iter().any(|package| package.todo.is_some()) {
        ExitCode::Findings
    } else {
        ExitCode::Passed
    })
}

fn write(result: &InitResult, is_dry_run: bool, out: &mut dyn Write) -> io::Result<()> {
    let packages = &result.plan.converted;
    // No other word is longer.
    let words = converted(is_dry_run).len();
    let names = packages.iter().map(|package| one_line(&package.name).len()).max();
    for package in packages {
        write_package(package, is_dry_run, (words, names.unwrap_or(0)), &result.root, out)?;
    }
    if packages.is_empty() {
        let why = match result.plan.left_out.first() {
            Some(name) => {
                format!(" except the xtask; to convert it, pass --package {}", one_line(name))
            }
            None => ": no package makes a program or a cdylib".to_owned(),
        };
        return writeln!(out, "nothing to convert{why}");
    }
    let is_listed = |file: &&PathBuf| packages.iter().any(|package| package.files.contains(*file));
    for file in result.plan.shared.iter().filter(|file| !is_listed(file)) {
        let path = Printable(shown(file, &result.root));
        let word = if is_dry_run { "to change" } else { "changed" };
        writeln!(out, "{word:words$}  {path}")?;
    }
    let count = u64::try_from(packages.len()).unwrap_or(u64::MAX);
    let parts = [converted(is_dry_run), UNCHANGED, BY_HAND].map(|word| {
        let has_word = |package: &&Converted| status(package, is_dry_run).0 == word;
        let count = packages.iter().filter(has_word).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    writeln!(out, "\n{}: {}", plural(count, "package", "packages"), parts.join(", "))?;
    let is_done = packages.iter().all(|package| package.todo.is_none());
    if !is_dry_run && is_done && !result.plan.changes.is_empty() {
        if result.has_lock {
            writeln!(out, "the next build will also change Cargo.lock")?;
        }
        writeln!(out, "to verify it:\n    {}", result.verify)?;
    }
    Ok(())
}

/// Writes the result of a package in columns for the words and names.
fn write_package(
    package: &Converted,
    is_dry_run: bool,
    (words, names): (usize, usize),
    root: &Path,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (word, style) = status(package, is_dry_run);
    let name = one_line(&package.name);
    let path = |path| Printable(shown(path, root)).to_string();
    let files: Vec<_> = package.files.iter().map(|file| path(file)).collect();
    let files = files.join(", ");
    // If a step is left to do, show it before the files that were changed.
    let (first, last) = if package.todo.is_some() { ("", &*files) } else { (&*files, "") };
    let line = format!("{name:<names$}  {first}");
    writeln!(out, "{style}{word:<words$}{style:#}  {}", line.trim_end())?;
    let indent = words + 2;
    for remark in package.todo.iter().chain(&package.notes) {
        writeln!(out, "{:indent$}{}: {}", "", path(&remark.path), one_line(&remark.why))?;
        for line in remark.remedy.lines() {
            writeln!(out, "{:indent$}{}", "", Printable(line))?;
        }
    }
    if !last.is_empty() {
        let verb = if is_dry_run { "to change" } else { "changed" };
        writeln!(out, "{:indent$}{verb} anyway: {last}", "")?;
    }
    Ok(())
}
