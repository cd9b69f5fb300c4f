//! `cargo xtask test`: runs all checks from a table, each to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::cargo_generate;
use crate::corpus;
use crate::examples::EXAMPLES;
use crate::faults;
use crate::fuzz::{Fuzzer, TARGETS};
use crate::oldest_rust::{oldest_cargo, provide_cc};
use crate::patched;
use crate::prepare;
use crate::process::{at, cargo, check, everything, in_ci, output, root, scratch, variable};
use crate::progress::{Step, minutes};
use crate::published::netswap_build;
use crate::signature;
use crate::tools::crates::program;
use crate::tools::{self, OLDEST_RUST, OLDEST_RUST_VERSION, Tree, decoys};
use crate::windows::{self, Debian, NotPassed};

/// The outcome of a check.
enum Outcome {
    Passed,
    Failed(String),
    /// The check could not run here, with the reason.
    NotRun(String),
}

/// A check: the statement that it proves, and its function.
type Check = (&'static str, fn() -> Outcome);

const CHECKS: [Check; 22] = [
    ("tools come in the right version, whatever the machine has", tools_come),
    ("the code is formatted", formatted),
    ("clippy has nothing to say", clippy),
    ("all tests pass", tests),
    ("real builds have the bit, and what lacks it is found", builds),
    ("real builds are verified in the build folder of Cargo 1.100, too", builds_in_new_layout),
    ("behind clang, clang-cl, MinGW's gcc and GNU ld images get the bit", compilers),
    ("other readers find the same in real images", differential),
    ("real images are patched and undone as pefile sees it", patched),
    ("patch and undo break and mend a signature as osslsigncode sees it", signature),
    ("no input makes a reader panic", fuzzed),
    ("nothing is lost when things go wrong", faults),
    ("the examples pass their own tests", examples),
    ("programs with std are built for Windows, verified, and run there", windows),
    ("cargo generate makes what netswap new makes", templates),
    ("the documentation builds without a warning", documentation),
    ("the book builds without a warning", book),
    ("netswap-build has no dependency", no_dependency),
    ("the published crates pack and build from their packages", packages),
    ("netswap-build passes its tests on its oldest Rust", oldest_rust),
    ("cargo xtask verify passes", verify),
    ("cargo xtask verify finds it when the bit is switched off", verify_without_the_bit),
];

/// The arguments of `cargo clippy` that turn warnings into errors.
const DENY: [&str; 3] = ["--", "--deny", "warnings"];

/// Cargo's arguments for the tests with real builds.
const BUILDS: [&str; 6] = ["test", "--locked", "--package", "netswap-cli", "--test", "builds"];

/// Set when the tests' own builds must use the newer layout of Cargo's build folder.
const NEW_LAYOUT: &str = "NETSWAP_TEST_NEW_LAYOUT";

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
        return run_here(words);
    }
    let run = |path| {
        let xtask = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut test = Command::new(xtask);
        test.arg("test").args(words).env("PATH", path).env(DECOYS, "1");
        if words.is_empty() {
            // Incremental compilation costs a tenth of the time here, and no crate is compiled
            // twice.
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

fn run_here(words: &[String]) -> ExitCode {
    let has = |check: &Check, word: &String| check.0.contains(word.as_str());
    if let Some(word) = words.iter().find(|word| !CHECKS.iter().any(|check| has(check, word))) {
        eprintln!("error: no check has `{word}` in its name\n\nchecks:");
        for (name, _) in CHECKS {
            eprintln!("  {name}");
        }
        return ExitCode::from(2);
    }
    let is_chosen = |check: &Check| words.is_empty() || words.iter().any(|word| has(check, word));
    let chosen: Vec<_> = CHECKS.into_iter().filter(is_chosen).collect();
    let start = Instant::now();
    // A single check needs few of the tools.
    let mut preparing = if words.is_empty() { prepare::begin() } else { None };
    let mut rows = Vec::new();
    let (mut failed, mut not_run) = (0, 0);
    for (index, (name, check)) in chosen.iter().enumerate() {
        let step = Step::begin(name, index + 1, chosen.len(), start);
        let outcome = check();
        let seconds = step.elapsed().as_secs_f64();
        rows.push(match outcome {
            Outcome::Passed => format!("passed   {seconds:6.1} s  {name}"),
            Outcome::Failed(why) => {
                failed += 1;
                format!("FAILED   {seconds:6.1} s  {name}: {why}")
            }
            Outcome::NotRun(why) => {
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
        println!("in CI every check must run");
    }
    if failed > 0 || (not_run > 0 && in_ci()) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn passed_if(result: Result<(), String>) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed,
        Err(why) => Outcome::Failed(why),
    }
}

/// Runs Cargo in the folder of each example.
fn in_examples(cargo: impl Fn() -> Command) -> Result<(), String> {
    for example in &EXAMPLES {
        println!("(in examples/{})", example.name);
        check(cargo().current_dir(example.folder()))?;
    }
    Ok(())
}

/// Returns a Cargo command for another project that reuses the dependencies compiled for this
/// workspace. Programs go to the target folder of this name.
fn cargo_sharing(target: &str, arguments: &[&str]) -> Command {
    // The same profile as in this workspace's Cargo.toml, because Cargo reuses nothing from another
    // profile.
    let profile = ["--config=profile.dev.debug=1", "--config=profile.dev.package.'*'.debug=false"];
    let mut cargo = cargo(&profile);
    cargo.args(arguments).env("CARGO_TARGET_DIR", scratch(target));
    cargo.env("CARGO_BUILD_BUILD_DIR", root().join("target"));
    cargo
}

fn tools_come() -> Outcome {
    if tools::debian::is_here() {
        passed_if(tools::check::check())
    } else {
        Outcome::NotRun("this is no Debian".to_owned())
    }
}

fn formatted() -> Outcome {
    let all = ["fmt", "--all", "--check"];
    let result = check(&mut cargo(&all))
        .and_then(|()| in_examples(|| cargo(&all)))
        .and_then(|()| check(cargo(&all).current_dir(root().join("fuzz"))));
    passed_if(result)
}

fn clippy() -> Outcome {
    let all = ["clippy", "--quiet", "--locked", "--workspace", "--all-targets"];
    // `--all-targets` does not include the test `builds`, and neither does `cargo test`.
    let builds = ["clippy", "--quiet", "--locked", "--package", "netswap-cli", "--test", "builds"];
    // The workspace's tests need a feature of netswap-build, so it is also checked by itself.
    let build = ["clippy", "--quiet", "--locked", "--package", "netswap-build", "--all-targets"];
    let result = check(cargo(&all).args(DENY))
        .and_then(|()| check(cargo(&builds).args(DENY)))
        .and_then(|()| check(cargo(&build).args(DENY)))
        .and_then(|()| in_examples(|| cargo_sharing("examples", &[&all[..], &DENY].concat())));
    passed_if(result)
}

fn tests() -> Outcome {
    // The workspace's tests need a feature of netswap-build, so it is also tested by itself.
    let by_itself = ["test", "--locked", "--package", "netswap-build"];
    let result = check(&mut cargo(&["test", "--locked", "--workspace"]));
    passed_if(result.and_then(|()| check(&mut cargo(&by_itself))))
}

/// Runs the tests that build projects with Cargo, which `cargo test` leaves out.
fn builds() -> Outcome {
    passed_if(check(&mut cargo(&BUILDS)))
}

/// Runs those of these tests that depend on where Cargo puts its files. They use the build folder's
/// layout that Cargo has since 1.100, and that older versions have on request.
fn builds_in_new_layout() -> Outcome {
    let mut test = cargo(&BUILDS);
    test.args(["--", "fixtures", "docs", "messages"]).env(NEW_LAYOUT, "1");
    passed_if(check(&mut test))
}

/// Runs those of these tests that need clang, MinGW's gcc or GNU ld. Uses both layouts where that
/// matters.
fn compilers() -> Outcome {
    let debian = match Debian::find() {
        Ok(debian) => debian,
        Err(why) => return Outcome::NotRun(why),
    };
    let test = |filter: &[&str], new_layout: &str| {
        let mut test = cargo(&BUILDS);
        test.args(["--", "--ignored"]).args(filter).env("NETSWAP_TEST_TOOLS", debian.scripts());
        check(test.env(NEW_LAYOUT, new_layout))
    };
    passed_if(test(&[], "").and_then(|()| test(&["changed_linker"], "1")))
}

/// Compares the small selection of the corpus.
fn differential() -> Outcome {
    if let Err(why) = corpus::fetch(corpus::Selection::Small) {
        return Outcome::NotRun(why);
    }
    let xtask = std::env::current_exe().map_err(|error| error.to_string());
    let compare = |xtask| check(Command::new(xtask).args(["differential", "--small"]));
    passed_if(xtask.and_then(compare))
}

fn patched() -> Outcome {
    let corpus = match corpus::fetch(corpus::Selection::Small) {
        Ok(corpus) => corpus,
        Err(why) => return Outcome::NotRun(why),
    };
    passed_if(patched::patch_and_undo(&corpus).map(|summary| println!("{summary}")))
}

fn signature() -> Outcome {
    match signature::Tools::find() {
        Ok(tools) => passed_if(tools.check_all()),
        Err(why) => Outcome::NotRun(why),
    }
}

/// Runs each fuzz target long enough to get well beyond the seeds, and short enough to wait for.
fn fuzzed() -> Outcome {
    const SECONDS_EACH: u32 = 18;
    let fuzzer = match Fuzzer::find() {
        Ok(fuzzer) => fuzzer,
        Err(why) => return Outcome::NotRun(why),
    };
    // Checks the library's code for the fuzz targets, and the targets, which are a separate
    // workspace.
    let mut library =
        cargo(&["clippy", "--quiet", "--locked", "--package", "netswap-cli", "--lib"]);
    library.args(["--features", "fuzzing"]).args(DENY);
    let mut targets = cargo_sharing("fuzz", &["clippy", "--quiet", "--locked", "--all-targets"]);
    targets.args(DENY).current_dir(root().join("fuzz"));
    // Clippy links nothing, so the path need not exist. Without it, the build script compiles
    // libFuzzer.
    targets.env("CUSTOM_LIBFUZZER_PATH", scratch("none").join("libfuzzer.a"));
    let result = check(&mut library)
        .and_then(|()| check(&mut targets))
        .and_then(|()| fuzzer.run_all(&TARGETS, SECONDS_EACH));
    passed_if(result)
}

fn faults() -> Outcome {
    match faults::all() {
        Ok(not_run) if not_run.is_empty() => Outcome::Passed,
        Ok(not_run) => Outcome::NotRun(not_run.join("; ")),
        Err(why) => Outcome::Failed(why),
    }
}

fn examples() -> Outcome {
    // No shared build folder: Cargo 1.95 adds a build script's library to the library path only
    // below the target folder.
    let test = || {
        let mut test = cargo(&["test", "--locked", "--workspace"]);
        test.env("CARGO_TARGET_DIR", scratch("examples"));
        test
    };
    passed_if(in_examples(test))
}

fn windows() -> Outcome {
    match windows::all(false) {
        Ok(()) => Outcome::Passed,
        Err(NotPassed::Failed(why)) => Outcome::Failed(why),
        Err(NotPassed::NotRun(why)) => Outcome::NotRun(why),
    }
}

fn templates() -> Outcome {
    passed_if(cargo_generate::compare())
}

fn documentation() -> Outcome {
    let mut doc =
        cargo(&["doc", "--quiet", "--locked", "--no-deps", "--workspace", "--all-features"]);
    passed_if(check(doc.env("RUSTDOCFLAGS", "--deny warnings")))
}

/// mdBook only logs a broken link or include, and continues. So this check searches the log.
fn book() -> Outcome {
    let result = program("mdbook").and_then(|mdbook| {
        let mut build = Command::new(mdbook);
        build.arg("build").arg(root().join("docs")).arg("--dest-dir").arg(scratch("book"));
        let log = everything(&mut build)?;
        let warned = log.lines().any(|line| line.contains("WARN") || line.contains("ERROR"));
        if warned { Err(log) } else { Ok(()) }
    });
    passed_if(result)
}

fn no_dependency() -> Outcome {
    let mut tree = cargo(&["tree", "--locked", "-p", "netswap-build", "-e", "normal,build"]);
    match output(&mut tree) {
        Ok(tree) if tree.lines().count() == 1 => Outcome::Passed,
        Ok(tree) => Outcome::Failed(format!("cargo tree prints more than one line:\n{tree}")),
        Err(why) => Outcome::Failed(why),
    }
}

/// Includes uncommitted changes, so that the current code is checked.
fn packages() -> Outcome {
    let target = scratch("packed");
    // Cargo does not compile a package from a registry again, even if the package has changed.
    let _ = fs::remove_dir_all(&target);
    let mut package = cargo(&["package", "--quiet", "--locked", "--allow-dirty"]);
    package.args(["-p", "netswap-build", "-p", "netswap", "-p", "netswap-cli"]);
    package.env("CARGO_TARGET_DIR", target);
    passed_if(remove_unpacked_packages().and_then(|()| check(&mut package)))
}

/// Removes netswap's packages that an earlier `cargo package` unpacked into Cargo's home.
///
/// Cargo keeps an unpacked package by its registry, name and version, even if the package has changed. The registry of
/// `cargo package` is a folder, so Cargo's name for it begins with a hyphen, where others have a host.
fn remove_unpacked_packages() -> Result<(), String> {
    let home = variable("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let Some(registries) = home.and_then(|home| home.join("registry/src").read_dir().ok()) else {
        return Ok(());
    };
    let is_named = |path: &Path, start: &str| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
    };
    let registries = registries.flatten().map(|entry| entry.path());
    for registry in registries.filter(|path| is_named(path, "-")) {
        let packages = registry.read_dir().map_err(at(&registry))?.flatten();
        for package in packages.map(|entry| entry.path()) {
            if is_named(&package, "netswap") {
                fs::remove_dir_all(&package).map_err(at(&package))?;
            }
        }
    }
    Ok(())
}

/// Tests the same file that is published, unpacked outside any workspace.
fn oldest_rust() -> Outcome {
    let tree = match Tree::find(OLDEST_RUST) {
        Ok(tree) => tree,
        Err(why) => return Outcome::NotRun(why),
    };
    let result = netswap_build(&scratch("packages")).and_then(|package| {
        let manifest = fs::read_to_string(package.join("Cargo.toml"));
        let promised = format!("rust-version = \"{OLDEST_RUST_VERSION}\"");
        if !manifest.is_ok_and(|manifest| manifest.contains(&promised)) {
            return Err(format!("its Cargo.toml does not say {promised}"));
        }
        // Cargo must find a package's optional dependency even if it is not used.
        provide_cc(&package)?;
        let test = ["test", "--quiet", "--offline"];
        check(oldest_cargo(&tree).args(test).current_dir(&package))?;
        check(oldest_cargo(&tree).args(test).args(["--features", "cc"]).current_dir(&package))
    });
    passed_if(result)
}

fn verify() -> Outcome {
    passed_if(check(&mut cargo_xtask_verify()))
}

/// Returns the command as a user runs it: with the `CARGO_INCREMENTAL` of the checks, Cargo would
/// compile xtask again.
fn cargo_xtask_verify() -> Command {
    let mut verify = cargo(&["xtask", "verify"]);
    verify.env_remove("CARGO_INCREMENTAL");
    verify
}

/// The opposite of the check above: without the bit, the exit code must be that of findings.
fn verify_without_the_bit() -> Outcome {
    println!("(with NETSWAP=off, so that it must fail)");
    let status = cargo_xtask_verify().env("NETSWAP", "off").status();
    match status {
        Ok(status) if status.code() == Some(netswap::ExitCode::Findings as i32) => Outcome::Passed,
        Ok(status) => Outcome::Failed(format!("it ended with {status}")),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}
