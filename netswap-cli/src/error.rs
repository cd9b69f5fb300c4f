//! The error type of the commands.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use netswap::BuildError;
use netswap::text::{Printable, one_line};

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Images could not be found or verified.
    #[error(transparent)]
    Netswap(#[from] netswap::Error),
    /// Nothing could be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(
        "failed to find {}: {}; name files and folders that exist",
        Printable(glob),
        one_line(why)
    )]
    Glob { glob: PathBuf, why: String },
    /// The list of `--files-from` can't be used.
    #[error("failed to read the paths in {name}: {}", one_line(why))]
    FilesFrom {
        /// The file's name, or `standard input`.
        name: String,
        why: String,
    },
    /// The journal can't be written, so the command stops changing files.
    #[error("failed to write the journal{}: {}; {}", after(" ", path.as_ref().map(Printable)), one_line(why), journal_advice(*has_entries))]
    WriteJournal {
        /// The file, or `None` if there is no folder for it.
        path: Option<PathBuf>,
        why: String,
        has_entries: bool,
    },
    /// The command failed after it had changed some files.
    #[error(
        "{source}; to restore the files changed so far, run netswap undo {}",
        Printable(journal)
    )]
    AfterChanges { journal: PathBuf, source: Box<Error> },
    #[error("failed to read the journal {}{}: {}", Printable(path), after(", line ", *line), one_line(why))]
    ReadJournal {
        path: PathBuf,
        /// The line, counted from 1, or `None` if the error concerns the whole file.
        line: Option<u64>,
        why: String,
    },
    #[error(
        "invalid project name `{}`: {}; choose another with --name",
        one_line(name),
        one_line(why)
    )]
    ProjectName {
        /// The name as given, or the name of the folder.
        name: String,
        why: String,
    },
    /// A file or a non-empty folder already exists at the path of the new project.
    #[error("failed to create a project: {} {what}; choose a new or empty folder", Printable(path))]
    PathTaken {
        path: PathBuf,
        /// The obstacle, such as `is not empty`.
        what: &'static str,
    },
    #[error("failed to create a project in {}: {}; nothing was written", Printable(path), one_line(&source.to_string()))]
    WriteProject { path: PathBuf, source: io::Error },
    /// There is no project here, or its manifests are invalid.
    #[error(
        "failed to read the project: {0}; run this in a folder with a Cargo.toml, or pass --manifest-path"
    )]
    NoProject(String),
    #[error("no package `{}` in this workspace{}", one_line(name), after("; ", suggestion(nearest.as_deref())))]
    UnknownPackage { name: String, nearest: Option<String> },
    /// The project has uncommitted changes, which the conversion could be mixed up with.
    #[error(
        "failed to convert {}: uncommitted changes: {}; commit or stash them, or pass --allow-dirty",
        Printable(folder),
        one_line(files)
    )]
    UncommittedChanges {
        folder: PathBuf,
        /// The names of some of the files.
        files: String,
    },
    /// No version control keeps the text that a change replaces.
    #[error(
        "failed to convert {}: {}; git could not restore the old files: commit them first, or pass --allow-no-vcs",
        Printable(path),
        one_line(why)
    )]
    NoVersionControl {
        /// The file or folder that is not kept.
        path: PathBuf,
        /// The reason, such as `git ignores it`.
        why: String,
    },
    /// Cargo rejects the converted project. All files have their old text again.
    #[error("failed to convert the project: {}; nothing was changed", one_line(.0))]
    RejectedByCargo(String),
    #[error("failed to read {}: {}; nothing was changed", Printable(path), one_line(&source.to_string()))]
    ReadProject { path: PathBuf, source: io::Error },
    #[error("failed to write {}: {}; nothing was changed", Printable(path), one_line(&source.to_string()))]
    WriteFile { path: PathBuf, source: io::Error },
    #[error("failed to restore {}: {}", Printable(path), one_line(&source.to_string()))]
    RestoreFile { path: PathBuf, source: io::Error },
    #[error("{}", one_line(.0))]
    Usage(String),
    #[error("unknown code `{}`;{} `netswap explain` lists all codes", one_line(code), after(" ", suggestion(*.nearest)))]
    UnknownCode { code: String, nearest: Option<&'static str> },
    #[error("failed to create the folder {}: {}; choose another folder", Printable(path), one_line(&source.to_string()))]
    CreateFolder { path: PathBuf, source: io::Error },
    /// A man page can't be written. The error names it.
    #[error("failed to write the man page {0}; choose another folder")]
    WritePage(io::Error),
    #[error("failed to write the report: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// Whether the program that reads the output has ended.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        match self {
            Error::Netswap(error) => error.is_closed_pipe(),
            Error::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

/// Returns the value after a prefix, or nothing.
fn after(prefix: &str, value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| format!("{prefix}{value}"))
}

fn journal_advice(has_entries: bool) -> &'static str {
    if has_entries {
        "no further files are changed; netswap undo restores the changed ones"
    } else {
        "nothing was changed; choose another file with --journal FILE"
    }
}

fn suggestion(nearest: Option<&str>) -> Option<String> {
    nearest.map(|nearest| format!("did you mean `{}`?", one_line(nearest)))
}
