//! `cargo xtask fuzz`: runs the readers on inputs that libFuzzer generates.
//!
//! The targets are in `fuzz/`, a cargo-fuzz project. A run keeps the inputs it finds below
//! `target`, and the next run starts with them. The repository contains only the seeds.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use crate::NotPassed;
use crate::files::{at, create_folder, root, scratch};
use crate::process::{self, cargo_sharing, in_threads, is_installed, processors};
use crate::tools::crates::program;

/// The targets in `fuzz/Cargo.toml`.
pub(crate) const TARGETS: [&str; 11] = [
    "authenticode",
    "certificates",
    "clr",
    "header",
    "imports",
    "journal",
    "linker",
    "maker",
    "manifest",
    "minidump",
    "wer",
];

/// The maximum length of an input. Longer inputs reach no other code: the headers in the seeds are
/// at most at 4096, and one read takes 4096 bytes.
const MAX_INPUT: u32 = 10_000;

/// The limit of one allocation in MiB. No reader needs more than 1, whatever the input says.
const MAX_ALLOCATION: u32 = 8;

/// The seconds for each target when all checks run: long enough to get well beyond the seeds, and
/// short enough to wait for.
const SECONDS_IN_CHECK: u32 = 18;

/// Runs the targets that the arguments name, or all.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let Some((targets, seconds)) = parse(arguments) else {
        return Err(NotPassed::Usage(format!(
            "usage: cargo xtask fuzz [TARGET…] [--seconds N]\n\ntargets: {}",
            TARGETS.join(", ")
        )));
    };
    Ok(Fuzzer::find().map_err(NotPassed::NotRun)?.run_all(&targets, seconds)?)
}

/// Lints the targets, which are a separate workspace, and runs them all.
pub fn check() -> Result<(), NotPassed> {
    let fuzzer = Fuzzer::find().map_err(NotPassed::NotRun)?;
    let mut lint = cargo_sharing("fuzz", &["clippy", "--quiet", "--locked", "--all-targets"]);
    lint.args(["--", "--deny", "warnings"]).current_dir(root().join("fuzz"));
    // Clippy links nothing, so the path need not exist. It saves compiling libFuzzer.
    lint.env("CUSTOM_LIBFUZZER_PATH", scratch("none").join("libfuzzer.a"));
    process::check(&mut lint)?;
    Ok(fuzzer.run_all(&TARGETS, SECONDS_IN_CHECK)?)
}

/// Reads the targets and the seconds for each.
fn parse(arguments: &[String]) -> Option<(Vec<&'static str>, u32)> {
    let (mut targets, mut seconds) = (Vec::new(), 60);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            // To libFuzzer, 0 means no limit.
            seconds = arguments.next()?.parse().ok().filter(|seconds| *seconds > 0)?;
        } else {
            targets.push(*TARGETS.iter().find(|target| *target == argument)?);
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    Some((targets, seconds))
}

/// cargo-fuzz, on a system where it runs.
pub(crate) struct Fuzzer {
    program: PathBuf,
}

impl Fuzzer {
    /// Fetches cargo-fuzz. `Err` contains the reason why it cannot run here.
    pub(crate) fn find() -> Result<Self, String> {
        ensure!(cfg!(target_os = "linux"), "the fuzzer runs on Linux");
        if !is_installed("c++") {
            return Err("there is no C++ compiler, which the fuzzer needs: c++".to_owned());
        }
        Ok(Fuzzer { program: program("cargo-fuzz")? })
    }

    pub(crate) fn build(&self, targets: &[&str]) -> Result<(), String> {
        // cargo-fuzz builds one target or all.
        let target = if let [target] = targets { Some(target) } else { None };
        process::check(self.command("build").args(target))
    }

    /// Builds the targets and runs one per processor. The error lists those that failed.
    pub(crate) fn run_all(&self, targets: &[&str], seconds: u32) -> Result<(), String> {
        self.build(targets)?;
        let failed = Mutex::new(Vec::new());
        in_threads(processors(), targets.iter().rev().collect(), |target| {
            match self.run(target, seconds) {
                Ok(summary) => println!("{target}: {summary}"),
                Err(why) => failed.lock().map_err(|error| error.to_string())?.push(why),
            }
            Ok(())
        })?;
        let failed = failed.into_inner().map_err(|error| error.to_string())?;
        if failed.is_empty() { Ok(()) } else { Err(failed.join("\n\n")) }
    }

    /// Runs a built target and returns a summary.
    fn run(&self, target: &str, seconds: u32) -> Result<String, String> {
        let found = create_folder(scratch("fuzz-found").join(target))?;
        let log = found.with_extension("log");
        let file = File::create(&log).map_err(at(&log))?;
        let dictionary = match target {
            "journal" | "linker" | "maker" | "manifest" | "minidump" | "wer" => target,
            _ => "pe",
        };
        let dictionary = root().join("fuzz").join(dictionary).with_extension("dict");
        let mut run = self.command("run");
        run.arg(target).arg(&found).arg(root().join("fuzz/corpus").join(target)).arg("--");
        run.arg(format!("-dict={}", dictionary.display()));
        run.arg(format!("-max_total_time={seconds}"));
        run.arg(format!("-max_len={MAX_INPUT}"));
        run.arg(format!("-malloc_limit_mb={MAX_ALLOCATION}"));
        run.args(["-timeout=10", "-print_final_stats=1"]);
        run.stdout(file.try_clone().map_err(at(&log))?).stderr(file);
        let status = run.status().map_err(|error| error.to_string())?;
        let bytes = fs::read(&log).map_err(at(&log))?;
        let log = String::from_utf8_lossy(&bytes);
        if status.success() { Ok(summary(&log)) } else { Err(failure(target, &log)) }
    }

    /// Returns a cargo-fuzz command with its own folder below `target`. cargo-fuzz passes rustc an
    /// option for sanitizers that only nightly accepts. The stable rustc supports them too, so
    /// `RUSTC_BOOTSTRAP` enables the option.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(name).arg("--target-dir").arg(scratch("fuzz"));
        // cargo-fuzz's default is one unit, which uses one processor. 16 is rustc's.
        command.args(["--codegen-units", "16"]);
        command.env("RUSTC_BOOTSTRAP", "1").current_dir(root());
        command
    }
}

/// Returns the figures of a run. The seeds' coverage is that of the event INITED.
fn summary(log: &str) -> String {
    let coverage = |event: &str| {
        let line = log.lines().rfind(|line| line.contains(event))?;
        line.split_once("cov: ")?.1.split(' ').next()
    };
    let figure = |name: &str| {
        let figure = log.lines().find_map(|line| line.strip_prefix(name))?.strip_prefix(':')?;
        Some(figure.trim())
    };
    let or_unknown = |figure: Option<&str>| figure.unwrap_or("?").to_owned();
    format!(
        "{} inputs, {} per second; coverage {}, with the seeds alone {}",
        or_unknown(figure("stat::number_of_executed_units")),
        or_unknown(figure("stat::average_exec_per_sec")),
        or_unknown(coverage("\tDONE")),
        or_unknown(coverage("\tINITED")),
    )
}

/// Describes why a run failed: the target's output and the input that caused it.
fn failure(target: &str, log: &str) -> String {
    const WRITTEN: &str = "Test unit written to ";
    let input = log.lines().find_map(|line| line.split_once(WRITTEN)).map(|(_, path)| path);
    let is_cause = |line: &&str| line.contains("panicked at") || line.contains("ERROR: ");
    let mut cause = log.lines().skip_while(|line| !is_cause(line)).take(4).peekable();
    let cause: Vec<_> = match cause.peek() {
        Some(_) => cause.collect(),
        // The target was not built or not started.
        None => log.lines().collect(),
    };
    let cause = cause.join("\n");
    match input {
        Some(input) => format!(
            "{target}: an input made it fail:\n  {input}\n{cause}\n\
             to reproduce it: RUSTC_BOOTSTRAP=1 cargo fuzz run {target} {input}"
        ),
        None => format!("{target}: the fuzzer failed:\n{cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_fuzz_target_is_listed() {
        let folder = fs::read_dir(root().join("fuzz").join("fuzz_targets")).unwrap();
        let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<_> = folder.map(|entry| name(&entry.unwrap().path())).collect();
        files.sort_unstable();
        assert_eq!(files, TARGETS);
        let manifest = fs::read_to_string(root().join("fuzz").join("Cargo.toml")).unwrap();
        for target in TARGETS {
            assert!(manifest.contains(&format!("[[bin]]\nname = \"{target}\"\n")), "{target}");
        }
    }
}
