//! Verifies that Windows images are safe to run from a network share.
//!
//! Windows reads the pages of a program on a share from that share. When the connection breaks, the
//! next page fault raises `0xC0000006` and the program dies at a random place. Windows first copies
//! an image to the page file if its header has `IMAGE_FILE_NET_RUN_FROM_SWAP` set.
//!
//! The crate `netswap-build` makes the linker set that bit. This crate reads the headers of the
//! built images.
//!
//! A project's `cargo xtask verify` calls this library (see [`xtask`]):
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
//! [`find`](Found) the images, read the [`Header`] of each, [`judge`] it, and
//! [`report`](Report::image) it.
//!
//! # Security
//!
//! Files, names and policies are treated as hostile. The code has no `unsafe` and does not panic.
//! It allocates nothing by what a header claims. It prints no name that could move the cursor or
//! forge a line. It never reports an unread file as passed.

#[doc(hidden)]
pub mod env;
mod error;
mod exit_code;
mod json;
pub mod verify;
pub mod xtask;

// The programs in netswap-cli use these modules. They may change in any release.
#[doc(hidden)]
pub mod day;
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
pub mod style;
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
pub use policy::{Allow, Exclude, POLICY_FILE, Policy, PolicyError, PolicySource, Rules};
#[doc(inline)]
pub use report::{Format, Report};
#[doc(inline)]
pub use verdict::{Status, Verdict, judge};
#[doc(inline)]
pub use verify::{BaselineOutcome, Input, Summary, Verification, VerifiedImage};
