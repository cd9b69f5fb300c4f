//! `cargo xtask faults [NAME…]`: a table of fault tests, which check netswap when things go wrong.
//!
//! Each test creates its own files. It makes something go wrong many times while the release build
//! of netswap works on them, and then checks every byte. The tests need Linux: its mounts, links,
//! names and signals.

mod full_disk;
mod interrupted;
mod killed;
mod links;
mod meanwhile;
mod million;
mod names;
mod program;
mod report;
mod share;
mod shim;
mod tree;
mod unreadable;
mod unwritable;

use std::time::Instant;

use self::program::Netswap;
use crate::NotPassed;

struct Options {
    /// How often the test `killed` kills a command.
    rounds: u32,
    /// How often the test `interrupted` interrupts a command.
    interrupts: u32,
    /// The number of entries in the largest tree.
    entries: u32,
    /// For how many seconds files change while netswap works on them.
    seconds: u32,
    /// A test that would take more seconds than this does less, if it can. `None` is no limit.
    max_seconds: Option<f64>,
    seed: u64,
}

/// A test: its name, what goes wrong, and its function, which returns a summary with numbers.
type Test = (&'static str, &'static str, fn(&Netswap, &Options) -> Result<String, NotPassed>);

const TESTS: &[Test] = &[
    ("killed", "patch and undo end at a random moment", killed::run),
    ("interrupted", "patch, undo and verify get a signal at a random moment", interrupted::run),
    ("unreadable", "files and a folder that can't be read", unreadable::run),
    ("unwritable", "writes that fail, or are cut off", unwritable::run),
    ("share", "a share whose reads fail, and one that goes away", share::run),
    ("full-disk", "a disk without room for the journal", full_disk::run),
    ("links", "loops of links and mounts, pipes and devices", links::run),
    ("names", "names that are not text or that control a terminal", names::run),
    ("meanwhile", "files that other programs change at the same time", meanwhile::run),
    // This one is last because it waits until nothing else is being compiled.
    ("million", "a million entries, in little memory", million::run),
];

/// Runs the tests that the arguments name, or all.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let mut options = Options::new();
    match options.parse(arguments) {
        Some(names) => run_tests(&names, &options),
        None => Err(NotPassed::Usage(usage())),
    }
}

/// The limit in seconds for each test when all checks run.
const MAX_SECONDS: f64 = 75.0;

/// The number of interrupts when all checks run. One takes two to eight seconds.
const FEW_INTERRUPTS: u32 = 6;

/// Runs all tests, with few interrupts, and with a limited number of entries on a slow machine.
pub fn check() -> Result<(), NotPassed> {
    let (interrupts, max_seconds) = (FEW_INTERRUPTS, Some(MAX_SECONDS));
    run_tests(&[], &Options { interrupts, max_seconds, ..Options::new() })
}

fn usage() -> String {
    let Options { rounds, interrupts, entries, seconds, .. } = Options::new();
    let tests = TESTS.iter().map(|(name, what, _)| format!("\n  {name}: {what}"));
    format!(
        "usage: cargo xtask faults [NAME…] [--rounds {rounds}] [--interrupts {interrupts}] [--entries {entries}] [--seconds {seconds}] [--seed NUMBER]\n\ntests:{}",
        tests.collect::<String>()
    )
}

/// Runs the tests with these names, or all tests if `names` is empty.
fn run_tests(names: &[&str], options: &Options) -> Result<(), NotPassed> {
    let netswap = Netswap::build()?;
    println!("seed {}", options.seed);
    let (mut failed, mut not_run) = (Vec::new(), Vec::new());
    for (name, _, run) in TESTS {
        if !names.is_empty() && !names.contains(name) {
            continue;
        }
        let start = Instant::now();
        let result = run(&netswap, options);
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(summary) => println!("passed   {seconds:6.1} s  {name}: {summary}"),
            Err(NotPassed::Failed(why) | NotPassed::Usage(why)) => {
                println!("FAILED   {seconds:6.1} s  {name}: {why}");
                failed.push(*name);
            }
            Err(NotPassed::NotRun(why)) => {
                println!("not run  {seconds:6.1} s  {name}: {why}");
                not_run.push(format!("{name}: {why}"));
            }
        }
    }
    match (&failed[..], &not_run[..]) {
        ([], []) => Ok(()),
        ([], not_run) => Err(NotPassed::NotRun(not_run.join("; "))),
        (failed, _) => {
            let repeat = format!("cargo xtask faults {} --seed {}", failed.join(" "), options.seed);
            Err(NotPassed::Failed(format!("{}; to repeat: {repeat}", failed.join(", "))))
        }
    }
}

impl Options {
    fn new() -> Self {
        // Five digits are easy to type again.
        let seed = fastrand::u64(..100_000);
        let (rounds, interrupts) = (300, 300);
        Options { rounds, interrupts, entries: 1_000_000, seconds: 6, max_seconds: None, seed }
    }

    /// Reads the options into `self` and returns the names. Returns `None` for an unknown name or
    /// option, and for a number that is invalid or 0.
    fn parse<'a>(&mut self, mut arguments: &'a [String]) -> Option<Vec<&'a str>> {
        let mut names = Vec::new();
        while let [first, rest @ ..] = arguments {
            arguments = rest;
            let number = || rest.first()?.parse().ok().filter(|number| *number > 0);
            match first.as_str() {
                "--rounds" => self.rounds = number()?,
                "--interrupts" => self.interrupts = number()?,
                "--entries" => self.entries = number()?,
                "--seconds" => self.seconds = number()?,
                "--seed" => self.seed = rest.first()?.parse().ok()?,
                name if TESTS.iter().any(|test| test.0 == name) => {
                    names.push(name);
                    continue;
                }
                _ => return None,
            }
            arguments = rest.get(1..)?;
        }
        Some(names)
    }
}
