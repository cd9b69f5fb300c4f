//! The fields that netswap and other readers report for an image, converted to the same form.

use serde_json::{Value, json};

/// A field: its name, and where each side reports it.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    ours: Source,
    theirs: Source,
}

/// A JSON pointer, and the function that converts the value there to the form that is compared.
type Source = (&'static str, fn(&Value) -> Option<Value>);

impl Field {
    /// Returns netswap's value. `None` is a disagreement, because netswap does not report the field.
    pub(crate) fn ours(&self, image: &Value) -> Option<Value> {
        let (pointer, convert) = self.ours;
        convert(image.pointer(pointer)?)
    }

    /// Returns the reader's value, or `None` if it does not report the field.
    pub(crate) fn theirs(&self, image: &Value) -> Option<Value> {
        let (pointer, convert) = self.theirs;
        convert(image.pointer(pointer)?)
    }
}

const fn field(name: &'static str, ours: Source, theirs: Source) -> Field {
    Field { name, ours, theirs }
}

const MACHINE: Field = field("machine", ("/machine", number), ("/machine", SAME));
const CHARACTERISTICS: Field =
    field("characteristics", ("/characteristics", number), ("/characteristics", SAME));
const SWAP_RUN: Field = field("swap_run", ("/swap_run", SAME), ("/characteristics", swap_run));
const KIND: Field = field("kind", ("/kind", SAME), ("", kind));
const SIZE_OF_IMAGE: Field =
    field("size_of_image", ("/size_of_image", SAME), ("/size_of_image", SAME));

/// The fields of an image in the report of `netswap verify`.
pub(crate) const VERIFY: [Field; 7] = [
    MACHINE,
    CHARACTERISTICS,
    SWAP_RUN,
    KIND,
    SIZE_OF_IMAGE,
    field("checksum", ("/checksum", number), ("/checksum", SAME)),
    field(
        "signed",
        ("/signed", SAME),
        ("", |image| Some((!certificates(image)?.is_null()).into())),
    ),
];

/// The fields of an image in the report of `netswap inspect`.
pub(crate) const INSPECT: [Field; 14] = [
    MACHINE,
    CHARACTERISTICS,
    SWAP_RUN,
    KIND,
    SIZE_OF_IMAGE,
    field("subsystem", ("/subsystem", SAME), ("/subsystem", SAME)),
    field("checksum.stored", ("/checksum/stored", number), ("/checksum", SAME)),
    field("checksum.computed", ("/checksum/computed", number), ("/computed_checksum", SAME)),
    field("checksum.state", ("/checksum/state", SAME), ("", checksum_state)),
    field("certificate_table", ("/certificate_table", our_certificates), ("", certificates)),
    field("managed", ("/managed", SAME), ("/managed", SAME)),
    field("strong_name", ("/strong_name", SAME), ("/strong_name", SAME)),
    field("imports", ("/imports", |imports| names(imports, false)), ("/imports", SAME)),
    field(
        "delayed imports",
        ("/imports", |imports| names(imports, true)),
        ("/delay_imports", SAME),
    ),
];

/// The value is already in the form that is compared.
const SAME: fn(&Value) -> Option<Value> = |value| Some(value.clone());

/// Returns the number that netswap writes in hexadecimal or as a machine's name.
fn number(value: &Value) -> Option<Value> {
    let number = match value.as_str()? {
        "x64" => 0x8664,
        "x86" => 0x014c,
        "arm64" => 0xaa64,
        "arm" => 0x01c4,
        "ia64" => 0x0200,
        text => u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()?,
    };
    Some(number.into())
}

/// Returns netswap's names of the run-from-swap bits in Characteristics.
fn swap_run(characteristics: &Value) -> Option<Value> {
    let characteristics = characteristics.as_u64()?;
    let bits = [(0x0800, "net"), (0x0400, "cd")];
    Some(bits.into_iter().filter(|bit| characteristics & bit.0 != 0).map(|bit| bit.1).collect())
}

/// Returns netswap's name for the kind of an image.
fn kind(image: &Value) -> Option<Value> {
    let number = |key| image.get(key).and_then(Value::as_u64);
    let (subsystem, characteristics) = (number("subsystem")?, number("characteristics")?);
    Some(match subsystem {
        10..=13 => "efi".into(),
        1 => "driver".into(),
        _ if characteristics & 0x2000 != 0 => "dll".into(),
        _ => "exe".into(),
    })
}

/// Returns netswap's name for the state of an image's checksum.
fn checksum_state(image: &Value) -> Option<Value> {
    let (stored, computed) = (image.get("checksum")?, image.get("computed_checksum")?);
    Some(match stored {
        stored if *stored == 0 => "none".into(),
        stored if stored == computed => "valid".into(),
        _ => "stale".into(),
    })
}

/// Returns the certificate table's offset and size, or null if there is no table.
fn certificates(image: &Value) -> Option<Value> {
    let table = image.get("certificate_table")?;
    if *table.get("size")? == 0 { Some(Value::Null) } else { extent(table) }
}

/// The same for netswap's report.
fn our_certificates(table: &Value) -> Option<Value> {
    if table.get("state")? == "absent" { Some(Value::Null) } else { extent(table) }
}

fn extent(table: &Value) -> Option<Value> {
    Some(json!([table.get("offset")?, table.get("size")?]))
}

/// Returns the names of the imported DLLs in netswap's report: the delayed ones, or the others.
fn names(imports: &Value, delayed: bool) -> Option<Value> {
    let is_selected = |import: &&Value| import.get("delayed") == Some(&Value::Bool(delayed));
    let selected = imports.as_array()?.iter().filter(is_selected);
    Some(selected.filter_map(|import| import.get("name").cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_inspect_is_compared() {
        let ours = json!({
            "path": "a.dll", "kind": "dll", "machine": "0x01c2", "characteristics": "0x2c22",
            "swap_run": ["net", "cd"], "subsystem": 3, "size_of_image": 4096,
            "checksum": {"stored": "0x00012345", "computed": "0x00012346", "state": "stale"},
            "certificate_table": {"state": "well-formed", "offset": 1024, "size": 8},
            "strong_name": "signed", "managed": true,
            "imports": [
                {"name": "KERNEL32.dll", "delayed": false},
                {"name": "USER32.dll", "delayed": true},
            ],
        });
        let theirs = json!({
            "path": "a.dll", "machine": 0x01c2, "characteristics": 0x2c22, "subsystem": 3,
            "size_of_image": 4096, "checksum": 0x12345, "computed_checksum": 0x12346,
            "certificate_table": {"offset": 1024, "size": 8},
            "strong_name": "signed", "managed": true,
            "imports": ["KERNEL32.dll"], "delay_imports": ["USER32.dll"],
        });
        for field in &INSPECT {
            let (ours, theirs) = (field.ours(&ours), field.theirs(&theirs));
            assert!(ours.is_some(), "{}", field.name);
            assert_eq!(ours, theirs, "{}", field.name);
        }
    }

    #[test]
    fn missing_field_is_skipped_but_null_is_compared() {
        let computed = INSPECT.iter().find(|field| field.name == "checksum.computed").unwrap();
        assert_eq!(computed.theirs(&json!({"checksum": 0})), None);
        let null = json!({"checksum": 0, "computed_checksum": null});
        assert_eq!(computed.theirs(&null), Some(Value::Null));
    }
}
