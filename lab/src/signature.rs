//! `cargo xtask signature`: checks with osslsigncode how `netswap patch` and `undo` affect a
//! signature.
//!
//! Signs a real program from the corpus with a new key. At first the signature is valid, and
//! netswap refuses the file and does not change it. With `--break-signature` the file is patched,
//! and its signature becomes invalid. After `undo` the signature is valid again, and the file
//! equals the signed one byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::corpus::{self, Selection};
use crate::process::{cargo, check, everything, root, scratch};
use crate::tools::{SIGNER, Tree};
use crate::{NotPassed, no_arguments};

/// Launchers from pip, for three machines.
const PROGRAMS: [&str; 3] = ["t32.exe", "t64.exe", "t64-arm.exe"];

/// Signs, patches and undoes each program.
///
/// # Errors
///
/// Returns an error if a signature or a file is not as it should be.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask signature")?;
    Ok(Tools::find().map_err(NotPassed::NotRun)?.check_all()?)
}

/// The signing tools and their working folder.
pub(crate) struct Tools {
    tree: Tree,
    folder: PathBuf,
}

impl Tools {
    /// Finds the tools. `Err` contains the reason why they are missing.
    pub(crate) fn find() -> Result<Self, String> {
        Ok(Tools { tree: Tree::find(SIGNER)?, folder: scratch("signature") })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.tree.command(&format!("usr/bin/{program}"));
        // By default openssl reads its configuration from an absolute path, which may not exist.
        command.env("OPENSSL_CONF", self.tree.path("etc/ssl/openssl.cnf"));
        command
    }

    fn check_all(&self) -> Result<(), String> {
        let corpus = corpus::fetch(Selection::Small)?;
        let pip = corpus.folders.iter().find(|folder| folder.starts_with("pip-"));
        let pip = pip.ok_or("there is no pip in the corpus")?;
        let launchers = corpus.root.join(pip).join("pip/_vendor/distlib");
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder).map_err(|error| error.to_string())?;
        check(&mut cargo(&["build", "--quiet", "--package", "netswap-cli"]))?;
        self.make_key()?;
        for program in PROGRAMS {
            self.check(&launchers.join(program))?;
            println!(
                "{program}: refused; patched, and its signature broken; undone, and valid again"
            );
        }
        Ok(())
    }

    fn make_key(&self) -> Result<(), String> {
        let mut request = self.command("openssl");
        request
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=netswap", "-addext", "extendedKeyUsage=codeSigning"])
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(&self.folder);
        everything(&mut request).map(drop)
    }

    /// Signs a copy of the program with a new key, and returns the copy's path.
    pub(crate) fn signed(&self, program: &Path) -> Result<PathBuf, String> {
        fs::create_dir_all(&self.folder).map_err(|error| error.to_string())?;
        self.make_key()?;
        self.sign(program)
    }

    fn sign(&self, program: &Path) -> Result<PathBuf, String> {
        let file = self.folder.join("signed.exe");
        let _ = fs::remove_file(&file);
        let mut sign = self.command("osslsigncode");
        sign.args(["sign", "-certs", "certificate.pem", "-key", "key.pem", "-in"]).arg(program);
        sign.arg("-out").arg(&file).current_dir(&self.folder);
        everything(&mut sign)?;
        Ok(file)
    }

    fn check(&self, program: &Path) -> Result<(), String> {
        let file = self.sign(program)?;
        let read = || fs::read(&file).map_err(|error| error.to_string());
        let signed = read()?;
        self.signature_is_valid(true)?;

        ends_with(1, netswap(&["patch", "--journal", "refused.journal"]).arg(&file))?;
        if read()? != signed {
            return Err("a file that was refused was changed".to_owned());
        }
        let journal = self.folder.join("patch.journal");
        let _ = fs::remove_file(&journal);
        let mut patch = netswap(&["patch", "--break-signature", "--journal"]);
        ends_with(0, patch.arg(&journal).arg(&file))?;
        if read()? == signed {
            return Err("nothing was patched".to_owned());
        }
        self.signature_is_valid(false)?;

        ends_with(0, netswap(&["undo"]).arg(&journal))?;
        if read()? != signed {
            return Err("undo did not put all back".to_owned());
        }
        self.signature_is_valid(true)
    }

    /// Checks what osslsigncode reports about the digest and about the whole signature.
    pub(crate) fn signature_is_valid(&self, expected: bool) -> Result<(), String> {
        let mut verify = self.command("osslsigncode");
        verify.args(["verify", "-CAfile", "certificate.pem", "-in", "signed.exe"]);
        let said = everything(verify.current_dir(&self.folder));
        let is_valid = said.is_ok();
        let text = said.unwrap_or_else(|text| text);
        let is_mismatch = text.contains("MISMATCH");
        if (is_valid, is_mismatch) == (expected, !expected) {
            Ok(())
        } else {
            Err(format!("expected a valid signature: {expected}, but osslsigncode said:\n{text}"))
        }
    }
}

fn netswap(arguments: &[&str]) -> Command {
    let mut command = Command::new(root().join("target").join("debug").join("netswap"));
    command.args(arguments).current_dir(scratch("signature")).stdout(Stdio::null());
    command
}

fn ends_with(code: i32, command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| error.to_string())?;
    if status.code() == Some(code) { Ok(()) } else { Err(format!("netswap ended with {status}")) }
}
