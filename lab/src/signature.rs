//! `cargo xtask signature`: checks with osslsigncode how netswap treats signatures and catalogs.
//!
//! Signs a real program from the corpus with a new key. At first the signature is valid. netswap
//! names the signer, refuses the file and does not change it. With `--break-signature` the file is patched,
//! and its signature becomes invalid. After `undo` the signature is valid again, and the file
//! equals the signed one byte for byte.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::catalogs;
use crate::corpus::{self, Selection};
use crate::files::{at, empty_folder, remove_file};
use crate::outcome::Outcome;
use crate::signer::{COMMON_NAME, Signer};
use crate::{NotPassed, no_arguments, programs};

/// Launchers from pip, for three machines.
const PROGRAMS: [&str; 3] = ["t32.exe", "t64.exe", "t64-arm.exe"];

/// Signs, patches and undoes each program.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask signature")?;
    Ok(Signer::find().map_err(NotPassed::NotRun)?.check_all()?)
}

impl Signer {
    fn check_all(&self) -> Result<(), String> {
        let corpus = corpus::fetch(Selection::Small)?;
        let pip = corpus.folders.iter().find(|folder| folder.starts_with("pip-"));
        let pip = pip.ok_or("there is no pip in the corpus")?;
        let launchers = corpus.root.join(pip).join("pip/_vendor/distlib");
        empty_folder(self.folder().to_owned())?;
        let netswap = programs::debug("netswap")?;
        self.create_key()?;
        for program in PROGRAMS {
            self.check(&netswap, &launchers.join(program))?;
            println!(
                "{program}: signer named; refused; patched with an invalid signature; restored with a valid signature"
            );
        }
        for program in PROGRAMS {
            let count = catalogs::check(self, &netswap, &launchers.join(program))?;
            println!("{program}: found in {count} catalogs by its digest, and in no other");
        }
        Ok(())
    }

    /// Checks that each command names the signer of a file without the bit.
    fn check_names(&self, netswap: &Path, file: &Path) -> Result<(), String> {
        for (command, format, code, expected) in [
            ("inspect", "json", 0, format!("\"signer\":\"{COMMON_NAME}\"")),
            ("inspect", "human", 0, format!("signature   {COMMON_NAME}\n")),
            ("verify", "json", 1, format!("\"signer\":\"{COMMON_NAME}\"")),
            ("verify", "human", 1, COMMON_NAME.to_owned()),
            ("patch", "json", 1, format!("it is signed by {COMMON_NAME}")),
            ("patch", "human", 1, format!("it is signed by {COMMON_NAME}")),
        ] {
            let mut netswap = Command::new(netswap);
            netswap.args([command, "--format", format]).arg(file).current_dir(self.folder());
            let outcome = Outcome::run(&mut netswap)?.expect_code(code)?;
            if !outcome.text().contains(&expected) {
                return Err(outcome.error(&format!("the report lacks `{expected}`")));
            }
        }
        Ok(())
    }

    fn check(&self, netswap_program: &Path, program: &Path) -> Result<(), String> {
        let file = self.sign(program)?;
        let read = || fs::read(&file).map_err(at(&file));
        let netswap = |arguments: &[&Path], code| {
            let mut netswap = Command::new(netswap_program);
            netswap.args(arguments).current_dir(self.folder());
            Outcome::run(&mut netswap)?.expect_code(code).map(drop)
        };
        let signed = read()?;
        self.check_signature(true)?;

        self.check_names(netswap_program, &file)?;

        let [patch, journal, break_signature, undo] =
            ["patch", "--journal", "--break-signature", "undo"].map(Path::new);
        netswap(&[patch, journal, Path::new("refused.journal"), &file], 1)?;
        ensure!(read()? == signed, "patch changed a file that it refused");
        let journal_file = self.folder().join("patch.journal");
        remove_file(&journal_file)?;
        netswap(&[patch, break_signature, journal, &journal_file, &file], 0)?;
        ensure!(read()? != signed, "patch did not change the file");
        self.check_signature(false)?;

        netswap(&[undo, &journal_file], 0)?;
        ensure!(read()? == signed, "undo did not restore the file");
        self.check_signature(true)
    }
}
