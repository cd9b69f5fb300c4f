//! What the programs print.

pub(crate) mod change;
mod crashes;
mod cure;
pub(crate) mod diagnose;
mod diagnosis;
mod diff;
pub(crate) mod init;
pub(crate) mod inspect;
