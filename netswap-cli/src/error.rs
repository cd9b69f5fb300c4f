//! Why a command could not do its work.

use std::io;
use std::path::{Path, PathBuf};

use netswap::BuildError;
use netswap::text::{Printable, one_line};

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Images could not be found or verified.
    #[error(transparent)]
    Netswap(#[from] netswap::Error),
    /// Nothing could be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A glob on the command line can't be used.
    #[error(
        "failed to find {}: {}; name files and folders that exist",
        Printable(glob),
        one_line(why)
    )]
    Glob {
        /// As it was given.
        glob: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The journal can't be written, so no more is changed.
    #[error("failed to write the journal{}: {}; {}", in_front(path.as_deref()), one_line(why), not_changed(*is_begun))]
    WriteJournal {
        /// The file; none if there is no folder for it.
        path: Option<PathBuf>,
        /// What the system said.
        why: String,
        /// Whether there are entries in it.
        is_begun: bool,
    },
    /// Something went wrong when some files had been changed already.
    #[error(
        "{source}; what was changed is in the journal {}, and netswap undo puts it back",
        Printable(journal)
    )]
    Interrupted {
        /// The journal.
        journal: PathBuf,
        /// What went wrong.
        source: Box<Error>,
    },
    /// The journal can't be read, or a line of it.
    #[error("failed to read the journal {}{}: {}", Printable(path), of_line(*line), one_line(why))]
    ReadJournal {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1; none if it is the whole.
        line: Option<u64>,
        /// What is wrong.
        why: String,
    },
    /// No project can have this name.
    #[error(
        "failed to name a project `{}`: {}; --name gives it another name",
        one_line(name),
        one_line(why)
    )]
    ProjectName {
        /// As it was given, or as the folder is called.
        name: String,
        /// What is against it.
        why: String,
    },
    /// The place for a project is taken.
    #[error(
        "failed to make a project: {} {what}; name a folder that is new or empty",
        Printable(path)
    )]
    PathTaken {
        /// The folder.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// A project can't be written, and nothing of it was.
    #[error("failed to make a project in {}: {}; nothing was written", Printable(path), one_line(&source.to_string()))]
    WriteProject {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no project here, or its manifests are wrong.
    #[error(
        "failed to read the project: {0}; run this where a Cargo.toml is, or give --manifest-path"
    )]
    NoProject(String),
    /// The project has no such package.
    #[error("there is no package `{}` in this workspace{}", one_line(name), did_you_mean(nearest.as_deref()))]
    UnknownPackage {
        /// As it was given.
        name: String,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// There is work in the project that a change could be mixed up with.
    #[error(
        "failed to convert {}: not all of it is committed: {}; commit or stash it, or give --allow-dirty",
        Printable(folder),
        one_line(files)
    )]
    UncommittedChanges {
        /// The project.
        folder: PathBuf,
        /// Some of the files.
        files: String,
    },
    /// No version control keeps what a change replaces.
    #[error(
        "failed to convert {}: {}; nothing would keep what is replaced: commit it, or give --allow-no-vcs",
        Printable(path),
        one_line(why)
    )]
    NoVersionControl {
        /// What is not kept.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// Cargo does not accept what was written, and all is as it was.
    #[error("failed to convert the project: {}; nothing was changed", one_line(.0))]
    NotAccepted(String),
    /// A file of a project can't be read.
    #[error("failed to read {}: {}; nothing was changed", Printable(path), one_line(&source.to_string()))]
    ReadProject {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a project can't be written, and none was.
    #[error("failed to write {}: {}; nothing was changed", Printable(path), one_line(&source.to_string()))]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a project was changed and can't be put back.
    #[error("failed to put back {}: {}", Printable(path), one_line(&source.to_string()))]
    NotPutBack {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The arguments can't be understood.
    #[error("{}", one_line(.0))]
    Usage(String),
    /// `netswap explain` does not know this code.
    #[error("there is no code `{}`;{} `netswap explain` lists them all", one_line(code), suggestion(*.nearest))]
    UnknownCode {
        /// As it was given.
        code: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The report can't be written.
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

fn in_front(path: Option<&Path>) -> String {
    path.map_or_else(String::new, |path| format!(" {}", Printable(path)))
}

fn not_changed(is_begun: bool) -> &'static str {
    if is_begun {
        "no more is changed, and netswap undo puts back what was"
    } else {
        "nothing was changed; --journal FILE names another place"
    }
}

fn of_line(line: Option<u64>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{}`?", one_line(nearest)))
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" did you mean `{nearest}`?"))
}
