//! What the programs do; each reads like its help text.

pub mod explain;
pub mod verify;
