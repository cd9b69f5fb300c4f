//! Checks that need other readers, compilers, Wine, FUSE or fuzzers, and the benchmarks.
//!
//! `xtask` runs them: each task here is the function `run` of a module, with the arguments after
//! the task's name.

#![allow(clippy::missing_errors_doc, reason = "a check fails if what it checks is not so")]

/// Returns an error with this message unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+).into());
        }
    };
}

pub mod bench;
pub mod book;
mod c;
mod catalogs;
pub mod compilers;
pub mod completions;
pub mod corpus;
pub mod crafted;
pub mod day;
pub mod differential;
pub mod editor;
pub mod env;
pub mod examples;
#[cfg_attr(not(target_os = "linux"), path = "faults/unsupported.rs")]
pub mod faults;
mod fields;
pub mod files;
pub mod formats;
pub mod fuzz;
pub mod html;
mod man_pages;
mod meter;
pub mod oldest_rust;
mod outcome;
pub mod packages;
mod page;
pub mod patched;
mod powershell;
pub mod prepare;
pub mod process;
mod programs;
pub mod progress;
mod readers;
pub mod rustc;
pub mod servers;
pub mod signature;
mod signer;
mod slow_fs;
pub mod templates;
mod terminal;
pub mod tools;
pub mod windows;

/// The reason why a task or a check has not passed.
#[derive(Debug)]
pub enum NotPassed {
    /// It failed.
    Failed(String),
    /// It can't run on this machine.
    NotRun(String),
    /// Its arguments are wrong. Contains the usage.
    Usage(String),
}

impl From<String> for NotPassed {
    fn from(why: String) -> Self {
        NotPassed::Failed(why)
    }
}

/// Returns an error with this usage unless there are no arguments.
fn no_arguments(arguments: &[String], usage: &str) -> Result<(), NotPassed> {
    if arguments.is_empty() { Ok(()) } else { Err(NotPassed::Usage(format!("usage: {usage}"))) }
}
