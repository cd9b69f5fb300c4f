//! The receipt: the request and the decision, in a file in `OUT_DIR` for the verifier.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::linker::Family;
use crate::{Bits, BuildEnv, Error, Outcome, Scope};

/// The receipt's file name in `OUT_DIR`.
pub const RECEIPT_FILE: &str = "netswap-receipt.json";

/// The content of [`RECEIPT_FILE`], which the verifier reads: a JSON document with
/// `"schema": "netswap.receipt/1"`. Its [`Display`](fmt::Display) is the document.
#[derive(Debug)]
pub struct Receipt(String);

/// The fields of a receipt that are not in the build's environment.
pub(crate) struct Fields<'a> {
    /// The linker family, and a phrase with the reason. `None` for other targets than Windows.
    pub(crate) linker: Option<(Family, String)>,
    /// The bits that the build script requests.
    pub(crate) requested: Bits,
    /// The bits that `NETSWAP` requests instead.
    pub(crate) netswap: Option<Bits>,
    pub(crate) scopes: &'a [Scope],
    /// The arguments that each scope got.
    pub(crate) arguments: &'a [&'static str],
    pub(crate) outcome: Outcome,
}

impl Receipt {
    pub(crate) fn new(env: &BuildEnv, fields: &Fields<'_>) -> Self {
        let linker = fields.linker.as_ref();
        let configured = env.linker.as_ref().map(|linker| linker.to_string_lossy());
        let scopes: Vec<_> = fields.scopes.iter().map(scope).collect();
        let json = [
            ("schema", string("netswap.receipt/1")),
            ("package", string(&env.package)),
            ("target", string(&env.target)),
            ("linker", or_null(linker.map(|(family, _)| string(family.name())))),
            ("linker_basis", or_null(linker.map(|(_, basis)| string(basis)))),
            ("configured_linker", or_null(configured.as_deref().map(string))),
            ("requested", strings(fields.requested.words())),
            ("netswap", or_null(fields.netswap.map(|bits| strings(bits.words())))),
            ("scopes", list(&scopes)),
            ("arguments", strings(fields.arguments)),
            ("outcome", string(fields.outcome.name())),
        ];
        let lines = json.map(|(name, value)| format!("  \"{name}\": {value}"));
        Receipt(format!("{{\n{}\n}}\n", lines.join(",\n")))
    }

    pub(crate) fn write_to_dir(&self, out_dir: &Path) -> Result<(), Error> {
        let path = out_dir.join(RECEIPT_FILE);
        fs::write(&path, &self.0).map_err(|source| Error::receipt(&path, source))
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Formats a string (RFC 8259, section 7).
fn string(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\0'..='\u{1f}' => {
                let escape = format!("\\u{:04x}", u32::from(c));
                json.push_str(&escape);
            }
            _ => json.push(c),
        }
    }
    json.push('"');
    json
}

fn list(values: &[String]) -> String {
    format!("[{}]", values.join(", "))
}

fn strings(items: &[&str]) -> String {
    list(&items.iter().map(|item| string(item)).collect::<Vec<_>>())
}

fn or_null(value: Option<String>) -> String {
    value.unwrap_or_else(|| "null".to_owned())
}

/// Formats a scope: a string, except that a binary is an object with its name.
fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Bin(name) => format!("{{\"bin\": {}}}", string(name)),
        _ => string(scope.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::for_tests;

    #[test]
    fn receipt_contains_every_field() {
        let mut env = for_tests("x86_64-pc-windows-msvc", "windows", "msvc", None);
        env.package = "my\"tool\n".into();
        env.linker = Some("C:\\VC\\link.exe".into());
        let fields = Fields {
            linker: Some((Family::Msvc, "a basis".into())),
            requested: Bits { net: true, removable: true },
            netswap: Some(Bits { net: true, removable: false }),
            scopes: &[Scope::bin("a\\b"), Scope::Cdylib],
            arguments: &["/SWAPRUN:NET"],
            outcome: Outcome::Emitted,
        };
        let expected = r#"{
  "schema": "netswap.receipt/1",
  "package": "my\"tool\u000a",
  "target": "x86_64-pc-windows-msvc",
  "linker": "msvc",
  "linker_basis": "a basis",
  "configured_linker": "C:\\VC\\link.exe",
  "requested": ["net", "cd"],
  "netswap": ["net"],
  "scopes": [{"bin": "a\\b"}, "cdylib"],
  "arguments": ["/SWAPRUN:NET"],
  "outcome": "emitted"
}
"#;
        assert_eq!(Receipt::new(&env, &fields).to_string(), expected);
    }
}
