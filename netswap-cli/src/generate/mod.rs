//! `netswap generate`: prints completions and writes man pages.

mod completions;
mod man;
mod page;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Command, Subcommand, ValueHint};
use clap_complete::Shell;
use netswap::ExitCode;
use netswap::output::Out;
use netswap::text::{Printable, plural};

use self::completions::script;
use self::man::{Page, pages};
use crate::Error;

/// Generate shell completions and man pages
#[derive(Debug, Args)]
pub(super) struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Completions(Completions),
    Man(Man),
}

/// Print the completions of netswap for a shell
///
/// Prints a script that completes the commands, options and files of `netswap`. After an update of
/// netswap, save it again.
#[derive(Debug, Args)]
#[command(after_help = PLACES)]
struct Completions {
    /// The shell that reads the script
    shell: Shell,
}

/// The places are those on the page "Completions and man pages" of the book. A check tries them.
const PLACES: &str = "\
Where to save or run it:
  bash        save it as ~/.local/share/bash-completion/completions/netswap;
              it needs the package bash-completion
  zsh         save it as ~/.zfunc/_netswap, and add to ~/.zshrc before compinit:
              fpath+=~/.zfunc
  fish        save it as ~/.config/fish/completions/netswap.fish
  powershell  add to the file $PROFILE:
              netswap generate completions powershell | Out-String | Invoke-Expression
  elvish      add to ~/.config/elvish/rc.elv:
              eval (netswap generate completions elvish | slurp)";

/// Write the man pages of netswap
///
/// Writes a page for each command, and pages for cargo-netswap and netswap-linker. Replaces
/// existing pages.
#[derive(Debug, Args)]
#[command(after_help = MAN_PLACES)]
struct Man {
    /// Folder for the pages. It is created if it is missing
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
}

const MAN_PLACES: &str = "\
Where man finds them:
  ~/.local/share/man/man1    if ~/.local/bin is in PATH
  /usr/local/share/man/man1  for all accounts

Exit codes:
  0  all pages were written
  2  wrong usage, or a page could not be written";

impl Generate {
    /// Generates what the arguments say. `command` is the command line of netswap.
    pub(super) fn run(self, command: Command) -> Result<ExitCode, Error> {
        match self.what {
            What::Completions(Completions { shell }) => {
                let mut out = Out::new(false);
                out.write_all(script(command, shell).as_bytes())?;
                out.flush()?;
            }
            What::Man(Man { folder }) => {
                let pages = pages(command)?;
                write_pages(&pages, &folder)?;
                let count = plural(pages.len() as u64, "man page", "man pages");
                let mut out = Out::new(true);
                writeln!(out, "wrote {count} to {}", Printable(&folder))?;
                out.flush()?;
            }
        }
        Ok(ExitCode::Passed)
    }
}

/// Writes each page completely or not at all.
fn write_pages(pages: &[Page], folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder)
        .map_err(|source| Error::CreateFolder { path: folder.to_owned(), source })?;
    for page in pages {
        let write = || {
            let mut file = Out::to_file(false, Some(&folder.join(&page.name)))?;
            file.write_all(page.text.as_bytes())?;
            file.finish(None)
        };
        write().map_err(Error::WritePage)?;
    }
    Ok(())
}
