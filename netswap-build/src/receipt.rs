//! What was asked and decided, left in `OUT_DIR` for the verifier.

use std::fmt::{self, Write};
use std::fs;
use std::path::Path;

use crate::{Basis, Bits, Error, Family, Outcome, Scope};

/// The receipt's file name in `OUT_DIR`.
pub const RECEIPT_FILE: &str = "netswap-receipt.json";

/// What a build script asked for and what was decided, as [`RECEIPT_FILE`] tells it to the
/// verifier. Its [`Display`](fmt::Display) is that file: one JSON document, with `"schema":
/// "netswap.receipt/1"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) package: String,
    pub(crate) target: String,
    /// Which linker family, and how it was worked out; none where the target is not Windows.
    pub(crate) linker: Option<(Family, Basis)>,
    /// What the build script asked for.
    pub(crate) requested: Bits,
    /// What `NETSWAP` asked for in its place.
    pub(crate) netswap: Option<Bits>,
    pub(crate) scopes: Vec<Scope>,
    /// The arguments that each scope got.
    pub(crate) arguments: Vec<&'static str>,
    pub(crate) outcome: Outcome,
}

impl Receipt {
    pub(crate) fn write_to_dir(&self, out_dir: &Path) -> Result<(), Error> {
        let path = out_dir.join(RECEIPT_FILE);
        fs::write(&path, self.to_string()).map_err(|source| Error::receipt(&path, source))
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = |bits: Bits| array(bits.words().map(json));
        let (family, basis) = match &self.linker {
            Some((family, basis)) => (json(family.name()), json(&basis.to_string())),
            None => ("null".to_owned(), "null".to_owned()),
        };
        let fields = [
            ("schema", json("netswap.receipt/1")),
            ("package", json(&self.package)),
            ("target", json(&self.target)),
            ("linker", family),
            ("linker_basis", basis),
            ("requested", bits(self.requested)),
            ("netswap", self.netswap.map_or_else(|| "null".to_owned(), bits)),
            ("scopes", array(self.scopes.iter().map(scope))),
            ("arguments", array(self.arguments.iter().map(|argument| json(argument)))),
            ("outcome", json(self.outcome.name())),
        ];
        f.write_str("{\n")?;
        for (index, (name, value)) in fields.iter().enumerate() {
            let comma = if index + 1 < fields.len() { "," } else { "" };
            writeln!(f, "  {}: {value}{comma}", json(name))?;
        }
        f.write_str("}\n")
    }
}

/// A scope is its name; a binary also has the name that was given.
fn scope(scope: &Scope) -> String {
    match scope {
        Scope::All => json("all"),
        Scope::Bins => json("bins"),
        Scope::Bin(name) => format!("{{\"bin\": {}}}", json(name)),
        Scope::Cdylib => json("cdylib"),
        Scope::Examples => json("examples"),
        Scope::Tests => json("tests"),
        Scope::Benches => json("benches"),
    }
}

fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A JSON string (RFC 8259, section 7).
fn json(text: &str) -> String {
    let mut string = String::with_capacity(text.len() + 2);
    string.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => string.extend(['\\', c]),
            c if u32::from(c) < 0x20 => {
                // Writing to a String can't fail.
                let _ = write!(string, "\\u{:04x}", u32::from(c));
            }
            c => string.push(c),
        }
    }
    string.push('"');
    string
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_stands_in_the_file() {
        let receipt = Receipt {
            package: "my\"tool\n".into(),
            target: "x86_64-pc-windows-msvc".into(),
            linker: Some((Family::Msvc, Basis::Target)),
            requested: Bits { net: true, removable: true },
            netswap: Some(Bits { net: true, removable: false }),
            scopes: vec![Scope::bin("a\\b"), Scope::Cdylib],
            arguments: vec!["/SWAPRUN:NET"],
            outcome: Outcome::Emitted,
        };
        let expected = r#"{
  "schema": "netswap.receipt/1",
  "package": "my\"tool\u000a",
  "target": "x86_64-pc-windows-msvc",
  "linker": "msvc",
  "linker_basis": "the target's usual linker",
  "requested": ["net", "cd"],
  "netswap": ["net"],
  "scopes": [{"bin": "a\\b"}, "cdylib"],
  "arguments": ["/SWAPRUN:NET"],
  "outcome": "emitted"
}
"#;
        assert_eq!(receipt.to_string(), expected);
    }
}
