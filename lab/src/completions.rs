//! `cargo xtask completions`: presses Tab in real shells, and checks the man pages.
//!
//! The commands on the page "Completions and man pages" of the book install the completions. Then
//! keys are typed into each shell, and the arguments that the shell passes to netswap are compared
//! with the expected ones. mandoc checks the man pages. PowerShell is not in Debian, so only its
//! script's grammar is checked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{at, create_folder, empty_folder, root, scratch, write};
use crate::man_pages;
use crate::powershell;
use crate::process::{all_output, in_threads, processors};
use crate::terminal::{Terminal, command_in, write_stand_in};
use crate::tools::{SHELLS, Tree};
use crate::{NotPassed, no_arguments, programs};

/// Checks the completions in each shell, and the man pages.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask completions")?;
    let tree = Tree::find(SHELLS).map_err(NotPassed::NotRun)?;
    let netswap = programs::debug("netswap")?;
    let count = man_pages::check(&tree, &netswap)?;
    println!("man pages: mandoc accepts {count}, and rejects a broken one");
    powershell::check(&netswap)?;
    println!("powershell: its grammar accepts the script, and rejects half of it");
    let shells = SHELLS_TO_CHECK.iter().collect();
    Ok(in_threads(processors(), shells, |shell| shell.check(&tree, &netswap))?)
}

/// A shell, and what it needs because it runs from another folder than it was built for.
struct Shell {
    name: &'static str,
    program: &'static str,
    /// Makes the shell interactive.
    argument: &'static str,
    /// A file in the home folder, and its text. `{root}` stands for the folder of the packages.
    file: (&'static str, &'static str),
}

const SHELLS_TO_CHECK: [Shell; 4] = [
    Shell {
        name: "bash",
        program: "bin/bash",
        argument: "-i",
        file: (".bashrc", ". '{root}/usr/share/bash-completion/bash_completion'\n"),
    },
    Shell {
        name: "zsh",
        program: "bin/zsh",
        argument: "-i",
        file: (
            ".zshenv",
            "module_path=('{root}'/usr/lib/*/zsh/*(/N))\n\
             fpath=('{root}'/usr/share/zsh/functions/**/*(/N))\n",
        ),
    },
    Shell { name: "fish", program: "usr/bin/fish", argument: "-i", file: (".hushlogin", "") },
    Shell { name: "elvish", program: "usr/bin/elvish", argument: "", file: (".hushlogin", "") },
];

/// Texts before the Tab key, and the arguments that netswap then gets.
const CASES: [(&str, &str); 15] = [
    VERIFY,
    ("inspect --form", "inspect|--format"),
    ("verify --form", "verify|--format"),
    ("verify --format hu", "verify|--format|human"),
    ("verify --format nd", "verify|--format|ndjson"),
    ("patch --swap-run b", "patch|--swap-run|both"),
    ("undo --col", "undo|--color"),
    ("undo --color al", "undo|--color|always"),
    ("verify led", "verify|ledger.exe"),
    ("verify od", "verify|odd name.exe"),
    ("verify --policy od", "verify|--policy|odd name.exe"),
    ("verify ledger.exe od", "verify|ledger.exe|odd name.exe"),
    ("verify ledger.exe --basel", "verify|ledger.exe|--baseline"),
    ("explain net-", "explain|net-swap-missing"),
    ("generate completions z", "generate|completions|zsh"),
];

const VERIFY: (&str, &str) = ("ver", "verify");

/// Breaks a script, so that it completes a wrong command.
const BREAK: &str = "s/verify/verity/g";
const BROKEN: &str = "verity";

impl Shell {
    fn check(&self, tree: &Tree, netswap: &Path) -> Result<(), String> {
        let mut terminal = self.install(tree, netswap, "working", "")?;
        for (text, expected) in CASES {
            let got = terminal.complete(text, expected)?;
            ensure!(got == expected, "{}: `netswap {text}` became `{got}`", self.name);
        }
        let formats = ["human", "json", "ndjson"];
        let missing = terminal.list("verify --format ", &formats)?;
        ensure!(missing.is_none(), "{}: `--format` does not offer {missing:?}", self.name);
        drop(terminal);

        let mut broken = self.install(tree, netswap, "broken", BREAK)?;
        let got = broken.complete(VERIFY.0, BROKEN)?;
        ensure!(got == BROKEN, "{}: a broken script completes `{got}`", self.name);
        let count = CASES.len() + 1;
        println!("{}: {count} completions, and a wrong one if the script is broken", self.name);
        Ok(())
    }

    /// Installs the completions in a new home folder with the commands on the book's page, and
    /// starts the shell there. `sed` changes the script.
    fn install(
        &self,
        tree: &Tree,
        netswap: &Path,
        folder: &str,
        sed: &str,
    ) -> Result<Terminal, String> {
        let Shell { name, program, argument, file: (file, text) } = self;
        let home = empty_folder(scratch("completions").join(name).join(folder))?;
        write_stand_in(&home, netswap, sed)?;
        write(&home.join(file), text.replace("{root}", &tree.path("").to_string_lossy()))?;
        for file in ["ledger.exe", "odd name.exe"] {
            write(&home.join(file), "")?;
        }
        // fish uses the other files of its package only if it finds this folder.
        create_folder(tree.path("usr/etc/fish"))?;
        let shell: PathBuf = home.join("bin/shell");
        tree.write_script(&shell, program, "")?;
        for block in blocks(name)? {
            all_output(command_in(&home, &shell.to_string_lossy()).args(["-c", &block]))?;
        }
        Terminal::start(&home, &format!("shell {argument}"))
    }
}

/// Returns the commands for a shell on the book's page.
fn blocks(shell: &str) -> Result<Vec<String>, String> {
    let page = root().join("docs/src/generate.md");
    let text = fs::read_to_string(&page).map_err(at(&page))?;
    let start = format!("```{shell}\n");
    let blocks = text.split(&start).skip(1);
    let blocks: Vec<_> =
        blocks.filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect();
    ensure!(!blocks.is_empty(), "{}: no commands for {shell}", page.display());
    Ok(blocks)
}
