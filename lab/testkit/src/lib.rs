//! Test data. Images and dumps are written as the format specifications describe them. The feature
//! `programs` adds projects and shares in which the programs of netswap-cli run.

#![allow(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail"
)]
#![allow(missing_docs, reason = "most names are enough")]

pub mod dump;
pub mod image;
#[cfg(feature = "programs")]
pub mod new;
#[cfg(feature = "programs")]
mod project;
#[cfg(feature = "programs")]
pub mod shape;
#[cfg(feature = "programs")]
pub mod share;

#[cfg(feature = "programs")]
pub use self::project::*;
