//! `cargo xtask signature`: checks with osslsigncode how `netswap patch` and `undo` affect a
//! signature.
//!
//! Signs a real program from the corpus with a new key. At first the signature is valid, and
//! netswap refuses the file and does not change it. With `--break-signature` the file is patched,
//! and its signature becomes invalid. After `undo` the signature is valid again, and the file
//! equals the signed one byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::corpus::{self, Selection};
use crate::files::{at, create_folder, empty_folder, remove_file, scratch};
use crate::outcome::Outcome;
use crate::process::all_output;
use crate::tools::{SIGNER, Tree};
use crate::{NotPassed, no_arguments, programs};

/// Launchers from pip, for three machines.
const PROGRAMS: [&str; 3] = ["t32.exe", "t64.exe", "t64-arm.exe"];

/// Signs, patches and undoes each program.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask signature")?;
    Ok(Signer::find().map_err(NotPassed::NotRun)?.check_all()?)
}

/// The tools that sign programs and check signatures, and their working folder.
pub(crate) struct Signer {
    tree: Tree,
    folder: PathBuf,
}

impl Signer {
    /// Finds the tools. `Err` contains the reason why they are missing.
    pub(crate) fn find() -> Result<Self, String> {
        Ok(Signer { tree: Tree::find(SIGNER)?, folder: scratch("signature") })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.tree.command(&format!("usr/bin/{program}"));
        // By default openssl reads its configuration from an absolute path, which may not exist.
        command.env("OPENSSL_CONF", self.tree.path("etc/ssl/openssl.cnf"));
        command.current_dir(&self.folder);
        command
    }

    fn check_all(&self) -> Result<(), String> {
        let corpus = corpus::fetch(Selection::Small)?;
        let pip = corpus.folders.iter().find(|folder| folder.starts_with("pip-"));
        let pip = pip.ok_or("there is no pip in the corpus")?;
        let launchers = corpus.root.join(pip).join("pip/_vendor/distlib");
        empty_folder(self.folder.clone())?;
        let netswap = programs::debug("netswap")?;
        self.create_key()?;
        for program in PROGRAMS {
            self.check(&netswap, &launchers.join(program))?;
            println!(
                "{program}: refused; patched with an invalid signature; restored with a valid signature"
            );
        }
        Ok(())
    }

    fn create_key(&self) -> Result<(), String> {
        let mut request = self.command("openssl");
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        request.args(["-subj", "/CN=netswap", "-addext", "extendedKeyUsage=codeSigning"]);
        request.args(["-keyout", "key.pem", "-out", "certificate.pem"]);
        all_output(&mut request).map(drop)
    }

    /// Signs a copy of the program with a new key, and returns the copy's path.
    pub(crate) fn sign_with_new_key(&self, program: &Path) -> Result<PathBuf, String> {
        create_folder(self.folder.clone())?;
        self.create_key()?;
        self.sign(program)
    }

    fn sign(&self, program: &Path) -> Result<PathBuf, String> {
        let file = self.folder.join("signed.exe");
        remove_file(&file)?;
        let mut sign = self.command("osslsigncode");
        sign.args(["sign", "-certs", "certificate.pem", "-key", "key.pem", "-in"]).arg(program);
        all_output(sign.arg("-out").arg(&file))?;
        Ok(file)
    }

    fn check(&self, netswap: &Path, program: &Path) -> Result<(), String> {
        let file = self.sign(program)?;
        let read = || fs::read(&file).map_err(at(&file));
        let netswap = |arguments: &[&Path], code| {
            let mut netswap = Command::new(netswap);
            netswap.args(arguments).current_dir(&self.folder);
            Outcome::run(&mut netswap)?.expect_code(code).map(drop)
        };
        let signed = read()?;
        self.check_signature(true)?;

        let [patch, journal, break_signature, undo] =
            ["patch", "--journal", "--break-signature", "undo"].map(Path::new);
        netswap(&[patch, journal, Path::new("refused.journal"), &file], 1)?;
        ensure!(read()? == signed, "patch changed a file that it refused");
        let journal_file = self.folder.join("patch.journal");
        remove_file(&journal_file)?;
        netswap(&[patch, break_signature, journal, &journal_file, &file], 0)?;
        ensure!(read()? != signed, "patch did not change the file");
        self.check_signature(false)?;

        netswap(&[undo, &journal_file], 0)?;
        ensure!(read()? == signed, "undo did not restore the file");
        self.check_signature(true)
    }

    /// Checks that osslsigncode reports a valid digest and signature, or invalid ones.
    pub(crate) fn check_signature(&self, expected: bool) -> Result<(), String> {
        let mut verify = self.command("osslsigncode");
        verify.args(["verify", "-CAfile", "certificate.pem", "-in", "signed.exe"]);
        let output = all_output(&mut verify);
        let is_valid = output.is_ok();
        let output = output.unwrap_or_else(|output| output);
        let is_mismatch = output.contains("MISMATCH");
        let is_expected = (is_valid, is_mismatch) == (expected, !expected);
        let state = if expected { "valid" } else { "invalid" };
        ensure!(
            is_expected,
            "osslsigncode does not report that the signature is {state}:\n{output}"
        );
        Ok(())
    }
}
