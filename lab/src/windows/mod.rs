//! `cargo xtask windows`: builds programs with std for Windows, verifies them, and runs them as
//! Windows programs.
//!
//! The compilers, linkers and Wine come from Debian's packages, which are unpacked into the cache
//! and not installed. Wine proves that an image loads and runs and handles files correctly. It
//! ignores the swap-run bits.

mod after_link;
mod crash;
mod debian;
mod examples;
mod gcc;
mod links;
mod native;
mod netswap;
mod page;
mod prepare;
mod seen;
mod targets;
mod toolchain;
mod upx;
mod wine;
mod zig;

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Instant;

pub(crate) use self::debian::Debian;
use self::page::Page;
pub(crate) use self::prepare::prepare;
use self::seen::{Seen, table_of};
use self::toolchain::Toolchain;
use self::upx::Upx;
use self::wine::Wine;
use self::zig::Zig;
use crate::NotPassed;
use crate::process::scratch;
use crate::released::released;
use crate::signature::Tools;
use crate::tools::Python;

/// The tools that all tests use.
struct Setup<'a> {
    toolchain: &'a Toolchain,
    wine: Wine<'a>,
    /// The path of netswap-linker.
    linker: PathBuf,
}

/// Returns Cargo's target folder for all of these builds.
fn target_dir() -> PathBuf {
    scratch("windows")
}

impl Setup<'_> {
    fn debian(&self) -> &Debian {
        &self.toolchain.debian
    }
}

/// The result of a test: a short summary, and the observations that the book shows.
struct Told {
    text: String,
    seen: Vec<Seen>,
    printed: Vec<Printed>,
}

/// The output of a program that a page of the book shows.
struct Printed {
    /// The page's file name.
    page: &'static str,
    /// The name of the page's part.
    name: &'static str,
    text: String,
}

impl<T: Into<String>> From<T> for Told {
    fn from(text: T) -> Self {
        Told::new(text.into(), Vec::new())
    }
}

impl Told {
    /// Creates a result with observations of links.
    fn new(text: String, seen: Vec<Seen>) -> Self {
        Told { text, seen, printed: Vec::new() }
    }
}

/// A tool that a test needs in addition.
#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    Zig,
    Upx,
    Signer,
    Python,
}

impl Needs {
    /// Fetches the tool. `Err` gives the reason if it is not available.
    fn provide(self) -> Result<(), String> {
        match self {
            Needs::Nothing => Ok(()),
            Needs::Zig => Zig::find().map(drop),
            Needs::Upx => Upx::find().map(drop),
            Needs::Signer => Tools::find().map(drop),
            Needs::Python => Python::find().map(drop),
        }
    }
}

/// A test: the sentence that it proves, its function, and the additional tool that it needs.
type Test = (&'static str, fn(&Setup<'_>) -> Result<Told, String>, Needs);

const TESTS: [Test; 21] = [
    ("examples with std pass their own cargo xtask verify", examples::verified, Needs::Nothing),
    ("a tool runs from a share, and ends as it should", examples::tool, Needs::Nothing),
    ("a host loads its plug-in from the share, and does without", examples::plugin, Needs::Nothing),
    (
        "a DLL that a build script links has the bit, and is found on the share",
        native::packaged,
        Needs::Nothing,
    ),
    ("a tool for gnullvm has the bit, and runs from a share", targets::gnullvm, Needs::Nothing),
    (
        "a tool for GNU has the bit by netswap-linker, and runs from a share",
        targets::gnu,
        Needs::Nothing,
    ),
    ("a tool by cargo-zigbuild has the bit by netswap-linker, and runs", targets::zig, Needs::Zig),
    ("zig alone is warned of", targets::zig_alone, Needs::Zig),
    ("for every msvc target the linker sets the bit", links::msvc, Needs::Nothing),
    (
        "for the MinGW targets LLD sets the bit, and GNU ld with netswap-linker",
        links::mingw,
        Needs::Nothing,
    ),
    (
        "a gcc that is configured with GNU ld ignores -fuse-ld=lld, and its link fails",
        links::gcc_with_linker,
        Needs::Nothing,
    ),
    (
        "GNU strip and objcopy clear the bit, and verify says that it was lost",
        after_link::lost,
        Needs::Nothing,
    ),
    ("a profile that strips keeps the bit", after_link::kept, Needs::Nothing),
    ("UPX keeps the bit", after_link::packed, Needs::Upx),
    ("signing keeps the bit, whichever linker set it", after_link::signed, Needs::Signer),
    ("netswap.exe has the bit itself", netswap::built, Needs::Nothing),
    ("netswap.exe verifies a share, and finds what lacks the bit", netswap::verify, Needs::Nothing),
    ("netswap.exe inspects a file by any form of its path", netswap::inspect, Needs::Nothing),
    (
        "netswap.exe patches and undoes by any form of the path, to the byte",
        netswap::patch,
        Needs::Nothing,
    ),
    ("netswap.exe leaves read-only files alone, unless told", netswap::read_only, Needs::Nothing),
    (
        "netswap.exe says of a file that is open elsewhere that it is in use",
        netswap::in_use,
        Needs::Nothing,
    ),
];

/// Tests that use one processor for a minute, so they run in parallel with the others.
///
/// They put images without the bit on the share, so they have their own Wine prefix and share.
const CRASHES: [Test; 2] = [
    (
        "a program that crashes on a share leaves dumps, which netswap diagnoses",
        crash::dumps,
        Needs::Python,
    ),
    ("dumps with other addresses and reports of them tell one cause", crash::story, Needs::Python),
];

/// The name of the last test, which gets the observations of all others.
const PAGES: &str = "the pages of toolchains and of netswap diagnose show what was seen";

/// Runs all tests. With `--write` it writes the observations into the book's pages.
///
/// # Errors
///
/// Returns an error if a test has not passed, or if a page shows something else.
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

/// Runs all tests, even if some fail. Then compares the pages with the observations, or writes the
/// observations into them.
fn all(write: bool) -> Result<(), NotPassed> {
    let toolchain = Toolchain::find().map_err(not_run)?;
    println!("built with {}", toolchain.versions().join("; "));
    let linker = released("netswap-linker").map_err(NotPassed::Failed)?;
    let setup = |prefix: &str| {
        let wine = Wine::start(&toolchain.debian, prefix)?;
        Ok(Setup { toolchain: &toolchain, wine, linker: linker.clone() })
    };
    let setup_of_crashes = setup("crashes").map_err(not_run)?;
    let setup = setup("prefix").map_err(not_run)?;
    println!("run by {}", setup.wine.version());
    let mut results = Results::default();
    thread::scope(|scope| {
        let crashes = scope.spawn(|| run_tests(&setup_of_crashes, &CRASHES));
        results = run_tests(&setup, &TESTS);
        match crashes.join() {
            Ok(crashes) => results.add(crashes),
            Err(_) => results.failed.push("the tests of crashes have panicked"),
        }
    });
    if results.failed.is_empty() && results.lacking.is_empty() {
        match pages(&setup, &results.seen, &results.printed, write) {
            Ok(()) => println!("passed            {PAGES}"),
            Err(why) => {
                println!("FAILED            {PAGES}: {why}");
                results.failed.push(PAGES);
            }
        }
    } else {
        println!("not run           {PAGES}: not all tests have passed");
    }
    match (&results.failed[..], &results.lacking[..]) {
        ([], []) => Ok(()),
        ([], _) => Err(NotPassed::NotRun(results.lacking.join("; "))),
        _ => Err(NotPassed::Failed(results.failed.join("; "))),
    }
}

/// Runs all of the tests, even if some fail.
fn run_tests(setup: &Setup<'_>, tests: &[Test]) -> Results {
    let mut results = Results::default();
    for (name, test, needs) in tests {
        if let Err(why) = needs.provide() {
            println!("not run           {name}: {why}");
            results.lacking.push(format!("{name}: {why}"));
            continue;
        }
        let start = Instant::now();
        let result = test(setup);
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(told) => {
                println!("passed {seconds:7.1} s  {name}: {}", told.text);
                results.seen.extend(told.seen);
                results.printed.extend(told.printed);
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
    seen: Vec<Seen>,
    printed: Vec<Printed>,
    failed: Vec<&'static str>,
    /// The tests that could not run here, each with the reason.
    lacking: Vec<String>,
}

impl Results {
    fn add(&mut self, other: Results) {
        self.seen.extend(other.seen);
        self.printed.extend(other.printed);
        self.failed.extend(other.failed);
        self.lacking.extend(other.lacking);
    }
}

/// Compares the pages with the observations, or writes the observations into them.
fn pages(setup: &Setup<'_>, seen: &[Seen], printed: &[Printed], write: bool) -> Result<(), String> {
    let mut toolchains = Page::read("toolchains.md")?;
    if write {
        let mut versions = setup.toolchain.versions();
        versions.extend([Zig::find()?.versions()?, Upx::find()?.version()?]);
        versions.push(setup.wine.version());
        toolchains.put("seen", &table_of(seen))?;
        // Versions differ from machine to machine, so they are not compared.
        toolchains.put("versions", &format!("- {}\n", versions.join("\n- ")))?;
        toolchains.write()?;
    } else {
        toolchains.check("seen", &table_of(seen))?;
    }
    for Printed { page, name, text } in printed {
        let mut page = Page::read(page)?;
        if write {
            page.put(name, text)?;
            page.write()?;
        } else {
            page.check(name, text)?;
        }
    }
    Ok(())
}

/// Prints all tests as not run.
fn not_run(why: String) -> NotPassed {
    for (name, ..) in TESTS.iter().chain(&CRASHES) {
        println!("not run           {name}");
    }
    println!("not run           {PAGES}");
    NotPassed::NotRun(why)
}

/// The output of a program and its exit code.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn ran(command: &mut Command) -> Result<Ran, String> {
    const MOST_TRIES: u32 = 3;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let mut tries = 0;
    loop {
        let output = command.output().map_err(|error| error.to_string())?;
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code();
        tries += 1;
        // On a busy machine, Wine ends like this before it starts the program, once in some hundred
        // runs. None of the programs here ends like this.
        if code == Some(1) && stdout.is_empty() && stderr.is_empty() && tries < MOST_TRIES {
            continue;
        }
        return Ok(Ran { code, stdout, stderr });
    }
}

impl Ran {
    /// Checks the exit code, and that the output contains all parts.
    fn expect(&self, code: i32, parts: &[&str]) -> Result<(), String> {
        let has_all =
            parts.iter().all(|part| self.stdout.contains(part) || self.stderr.contains(part));
        if self.code == Some(code) && has_all {
            Ok(())
        } else {
            Err(format!("it should have ended with {code} and printed {parts:?}: {self:#?}"))
        }
    }
}
