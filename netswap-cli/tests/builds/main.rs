//! Builds with the real Cargo, rustc and linkers, whose images are then verified.
//!
//! `cargo test` skips these tests. `cargo test -p netswap-cli --test builds` runs them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

#[cfg(unix)]
mod changed_linker;
mod companion;
mod docs;
mod empty_mingw;
mod examples;
mod fixtures;
mod init;
#[cfg(unix)]
mod linker;
mod messages;
mod mingw;
mod new;
mod seed;
