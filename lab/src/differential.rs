//! `cargo xtask differential`: compares netswap's reports about the corpus with those of other
//! readers.
//!
//! Compares every field that both sides report, for every file that begins with MZ. A difference is
//! a disagreement, unless `KNOWN` lists it with the reason. Nothing is skipped silently.

use std::collections::BTreeSet;
use std::fmt;
use std::process;

use serde_json::Value;

use crate::NotPassed;
use crate::corpus::{self, Corpus, Selection};
use crate::fields::{Field, INSPECT, VERIFY};
use crate::outcome::Outcome;
use crate::programs;
use crate::readers::{self, Images, READERS, by_path};

/// A difference that is no disagreement, because netswap is right.
struct Known {
    reader: &'static str,
    field: &'static str,
    /// The end of the path.
    path: &'static str,
    reason: &'static str,
}

/// The field that is compared even if a file is no image for one side.
const IS_IMAGE: &str = "is an image";

const KNOWN: [Known; 1] = [Known {
    reader: "pefile",
    field: "checksum.computed",
    path: "/debug/pe/testdata/vmlinuz-4.15.0-47-generic",
    reason: "pefile assumes that CheckSum is at a multiple of four, but e_lfanew is 130",
}];

/// A command of netswap whose report is compared, and the fields of its images.
type Command = (&'static str, &'static [Field]);

const COMMANDS: [Command; 2] = [("verify", &VERIFY), ("inspect", &INSPECT)];

/// Compares the whole corpus, or with `--small` a part of it.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let (mut selection, mut commands) = (Selection::Full, Vec::new());
    for argument in arguments {
        match COMMANDS.iter().find(|command| command.0 == argument) {
            Some(command) => commands.push(command),
            None if argument == "--small" => selection = Selection::Small,
            None => {
                let usage = "usage: cargo xtask differential [--small] [verify] [inspect]";
                return Err(NotPassed::Usage(usage.to_owned()));
            }
        }
    }
    if commands.is_empty() {
        commands.extend(&COMMANDS);
    }
    let corpus = corpus::fetch(selection).map_err(NotPassed::NotRun)?;
    let count = compare_all(&corpus, &commands)?;
    println!("{count}");
    match count.disagreements {
        0 => Ok(()),
        disagreements => Err(NotPassed::Failed(format!("{disagreements} disagreements"))),
    }
}

fn compare_all(corpus: &Corpus, commands: &[&Command]) -> Result<Count, String> {
    let sides = others(corpus)?;
    let mut count = Count::default();
    for (command, fields) in commands {
        let ours = ours(command, corpus)?;
        for (reader, theirs) in &sides {
            count.compare(command, &ours, reader, theirs, fields);
        }
    }
    Ok(count)
}

/// Returns each other reader's report about each image.
pub(crate) fn others(corpus: &Corpus) -> Result<Vec<(&'static str, Images)>, String> {
    READERS.into_iter().map(|reader| Ok((reader, readers::read(reader, corpus)?))).collect()
}

/// Returns netswap's report about each image.
pub(crate) fn ours(command: &str, corpus: &Corpus) -> Result<Images, String> {
    let mut netswap = process::Command::new(programs::debug("netswap")?);
    netswap.args([command, "--format", "ndjson"]);
    netswap.args(corpus.folders.iter().map(|folder| corpus.root.join(folder)));
    let outcome = Outcome::run(&mut netswap)?;
    let images = by_path(readers::lines(&outcome.text())?, &corpus.root);
    if images.is_empty() {
        // Findings have their own exit code, so it does not show a failure. Empty output does.
        return Err(outcome.error("the report contains no image"));
    }
    Ok(images)
}

/// A field that netswap and another reader report differently.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) path: String,
    field: &'static str,
    reader: &'static str,
    theirs: Value,
    ours: Value,
}

/// The reader, the field and its value according to the reader.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.reader, self.field, self.theirs)
    }
}

/// Compares two reports about the same images. Returns the number of compared fields, and the
/// differences.
pub(crate) fn compare(
    ours: &Images,
    reader: &'static str,
    theirs: &Images,
    fields: &[Field],
) -> (usize, Vec<Difference>) {
    let (mut compared, mut differences) = (0, Vec::new());
    let paths: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    for path in paths {
        let our = ours.get(path).filter(|image| has_value(image, "machine"));
        let their = theirs.get(path).filter(|image| !has_value(image, "error"));
        let mut field = |field: &'static str, ours: Value, theirs: Value| {
            compared += 1;
            if ours != theirs {
                differences.push(Difference { path: path.clone(), field, reader, theirs, ours });
            }
        };
        field(IS_IMAGE, our.is_some().into(), their.is_some().into());
        let (Some(our), Some(their)) = (our, their) else { continue };
        for compared in fields {
            if let Some(their) = compared.theirs(their) {
                let our = compared.ours(our).unwrap_or_else(|| "missing".into());
                field(compared.name, our, their);
            }
        }
    }
    (compared, differences)
}

/// The counts of a comparison.
#[derive(Default)]
struct Count {
    images: BTreeSet<String>,
    fields: usize,
    known: usize,
    disagreements: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { images, fields, known, disagreements } = self;
        let images = images.len();
        write!(
            f,
            "{images} images, {fields} fields compared, {known} known differences, {disagreements} disagreements"
        )
    }
}

impl Count {
    fn compare(
        &mut self,
        command: &str,
        ours: &Images,
        reader: &'static str,
        theirs: &Images,
        fields: &[Field],
    ) {
        self.images.extend(ours.keys().chain(theirs.keys()).cloned());
        let (compared, differences) = compare(ours, reader, theirs, fields);
        self.fields += compared;
        for difference in &differences {
            self.add(command, difference);
        }
    }

    /// Prints a disagreement, or counts the difference as known.
    fn add(&mut self, command: &str, difference: &Difference) {
        let Difference { path, field, reader, ours, .. } = difference;
        let known = KNOWN.iter().find(|known| {
            known.reader == *reader && known.field == *field && path.ends_with(known.path)
        });
        if let Some(known) = known {
            self.known += 1;
            println!("known: {path}: netswap {command} {ours}, {difference}: {}", known.reason);
        } else {
            self.disagreements += 1;
            println!("DISAGREEMENT: {path}: netswap {command} {ours}, {difference}");
        }
    }
}

fn has_value(image: &Value, key: &str) -> bool {
    image.get(key).is_some_and(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(rows: &[Value]) -> Images {
        by_path(rows.to_vec(), std::path::Path::new(""))
    }

    fn compare(ours: &[Value], theirs: &[Value]) -> Count {
        let mut count = Count::default();
        count.compare("verify", &images(ours), "lief", &images(theirs), &VERIFY);
        count
    }

    fn ours() -> Value {
        serde_json::json!({
            "path": "a.dll", "machine": "x64", "characteristics": "0x2022", "swap_run": [],
            "kind": "dll", "size_of_image": 4096, "checksum": "0x00000000", "signed": false,
        })
    }

    fn theirs() -> Value {
        serde_json::json!({
            "path": "a.dll", "machine": 0x8664, "characteristics": 0x2022, "subsystem": 2,
            "size_of_image": 4096, "checksum": 0, "file_size": 1024,
            "certificate_table": {"offset": 0, "size": 0},
        })
    }

    #[test]
    fn equal_reports_do_not_disagree() {
        let count = compare(&[ours()], &[theirs()]);
        assert_eq!((count.images.len(), count.fields, count.disagreements), (1, 8, 0));
    }

    #[test]
    fn each_differing_field_is_a_disagreement() {
        for (key, value) in [
            ("machine", "x86".into()),
            ("characteristics", "0x0022".into()),
            ("swap_run", vec!["net"].into()),
            ("kind", "exe".into()),
            ("size_of_image", 8192.into()),
            ("checksum", Value::Null),
            ("signed", true.into()),
        ] {
            let mut other = ours();
            other[key] = value;
            assert_eq!(compare(&[other], &[theirs()]).disagreements, 1, "{key}");
        }
    }

    #[test]
    fn image_for_one_side_only_is_a_disagreement() {
        let no_image = serde_json::json!({"path": "a.dll", "error": "no PE"});
        let unreadable = serde_json::json!({"path": "a.dll", "machine": null});
        for (ours, theirs, disagreements) in [
            (vec![ours()], vec![], 1),
            (vec![], vec![theirs()], 1),
            (vec![ours()], vec![no_image.clone()], 1),
            (vec![unreadable.clone()], vec![theirs()], 1),
            (vec![unreadable], vec![no_image.clone()], 0),
            (vec![], vec![no_image], 0),
        ] {
            let count = compare(&ours, &theirs);
            assert_eq!((count.fields, count.disagreements), (1, disagreements));
        }
    }

    #[test]
    fn known_difference_is_counted_separately() {
        let mut count = Count::default();
        let [known] = KNOWN;
        for reader in [known.reader, "lief"] {
            let path = format!("a{}", known.path);
            let (theirs, ours) = (Value::Null, Value::Null);
            count.add("inspect", &Difference { path, field: known.field, reader, theirs, ours });
        }
        assert_eq!((count.known, count.disagreements), (1, 1));
    }
}
