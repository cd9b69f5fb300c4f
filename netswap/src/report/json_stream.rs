//! A stream of JSON objects: the list of one document, or one object per line.

use std::io::{self, Write};

use serde_core::Serialize;

use super::Format;

pub struct JsonStream {
    schema: &'static str,
    /// The name of the list in the document. `None` if each line is a separate object.
    list: Option<&'static str>,
    is_begun: bool,
    /// Buffer for one object with what is around it, to write it at once.
    line: Vec<u8>,
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
    /// Returns a writer for objects of this schema: in the list `list` of one document, or one
    /// object per line.
    pub fn new(schema: &'static str, list: &'static str, format: Format) -> Self {
        let list = (format == Format::Json).then_some(list);
        JsonStream { schema, list, is_begun: false, line: Vec::new() }
    }

    pub fn object(&mut self, object: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
        self.append(&serde_json::to_vec(object)?, out)
    }

    /// Writes an object that is JSON already.
    pub fn append(&mut self, json: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        self.separate();
        self.line.extend(json);
        if self.list.is_none() {
            self.line.push(b'\n');
        }
        out.write_all(&self.line)
    }

    /// Writes the fields that apply to all objects: in the document, or in a last line if there are
    /// any.
    pub fn end(mut self, fields: &[Field], out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        if self.list.is_none() {
            if fields.is_empty() {
                return Ok(());
            }
            write!(out, "{{\"schema\":\"{}\"", self.schema)?;
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

    /// Adds the text before an object to the line: the beginning of the document, or a comma.
    fn separate(&mut self) {
        let Some(list) = self.list else {
            return;
        };
        if self.is_begun {
            self.line.extend(b",\n");
        } else {
            let head = format!("{{\n\"schema\": \"{}\",\n\"{list}\": [\n", self.schema);
            self.line.extend(head.as_bytes());
        }
        self.is_begun = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format, objects: &[u8], fields: &[Field]) -> String {
        let mut out = Vec::new();
        let mut writer = JsonStream::new("a/1", "list", format);
        for object in objects {
            writer.object(object, &mut out).unwrap();
        }
        writer.end(fields, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn any_document_is_valid_json() {
        for objects in [&[][..], &[1], &[1, 2]] {
            for fields in [&[][..], &[field("sum", &3).unwrap()]] {
                let text = written(Format::Json, objects, fields);
                let document: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(document["schema"], "a/1");
                assert_eq!(document["list"], serde_json::json!(objects));
                assert_eq!(document["sum"].is_null(), fields.is_empty());
            }
        }
    }

    #[test]
    fn ndjson_ends_with_the_fields_if_there_are_any() {
        assert_eq!(written(Format::Ndjson, &[1, 2], &[]), "1\n2\n");
        let last = [field("sum", &3).unwrap()];
        assert_eq!(written(Format::Ndjson, &[1], &last), "1\n{\"schema\":\"a/1\",\"sum\":3}\n");
    }
}
