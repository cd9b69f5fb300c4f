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
    field("signed", ("/signed", SAME), ("", |image| Some(is_signed(image)?.into()))),
];

/// The fields of an image in the report of `netswap inspect`.
pub(crate) const INSPECT: [Field; 18] = [
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
    field("hazards in the headers", ("/hazards", our_hazards), ("", hazards)),
    field("signer", ("/maker/signer", SAME), ("/signer", SAME)),
    field("vendor", ("/maker/vendor", SAME), ("/vendor", SAME)),
    field("product", ("/maker/product", SAME), ("/product", SAME)),
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

/// Returns netswap's name for the kind of an image. A native image is a driver only if it imports
/// from the kernel.
fn kind(image: &Value) -> Option<Value> {
    let number = |key| image.get(key).and_then(Value::as_u64);
    let (subsystem, characteristics) = (number("subsystem")?, number("characteristics")?);
    let imports =
        ["imports", "delay_imports"].into_iter().filter_map(|key| image.get(key)?.as_array());
    let is_kernel = imports.flatten().filter_map(Value::as_str).any(is_kernel_module);
    Some(match subsystem {
        1 if is_kernel => "driver".into(),
        9 => "windows-ce".into(),
        10..=13 => "efi".into(),
        14 => "xbox".into(),
        16 => "boot".into(),
        _ if characteristics & 0x2000 != 0 => "dll".into(),
        _ => "exe".into(),
    })
}

/// Whether only the kernel and other drivers export functions by this module name.
fn is_kernel_module(name: &str) -> bool {
    let name = name.to_lowercase();
    let modules = ["ntoskrnl.exe", "hal.dll", "bootvid.dll", "ci.dll", "kdcom.dll", "pshed.dll"];
    modules.contains(&name.as_str()) || name.split('.').next_back() == Some("sys")
}

/// The hazards that the headers alone decide, in netswap's order.
const HEADER_HAZARDS: [&str; 4] =
    ["integrity-required", "signature-would-break", "strong-name-would-break", "protected-image"];

/// Returns the codes of the hazards in an image's headers. The strong name is the reader's own.
fn hazards(image: &Value) -> Option<Value> {
    const FORCE_INTEGRITY: u64 = 0x80;
    let needs_signature = image.get("dll_characteristics")?.as_u64()? & FORCE_INTEGRITY != 0;
    let sections = image.get("sections")?.as_array()?.iter().filter_map(Value::as_str);
    let mut sections = sections.map(str::to_lowercase);
    let protectors = [".vmp", ".themida", ".winlice", ".enigma"];
    let is_protected =
        sections.any(|section| protectors.iter().any(|name| section.starts_with(name)));
    let has_strong_name = image.get("strong_name")? == "signed";
    let facts = [needs_signature, is_signed(image)?, has_strong_name, is_protected];
    Some(
        HEADER_HAZARDS
            .into_iter()
            .zip(facts)
            .filter(|(_, is_there)| *is_there)
            .map(|(code, _)| code)
            .collect(),
    )
}

/// Returns the codes of these hazards in netswap's report.
fn our_hazards(hazards: &Value) -> Option<Value> {
    let codes = hazards.as_array()?.iter().filter_map(|hazard| hazard.get("code")?.as_str());
    Some(codes.filter(|code| HEADER_HAZARDS.contains(code)).collect())
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

/// Returns the certificate table's offset and size, or null if there is no table. The table can be
/// outside the file.
fn certificates(image: &Value) -> Option<Value> {
    let table = image.get("certificate_table")?;
    let is_absent = *table.get("offset")? == 0 || *table.get("size")? == 0;
    if is_absent { Some(Value::Null) } else { extent(table) }
}

/// Whether the file contains the certificate table that a reader reports.
fn is_signed(image: &Value) -> Option<bool> {
    let table = image.get("certificate_table")?;
    let number = |key| table.get(key)?.as_u64();
    let is_inside = number("offset")? + number("size")? <= image.get("file_size")?.as_u64()?;
    Some(is_inside && !certificates(image)?.is_null())
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
            "maker": {"signer": "Contoso, Ltd.", "vendor": "Contoso", "product": null},
            "hazards": [
                {"code": "integrity-required"}, {"code": "signature-would-break"},
                {"code": "strong-name-would-break"}, {"code": "catalog-beside"},
                {"code": "protected-image"},
            ],
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
            "signer": "Contoso, Ltd.", "vendor": "Contoso", "product": null,
            "file_size": 1032, "dll_characteristics": 0x80, "sections": [".text", ".VMP0"],
            "imports": ["KERNEL32.dll"], "delay_imports": ["USER32.dll"],
        });
        for field in &INSPECT {
            let (ours, theirs) = (field.ours(&ours), field.theirs(&theirs));
            assert!(ours.is_some(), "{}", field.name);
            assert_eq!(ours, theirs, "{}", field.name);
        }
    }

    #[test]
    fn subsystem_and_imports_decide_the_kind() {
        let image = |subsystem: u64, import: &str| {
            let image = json!({
                "subsystem": subsystem, "characteristics": 0x0022, "imports": [import],
                "delay_imports": [],
            });
            KIND.theirs(&image).unwrap()
        };
        let kinds =
            [(1, "exe"), (2, "exe"), (9, "windows-ce"), (10, "efi"), (14, "xbox"), (16, "boot")];
        for (subsystem, kind) in kinds {
            assert_eq!(image(subsystem, "ntdll.dll"), kind, "{subsystem}");
        }
        for import in ["ntoskrnl.exe", "HAL.dll", "NDIS.SYS"] {
            assert_eq!(image(1, import), "driver", "{import}");
            assert_eq!(image(3, import), "exe", "{import}");
        }
    }

    #[test]
    fn only_a_table_inside_the_file_is_a_signature() {
        for (offset, size, expected) in
            [(0, 0, false), (1024, 8, true), (1024, 9, false), (0, 8, false), (1024, 0, false)]
        {
            let table = json!({"offset": offset, "size": size});
            let image = json!({"certificate_table": table, "file_size": 1032});
            assert_eq!(is_signed(&image), Some(expected), "{offset} {size}");
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
