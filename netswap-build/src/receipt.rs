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
    pub(crate) linker: Option<(Family, &'a str)>,
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
        let mut json = Json("{\n  \"schema\": \"netswap.receipt/1\"".to_owned());
        json.key("package").string(&env.package);
        json.key("target").string(&env.target);
        if let Some((family, basis)) = fields.linker {
            json.key("linker").string(family.name());
            json.key("linker_basis").string(basis);
        } else {
            json.key("linker").raw("null");
            json.key("linker_basis").raw("null");
        }
        match &env.linker {
            Some(linker) => json.key("configured_linker").string(&linker.to_string_lossy()),
            None => json.key("configured_linker").raw("null"),
        };
        json.key("requested").strings(fields.requested.words());
        match fields.netswap {
            Some(bits) => json.key("netswap").strings(bits.words()),
            None => json.key("netswap").raw("null"),
        };
        json.key("scopes").scopes(fields.scopes);
        json.key("arguments").strings(fields.arguments);
        json.key("outcome").string(fields.outcome.name());
        json.raw("\n}\n");
        Receipt(json.0)
    }

    pub(crate) fn write_to_dir(&self, out_dir: &Path) -> Result<(), Error> {
        let path = out_dir.join(RECEIPT_FILE);
        match fs::write(&path, &self.0) {
            Ok(()) => Ok(()),
            Err(source) => Err(Error::receipt(&path, source)),
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A JSON document under construction.
struct Json(String);

impl Json {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    /// Adds the name of the next field.
    fn key(&mut self, name: &str) -> &mut Self {
        self.raw(",\n  ").string(name).raw(": ")
    }

    /// Adds a string (RFC 8259, section 7).
    fn string(&mut self, text: &str) -> &mut Self {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\0'..='\u{1f}' => {
                    let escape = format!("\\u{:04x}", u32::from(c));
                    self.0.push_str(&escape);
                }
                _ => self.0.push(c),
            }
        }
        self.0.push('"');
        self
    }

    fn strings(&mut self, items: &[&str]) -> &mut Self {
        let mut separator = "[";
        for item in items {
            self.raw(separator).string(item);
            separator = ", ";
        }
        self.raw(if items.is_empty() { "[]" } else { "]" })
    }

    /// Adds the scopes. Each is a string, except that a binary is an object with its name.
    fn scopes(&mut self, scopes: &[Scope]) -> &mut Self {
        let mut separator = "[";
        for scope in scopes {
            self.raw(separator);
            match scope {
                Scope::All => self.string("all"),
                Scope::Bins => self.string("bins"),
                Scope::Bin(name) => self.raw("{\"bin\": ").string(name).raw("}"),
                Scope::Cdylib => self.string("cdylib"),
                Scope::Examples => self.string("examples"),
                Scope::Tests => self.string("tests"),
                Scope::Benches => self.string("benches"),
            };
            separator = ", ";
        }
        self.raw("]")
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
            linker: Some((Family::Msvc, "a basis")),
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
