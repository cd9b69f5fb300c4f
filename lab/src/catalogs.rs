//! Checks that netswap finds an image in a catalog by the digests that osslsigncode and lief
//! compute.
//!
//! Each catalog lists one digest, and osslsigncode signs it. The images are unsigned, signed, and of
//! a length that signers pad.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::files::{at, empty_folder, remove_file, write};
use crate::outcome::Outcome;
use crate::process::{all_output, output};
use crate::signer::Signer;
use crate::tools::Python;

/// The algorithms of digests, and their object identifiers in DER.
const ALGORITHMS: [(&str, &[u8]); 2] = [
    ("sha1", &[0x2b, 0x0e, 0x03, 0x02, 0x1a]),
    ("sha256", &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01]),
];

/// Prints an image's Authenticode digest: the arguments are its path and the algorithm.
const LIEF: &str = "import lief, sys; \
    print(getattr(lief.PE.parse(sys.argv[1]), 'authentihash_' + sys.argv[2]).hex())";

/// Checks a program as it is, with more bytes at its end, and both signed. Returns the number of
/// catalogs that list one of them.
pub(crate) fn check(signer: &Signer, netswap: &Path, program: &Path) -> Result<usize, String> {
    let checker =
        Checker { signer, netswap, folder: empty_folder(signer.folder().join("catalog"))? };
    let bytes = fs::read(program).map_err(at(program))?;
    let mut count = 0;
    for more in [&b""[..], b"12345"] {
        let plain = checker.folder.join("tool.exe");
        write(&plain, [&bytes, more].concat())?;
        for (algorithm, identifier) in ALGORITHMS {
            let copy = signer.folder().join("tool.exe");
            signer.sign_as(&plain, &copy, algorithm)?;
            // A signer pads the file, which gives another digest than that of the file as it is.
            let padded = checker.digest_in_signature(&copy)?;
            let digests = [lief_digest(&plain, algorithm)?, padded.clone()];
            if (digests[0] == digests[1]) != (bytes.len() + more.len()).is_multiple_of(8) {
                return Err(format!("only padding may change a digest: {digests:?}"));
            }
            for digest in digests {
                checker.check_catalog(identifier, &digest)?;
                count += 1;
            }
            if lief_digest(&copy, algorithm)? != padded {
                return Err("lief and osslsigncode compute different digests".to_owned());
            }
            let unsigned = fs::read(&plain).map_err(at(&plain))?;
            fs::rename(&copy, &plain).map_err(at(&plain))?;
            checker.check_catalog(identifier, &padded)?;
            count += 1;
            write(&plain, unsigned)?;
            // To osslsigncode the digest of a file is that of the padded one.
            checker.check_patch(identifier, &padded)?;
        }
    }
    Ok(count)
}

struct Checker<'a> {
    signer: &'a Signer,
    netswap: &'a Path,
    /// The folder of the program and its catalog.
    folder: PathBuf,
}

impl Checker<'_> {
    /// Returns the digest in a program's signature, after osslsigncode has confirmed it.
    fn digest_in_signature(&self, signed: &Path) -> Result<Vec<u8>, String> {
        let mut verify = self.signer.command("osslsigncode");
        verify.args(["verify", "-CAfile", "certificate.pem", "-in"]).arg(signed);
        let text = all_output(verify.current_dir(self.signer.folder()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Calculated message digest"));
        let digest = line.and_then(|line| unhex(line.trim_matches([' ', ':'])));
        digest.ok_or_else(|| format!("osslsigncode prints no digest:\n{text}"))
    }

    /// Writes a signed catalog with this digest.
    fn write_catalog(&self, algorithm: &[u8], digest: &[u8]) -> Result<(), String> {
        let unsigned = self.signer.folder().join("unsigned.cat");
        write(&unsigned, catalog(algorithm, digest))?;
        self.signer.sign_as(&unsigned, &self.folder.join("tool.cat"), "sha256")
    }

    /// Checks that netswap finds the program in a catalog with this digest, and not in one with
    /// another digest.
    fn check_catalog(&self, algorithm: &[u8], digest: &[u8]) -> Result<(), String> {
        let mut other = digest.to_vec();
        if let Some(last) = other.last_mut() {
            *last ^= 1;
        }
        for (digest, expected) in [(digest, "catalog-member"), (&other, "catalog-beside")] {
            self.write_catalog(algorithm, digest)?;
            let outcome = self.run(&["inspect", "--format", "json"], 0)?;
            let report: Value =
                serde_json::from_str(&outcome.text()).map_err(|error| error.to_string())?;
            let hazards = report.pointer("/images/0/hazards").and_then(Value::as_array);
            let codes =
                hazards.into_iter().flatten().filter_map(|hazard| hazard.get("code")?.as_str());
            let mut catalogs = codes.filter(|code| code.starts_with("catalog-"));
            if catalogs.next() != Some(expected) || catalogs.next().is_some() {
                return Err(outcome.error(&format!("the hazard is not {expected}")));
            }
        }
        Ok(())
    }

    /// Checks that a member of a catalog is patched only on request, which removes it from the
    /// catalog according to osslsigncode.
    fn check_patch(&self, algorithm: &[u8], digest: &[u8]) -> Result<(), String> {
        self.write_catalog(algorithm, digest)?;
        remove_file(&self.folder.join("journal"))?;
        self.check_member(true)?;
        self.run(&["patch", "--journal", "journal"], 1)?;
        self.check_member(true)?;
        self.run(&["patch", "--journal", "journal", "--accept", "catalog-member"], 0)?;
        self.check_member(false)?;
        let mut undo = Command::new(self.netswap);
        undo.args(["undo", "journal"]).current_dir(&self.folder);
        Outcome::run(&mut undo)?.expect_code(0)?;
        self.check_member(true)
    }

    /// Checks whether the catalog signs the program, according to osslsigncode.
    fn check_member(&self, expected: bool) -> Result<(), String> {
        let mut verify = self.signer.command("osslsigncode");
        verify.args(["verify", "-CAfile", "certificate.pem", "-catalog"]);
        verify.arg(self.folder.join("tool.cat")).arg("-in").arg(self.folder.join("tool.exe"));
        let output = all_output(verify.current_dir(self.signer.folder()));
        let is_valid = output.is_ok();
        let output = output.unwrap_or_else(|output| output);
        let is_missing = output.contains("not found in the specified catalog");
        if (is_valid, is_missing) == (expected, !expected) {
            Ok(())
        } else {
            Err(format!("osslsigncode must find the program in the catalog: {expected}\n{output}"))
        }
    }

    /// Runs netswap on the program.
    fn run(&self, arguments: &[&str], code: i32) -> Result<Outcome, String> {
        let mut netswap = Command::new(self.netswap);
        netswap.args(arguments).arg("tool.exe").current_dir(&self.folder);
        Outcome::run(&mut netswap)?.expect_code(code)
    }
}

/// Returns an image's digest according to lief.
fn lief_digest(image: &Path, algorithm: &str) -> Result<Vec<u8>, String> {
    let mut python = Python::find()?.command();
    let text = output(python.args(["-c", LIEF]).arg(image).arg(algorithm))?;
    unhex(text.trim()).ok_or_else(|| format!("lief prints no digest: {text}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Returns an unsigned catalog that lists one digest: a certificate trust list in a PKCS #7
/// signature without signers. No tool here makes one, but osslsigncode signs it and reads it back.
fn catalog(algorithm: &[u8], digest: &[u8]) -> Vec<u8> {
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let [sequence, set, octets, identifier, null, explicit] = [0x30, 0x31, 0x04, 0x06, 0x05, 0xa0];
    let microsoft = |end: &[u8]| {
        let arc = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37];
        der(identifier, &[&arc, end])
    };
    let no_parameters = der(null, &[]);
    let digest_value = der(octets, &[digest]);
    let digest_info = der(
        sequence,
        &[&der(sequence, &[&der(identifier, &[algorithm]), &no_parameters]), &digest_value],
    );
    // The kind of the digested data, a PE image: no flags, and an empty file name.
    let file = der(explicit, &[&der(0xa2, &[&der(0x80, &[])])]);
    let image =
        der(sequence, &[&microsoft(&[2, 1, 15]), &der(sequence, &[&der(0x03, &[&[0]]), &file])]);
    let indirect_data = der(sequence, &[&image, &digest_info]);
    let attribute = der(sequence, &[&microsoft(&[2, 1, 4]), &der(set, &[&indirect_data])]);
    let member = der(sequence, &[&digest_value, &der(set, &[&attribute])]);
    let version = if digest.len() == 20 { 2 } else { 3 };
    let list = der(
        sequence,
        &[
            &der(sequence, &[&microsoft(&[12, 1, 1])]),
            // The name of the list. With its length osslsigncode recognizes the file.
            &der(octets, &[&[0; 64]]),
            &der(0x17, &[b"260101000000Z"]),
            &der(sequence, &[&microsoft(&[12, 1, version]), &no_parameters]),
            &der(sequence, &[&member]),
        ],
    );
    let content = der(sequence, &[&microsoft(&[10, 1]), &der(explicit, &[&list])]);
    let signed = der(sequence, &[&der(0x02, &[&[1]]), &der(set, &[]), &content, &der(set, &[])]);
    der(sequence, &[&der(identifier, &[SIGNED_DATA]), &der(explicit, &[&signed])])
}

/// Returns a value in DER: its tag, its length and its parts.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let [high, low] = u16::try_from(contents.len()).unwrap_or(u16::MAX).to_be_bytes();
    let length = match (high, low) {
        (0, 0..0x80) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [vec![tag], length, contents].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_possible() {
        for (length, start) in [
            (0, &[4, 0][..]),
            (0x7f, &[4, 0x7f]),
            (0x80, &[4, 0x81, 0x80]),
            (0xff, &[4, 0x81, 0xff]),
            (0x100, &[4, 0x82, 1, 0]),
        ] {
            let bytes = der(4, &[&vec![0; length]]);
            assert!(bytes.starts_with(start) && bytes.len() == start.len() + length, "{length}");
        }
    }

    #[test]
    fn catalog_contains_the_digest() {
        let digest: Vec<u8> = (0..32).collect();
        let catalog = catalog(ALGORITHMS[1].1, &digest);
        assert!(catalog.windows(32).any(|bytes| bytes == digest));
        assert_eq!(unhex("00fF"), Some(vec![0, 255]));
        assert_eq!(unhex("0x"), None);
    }
}
