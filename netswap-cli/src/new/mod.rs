//! `netswap new`.

pub(crate) mod project;
pub(crate) mod template;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use netswap::ExitCode;
use netswap::text::{one_line, quoted};

use self::project::{Vcs, check_name, clone_path, create, name_of};
use crate::Error;
use crate::new::template::{Answers, Layout, License};

/// Create a new tool project that sets the bit and verifies it in CI
#[derive(Debug, Args)]
pub(super) struct New {
    /// Folder to create. Its name is the name of the tool or workspace
    #[arg(value_hint = ValueHint::DirPath)]
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
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    netswap_path: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let layout = match self {
            New { workspace: true, .. } => Layout::Workspace,
            New { lib_and_bin, cdylib, .. } => Layout::Tool { lib_and_bin, cdylib },
        };
        let name = self.name.map_or_else(|| name_of(&self.path), Ok)?;
        check_name(&name, layout)?;
        let netswap_path = self.netswap_path.as_deref().map(clone_path).transpose()?;
        let answers = Answers {
            name: &name,
            edition: &self.edition,
            license: self.license,
            layout,
            netswap_path: netswap_path.as_deref(),
        };
        if let Some(why) = create(&self.path, &answers, self.vcs)? {
            let _ = writeln!(std::io::stderr(), "no repository was created: {}", one_line(&why));
        }
        let mut out = std::io::stdout().lock();
        let folder = quoted(&self.path);
        let location = if folder == name { String::new() } else { format!(" in {folder}") };
        writeln!(out, "created {name}{location}; next steps:\n")?;
        if self.path.as_os_str() != "." {
            writeln!(out, "    cd {folder}")?;
        }
        let run = if self.workspace { "run --bin hello" } else { "run" };
        writeln!(out, "    cargo {run} -- Ada")?;
        writeln!(out, "    cargo test")?;
        let verify = "xtask verify --workspace --release --target x86_64-pc-windows-msvc";
        writeln!(out, "    cargo {verify}")?;
        Ok(ExitCode::Passed)
    }
}
