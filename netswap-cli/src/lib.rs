//! The library of the programs `netswap`, `cargo-netswap` and `netswap-linker`, for their `main`
//! functions, fuzz targets and tests.
//!
//! Nothing in this crate is a public API. Use the crate `netswap` instead.

mod arguments;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod diagnose;
mod env;
#[doc(hidden)]
pub mod error;
mod explain;
mod git;
mod init;
mod inspect;
#[doc(hidden)]
pub mod linker;
mod named;
mod new;
#[doc(hidden)]
pub mod patch;
mod progress;
mod text;
mod undo;
mod verify;

use error::Error;
