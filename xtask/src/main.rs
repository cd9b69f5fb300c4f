//! Tasks for this repository: `cargo xtask TASK`.

mod checks;
mod test;
mod verify;

use std::process::ExitCode;

use lab::NotPassed;
use lab::env::in_ci;

/// A task: its name, a description, and the function that runs it with the remaining arguments.
type Task = (&'static str, &'static str, fn(&[String]) -> Result<(), NotPassed>);

const TASKS: [Task; 17] = [
    (
        "patched",
        "patch real images, read them with pefile, and undo (--small: few)",
        lab::patched::run,
    ),
    (
        "signature",
        "check signed programs and catalogs with osslsigncode, patch, and undo",
        lab::signature::run,
    ),
    ("day", "look after a share of 20,000 files, and show it in the book", lab::day::run),
    ("formats", "validate the reports for other programs", lab::formats::run),
    ("servers", "ask DuckDB about the reports of three servers, as in the book", lab::servers::run),
    ("html", "open HTML reports in Chromium, use them and print them", lab::html::run),
    ("faults", "run netswap on failing disks, shares and reads", lab::faults::run),
    (
        "bench",
        "compare the speed with peers: build-cost, scan, single, patch, diagnose",
        lab::bench::run,
    ),
    ("corpus", "fetch Windows images of many vendors", lab::corpus::run),
    ("differential", "compare netswap with other readers on these images", lab::differential::run),
    ("crafted", "compare them on hand-made images, each with one property", lab::crafted::run),
    ("templates", "compare the projects of netswap new and cargo generate", lab::templates::run),
    ("completions", "press Tab in real shells, and check the man pages", lab::completions::run),
    ("windows", "build Windows programs, verify them, and run them in Wine", lab::windows::run),
    ("tools", "fetch the tools that checks need, and print their versions", lab::tools::run),
    ("prepare", "fetch and compile what the checks need", lab::prepare::run),
    ("fuzz", "run the fuzz targets", lab::fuzz::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, arguments) = match &arguments[..] {
        [name, arguments @ ..] => (name.as_str(), arguments),
        [] => ("", &[][..]),
    };
    match name {
        "verify" => return verify::run(arguments),
        "test" => return test::run(arguments),
        "--help" | "-h" => {
            println!("{}", usage());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let task = TASKS.iter().find(|task| task.0 == name);
    match task.map_or_else(|| Err(NotPassed::Usage(usage())), |(_, _, run)| run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(NotPassed::Failed(why)) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
        Err(NotPassed::NotRun(why)) => {
            eprintln!("not run: {why}");
            if in_ci() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(NotPassed::Usage(usage)) => {
            eprintln!("{usage}");
            ExitCode::from(2)
        }
    }
}

fn usage() -> String {
    let verify = ("verify", "build the fixtures and examples for Windows, and read their headers");
    let test = ("test", "run all checks, or those with a WORD in their name; --list: list them");
    let tasks = TASKS.iter().map(|(name, what, _)| (*name, *what));
    let tasks = [verify, test].into_iter().chain(tasks);
    let lines = tasks.map(|(name, what)| format!("\n  {name:<13} {what}"));
    format!("usage: cargo xtask TASK\n\ntasks:{}", lines.collect::<String>())
}
