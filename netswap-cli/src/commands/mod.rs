//! What the programs do; each reads like its help text.

#[cfg(feature = "cli")]
pub(crate) mod diagnose;
pub mod explain;
#[cfg(feature = "cli")]
pub(crate) mod init;
pub mod inspect;
#[cfg(feature = "cli")]
pub(crate) mod new;
#[cfg(feature = "cli")]
pub(crate) mod patch;
#[cfg(feature = "cli")]
pub(crate) mod undo;
pub mod verify;
