//! Runs programs.

use std::fmt::Display;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use crate::env::variable;
use crate::files::{root, scratch};

/// Runs `work` in threads for each item, the last one first. Starts none after an error.
pub(crate) fn in_threads<T: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> Result<(), String> + Sync,
) -> Result<(), String> {
    let items = Mutex::new(items);
    let next = || items.lock().ok()?.pop();
    let run = || {
        while let Some(item) = next() {
            work(item).inspect_err(|_| {
                let _ = items.lock().map(|mut items| items.clear());
            })?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let results = threads.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err("a thread has panicked".to_owned()))
        });
        results.fold(Ok(()), Result::and)
    })
}

pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Returns a Cargo command that runs in the repository.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Cargo's arguments that run the tests with real builds.
pub const BUILDS: [&str; 6] = ["test", "--locked", "--package", "netswap-cli", "--test", "builds"];

/// The variable that makes the tests with real builds use the newer layout of Cargo's build folder.
pub const NEW_LAYOUT: &str = "NETSWAP_TEST_NEW_LAYOUT";

/// Returns a Cargo command for another project that reuses the dependencies compiled for this
/// workspace. Programs go to the target folder of this name.
pub fn cargo_sharing(target: &str, arguments: &[&str]) -> Command {
    // The profile of this workspace, because Cargo reuses nothing from another profile.
    let profile = ["--config=profile.dev.debug=1", "--config=profile.dev.package.'*'.debug=false"];
    let mut cargo = cargo(&profile);
    cargo.args(arguments).env("CARGO_TARGET_DIR", scratch(target));
    cargo.env("CARGO_BUILD_BUILD_DIR", root().join("target"));
    cargo
}

/// Runs a command to its end.
pub fn check(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| error_message(command, error))?;
    if status.success() { Ok(()) } else { Err(error_message(command, status)) }
}

/// Runs a command to its end and returns its standard output.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| error_message(command, error))?;
    if !output.status.success() {
        return Err(error_message(command, output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| error_message(command, error))
}

/// Runs a command to its end and returns its standard output and standard error. The error of a
/// failed command contains the command and both.
pub(crate) fn all_output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error_message(command, error))?;
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if output.status.success() {
        Ok(text.concat())
    } else {
        Err(format!("{}\n{}", error_message(command, output.status), text.concat()))
    }
}

/// Whether a program with this name can be run.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn error_message(command: &Command, reason: impl Display) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let arguments: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    format!("`{} {}`: {reason}", name.to_string_lossy(), arguments.join(" "))
}
