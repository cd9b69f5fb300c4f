//! The tools that sign programs and catalogs, and a key.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{create_folder, remove_file, scratch};
use crate::process::all_output;
use crate::tools::{SIGNER, Tree};

/// The common name in the certificate. The comma is a special character in a subject's text.
pub(crate) const COMMON_NAME: &str = "Contoso, Ltd.";

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

    /// The folder with the key and its certificate.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.tree.command(&format!("usr/bin/{program}"));
        // By default openssl reads its configuration from an absolute path, which may not exist.
        command.env("OPENSSL_CONF", self.tree.path("etc/ssl/openssl.cnf"));
        command.current_dir(&self.folder);
        command
    }

    pub(crate) fn create_key(&self) -> Result<(), String> {
        let mut request = self.command("openssl");
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]);
        request.arg(format!("/O=Contoso Holding/CN={COMMON_NAME}"));
        request.args(["-addext", "extendedKeyUsage=codeSigning"]);
        request.args(["-keyout", "key.pem", "-out", "certificate.pem"]);
        all_output(&mut request).map(drop)
    }

    /// Signs a copy of the program with a new key, and returns the copy's path.
    pub(crate) fn sign_with_new_key(&self, program: &Path) -> Result<PathBuf, String> {
        create_folder(self.folder.clone())?;
        self.create_key()?;
        self.sign(program)
    }

    pub(crate) fn sign(&self, program: &Path) -> Result<PathBuf, String> {
        let file = self.folder.join("signed.exe");
        self.sign_as(program, &file, "sha256")?;
        Ok(file)
    }

    /// Writes a signed copy of a program or of a catalog.
    pub(crate) fn sign_as(&self, file: &Path, signed: &Path, digest: &str) -> Result<(), String> {
        remove_file(signed)?;
        let mut sign = self.command("osslsigncode");
        sign.args(["sign", "-h", digest, "-certs", "certificate.pem", "-key", "key.pem", "-in"]);
        sign.arg(file).arg("-out").arg(signed).current_dir(&self.folder);
        all_output(&mut sign).map(drop)
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
