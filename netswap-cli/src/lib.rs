//! The library of the programs `netswap`, `cargo-netswap` and `netswap-linker`, for their `main`
//! functions, fuzz targets and tests.
//!
//! Nothing in this crate is a public API. Use the crate `netswap` instead.

mod arguments;
mod env;
mod explain;
mod files_from;
mod generate;
mod git;
mod init;
mod inspect;
mod interrupt;
mod new;
mod paths;
mod progress;
mod report;
mod schema;
mod text;
mod undo;
mod verify;

// The programs, their tests and the fuzz targets use these modules.
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod diagnose;
#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod hazards;
#[doc(hidden)]
pub mod linker;
#[doc(hidden)]
pub mod maker;
#[doc(hidden)]
pub mod patch;

use error::Error;
