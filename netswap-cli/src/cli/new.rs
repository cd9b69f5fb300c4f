//! `netswap new`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::commands::new::{self, Options, Vcs};
use crate::template::License;
use crate::text::quoted;
use crate::{Error, ExitCode};

/// Start a new tool: a project with swap-run built in, and verified in CI
#[derive(Debug, Args)]
pub(super) struct New {
    /// The folder to make; the tool is called like it
    path: PathBuf,
    /// Call the tool so
    #[arg(long)]
    name: Option<String>,
    /// The edition of Rust
    #[arg(long, value_name = "YEAR", default_value = "2024", value_parser = ["2021", "2024"])]
    edition: String,
    /// Write a library as well, which the program uses
    #[arg(long)]
    lib_and_bin: bool,
    /// The licence
    #[arg(long, ignore_case = true, default_value = "none")]
    license: License,
    /// Make a repository, or none [default: git, unless the folder lies in a repository]
    #[arg(long)]
    vcs: Option<Vcs>,
    /// Build with the crates of this clone of netswap, not with the published ones
    #[arg(long, value_name = "DIR")]
    netswap_path: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let made = new::new(&Options {
            path: self.path.clone(),
            name: self.name,
            edition: self.edition,
            license: self.license,
            lib_and_bin: self.lib_and_bin,
            vcs: self.vcs,
            netswap_path: self.netswap_path,
        })?;
        if let Some(why) = made.no_repository {
            let _ = writeln!(
                std::io::stderr(),
                "no repository was made: {}",
                crate::text::one_line(&why)
            );
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "made {} in {}; what next:\n", made.name, quoted(&self.path))?;
        if self.path.as_os_str() != "." {
            writeln!(out, "    cd {}", quoted(&self.path))?;
        }
        for command in
            ["run -- Ada", "test", "xtask verify --release --target x86_64-pc-windows-msvc"]
        {
            writeln!(out, "    cargo {command}")?;
        }
        Ok(ExitCode::Passed)
    }
}
