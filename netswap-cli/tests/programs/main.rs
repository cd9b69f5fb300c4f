//! The programs `netswap` and `netswap-linker`, run as users run them, and the files that they read
//! and write.
//!
//! One test program holds all tests, because Cargo links and lints each further one separately.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

mod cli;
mod diagnose;
mod docs;
mod init;
mod inspect;
#[cfg(unix)]
mod linker;
mod new;
mod patch;
mod share;
