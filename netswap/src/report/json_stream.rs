//! A stream of JSON objects: the list of one document, or one object per line.
//!
//! netswap-cli/src/schema describes the objects.

use std::io::{self, Write};

use serde_core::Serialize;

use super::Format;

pub struct JsonStream {
    names: Names,
    /// Whether the objects are in the list of one document. Otherwise each line is an object.
    is_document: bool,
    is_begun: bool,
    /// Buffer for one object with what is around it, to write it at once.
    line: Vec<u8>,
}

/// The names in a report.
#[derive(Clone, Copy)]
pub struct Names {
    /// The name and version of its schema, such as `netswap.verify/1`.
    pub schema: &'static str,
    /// The name of the list in the document.
    pub list: &'static str,
    /// The `type` of each object that is a line. The last line has the type `summary`.
    pub line: &'static str,
}

/// A field of the document or of the last line: its name, and its value in JSON.
pub type Field = (&'static str, String);

pub fn field(name: &'static str, value: &impl Serialize) -> io::Result<Field> {
    Ok((name, serde_json::to_string(value)?))
}

/// Returns the field `interrupted` of a report that is incomplete. A complete report has no such
/// field.
pub fn interrupted(is_interrupted: bool) -> io::Result<Option<Field>> {
    is_interrupted.then(|| field("interrupted", &true)).transpose()
}

impl JsonStream {
    /// Returns a writer for objects: in the list of one document, or one object per line.
    pub fn new(names: Names, format: Format) -> Self {
        let is_document = format == Format::Json;
        JsonStream { names, is_document, is_begun: false, line: Vec::new() }
    }

    pub fn object(&mut self, object: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
        self.append(&serde_json::to_vec(object)?, out)
    }

    /// Writes an object that is JSON already. It has at least one field.
    pub fn append(&mut self, json: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        if self.is_document {
            self.separate();
            self.line.extend(json);
        } else {
            write!(self.line, "{{\"type\":\"{}\",", self.names.line)?;
            self.line.extend(json.strip_prefix(b"{").unwrap_or(json));
            self.line.push(b'\n');
        }
        out.write_all(&self.line)
    }

    /// Writes the fields that apply to all objects: in the document, or in a last line if there are
    /// any.
    pub fn end(mut self, fields: &[Field], out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        if !self.is_document {
            if fields.is_empty() {
                return Ok(());
            }
            write!(out, "{{\"type\":\"summary\",\"schema\":\"{}\"", self.names.schema)?;
            for (name, value) in fields {
                write!(out, ",\"{name}\":{value}")?;
            }
            return writeln!(out, "}}");
        }
        if !self.is_begun {
            self.separate();
            out.write_all(&self.line)?;
        }
        write!(out, "\n]")?;
        for (name, value) in fields {
            write!(out, ",\n\"{name}\": {value}")?;
        }
        writeln!(out, "\n}}")
    }

    /// Adds the text before an object of the list: the beginning of the document, or a comma.
    fn separate(&mut self) {
        if self.is_begun {
            self.line.extend(b",\n");
        } else {
            let Names { schema, list, .. } = self.names;
            let head = format!("{{\n\"schema\": \"{schema}\",\n\"{list}\": [\n");
            self.line.extend(head.as_bytes());
        }
        self.is_begun = true;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAMES: Names = Names { schema: "a/1", list: "list", line: "item" };

    fn written(format: Format, numbers: &[u8], fields: &[Field]) -> String {
        let mut out = Vec::new();
        let mut writer = JsonStream::new(NAMES, format);
        for number in numbers {
            writer.object(&json!({ "number": number }), &mut out).unwrap();
        }
        writer.end(fields, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn any_document_is_valid_json() {
        for numbers in [&[][..], &[1], &[1, 2]] {
            for fields in [&[][..], &[field("sum", &3).unwrap()]] {
                let text = written(Format::Json, numbers, fields);
                let document: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(document["schema"], "a/1");
                let objects: Vec<_> = numbers.iter().map(|n| json!({ "number": n })).collect();
                assert_eq!(document["list"], json!(objects));
                assert_eq!(document["sum"].is_null(), fields.is_empty());
            }
        }
    }

    #[test]
    fn ndjson_ends_with_the_fields_if_there_are_any() {
        let line = |number| format!("{{\"type\":\"item\",\"number\":{number}}}\n");
        assert_eq!(written(Format::Ndjson, &[1, 2], &[]), line(1) + &line(2));
        let fields = [field("sum", &3).unwrap()];
        let last = "{\"type\":\"summary\",\"schema\":\"a/1\",\"sum\":3}\n";
        assert_eq!(written(Format::Ndjson, &[1], &fields), line(1) + last);
    }
}
