//! What a build script that called netswap-build left in its `OUT_DIR`.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::Artifact;
use crate::SwapRun;

const FILE: &str = "netswap-receipt.json";
const SCHEMA: &str = "netswap.receipt/1";

/// What was asked and decided; the writer is `netswap_build::Receipt`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Receipt {
    /// `netswap.receipt/1`.
    pub schema: String,
    /// The triple that the build script ran for.
    pub target: String,
    /// The linker's family, by its name; none where the target is not Windows.
    pub linker: Option<String>,
    /// How the family was worked out, as a fragment of a sentence.
    pub linker_basis: Option<String>,
    /// The bits that the build script asked for.
    pub requested: Vec<SwapRun>,
    /// The bits that `NETSWAP` asked for in their place.
    pub netswap: Option<Vec<SwapRun>>,
    /// The images that the arguments were for.
    pub scopes: Vec<Scope>,
    /// The arguments for the linker.
    pub arguments: Vec<String>,
    /// What it came to.
    pub outcome: Outcome,
}

/// Which of a package's images a build script meant; `netswap_build::Scope`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Every image.
    All,
    /// Every binary.
    Bins,
    /// The binary of this name.
    Bin(String),
    /// The cdylib.
    Cdylib,
    /// Every example.
    Examples,
    /// Every integration test.
    Tests,
    /// Every benchmark.
    Benches,
}

/// What a build script's call came to; `netswap_build::Outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The target is not Windows.
    NotWindows,
    /// Neither bit was asked for.
    NotRequested,
    /// `NETSWAP=off`.
    SwitchedOff,
    /// The linker was told.
    Emitted,
    /// netswap-linker sets it after the link.
    LeftToLinker,
    /// The linker has no option for it.
    Unsupported,
}

/// Whether there is a receipt of the build that made an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptState {
    /// The package has no build script, or it did not call netswap-build in this build.
    Absent,
    /// The one that its build script left.
    Present(Receipt),
    /// There is one, and it can't be used; why.
    Unusable(String),
}

impl Scope {
    /// Whether Cargo gives the arguments of this scope to the linker of an artifact, as
    /// `LinkArgTarget::applies_to` in Cargo decides it.
    pub fn holds(&self, artifact: &Artifact) -> bool {
        let is = |kind: &str| artifact.kinds.iter().any(|own| own == kind);
        let makes = |kind: &str| artifact.crate_types.iter().any(|own| own == kind);
        match self {
            Scope::All => true,
            Scope::Bins => is("bin"),
            Scope::Bin(bin) => is("bin") && *bin == artifact.name,
            Scope::Cdylib => makes("cdylib") && !artifact.is_test,
            Scope::Examples => is("example") && makes("bin"),
            Scope::Tests => is("test"),
            Scope::Benches => is("bench"),
        }
    }
}

impl ReceiptState {
    /// Reads the receipt of the build script with this `OUT_DIR`.
    pub(crate) fn read(out_dir: &Path) -> Self {
        let text = match fs::read_to_string(out_dir.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return ReceiptState::Absent,
            Err(error) => return ReceiptState::Unusable(error.to_string()),
        };
        match serde_json::from_str::<Receipt>(&text) {
            Ok(receipt) if receipt.schema != SCHEMA => ReceiptState::Unusable(format!(
                "its schema is `{}`, this netswap reads `{SCHEMA}`",
                receipt.schema
            )),
            Ok(receipt) if is_stale(&receipt, out_dir) => ReceiptState::Absent,
            Ok(receipt) => ReceiptState::Present(receipt),
            Err(error) => ReceiptState::Unusable(error.to_string()),
        }
    }
}

/// Whether the receipt is of an earlier run. Cargo keeps `OUT_DIR` when a build script changes, so
/// the receipt outlives the call; the output of the last run lies beside it
/// ([the Cargo book](https://doc.rust-lang.org/cargo/reference/build-scripts.html#outputs-of-the-build-script))
/// and holds the directives of each call. Where there is no such file, the receipt is believed.
fn is_stale(receipt: &Receipt, out_dir: &Path) -> bool {
    let Some(Ok(output)) = out_dir.parent().map(|dir| fs::read(dir.join("output"))) else {
        return false;
    };
    let holds = |line: &str| output.split(|byte| *byte == b'\n').any(|own| own == line.as_bytes());
    let arguments_hold = receipt.arguments.iter().all(|argument| {
        let end = format!("={argument}");
        output.split(|byte| *byte == b'\n').any(|own| own.ends_with(end.as_bytes()))
    });
    !(holds("cargo:rerun-if-env-changed=NETSWAP") && arguments_hold)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const TEXT: &str = r#"{"schema": "netswap.receipt/1", "package": "tool",
        "target": "x86_64-pc-windows-msvc", "linker": "msvc", "linker_basis": "usual",
        "requested": ["net"], "netswap": null, "scopes": [{"bin": "a"}, "all"],
        "arguments": ["/SWAPRUN:NET"], "outcome": "emitted"}"#;

    /// One that asked for the network bit in all images of an x64 msvc build.
    pub(crate) fn receipt() -> Receipt {
        let receipt: Receipt = serde_json::from_str(TEXT).unwrap();
        Receipt { scopes: vec![Scope::All], ..receipt }
    }

    /// What is read where `OUT_DIR` holds this receipt and the folder above it this output.
    fn read(receipt: Option<&str>, output: Option<&str>) -> ReceiptState {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        if let Some(text) = receipt {
            fs::write(out.join(FILE), text).unwrap();
        }
        if let Some(text) = output {
            fs::write(dir.path().join("output"), text).unwrap();
        }
        ReceiptState::read(&out)
    }

    #[test]
    fn a_receipt_is_read_as_it_was_written() {
        let ReceiptState::Present(receipt) = read(Some(TEXT), None) else {
            panic!("no receipt");
        };
        assert_eq!(receipt.outcome, Outcome::Emitted);
        assert_eq!(receipt.scopes, [Scope::Bin("a".into()), Scope::All]);
        assert_eq!(receipt.requested, [SwapRun::Net]);
    }

    #[test]
    fn a_receipt_of_an_earlier_run_is_none() {
        let present = "cargo:rerun-if-env-changed=NETSWAP\ncargo:rustc-link-arg=/SWAPRUN:NET\n";
        assert!(matches!(read(Some(TEXT), Some(present)), ReceiptState::Present(_)));
        for output in ["", "cargo:rerun-if-changed=a\n", "cargo:rerun-if-env-changed=NETSWAP\n"] {
            assert_eq!(read(Some(TEXT), Some(output)), ReceiptState::Absent, "{output:?}");
        }
    }

    #[test]
    fn what_can_not_be_used_is_not_taken_for_absent() {
        assert_eq!(read(None, None), ReceiptState::Absent);
        for text in ["", "{}", "null", &TEXT.replace("receipt/1", "receipt/9"), &TEXT[..90]] {
            assert!(matches!(read(Some(text), None), ReceiptState::Unusable(_)), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn each_scope_holds_what_cargo_gives_its_arguments_to() {
        use Scope::{All, Benches, Bin, Bins, Cdylib, Examples, Tests};
        let scopes = [All, Bins, Bin("a".into()), Bin("b".into()), Cdylib, Examples, Tests, Benches];
        let table = [
            // kind, crate type, built as a test -> All, Bins, a, b, Cdylib, Examples, Tests, Benches
            ("bin", "bin", false, [true, true, true, false, false, false, false, false]),
            ("bin", "bin", true, [true, true, true, false, false, false, false, false]),
            ("cdylib", "cdylib", false, [true, false, false, false, true, false, false, false]),
            ("cdylib", "cdylib", true, [true, false, false, false, false, false, false, false]),
            ("dylib", "dylib", false, [true, false, false, false, false, false, false, false]),
            ("example", "bin", false, [true, false, false, false, false, true, false, false]),
            ("example", "cdylib", false, [true, false, false, false, true, false, false, false]),
            ("test", "bin", true, [true, false, false, false, false, false, true, false]),
            ("bench", "bin", true, [true, false, false, false, false, false, false, true]),
        ];
        for (kind, crate_type, is_test, expected) in table {
            let artifact = Artifact {
                name: "a".into(),
                kinds: vec![kind.into()],
                crate_types: vec![crate_type.into()],
                is_test,
                ..Artifact::for_tests(ReceiptState::Absent)
            };
            let holds: Vec<_> = scopes.iter().map(|scope| scope.holds(&artifact)).collect();
            assert_eq!(holds, expected, "{kind} {crate_type} {is_test}");
        }
    }
}
