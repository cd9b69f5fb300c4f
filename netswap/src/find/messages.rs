//! Cargo's messages about one build: its artifacts, and where its build scripts left receipts.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cargo::{Artifact, BuildScript};
use super::linker::ConfiguredLinkers;
use super::{Receipt, ReceiptState};
use crate::json::FromJson;
use crate::text::one_line;

/// The parts of Cargo's messages about a build that netswap needs.
#[derive(Default)]
pub(super) struct Messages {
    pub(super) artifacts: Vec<Artifact>,
    scripts: Vec<BuildScript>,
}

impl Messages {
    /// Reads the messages of a build to their end
    /// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages)).
    /// A message that can't be read is an error, because it could be about an image. The remaining
    /// messages are read anyway, so that Cargo does not block.
    pub(super) fn read(&mut self, from: impl BufRead) -> io::Result<()> {
        let mut result = Ok(());
        for line in from.split(b'\n') {
            let line = line?;
            // Compilers and build scripts can print other lines.
            if !line.starts_with(b"{") {
                continue;
            }
            let Ok(message) = serde_json::from_slice::<Value>(&line) else {
                if line.starts_with(b"{\"reason\":\"") {
                    result = Err(unknown_message(&line, "it is not valid JSON"));
                }
                continue;
            };
            let read = match message.get("reason").and_then(Value::as_str) {
                Some("compiler-artifact") => {
                    Artifact::from_json(&message).map(|artifact| self.artifacts.push(artifact))
                }
                Some("build-script-executed") => {
                    BuildScript::from_json(&message).map(|script| self.scripts.push(script))
                }
                _ => Ok(()),
            };
            if let Err(why) = read {
                result = Err(unknown_message(&line, &why));
            }
        }
        result
    }

    /// Returns the receipts of a package's build script: one for each target that the package was
    /// built for, including the host.
    pub(super) fn receipts(
        &self,
        package: &str,
        linkers: &ConfiguredLinkers<'_>,
    ) -> Vec<ReceiptState> {
        let of_package = self.scripts.iter().filter(|script| script.package_id == package);
        let read = |script: &BuildScript| match ReceiptState::read(&script.out_dir) {
            ReceiptState::Present(receipt) => with_linker(receipt, linkers),
            state => state,
        };
        of_package.map(read).collect()
    }
}

fn unknown_message(line: &[u8], why: &str) -> io::Error {
    let start: String = String::from_utf8_lossy(line).chars().take(60).collect();
    io::Error::other(format!("unknown message `{}…`: {why}", one_line(&start)))
}

/// Compares a receipt's linker with the one configured now, if the configuration can be read.
fn with_linker(receipt: Receipt, linkers: &ConfiguredLinkers<'_>) -> ReceiptState {
    if receipt.depends_on_linker() {
        if let Ok(configured) = linkers.get(&receipt.target) {
            let configured = configured.map(|linker| linker.to_string_lossy().into_owned());
            if configured != receipt.configured_linker {
                return ReceiptState::OtherLinker { receipt, configured };
            }
        }
    }
    ReceiptState::Present(receipt)
}

/// Returns the name in a package's identifier
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/pkgid-spec.html)).
/// The identifier ends in `#name@version`, or in `name#version` if the folder has the package's
/// name.
pub(super) fn package_name(id: &str) -> &str {
    let Some((source, fragment)) = id.rsplit_once('#') else {
        return id;
    };
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => source.rsplit('/').next().unwrap_or(fragment),
    }
}

/// Returns the files of an artifact that may be images to ship.
pub(super) fn images(artifact: &Artifact) -> Vec<PathBuf> {
    let target = &artifact.target;
    if target.is("custom-build") || target.is("proc-macro") {
        return Vec::new();
    }
    if let Some(executable) = &artifact.executable {
        return vec![executable.clone()];
    }
    if !target.crate_types.iter().any(|kind| ["cdylib", "dylib"].contains(&kind.as_str())) {
        return Vec::new();
    }
    let is_dll = |path: &&PathBuf| {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("dll"))
    };
    artifact.filenames.iter().filter(is_dll).cloned().collect()
}

/// Returns the receipt for an image from the receipts of the package's build script.
pub(super) fn receipt_for(
    image: &Path,
    target: Option<&str>,
    receipts: &[ReceiptState],
) -> ReceiptState {
    if let [only] = receipts {
        return only.clone();
    }
    let is_for_image = |state: &&ReceiptState| match (state.receipt(), target) {
        // A target can be given as a file. Cargo then uses the file's stem as the target's name.
        (Some(receipt), Some(target)) => {
            receipt.target == target
                || Path::new(target).file_stem() == Some(receipt.target.as_ref())
        }
        // If the configuration sets the targets, a folder in the image's path has the target's
        // name.
        (Some(receipt), None) => image.iter().any(|folder| *folder == *receipt.target),
        (None, _) => false,
    };
    let receipt = receipts.iter().find(is_for_image);
    let unusable = || receipts.iter().find(|receipt| matches!(receipt, ReceiptState::Unusable(_)));
    receipt.or_else(unusable).cloned().unwrap_or(ReceiptState::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::tests::receipt;

    #[test]
    fn package_name_is_read_from_the_identifier() {
        let table = [
            ("path+file:///w/engine#0.1.0", "engine"),
            ("path+file:///w/folder#engine@0.1.0", "engine"),
            ("registry+https://example.org/index#engine@0.1.0", "engine"),
            ("engine", "engine"),
        ];
        for (id, name) in table {
            assert_eq!(package_name(id), name, "{id}");
        }
    }

    #[test]
    fn receipt_is_chosen_by_target() {
        let present = |target: &str| {
            ReceiptState::Present(crate::Receipt { target: target.into(), ..receipt() })
        };
        let unusable = ReceiptState::Unusable("why".into());
        let (x64, host) = (present("x86_64-pc-windows-msvc"), present("x86_64-unknown-linux-gnu"));
        let both = [host.clone(), x64.clone()];
        let table = [
            ("/t/a.exe", None, &[][..], &ReceiptState::Absent),
            ("/t/a.exe", Some("any"), &both[1..], &x64),
            ("/t/a.exe", Some("x86_64-pc-windows-msvc"), &both, &x64),
            ("/t/a.exe", Some("specs/x86_64-pc-windows-msvc.json"), &both, &x64),
            ("/t/a.exe", Some("i686-pc-windows-msvc"), &both, &ReceiptState::Absent),
            ("/t/x86_64-pc-windows-msvc/debug/a.exe", None, &both, &x64),
            ("/t/debug/a.exe", None, &both, &ReceiptState::Absent),
            ("/t/a.exe", Some("any"), &[host, unusable.clone()], &unusable),
        ];
        for (image, target, receipts, expected) in table {
            let chosen = receipt_for(Path::new(image), target, receipts);
            assert_eq!(chosen, *expected, "{image} {target:?}");
        }
    }
}
