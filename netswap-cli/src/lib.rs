//! Verifies that Windows images are safe to run from a network share.
//!
//! A program that runs from a share is paged in from it; when the connection breaks, the next page
//! fault raises `0xC0000006` and the program dies at a random place. An image with
//! `IMAGE_FILE_NET_RUN_FROM_SWAP` in its header is copied to the page file first. The crate
//! `netswap-build` makes the linker set that bit; this one reads the headers of what was built.
//!
//! This library is what a project's `cargo xtask verify` calls, see [`xtask`]. Its feature `cli`, on
//! by default, is for the programs `netswap`, `cargo-netswap` and `netswap-linker`; an xtask goes without:
//!
//! ```toml
//! [dependencies]
//! netswap = { version = "0.1", default-features = false }
//! ```
//!
//! # Data flow
//!
//! [`find`](Found) where images come from, read each one's [`Header`], [`judge`] it, and
//! [`report`](Report::image) it.
//!
//! # Security
//!
//! Files, names and policies are taken to be hostile: no unsafe code, no panic, nothing allocated by
//! what a header says, and no name printed that could move the cursor or forge a line. Nothing that
//! was not read is reported as passed.

#[cfg(feature = "cli")]
mod change;
mod commands;
#[cfg(feature = "cli")]
mod convert;
#[cfg(feature = "cli")]
pub mod crash;
mod env;
mod error;
mod exit_code;
mod find;
mod finding;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "cli")]
mod git;
pub mod image;
#[cfg(feature = "cli")]
mod journal;
#[cfg(feature = "cli")]
pub mod linker;
mod policy;
mod program;
mod progress;
mod report;
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only the programs change files"))]
mod system;
#[cfg(feature = "cli")]
mod template;
mod text;
mod verdict;
pub mod xtask;

pub use commands::{explain, inspect, verify};
pub use error::Error;
pub use exit_code::ExitCode;
pub use find::{
    Artifact, Build, BuildError, Found, Outcome, Receipt, ReceiptState, Scope, Source, WalkOptions,
};
pub use finding::{Code, Finding};
pub use image::{Content, Header, Kind, ReadError, SwapRun};
pub use policy::{Allow, BaselineOutcome, Exclude, POLICY_FILE, Policy, PolicyError, Rules};
pub use report::{Format, Judged, Origin, Report, Summary, Verification};
pub use verdict::{Status, Verdict, judge};

#[cfg(feature = "cli")]
pub mod cli;
