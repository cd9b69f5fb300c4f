//! The schemas that `netswap schema` prints describe what netswap writes, and the policies that it
//! accepts. The validator is another implementation.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use snapbox::str;
use testkit::image::{Image, NET};
use testkit::share::Share;
use testkit::{blocks, repository};

use crate::diagnose::dump;
use crate::{json, ndjson, stdout};

/// The schemas of reports, which describe documents and lines.
const REPORTS: [&str; 6] = ["verify", "inspect", "patch", "undo", "journals", "diagnose"];

/// The validators of each schema: of the whole, and of the parts of a report.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let mut validators = BTreeMap::new();
    let validator = |schema: &Value| jsonschema::validator_for(schema).unwrap();
    for name in names() {
        let schema: Value = serde_json::from_str(&printed(&name)).unwrap();
        if REPORTS.contains(&&*name) {
            for part in ["Document", "Line"] {
                let reference = format!("#/$defs/{part}");
                let schema = json!({ "$ref": reference, "$defs": schema["$defs"] });
                validators.insert(format!("{name} {part}"), validator(&schema));
            }
        }
        validators.insert(name, validator(&schema));
    }
    validators
});

/// Returns the names in the list of `netswap schema`.
fn names() -> Vec<String> {
    let list = stdout(&Share::new([]).run(["schema"]).code(0).stderr_eq(""));
    list.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

fn printed(name: &str) -> String {
    stdout(&Share::new([]).run(["schema", name]).code(0).stderr_eq(""))
}

/// Validates a value. `schema` is `NAME`, `NAME Document` or `NAME Line`.
fn validate(schema: &str, value: &Value) -> Result<(), String> {
    let errors: Vec<_> = VALIDATORS[schema].iter_errors(value).map(|e| e.to_string()).collect();
    if errors.is_empty() { Ok(()) } else { Err(format!("{schema}: {errors:?}: {value:#}")) }
}

/// Returns the name of a report's schema: `verify` for `netswap.verify/1`.
fn name(object: &Value) -> Option<&str> {
    object["schema"].as_str()?.strip_prefix("netswap.")?.strip_suffix("/1")
}

/// Parses the document of `--format json`. It must be valid.
pub(crate) fn parse_document(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap();
    let name = name(&document).unwrap();
    validate(name, &document).unwrap();
    validate(&format!("{name} Document"), &document).unwrap();
    document
}

/// Parses the lines of `--format ndjson`. They must be valid. Only the last may be a summary, and
/// only the reports of inspect and the list of journals have none.
pub(crate) fn parse_lines(text: &str) -> Vec<Value> {
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let Some((last, before)) = lines.split_last() else { return lines };
    let name = match last["type"].as_str().unwrap() {
        "summary" => name(last).unwrap(),
        "journal" => "journals",
        _ => "inspect",
    };
    for (line, text) in lines.iter().zip(text.lines()) {
        assert!(text.starts_with("{\"type\":\""), "{text}");
        validate(&format!("{name} Line"), line).unwrap();
    }
    assert!(before.iter().all(|line| line["type"] != "summary"), "{text}");
    lines
}

/// Returns a copy of the value for each object in it, in which this object has an unknown field.
fn with_unknown_field(value: &Value) -> Vec<Value> {
    let mut changed = Vec::new();
    let mut pointers = vec![String::new()];
    while let Some(pointer) = pointers.pop() {
        match value.pointer(&pointer).unwrap() {
            Value::Object(fields) => {
                pointers.extend(fields.keys().map(|name| format!("{pointer}/{name}")));
                let mut copy = value.clone();
                copy.pointer_mut(&pointer).unwrap()["unknown"] = Value::Null;
                changed.push(copy);
            }
            Value::Array(items) => {
                pointers.extend((0..items.len()).map(|index| format!("{pointer}/{index}")));
            }
            _ => {}
        }
    }
    changed
}

/// Returns copies of an object with one field less, and with one field of another type.
fn with_wrong_field(object: &Value) -> Vec<Value> {
    let mut changed = Vec::new();
    for name in object.as_object().unwrap().keys() {
        let mut copy = object.clone();
        copy[name] = json!([[]]);
        changed.push(copy.clone());
        copy.as_object_mut().unwrap().remove(name);
        // These fields are optional.
        if !["baseline", "interrupted", "path_bytes"].contains(&&**name) {
            changed.push(copy);
        }
    }
    changed
}

/// Runs each command, and returns its document and its lines.
fn reports() -> Vec<(Value, Vec<Value>)> {
    let share = Share::new([
        ("bin/bad.exe", Image::exe().import("bad.dll").bytes()),
        ("bin/bad.dll", Image::dll().certificate(64).bytes()),
        ("bin/good.exe", Image::exe().with(NET).bytes()),
        ("a.dmp", dump("x64-full")),
        ("b.dmp", dump("x64-without-memory")),
        ("known.json", BASELINE.into()),
        ("policy.toml", b"[[allow]]\nimage = \"*.dll\"\nreason = \"why\"\n".to_vec()),
    ]);
    let verify = ["verify", ".", "--policy", "policy.toml", "--baseline", "known.json"];
    let run = |arguments: &[&str]| {
        let report = |format| share.netswap([]).args(arguments).args(["--format", format]).assert();
        (json(&report("json")), ndjson(&report("ndjson")))
    };
    let mut reports = vec![
        run(&verify),
        run(&["inspect", "bin", "policy.toml"]),
        run(&["diagnose", ".", "policy.toml"]),
        run(&["patch", "bin", "--dry-run"]),
    ];
    share.run(["patch", "bin", "--break-signature"]).code(0);
    let journal = share.journal();
    reports.push(run(&["undo", journal.to_str().unwrap(), "--dry-run"]));
    reports.push(run(&["undo", "--list"]));
    reports
}

const BASELINE: &str = "{\"schema\":\"netswap.baseline/1\",\"images\":\
    [{\"path\":\"gone.exe\",\"codes\":[\"net-swap-missing\"]}]}";

#[test]
fn checked_in_schemas_are_the_printed_ones() {
    for name in names() {
        let path = repository().join(format!("docs/src/schemas/{name}.json"));
        let printed = printed(&name);
        #[expect(clippy::disallowed_methods, reason = "developers set it to update the files")]
        if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
            fs::write(&path, &printed).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == printed,
            "docs/src/schemas/{name}.json is not what `netswap schema {name}` prints; \
             SNAPSHOTS=overwrite cargo test -p netswap-cli --test programs schema writes it"
        );
    }
}

#[test]
fn schemas_are_listed_and_an_unknown_name_fails() {
    let share = Share::new([]);
    share.run(["schema"]).code(0).stderr_eq("").stdout_eq(str![[r"
verify    Reports of netswap verify
inspect   Reports of netswap inspect
patch     Reports of netswap patch
undo      Reports of netswap undo
journals  The list of netswap undo --list
diagnose  Reports of netswap diagnose
baseline  The file of --baseline and --write-baseline
policy    The policy: netswap.toml, and the table metadata.netswap of a Cargo.toml

"]]);
    share.run(["schema", "verfy"]).code(2).stdout_eq("");
}

#[test]
fn every_schema_is_valid() {
    for name in names() {
        let schema = serde_json::from_str(&printed(&name)).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
    }
    assert!(!jsonschema::meta::is_valid(&json!({ "type": "text" })));
}

#[test]
fn changed_reports_are_invalid() {
    for (document, lines) in reports() {
        let name = name(&document).unwrap().to_owned();
        let document_schema = format!("{name} Document");
        for changed in with_unknown_field(&document) {
            validate(&document_schema, &changed).unwrap_err();
            validate(&name, &changed).unwrap_err();
        }
        for changed in with_wrong_field(&document) {
            validate(&document_schema, &changed).unwrap_err();
        }
        let line_schema = format!("{name} Line");
        for line in &lines {
            // The list of a document has no types, and no line is a document.
            validate(&document_schema, line).unwrap_err();
            for changed in [with_unknown_field(line), with_wrong_field(line)].concat() {
                validate(&line_schema, &changed).unwrap_err();
            }
        }
        validate(&line_schema, &document).unwrap_err();
    }
}

#[test]
fn unknown_words_are_invalid() {
    let [verify, inspect, diagnose, ..] = &reports()[..] else { panic!("no reports") };
    for (report, pointer, word) in [
        (verify, "/schema", "netswap.verify/2"),
        (verify, "/images/0/status", "fine"),
        (verify, "/images/0/machine", "x65"),
        (verify, "/images/0/characteristics", "0x22"),
        (verify, "/images/0/swap_run", "net"),
        (verify, "/images/0/findings/0/code", "net-swap-mising"),
        (inspect, "/images/0/kind", "com"),
        (inspect, "/images/0/checksum/stored", "0"),
        (inspect, "/images/0/certificate_table/state", "fine"),
        (inspect, "/images/0/hazards/0/severity", "fine"),
        (diagnose, "/crashes/0/cause", "net-swap-missing"),
        (diagnose, "/crashes/0/exception", "c0000006"),
        (diagnose, "/crashes/0/advice/0", "wait"),
        (diagnose, "/crashes/0/image/origin/kind", "moon"),
    ] {
        let mut changed = report.0.clone();
        *changed.pointer_mut(pointer).expect(pointer) = word.into();
        validate(name(&report.0).unwrap(), &changed).expect_err(pointer);
    }
}

/// The book shows reports that the tests of the documentation compare with real ones.
#[test]
fn reports_in_the_book_are_valid() {
    let mut reports = 0;
    for block in blocks("docs/src/json.md", "console") {
        let lines: Vec<_> = block.lines().filter(|line| line.starts_with('{')).collect();
        reports += usize::from(!parse_lines(&lines.join("\n")).is_empty());
    }
    assert_eq!(reports, 3);
}

/// Checks a baseline against its schema.
pub(crate) fn check_baseline(text: &[u8]) -> Result<(), String> {
    let baseline = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    validate("baseline", &baseline)
}

/// Checks a policy against its schema. An editor converts TOML to JSON in the same way.
pub(crate) fn check_policy(text: &str) -> Result<(), String> {
    let policy: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    validate("policy", &to_json(policy.into()))
}

fn to_json(value: toml::Value) -> Value {
    match value {
        toml::Value::Array(items) => items.into_iter().map(to_json).collect(),
        toml::Value::Table(fields) => {
            fields.into_iter().map(|(name, value)| (name, to_json(value))).collect()
        }
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(boolean) => boolean.into(),
    }
}

#[test]
fn policy_schema_agrees_with_netswap() {
    let share = Share::new([("a.exe", Image::exe().with(NET).bytes())]);
    let accepts = |text: &str| {
        share.write("policy.toml", text);
        let run = share.run(["verify", "a.exe", "--policy", "policy.toml"]);
        run.get_output().status.code() == Some(0)
    };
    let allow = |keys: &str| format!("[[allow]]\n{keys}\nreason = \"why\"\n");
    let valid = [
        String::new(),
        "swap-run = []\n".to_owned(),
        "swap-run = [\"net\"]\nallow = []\n".to_owned(),
        allow("image = \"b*\""),
        allow("signed = true\nsigner = \"Contoso*\""),
        allow("code = \"truncated-image\"\nuntil = 2999-01-31"),
        allow("signed = true\nuntil = \"2999-01-31\""),
        blocks("docs/src/policy.md", "toml").concat(),
    ];
    for text in &valid {
        assert!(accepts(text), "{text}");
        check_policy(text).unwrap();
    }
    let invalid = [
        "swaprun = []\n".to_owned(),
        "swap-run = \"net\"\n".to_owned(),
        "swap-run = [\"nett\"]\n".to_owned(),
        "allow = {}\n".to_owned(),
        "[[allow]]\nimage = \"a\"\n".to_owned(),
        allow(""),
        allow("image = \"\""),
        allow("image = \"a\"\nreasons = \"b\""),
        allow("image = 1"),
        allow("signed = false"),
        allow("signed = 1"),
        allow("signer = [\"a\"]"),
        allow("code = \"x\""),
        allow("code = \"unreadable\""),
        allow("image = \"a\"\nuntil = \"tomorrow\""),
        allow("image = \"a\"\nuntil = 2999-01-31T00:00:00Z"),
        "[[allow]]\nimage = \"a\"\nreason = \" \"\n".to_owned(),
    ];
    for text in &invalid {
        assert!(!accepts(text), "{text}");
        assert!(check_policy(text).is_err(), "{text}");
    }
    // No schema has the syntax of globs and the calendar.
    for text in [allow("image = \"[\""), allow("image = \"a\"\nuntil = \"2999-02-30\"")] {
        assert!(!accepts(&text), "{text}");
        check_policy(&text).unwrap();
    }
}
