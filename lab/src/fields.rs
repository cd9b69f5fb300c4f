//! The fields that netswap and other readers report for an image, converted to the same form.

use serde_json::{Value, json};

/// A field: its name, and a function for each side that returns its value in the same form.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// Returns `None` if netswap does not report the field, which is a disagreement.
    pub(crate) ours: fn(&Value) -> Option<Value>,
    /// Returns `None` if the reader does not report the field, for any image or for this one.
    pub(crate) theirs: fn(&Value) -> Option<Value>,
}

const MACHINE: Field = Field {
    name: "machine",
    ours: |image| number(image.get("machine")?),
    theirs: |image| copy(image, "machine"),
};

const CHARACTERISTICS: Field = Field {
    name: "characteristics",
    ours: |image| number(image.get("characteristics")?),
    theirs: |image| copy(image, "characteristics"),
};

const SWAP_RUN: Field = Field {
    name: "swap_run",
    ours: |image| copy(image, "swap_run"),
    theirs: |image| Some(swap_run(image.get("characteristics")?.as_u64()?)),
};

const KIND: Field = Field {
    name: "kind",
    ours: |image| copy(image, "kind"),
    theirs: |image| {
        let number = |key| image.get(key).and_then(Value::as_u64);
        Some(kind(number("subsystem")?, number("characteristics")?))
    },
};

const SIZE_OF_IMAGE: Field = Field {
    name: "size_of_image",
    ours: |image| copy(image, "size_of_image"),
    theirs: |image| copy(image, "size_of_image"),
};

/// The fields of an image in the report of `netswap verify`.
pub(crate) const VERIFY: [Field; 7] = [
    MACHINE,
    CHARACTERISTICS,
    SWAP_RUN,
    KIND,
    SIZE_OF_IMAGE,
    Field {
        name: "checksum",
        ours: |image| number(image.get("checksum")?),
        theirs: |image| copy(image, "checksum"),
    },
    Field {
        name: "signed",
        ours: |image| copy(image, "signed"),
        theirs: |image| Some((!certificates(image)?.is_null()).into()),
    },
];

/// The fields of an image in the report of `netswap inspect`.
pub(crate) const INSPECT: [Field; 14] = [
    MACHINE,
    CHARACTERISTICS,
    SWAP_RUN,
    KIND,
    SIZE_OF_IMAGE,
    Field {
        name: "subsystem",
        ours: |image| copy(image, "subsystem"),
        theirs: |image| copy(image, "subsystem"),
    },
    Field {
        name: "checksum.stored",
        ours: |image| number(image.pointer("/checksum/stored")?),
        theirs: |image| copy(image, "checksum"),
    },
    Field {
        name: "checksum.computed",
        ours: |image| number(image.pointer("/checksum/computed")?),
        theirs: |image| copy(image, "computed_checksum"),
    },
    Field {
        name: "checksum.state",
        ours: |image| image.pointer("/checksum/state").cloned(),
        theirs: |image| Some(state(image.get("checksum")?, image.get("computed_checksum")?)),
    },
    Field {
        name: "certificate_table",
        ours: |image| {
            let table = image.get("certificate_table")?;
            let is_absent = table.get("state")? == "absent";
            if is_absent { Some(Value::Null) } else { extent(table) }
        },
        theirs: certificates,
    },
    Field {
        name: "managed",
        ours: |image| copy(image, "managed"),
        theirs: |image| copy(image, "managed"),
    },
    Field {
        name: "strong_name",
        ours: |image| copy(image, "strong_name"),
        theirs: |image| copy(image, "strong_name"),
    },
    Field {
        name: "imports",
        ours: |image| imports(image, false),
        theirs: |image| copy(image, "imports"),
    },
    Field {
        name: "delayed imports",
        ours: |image| imports(image, true),
        theirs: |image| copy(image, "delay_imports"),
    },
];

fn copy(image: &Value, key: &str) -> Option<Value> {
    image.get(key).cloned()
}

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
fn swap_run(characteristics: u64) -> Value {
    let bits = [(0x0800, "net"), (0x0400, "cd")];
    bits.into_iter().filter(|bit| characteristics & bit.0 != 0).map(|bit| bit.1).collect()
}

/// Returns netswap's name for the kind of an image with this Subsystem and these Characteristics.
fn kind(subsystem: u64, characteristics: u64) -> Value {
    match subsystem {
        10..=13 => "efi".into(),
        1 => "driver".into(),
        _ if characteristics & 0x2000 != 0 => "dll".into(),
        _ => "exe".into(),
    }
}

/// Returns netswap's name for the state of a stored checksum, compared with the computed one.
fn state(stored: &Value, computed: &Value) -> Value {
    match (stored, computed) {
        (stored, _) if *stored == 0 => "none".into(),
        (stored, computed) if stored == computed => "valid".into(),
        _ => "stale".into(),
    }
}

/// Returns the certificate table's offset and size as a reader reports them, or null if there is no
/// table.
fn certificates(image: &Value) -> Option<Value> {
    let table = image.get("certificate_table")?;
    if *table.get("size")? == 0 { Some(Value::Null) } else { extent(table) }
}

fn extent(table: &Value) -> Option<Value> {
    Some(json!([table.get("offset")?, table.get("size")?]))
}

/// Returns the names of the imported DLLs in netswap's report: the delayed ones, or the others.
fn imports(image: &Value, delayed: bool) -> Option<Value> {
    let imports = image.get("imports")?.as_array()?;
    let is_selected = |import: &&Value| import.get("delayed") == Some(&Value::Bool(delayed));
    Some(
        imports
            .iter()
            .filter(is_selected)
            .filter_map(|import| import.get("name").cloned())
            .collect(),
    )
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
            let (ours, theirs) = ((field.ours)(&ours), (field.theirs)(&theirs));
            assert!(ours.is_some(), "{}", field.name);
            assert_eq!(ours, theirs, "{}", field.name);
        }
    }

    #[test]
    fn missing_field_is_skipped_but_null_is_compared() {
        let computed = INSPECT.iter().find(|field| field.name == "checksum.computed").unwrap();
        assert_eq!((computed.theirs)(&json!({"checksum": 0})), None);
        let null = json!({"checksum": 0, "computed_checksum": null});
        assert_eq!((computed.theirs)(&null), Some(Value::Null));
    }
}
