//! Verifies that Windows images are safe to run from a network share.
//!
//! A program that runs from a share is paged in from it; when the connection breaks, the next page
//! fault raises `0xC0000006` and the program dies at a random place. An image with
//! `IMAGE_FILE_NET_RUN_FROM_SWAP` in its header is copied to the page file first. The crate
//! `netswap-build` makes the linker set that bit; this one reads the headers of what was built.
//!
//! A project's `cargo xtask verify` calls this library, see [`xtask`]:
//!
//! ```toml
//! [dependencies]
//! netswap = "0.1"
//! ```
//!
//! The programs `netswap`, `cargo-netswap` and `netswap-linker` are in the package `netswap-cli`.
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

#[doc(hidden)]
pub mod env;
mod error;
mod exit_code;
pub mod verify;
pub mod xtask;

// The programs in netswap-cli use these modules. They may change in any release.
#[doc(hidden)]
pub mod find;
#[doc(hidden)]
pub mod finding;
#[doc(hidden)]
pub mod image;
#[doc(hidden)]
pub mod output;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod system;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod verdict;

#[doc(inline)]
pub use error::Error;
pub use exit_code::ExitCode;
#[doc(inline)]
pub use find::{
    Artifact, Build, BuildError, Found, Outcome, Receipt, ReceiptState, Scope, Source, WalkOptions,
};
#[doc(inline)]
pub use finding::{Code, Finding};
#[doc(inline)]
pub use image::{Content, Header, Kind, ReadError, SwapRun};
#[doc(inline)]
pub use policy::{Allow, BaselineOutcome, Exclude, POLICY_FILE, Policy, PolicyError, Rules};
#[doc(inline)]
pub use report::{Format, Input, Report, Summary, Verification, VerifiedImage};
#[doc(inline)]
pub use verdict::{Status, Verdict, judge};
