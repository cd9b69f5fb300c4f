//! UPX, of Debian's backports.

use std::process::{Command, Stdio};

use crate::debian::Unpacked;

const PACKAGE: &str = "upx-ucl";
const PROGRAM: &str = "usr/bin/upx-ucl";

pub(super) struct Upx(Unpacked);

impl Upx {
    /// Fetches it, if it is not there. `Err` says why it can't be had.
    pub(super) fn find() -> Result<Self, String> {
        let upx = Upx(Unpacked::kept("upx")?);
        if upx.starts() {
            return Ok(upx);
        }
        let upx = Upx(upx.0.with_backports()?);
        upx.0.fetch(&[PACKAGE])?;
        if upx.starts() { Ok(upx) } else { Err(format!("Debian's {PACKAGE} does not start")) }
    }

    pub(super) fn command(&self) -> Command {
        self.0.command(PROGRAM)
    }

    fn starts(&self) -> bool {
        let mut command = self.command();
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// What it says of its version.
    pub(super) fn version(&self) -> Result<String, String> {
        let said = crate::process::output(self.command().arg("--version"))?;
        Ok(said.lines().next().unwrap_or_default().to_owned())
    }
}
