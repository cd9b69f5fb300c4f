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
use crate::init::plan::Converted;
use crate::init::run::InitResult;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Converted,
    Unchanged,
    ByHand,
}

impl Status {
    const ALL: [Status; 3] = [Status::Converted, Status::Unchanged, Status::ByHand];

    fn new(package: &Converted) -> Self {
        match (&package.todo, package.files.is_empty()) {
            (Some(_), _) => Status::ByHand,
            (None, false) => Status::Converted,
            (None, true) => Status::Unchanged,
        }
    }

    fn word(self, is_dry_run: bool) -> &'static str {
        match self {
            Status::Converted if is_dry_run => "would-convert",
            Status::Converted => "converted",
            Status::Unchanged => "unchanged",
            Status::ByHand => "by-hand",
        }
    }

    fn style(self) -> Style {
        match self {
            Status::Converted => GOOD,
            Status::Unchanged => Style::new(),
            Status::ByHand => BAD,
        }
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
    let words = Status::ALL.iter().map(|status| status.word(is_dry_run).len()).max();
    let names = packages.iter().map(|package| one_line(&package.name).len()).max();
    let columns = Columns { words: words.unwrap_or(0), names: names.unwrap_or(0) };
    for package in packages {
        write_package(package, is_dry_run, &columns, &result.root, out)?;
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
        writeln!(out, "{:words$}  {path}", "changed", words = columns.words)?;
    }
    let count = u64::try_from(packages.len()).unwrap_or(u64::MAX);
    let parts = Status::ALL.map(|status| {
        let count = packages.iter().filter(|package| Status::new(package) == status).count();
        (count > 0).then(|| format!("{count} {}", status.word(is_dry_run)))
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

struct Columns {
    words: usize,
    names: usize,
}

fn write_package(
    package: &Converted,
    is_dry_run: bool,
    columns: &Columns,
    root: &Path,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Columns { words, names } = *columns;
    let status = Status::new(package);
    let (word, style, name) = (status.word(is_dry_run), status.style(), one_line(&package.name));
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
        let verb = if is_dry_run { "would change" } else { "changed" };
        writeln!(out, "{:indent$}{verb} anyway: {last}", "")?;
    }
    Ok(())
}
