//! UPX, which packs programs.

use std::process::Command;

use crate::tools::{Tree, UPX};

const PROGRAM: &str = "usr/bin/upx-ucl";

pub(super) struct Upx(Tree);

impl Upx {
    /// Fetches UPX. `Err` gives the reason if that fails.
    pub(super) fn find() -> Result<Self, String> {
        Tree::find(UPX).map(Upx)
    }

    pub(super) fn command(&self) -> Command {
        self.0.command(PROGRAM)
    }

    /// Returns UPX's version.
    pub(super) fn version(&self) -> Result<String, String> {
        self.0.version(PROGRAM).ok_or_else(|| "upx prints no version".to_owned())
    }
}
