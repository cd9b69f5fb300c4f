//! `cargo xtask windows`: builds programs with std for Windows, verifies them, and runs them as
//! Windows programs.
//!
//! The compilers, linkers and Wine come from Debian's packages, which are unpacked into the cache
//! and not installed. Wine shows that an image loads, runs, and handles files correctly. It ignores
//! the swap-run bits.

mod after_link;
mod crash;
mod debian;
mod examples;
mod gcc;
mod link_result;
mod links;
mod mixed;
mod native;
mod netswap;
mod offline;
mod prepare;
mod stable;
mod std_targets;
mod targets;
mod wine;
mod zig;

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

use serde_json::Value;

pub(crate) use self::debian::Debian;
use self::link_result::{LinkResult, table};
pub(crate) use self::prepare::prepare;
use self::stable::stable;
use self::wine::Wine;
use self::zig::Zig;
use crate::NotPassed;
use crate::files::scratch;
use crate::outcome::Outcome;
use crate::page::Page;
use crate::programs;
use crate::signer::Signer;
use crate::tools::{Python, Tree, UPX};

/// The tools that all tests use.
struct Setup<'a> {
    debian: &'a Debian,
    wine: Wine<'a>,
    linker: PathBuf,
}

/// The path of UPX in its tree.
const UPX_PROGRAM: &str = "usr/bin/upx-ucl";

/// Returns Cargo's target folder for all of these builds.
fn target_dir() -> PathBuf {
    scratch("windows")
}

/// The result of a passed test: a short summary, and the parts of the book's pages.
struct Evidence {
    summary: String,
    links: Vec<LinkResult>,
    excerpts: Vec<Excerpt>,
}

/// The output of a program that a page of the book shows.
struct Excerpt {
    page: &'static str,
    /// The name of the part of the page.
    name: &'static str,
    text: String,
}

impl<T: Into<String>> From<T> for Evidence {
    fn from(summary: T) -> Self {
        Evidence::new(summary.into(), Vec::new())
    }
}

impl Evidence {
    fn new(summary: String, links: Vec<LinkResult>) -> Self {
        Evidence { summary, links, excerpts: Vec::new() }
    }
}

/// Fetches a tool that a test needs in addition. `Err` gives the reason if it is not available.
type Fetch = fn() -> Result<(), String>;

const ZIG: Option<Fetch> = Some(|| Zig::find().map(drop));
const PYTHON: Option<Fetch> = Some(|| Python::find().map(drop));

/// A test: the sentence that it proves, its function, and the additional tool that it needs.
type Test = (&'static str, fn(&Setup<'_>) -> Result<Evidence, String>, Option<Fetch>);

const TESTS: [Test; 24] = [
    ("examples with std pass their own cargo xtask verify", examples::verify, None),
    ("a tool runs from a share, with the right output and exit code", examples::run_tools, None),
    ("a host runs from the share with and without its plug-in", examples::run_plugin_host, None),
    (
        "a DLL that a build script links has the bit, and loads from the share",
        native::package_and_run,
        None,
    ),
    ("a tool for gnullvm has the bit, and runs from a share", targets::gnullvm, None),
    ("netswap-linker sets the bit of a tool for GNU, which runs from a share", targets::gnu, None),
    ("netswap-linker sets the bit of a tool built by cargo-zigbuild", targets::zig, ZIG),
    ("zig without netswap-linker causes a warning", targets::zig_alone, ZIG),
    ("the linker sets the bit for every msvc target", links::msvc, None),
    ("LLD, and GNU ld with netswap-linker, set the bit for the MinGW targets", links::mingw, None),
    (
        "a gcc that is configured with GNU ld ignores -fuse-ld=lld, and its link fails",
        links::gcc_with_linker,
        None,
    ),
    (
        "GNU strip and objcopy clear the bit, and verify reports the loss",
        after_link::strip_and_objcopy,
        None,
    ),
    ("a profile that strips keeps the bit", after_link::strip_profile, None),
    ("UPX keeps the bit", after_link::upx, Some(|| Tree::find(UPX).map(drop))),
    (
        "signing keeps the bit, whichever linker set it",
        after_link::signing,
        Some(|| Signer::find().map(drop)),
    ),
    ("netswap.exe has the bit", netswap::build_and_verify, None),
    ("netswap.exe verifies a share, and finds an image without the bit", netswap::verify, None),
    ("netswap.exe inspects a file given any form of its path", netswap::inspect, None),
    ("netswap.exe patches and restores a file given any form of its path", netswap::patch, None),
    ("netswap.exe patches read-only files only with --include-read-only", netswap::read_only, None),
    ("netswap.exe reports a file that another program holds open as in use", netswap::in_use, None),
    ("Ctrl-C ends netswap.exe with a complete report and exit code 130", netswap::interrupt, None),
    (
        "netswap.exe patches only those files of a tree that nothing else vouches for",
        mixed::patch,
        None,
    ),
    ("netswap.exe reads files in the cloud or on tape only with --recall", offline::read, None),
];

/// Tests that use one processor for a minute, so they run in parallel with the others.
///
/// They put images without the bit on the share, so they have their own Wine prefix and share.
const CRASHES: [Test; 2] = [
    ("netswap diagnoses the dumps of programs that crash on a share", crash::dumps, PYTHON),
    ("netswap finds one cause for several dumps and reports of a program", crash::story, PYTHON),
];

/// The name of the last test, which uses the results of all others.
const PAGES: &str = "the pages about toolchains and netswap diagnose show these results";

/// Runs all tests. With `--write` it writes the results into the book's pages.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    match arguments {
        [] => all(false),
        [option] if option == "--write" => all(true),
        _ => Err(NotPassed::Usage(
            "usage: cargo xtask windows [--write]\n\n--write: write the results into the book's pages"
                .to_owned(),
        )),
    }
}

/// Runs all tests, even if some fail. Then compares or writes the pages.
fn all(write: bool) -> Result<(), NotPassed> {
    if cfg!(windows) {
        // On Windows, `cargo xtask verify` builds the examples.
        let why = "the tests run Windows programs with Wine, which does not run on Windows";
        return Err(not_run(why.to_owned()));
    }
    let debian = Debian::find().map_err(not_run)?;
    println!("built with {}", debian.versions().join("; "));
    let linker = programs::release("netswap-linker").map_err(NotPassed::Failed)?;
    let setup = |prefix: &str| {
        let wine = Wine::start(&debian, prefix)?;
        Ok(Setup { debian: &debian, wine, linker: linker.clone() })
    };
    let crash_setup = setup("crashes").map_err(not_run)?;
    let setup = setup("prefix").map_err(not_run)?;
    println!("run by {}", setup.wine.version());
    let mut results = Results::default();
    thread::scope(|scope| {
        let crashes = scope.spawn(|| run_tests(&crash_setup, &CRASHES));
        results = run_tests(&setup, &TESTS);
        match crashes.join() {
            Ok(crashes) => results.add(crashes),
            Err(_) => results.failed.push("the tests of crashes panicked"),
        }
    });
    if results.failed.is_empty() && results.not_run.is_empty() {
        match update_pages(&setup, &results.links, &results.excerpts, write) {
            Ok(()) => println!("passed            {PAGES}"),
            Err(why) => {
                println!("FAILED            {PAGES}: {why}");
                results.failed.push(PAGES);
            }
        }
    } else {
        println!("not run           {PAGES}: not all tests have passed");
    }
    match (&results.failed[..], &results.not_run[..]) {
        ([], []) => Ok(()),
        ([], _) => Err(NotPassed::NotRun(results.not_run.join("; "))),
        _ => Err(NotPassed::Failed(results.failed.join("; "))),
    }
}

/// Runs all of the tests, even if some fail.
fn run_tests(setup: &Setup<'_>, tests: &[Test]) -> Results {
    let mut results = Results::default();
    for (name, test, fetch) in tests {
        if let Some(Err(why)) = fetch.map(|fetch| fetch()) {
            println!("not run           {name}: {why}");
            results.not_run.push(format!("{name}: {why}"));
            continue;
        }
        let start = Instant::now();
        let result = test(setup);
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(evidence) => {
                println!("passed {seconds:7.1} s  {name}: {}", evidence.summary);
                results.links.extend(evidence.links);
                results.excerpts.extend(evidence.excerpts);
            }
            Err(why) => {
                println!("FAILED {seconds:7.1} s  {name}: {why}");
                results.failed.push(name);
            }
        }
    }
    results
}

/// The results of several tests.
#[derive(Default)]
struct Results {
    links: Vec<LinkResult>,
    excerpts: Vec<Excerpt>,
    failed: Vec<&'static str>,
    /// The tests that could not run here, each with the reason.
    not_run: Vec<String>,
}

impl Results {
    fn add(&mut self, other: Results) {
        self.links.extend(other.links);
        self.excerpts.extend(other.excerpts);
        self.failed.extend(other.failed);
        self.not_run.extend(other.not_run);
    }
}

/// Compares the pages with the results, or writes the results into them.
fn update_pages(
    setup: &Setup<'_>,
    links: &[LinkResult],
    excerpts: &[Excerpt],
    write: bool,
) -> Result<(), String> {
    let read = |page| Page::read(page, "cargo xtask windows --write", stable);
    let mut toolchains = read("toolchains.md")?;
    toolchains.show("seen", &table(links), write)?;
    if write {
        let mut versions = setup.debian.versions();
        versions.push(Zig::find()?.versions()?);
        versions.extend(Tree::find(UPX)?.version(UPX_PROGRAM));
        versions.push(setup.wine.version());
        // Versions differ from machine to machine, so they are not compared.
        toolchains.show("versions", &format!("- {}\n", versions.join("\n- ")), write)?;
    }
    excerpts.iter().try_for_each(|Excerpt { page, name, text }| read(page)?.show(name, text, write))
}

/// Reports all tests as not run.
fn not_run(why: String) -> NotPassed {
    for (name, ..) in TESTS.iter().chain(&CRASHES) {
        println!("not run           {name}");
    }
    println!("not run           {PAGES}");
    NotPassed::NotRun(why)
}

/// Runs a program to its end. Repeats a run in which Wine failed.
fn run_program(command: &mut Command) -> Result<Outcome, String> {
    const MAX_RUNS: u32 = 3;
    for _ in 1..MAX_RUNS {
        let outcome = Outcome::run(command)?;
        // On a busy machine, Wine ends like this before it starts the program, once in some hundred
        // runs. None of the programs here ends like this.
        let is_failure_of_wine =
            outcome.code == Some(1) && outcome.stdout.is_empty() && outcome.stderr.is_empty();
        if !is_failure_of_wine {
            return Ok(outcome);
        }
    }
    Outcome::run(command)
}

fn parse_report(outcome: &Outcome) -> Result<Value, String> {
    serde_json::from_str(&outcome.text()).map_err(|error| outcome.error(&error.to_string()))
}

/// Returns the code of the first finding in a report of verify.
fn first_code(report: &Value) -> Option<&str> {
    report.pointer("/images/0/findings/0/code").and_then(Value::as_str)
}
