//! The receipt that netswap-build leaves in the `OUT_DIR` of a build script.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::Artifact;
use crate::SwapRun;
use crate::json::{FromJson, field, read_fields};
use crate::text::one_line;

const FILE: &str = "netswap-receipt.json";
const SCHEMA: &str = "netswap.receipt/1";

/// A build script's request and the decision on it. `netswap_build::Receipt` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The schema: `netswap.receipt/1`.
    pub schema: String,
    /// The triple that the build script ran for.
    pub target: String,
    /// The name of the linker's family, or `None` if the target is not Windows.
    pub linker: Option<String>,
    /// How the family was determined, as a sentence fragment.
    pub linker_basis: Option<String>,
    /// The linker configured in Cargo, which the build script read from `RUSTC_LINKER`.
    pub configured_linker: Option<String>,
    /// The bits that the build script requested.
    pub requested: Vec<SwapRun>,
    /// The bits that the variable `NETSWAP` requested instead.
    pub netswap: Option<Vec<SwapRun>>,
    /// The images that the arguments apply to.
    pub scopes: Vec<Scope>,
    /// The arguments for the linker.
    pub arguments: Vec<String>,
    /// The result of the call.
    pub outcome: Outcome,
}

/// A selection of a package's images by a build script, as in `netswap_build::Scope`.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The result of a build script's call, as in `netswap_build::Outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target is not Windows.
    NotWindows,
    /// Neither bit was requested.
    NotRequested,
    /// `NETSWAP=off` was set.
    SwitchedOff,
    /// The arguments were passed to the linker.
    Emitted,
    /// netswap-linker sets the bits after linking.
    LeftToLinker,
    /// The linker has no option for the bits.
    Unsupported,
}

/// The state of the receipt from the build that made an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptState {
    /// The package has no build script, or it did not call netswap-build in this build.
    Absent,
    /// The package's build script left this receipt.
    Present(Receipt),
    /// The package's build script left this receipt when another linker was configured. When the
    /// linker changes, Cargo links again but does not run the build script again.
    OtherLinker {
        /// The decision for the linker that was configured then.
        receipt: Receipt,
        /// The linker that is configured now.
        configured: Option<String>,
    },
    /// There is a receipt, but it can't be used for this reason.
    Unusable(String),
}

read_fields!(Receipt {
    schema,
    target,
    linker,
    linker_basis,
    configured_linker,
    requested,
    netswap,
    scopes,
    arguments,
    outcome,
});

impl FromJson for Scope {
    fn from_json(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some("all") => Ok(Scope::All),
            Some("bins") => Ok(Scope::Bins),
            Some("cdylib") => Ok(Scope::Cdylib),
            Some("examples") => Ok(Scope::Examples),
            Some("tests") => Ok(Scope::Tests),
            Some("benches") => Ok(Scope::Benches),
            Some(_) => Err("is an unknown scope".to_owned()),
            None => Ok(Scope::Bin(field(value, "bin")?)),
        }
    }
}

impl FromJson for Outcome {
    fn from_json(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some("not-windows") => Ok(Outcome::NotWindows),
            Some("not-requested") => Ok(Outcome::NotRequested),
            Some("switched-off") => Ok(Outcome::SwitchedOff),
            Some("emitted") => Ok(Outcome::Emitted),
            Some("left-to-linker") => Ok(Outcome::LeftToLinker),
            Some("unsupported") => Ok(Outcome::Unsupported),
            _ => Err("is an unknown outcome".to_owned()),
        }
    }
}

impl Scope {
    /// Whether Cargo passes the arguments of this scope to the linker of an artifact. Cargo decides
    /// this in `LinkArgTarget::applies_to`.
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

impl Receipt {
    /// Parses the text of a receipt.
    ///
    /// # Errors
    ///
    /// Returns the reason why it is not a receipt.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Receipt::from_json(&value)
    }

    /// Whether another linker could have led to another decision. All linkers for msvc targets
    /// spell the argument in the same way.
    pub(super) fn depends_on_linker(&self) -> bool {
        self.linker.as_deref().is_some_and(|family| family != "msvc")
    }

    /// Whether the build script's output contains the receipt's directives.
    fn is_of_run(&self, output: &[u8]) -> bool {
        let lines: Vec<_> = output.split(|byte| *byte == b'\n').collect();
        let is_printed = |argument: &String| {
            let end = format!("={argument}");
            lines.iter().any(|line| line.ends_with(end.as_bytes()))
        };
        self.arguments.iter().all(is_printed)
            && lines.contains(&&b"cargo:rerun-if-env-changed=NETSWAP"[..])
    }
}

impl ReceiptState {
    /// Returns the receipt of the build script's last run, no matter which linker was configured.
    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        match self {
            ReceiptState::Present(receipt) | ReceiptState::OtherLinker { receipt, .. } => {
                Some(receipt)
            }
            ReceiptState::Absent | ReceiptState::Unusable(_) => None,
        }
    }

    /// Reads the receipt of the build script with this `OUT_DIR`.
    ///
    /// Cargo keeps `OUT_DIR` when a build script changes, so a receipt can outlive the call that
    /// wrote it. It counts only if the build script printed its directives in the last run.
    pub(crate) fn read(out_dir: &Path) -> Self {
        Self::try_read(out_dir).unwrap_or_else(ReceiptState::Unusable)
    }

    fn try_read(out_dir: &Path) -> Result<Self, String> {
        let text = match fs::read_to_string(out_dir.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(ReceiptState::Absent);
            }
            text => text.map_err(|error| error.to_string())?,
        };
        let receipt = Receipt::parse(&text)?;
        if receipt.schema != SCHEMA {
            return Err(format!(
                "its schema is `{}`, but this version of netswap reads `{SCHEMA}`",
                receipt.schema
            ));
        }
        let output = last_output(out_dir).map_err(|error| error.to_string())?;
        let output = output.ok_or("Cargo's record of the build script's output was not found")?;
        let is_current = receipt.is_of_run(&output);
        Ok(if is_current { ReceiptState::Present(receipt) } else { ReceiptState::Absent })
    }
}

/// Returns a sentence fragment that gives the change of linker as the cause.
pub(crate) fn changed_linker(
    package: &str,
    previous: Option<&str>,
    current: Option<&str>,
) -> String {
    let named = |linker: Option<&str>| match linker {
        Some(linker) => format!("the linker {}", one_line(linker)),
        None => "the target's usual linker".to_owned(),
    };
    format!(
        "the build script of package `{}` chose its arguments for {}, but {} is configured now",
        one_line(package),
        named(previous),
        current.map_or_else(|| "no linker".to_owned(), one_line)
    )
}

/// The files that hold the output of a build script's last run, relative to the folder above
/// `OUT_DIR`. The first is for the build folders of Cargo up to 1.99, the second for those since
/// 1.100. Cargo does not document these paths. The sources are Cargo's
/// `src/cargo/core/compiler/layout.rs` and its pull request 16644.
const OUTPUTS: [&str; 2] = ["output", "run/stdout"];

/// Reads the output of the last run of the build script with this `OUT_DIR`. Returns `None` if none
/// of the `OUTPUTS` exists.
fn last_output(out_dir: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(folder) = out_dir.parent() else {
        return Ok(None);
    };
    for output in OUTPUTS {
        match fs::read(folder.join(output)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            output => return output.map(Some),
        }
    }
    Ok(None)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const TEXT: &str = r#"{"schema": "netswap.receipt/1", "package": "tool",
        "target": "x86_64-pc-windows-msvc", "linker": "msvc", "linker_basis": "usual",
        "configured_linker": null, "requested": ["net"], "netswap": null, "scopes": [{"bin": "a"}, "all"],
        "arguments": ["/SWAPRUN:NET"], "outcome": "emitted"}"#;

    /// Returns a receipt that requests the network bit in all images of an x64 msvc build.
    pub(crate) fn receipt() -> Receipt {
        let receipt = Receipt::parse(TEXT).unwrap();
        Receipt { scopes: vec![Scope::All], ..receipt }
    }

    /// The output of a build script that calls netswap-build.
    const OUTPUT: &str = "cargo:rerun-if-env-changed=NETSWAP\ncargo:rustc-link-arg=/SWAPRUN:NET\n";

    /// Reads from an `OUT_DIR` with this receipt, and with this output at this path in the folder
    /// above it.
    fn read(receipt: Option<&str>, output: Option<(&str, &str)>) -> ReceiptState {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        if let Some(text) = receipt {
            fs::write(out.join(FILE), text).unwrap();
        }
        if let Some((path, text)) = output {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        ReceiptState::read(&out)
    }

    #[test]
    fn all_fields_are_read_in_both_layouts() {
        for path in OUTPUTS {
            let ReceiptState::Present(receipt) = read(Some(TEXT), Some((path, OUTPUT))) else {
                panic!("{path}: no receipt");
            };
            assert_eq!(receipt.outcome, Outcome::Emitted);
            assert_eq!(receipt.scopes, [Scope::Bin("a".into()), Scope::All]);
            assert_eq!(receipt.requested, [SwapRun::Net]);
        }
    }

    #[test]
    fn a_receipt_from_an_earlier_run_is_absent() {
        for path in OUTPUTS {
            for output in ["", "cargo:rerun-if-changed=a\n", "cargo:rerun-if-env-changed=NETSWAP\n"]
            {
                let state = read(Some(TEXT), Some((path, output)));
                assert_eq!(state, ReceiptState::Absent, "{path} {output:?}");
            }
        }
    }

    #[test]
    fn a_receipt_in_an_unknown_layout_is_unusable() {
        for output in [None, Some(("stdout", OUTPUT)), Some(("out/output", OUTPUT))] {
            let state = read(Some(TEXT), output);
            assert!(matches!(state, ReceiptState::Unusable(_)), "{output:?} {state:?}");
        }
    }

    #[test]
    fn an_unusable_receipt_is_not_absent() {
        assert_eq!(read(None, None), ReceiptState::Absent);
        assert_eq!(read(None, Some(("output", OUTPUT))), ReceiptState::Absent);
        for text in ["", "{}", "null", &TEXT.replace("receipt/1", "receipt/9"), &TEXT[..90]] {
            let state = read(Some(text), Some(("output", OUTPUT)));
            assert!(matches!(state, ReceiptState::Unusable(_)), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn scopes_select_what_cargo_selects() {
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
