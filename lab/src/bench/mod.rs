//! `cargo xtask bench NAME`: measures the cost of netswap and of its peers. The benches are in a
//! table.
//!
//! Each bench runs variants of the same work in interleaved rounds, so a slow moment of the machine
//! affects all variants alike. The result is the ratio to a reference that can't be beaten.

mod build_cost;
mod diagnose;
mod measure;
mod patch;
mod peers;
mod ratio;
mod scan;
mod single;
mod tree;

use crate::NotPassed;

struct Options {
    /// The number of measured rounds for each variant.
    rounds: usize,
    files: u32,
}

struct Bench {
    name: &'static str,
    description: &'static str,
    /// The default number of rounds.
    rounds: usize,
    /// The default number of files to create. `None` if the bench scans no tree.
    files: Option<u32>,
    run: fn(&Options) -> Result<(), String>,
}

const BENCHES: [Bench; 5] = [
    Bench {
        name: "build-cost",
        description: "what netswap-build and its peers cost a clean build",
        rounds: 9,
        files: None,
        run: build_cost::run,
    },
    Bench {
        name: "scan",
        description: "what `netswap verify` of a tree costs: warm, cold and on a high-latency share",
        rounds: 7,
        files: Some(100_000),
        run: scan::run,
    },
    Bench {
        name: "single",
        description: "what `netswap verify` of one file costs beyond starting a process",
        rounds: 101,
        files: None,
        run: single::run,
    },
    Bench {
        name: "patch",
        description: "what `netswap patch` and its peers cost for one file",
        rounds: 31,
        files: None,
        run: patch::run,
    },
    Bench {
        name: "diagnose",
        description: "what `netswap diagnose` and its peers cost for a small dump and one of 4 GB",
        rounds: 31,
        files: None,
        run: diagnose::run,
    },
];

/// Runs the bench that the arguments name, with its options.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let bench = arguments
        .first()
        .and_then(|name| BENCHES.iter().find(|bench| bench.name == name))
        .and_then(|bench| Some((bench, bench.options(arguments.get(1..)?)?)));
    let Some((bench, options)) = bench else { return Err(NotPassed::Usage(usage())) };
    Ok((bench.run)(&options)?)
}

fn usage() -> String {
    let benches = BENCHES.iter().map(|Bench { name, description, rounds, files, .. }| {
        let files = files.map_or(String::new(), |files| format!(" [--files {files}]"));
        format!("\n  {name} [--rounds {rounds}]{files}: {description}")
    });
    format!("usage: cargo xtask bench NAME [OPTIONS]\n\nbenches:{}", benches.collect::<String>())
}

impl Bench {
    /// Returns `None` for an unknown option, and for a value that is not a positive number.
    fn options(&self, mut arguments: &[String]) -> Option<Options> {
        let mut options = Options { rounds: self.rounds, files: self.files.unwrap_or(0) };
        while let [name, value, rest @ ..] = arguments {
            match name.as_str() {
                "--rounds" => options.rounds = value.parse().ok().filter(|rounds| *rounds > 0)?,
                "--files" if self.files.is_some() => {
                    options.files = value.parse().ok().filter(|files| *files > 0)?;
                }
                _ => return None,
            }
            arguments = rest;
        }
        arguments.is_empty().then_some(options)
    }
}
