//! Tasks for this repository: `cargo xtask TASK`.

mod bench;
mod c;
mod cargo_generate;
mod corpus;
mod differential;
mod examples;
#[cfg_attr(not(target_os = "linux"), path = "faults/elsewhere.rs")]
mod faults;
mod fields;
mod fuzz;
mod image;
mod oldest_rust;
mod patched;
mod prepare;
mod process;
mod progress;
mod published;
mod readers;
mod released;
mod signature;
mod slow_fs;
// The same generated dumps that test the dump reader itself.
#[path = "../../netswap-cli/src/diagnose/crash/minidump/synthesized.rs"]
mod synthesized;
mod test;
mod tools;
mod verify;
mod windows;

use std::process::ExitCode;

/// A task: its name, a description, and the function that runs it with the remaining arguments.
type Task = (&'static str, &'static str, fn(&[String]) -> ExitCode);

const TASKS: [Task; 13] = [
    (
        "verify",
        "build the fixtures and the example for Windows and read the headers of what was built",
        verify::run,
    ),
    (
        "test",
        "all checks: format, lints, tests, documentation, packages, the oldest Rust",
        test::run,
    ),
    (
        "patched",
        "patch the corpus, read it with pefile, and undo it; --small for a few of it",
        patched::run,
    ),
    ("signature", "what patch and undo do to a signature, as osslsigncode sees it", signature::run),
    (
        "faults",
        "what netswap does when things go wrong: killed, no room, unreadable, …",
        faults::run,
    ),
    ("bench", "what things cost, beside their peers: build-cost, scan, single, patch", bench::run),
    ("corpus", "fetch Windows images of many makers, to compare readers on", corpus::run),
    ("differential", "compare what netswap and other readers say of the corpus", differential::run),
    (
        "templates",
        "compare what netswap new and cargo generate make of the templates",
        cargo_generate::run,
    ),
    (
        "windows",
        "build programs with std for Windows, verify them, and run them under Wine",
        windows::run,
    ),
    ("tools", "fetch the tools that checks need, and print their versions", tools::run),
    ("prepare", "fetch and compile ahead what the checks need", prepare::run),
    ("fuzz", "give the readers inputs that nobody would think of", fuzz::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = arguments.first().and_then(|name| TASKS.iter().find(|task| task.0 == name));
    if let Some((_, _, run)) = task {
        return run(arguments.get(1..).unwrap_or_default());
    }
    let mut usage = "usage: cargo xtask TASK\n\ntasks:\n".to_owned();
    for (name, what, _) in TASKS {
        usage.extend(["  ", name, ": ", what, "\n"]);
    }
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{usage}");
        return ExitCode::SUCCESS;
    }
    eprint!("{usage}");
    ExitCode::from(2)
}
