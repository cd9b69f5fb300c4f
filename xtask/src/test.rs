//! `cargo xtask test`: runs the checks of the table, each to its end.

use std::process::{Command, ExitCode};
use std::time::Instant;

use lab::NotPassed;
use lab::env::{in_ci, variable};
use lab::prepare;
use lab::progress::{Step, minutes};
use lab::tools::decoys;

use crate::checks::{CHECKS, Check};

/// Set when the decoys are in PATH.
const DECOYS: &str = "NETSWAP_DECOYS";

/// Runs all checks, or those whose name contains one of the words, with decoys first in PATH.
pub(crate) fn run(words: &[String]) -> ExitCode {
    if words == ["--list"] {
        for (name, _) in CHECKS {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    if variable(DECOYS).is_some() {
        return run_checks(words);
    }
    let run = |path| {
        let xtask = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut test = Command::new(xtask);
        test.arg("test").args(words).env("PATH", path).env(DECOYS, "1");
        if words.is_empty() {
            // Incremental compilation would take 10 % more time, and no crate is compiled twice.
            test.env("CARGO_INCREMENTAL", "0");
        }
        test.status().map_err(|error| error.to_string())
    };
    match decoys::path().and_then(run) {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run_checks(words: &[String]) -> ExitCode {
    let contains = |check: &Check, word: &String| check.0.contains(word.as_str());
    if let Some(word) = words.iter().find(|word| !CHECKS.iter().any(|check| contains(check, word)))
    {
        eprintln!("error: no check has `{word}` in its name\n\nchecks:");
        for (name, _) in CHECKS {
            eprintln!("  {name}");
        }
        return ExitCode::from(2);
    }
    let is_selected =
        |check: &Check| words.is_empty() || words.iter().any(|word| contains(check, word));
    let selected: Vec<_> = CHECKS.into_iter().filter(is_selected).collect();
    let start = Instant::now();
    // Single checks need few of the tools.
    let mut preparing = if words.is_empty() { prepare::begin() } else { None };
    let mut rows = Vec::new();
    let (mut failed, mut not_run) = (0, 0);
    for (index, (name, check)) in selected.iter().enumerate() {
        let step = Step::begin(name, index + 1, selected.len(), start);
        let result = check();
        let seconds = step.elapsed().as_secs_f64();
        rows.push(match result {
            Ok(()) => format!("passed   {seconds:6.1} s  {name}"),
            Err(NotPassed::Failed(why) | NotPassed::Usage(why)) => {
                failed += 1;
                format!("FAILED   {seconds:6.1} s  {name}: {why}")
            }
            Err(NotPassed::NotRun(why)) => {
                not_run += 1;
                format!("not run             {name}: {why}")
            }
        });
    }
    if let Some(preparing) = &mut preparing {
        // If it failed, the checks have reported the cause.
        let _ = preparing.wait();
    }
    println!("\n{}\n", rows.join("\n"));
    println!("{} checks in {}", rows.len(), minutes(start.elapsed()));
    println!("{} passed, {failed} failed, {not_run} skipped", rows.len() - failed - not_run);
    if not_run > 0 && in_ci() {
        println!("In CI, a check that can't run is a failure.");
    }
    if failed > 0 || (not_run > 0 && in_ci()) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
