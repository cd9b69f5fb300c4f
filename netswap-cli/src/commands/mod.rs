//! What the programs do; each reads like its help text.

pub(crate) mod diagnose;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod new;
pub(crate) mod patch;
pub(crate) mod undo;
