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
    let mut sides = Vec::new();
    for reader in READERS {
        sides.push((reader, readers::read(reader, corpus)?));
    }
    let mut count = Count::default();
    for (command, fields) in commands {
        let ours = ours(command, corpus)?;
        for (reader, theirs) in &sides {
            count.compare(&format!("netswap {command}"), &ours, reader, theirs, fields);
        }
    }
    Ok(count)
}

/// Returns netswap's report about each image.
fn ours(command: &str, corpus: &Corpus) -> Result<Images, String> {
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
        reader: &str,
        theirs: &Images,
        fields: &[Field],
    ) {
        let paths: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for path in paths {
            self.images.insert(path.clone());
            let our = ours.get(path).filter(|image| has_value(image, "machine"));
            let their = theirs.get(path).filter(|image| !has_value(image, "error"));
            let mut field = |field: &str, our: Value, their: Value| {
                self.fields += 1;
                if our != their {
                    let sides = format!("{command} {our}, {reader} {their}");
                    self.add_difference(path, field, reader, &sides);
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
    }

    /// Prints a disagreement, or counts the difference as known.
    fn add_difference(&mut self, path: &str, field: &str, reader: &str, sides: &str) {
        let known = KNOWN.iter().find(|known| {
            known.reader == reader && known.field == field && path.ends_with(known.path)
        });
        if let Some(known) = known {
            self.known += 1;
            println!("known: {path}: {field}: {sides}: {}", known.reason);
        } else {
            self.disagreements += 1;
            println!("DISAGREEMENT: {path}: {field}: {sides}");
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
        count.compare("netswap verify", &images(ours), "lief", &images(theirs), &VERIFY);
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
        count.add_difference(&format!("a{}", known.path), known.field, known.reader, "");
        count.add_difference(&format!("a{}", known.path), known.field, "lief", "");
        assert_eq!((count.known, count.disagreements), (1, 1));
    }
}
