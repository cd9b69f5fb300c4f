//! The programs `netswap`, `cargo-netswap` and `netswap-linker`, for their `main` functions, fuzz targets and tests.
//!
//! Nothing in this crate is a public API: use the crate `netswap`.

mod change;
#[doc(hidden)]
pub mod cli;
mod commands;
mod convert;
#[doc(hidden)]
pub mod crash;
mod env;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod git;
mod journal;
#[doc(hidden)]
pub mod linker;
mod named;
mod progress;
mod report;
mod template;
mod text;

use error::Error;
