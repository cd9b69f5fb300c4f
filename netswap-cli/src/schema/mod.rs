//! `netswap schema`: prints the JSON Schema of a report, of the baseline or of the policy.
//!
//! The crate `netswap` writes its JSON without derive macros, so the types in this module describe
//! that JSON a second time. They only describe: nothing reads or writes them. The words of this
//! crate's own reports are derived from the types that are written. The tests validate every report.

#![expect(
    dead_code,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::struct_field_names,
    reason = "the types have the names of the JSON, and nothing makes values of them"
)]

mod baseline;
mod change;
mod diagnose;
mod inspect;
mod journals;
mod parts;
mod policy;
mod verify;

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use netswap::ExitCode;
use netswap::output::Out;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;

use crate::Error;

/// Print the JSON Schema of a report, of the baseline or of the policy
///
/// Without NAME, lists the names. The schema of a report describes the document of `--format json`
/// and each line of `--format ndjson`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The report or file that the schema describes
    #[arg(value_enum)]
    name: Option<Name>,
}

/// A report or file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Reports of netswap verify
    Verify,
    /// Reports of netswap inspect
    Inspect,
    /// Reports of netswap patch
    Patch,
    /// Reports of netswap undo
    Undo,
    /// The list of netswap undo --list
    Journals,
    /// Reports of netswap diagnose
    Diagnose,
    /// The file of --baseline and --write-baseline
    Baseline,
    /// The policy: netswap.toml, and the table metadata.netswap of a Cargo.toml
    Policy,
}

impl Schema {
    pub(super) fn run(self) -> Result<ExitCode, Error> {
        let mut out = Out::new(self.name.is_none());
        match self.name {
            Some(name) => {
                let schema =
                    serde_json::to_string_pretty(&name.schema()).map_err(io::Error::from)?;
                writeln!(out, "{schema}")?;
            }
            None => {
                for value in Name::value_variants().iter().filter_map(Name::to_possible_value) {
                    let help = value.get_help().map(ToString::to_string).unwrap_or_default();
                    writeln!(out, "{:<9} {help}", value.get_name())?;
                }
            }
        }
        out.flush()?;
        Ok(ExitCode::Passed)
    }
}

impl Name {
    fn schema(self) -> schemars::Schema {
        // With the settings for written JSON, each field is required. The exceptions are the fields
        // with `skip_serializing_if`, whose value here is only a word.
        let settings = SchemaSettings::draft2020_12().for_serialize();
        let generator: SchemaGenerator = settings.with_transform(RecursiveTransform(tidy)).into();
        match self {
            Name::Verify => generator.into_root_schema_for::<verify::Report>(),
            Name::Inspect => generator.into_root_schema_for::<inspect::Report>(),
            Name::Patch => generator.into_root_schema_for::<change::PatchReport>(),
            Name::Undo => generator.into_root_schema_for::<change::UndoReport>(),
            Name::Journals => generator.into_root_schema_for::<journals::Report>(),
            Name::Diagnose => generator.into_root_schema_for::<diagnose::Report>(),
            Name::Baseline => generator.into_root_schema_for::<baseline::Baseline>(),
            Name::Policy => generator.into_root_schema_for::<policy::Policy>(),
        }
    }
}

/// Removes the line breaks that a description has from its doc comment, and the formats of numbers
/// such as `uint64`, which are not part of JSON Schema. Some validators reject unknown formats.
fn tidy(schema: &mut schemars::Schema) {
    schema.remove("format");
    let paragraphs = |text: &str| {
        let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
        paragraphs.collect::<Vec<_>>().join("\n\n")
    };
    let description = schema.get("description").and_then(|text| text.as_str()).map(paragraphs);
    if let Some(description) = description {
        schema.insert("description".to_owned(), description.into());
    }
}
