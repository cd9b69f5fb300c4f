//! `netswap new`.

pub(crate) mod project;
pub(crate) mod template;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use netswap::ExitCode;
use netswap::text::quoted;

use self::project::{Options, Vcs};
use crate::Error;
use crate::new::template::{Layout, License};

/// Create a new tool project that sets the bit and verifies it in CI
#[derive(Debug, Args)]
pub(super) struct New {
    /// Folder to create. Its name is the name of the tool or workspace
    path: PathBuf,
    /// Name, if it differs from the folder's
    #[arg(long)]
    name: Option<String>,
    /// Rust edition
    #[arg(long, value_name = "YEAR", default_value = "2024", value_parser = ["2021", "2024"])]
    edition: String,
    /// Add a library that the program uses
    #[arg(long)]
    lib_and_bin: bool,
    /// Add a plug-in: a DLL that the program loads
    #[arg(long)]
    cdylib: bool,
    /// Create a workspace with two tools and a library that they share
    #[arg(long, conflicts_with_all = ["lib_and_bin", "cdylib"])]
    workspace: bool,
    /// Licence to name in Cargo.toml, with its text
    #[arg(long, ignore_case = true, default_value = "none")]
    license: License,
    /// Version control to set up [default: git, unless the folder is in a repository]
    #[arg(long)]
    vcs: Option<Vcs>,
    /// Build with the crates of a local clone of netswap
    #[arg(long, value_name = "DIR")]
    netswap_path: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let layout = match self {
            New { workspace: true, .. } => Layout::Workspace,
            New { lib_and_bin, cdylib, .. } => Layout::Tool { lib_and_bin, cdylib },
        };
        let project = project::new(&Options {
            path: self.path.clone(),
            name: self.name,
            edition: self.edition,
            license: self.license,
            layout,
            vcs: self.vcs,
            netswap_path: self.netswap_path,
        })?;
        if let Some(why) = project.no_repository {
            let _ = writeln!(
                std::io::stderr(),
                "no repository was created: {}",
                netswap::text::one_line(&why)
            );
        }
        let mut out = std::io::stdout().lock();
        let location = quoted(&self.path);
        let location =
            if location == project.name { String::new() } else { format!(" in {location}") };
        writeln!(out, "created {}{location}; next steps:\n", project.name)?;
        if self.path.as_os_str() != "." {
            writeln!(out, "    cd {}", quoted(&self.path))?;
        }
        for command in next(layout) {
            writeln!(out, "    cargo {command}")?;
        }
        Ok(ExitCode::Passed)
    }
}

/// Returns the Cargo commands to show as the next steps.
fn next(layout: Layout) -> &'static [&'static str] {
    const VERIFY: &str = "xtask verify --workspace --release --target x86_64-pc-windows-msvc";
    match layout {
        Layout::Tool { .. } => &["run -- Ada", "test", VERIFY],
        Layout::Workspace => &["run --bin hello -- Ada", "test", VERIFY],
    }
}
