//! Tests netswap itself as a Windows program, with paths in Windows' forms.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::image::Image;

use super::debian::Debian;
use super::std_targets::{MSVC, with_std};
use super::wine::{SHARE, windows_path};
use super::{Evidence, Setup, first_code, parse_report, run_program, target_dir};
use crate::files::{at, remove_folder, root, write};
use crate::outcome::Outcome;
use crate::process::check;

/// The program's path below the share.
const PROGRAM: &str = "netswap.exe";

/// Builds netswap.exe, copies it to the share, and verifies it with itself.
pub(super) fn build_and_verify(setup: &Setup<'_>) -> Result<Evidence, String> {
    check(&mut build(setup.debian))?;
    let program = target_dir().join(MSVC).join("debug").join(PROGRAM);
    fs::copy(&program, setup.wine.share().join(PROGRAM)).map_err(at(&program))?;
    let path = windows_path(SHARE, Path::new(PROGRAM));
    let outcome = netswap(setup, &["verify", "--verbose", &path])?;
    outcome.expect(0, &["netswap.exe  x64 exe, swap-run: net"])?;
    Ok("verified by itself, from the share".into())
}

pub(super) fn build(debian: &Debian) -> Command {
    let mut cargo = debian.cargo(MSVC, root());
    cargo.args(["build", "--quiet", "--locked", "--package", "netswap-cli", "--bin", "netswap"]);
    cargo.args(with_std(MSVC));
    cargo
}

/// Runs netswap.exe from the share.
pub(super) fn netswap(setup: &Setup<'_>, arguments: &[&str]) -> Result<Outcome, String> {
    run_program(setup.wine.command(&windows_path(SHARE, Path::new(PROGRAM))).args(arguments))
}

/// Copies a tool to `root/below` without its bit, and returns the copy's path.
fn copy_without_bit(setup: &Setup<'_>, root: &Path, below: &str) -> Result<PathBuf, String> {
    let tool = setup.wine.share().join("examples").join("hello-tool.exe");
    let path = root.join(below);
    let mut bytes = fs::read(&tool).map_err(at(&tool))?;
    let field = |range| bytes.get(range).and_then(|bytes: &[u8]| bytes.try_into().ok());
    let header = field(0x3c..0x40).map(u32::from_le_bytes).ok_or("hello-tool.exe has no header")?;
    // The high byte of Characteristics is 23 bytes after the start of the signature.
    let characteristics = usize::try_from(header).map_err(|error| error.to_string())? + 23;
    let byte = bytes.get_mut(characteristics).ok_or("the header of hello-tool.exe is truncated")?;
    ensure!(*byte & 0x08 != 0, "hello-tool.exe on the share lacks the bit");
    *byte &= !0x08;
    write(&path, bytes)?;
    Ok(path)
}

pub(super) fn verify(setup: &Setup<'_>) -> Result<Evidence, String> {
    let outcome = netswap(setup, &["verify", "--format", "json", SHARE])?.expect_code(0)?;
    let images = super::examples::images(&outcome, "passed")?;
    let on_share = images.iter().filter(|path| path.starts_with(SHARE)).count();
    if images.len() < 6 || on_share != images.len() {
        return Err(format!("verify reports other images than those of the share: {images:?}"));
    }
    let image = copy_without_bit(setup, &setup.wine.share(), "old/Grüße.exe")?;
    let outcome = netswap(setup, &["verify", SHARE])?;
    outcome.expect(1, &["FAILED", r"\old\Grüße.exe", "net-swap-missing", ", 1 failed"])?;
    fs::remove_file(&image).map_err(at(&image))?;
    Ok(format!("{} images on {SHARE}, and one without the bit", images.len()).into())
}

/// Presses Ctrl-C while netswap verifies files on the share.
///
/// Wine sends the event as Windows does. Closing the console window and ending the Windows session
/// were not run.
pub(super) fn interrupt(setup: &Setup<'_>) -> Result<Evidence, String> {
    // More files than there are results that wait for one another.
    const FILES: usize = 4000;
    setup.wine.compile("interrupt")?;
    let folder = setup.wine.share().join("many");
    let image = Image::exe().bytes();
    for number in 0..FILES {
        write(&folder.join(format!("{number:04}.exe")), &image)?;
    }
    let (program, many) = (windows_path(SHARE, Path::new(PROGRAM)), format!(r"{SHARE}\many"));
    let mut command = setup.wine.command(r"C:\interrupt.exe");
    command.args([&program, "verify", &many, "--format", "json", "--jobs", "2"]);
    let output = target_dir().join("interrupted.json");
    let outcome = run_program(&mut in_terminal(&command, &output))?.expect_code(130)?;
    remove_folder(&folder)?;
    let report = fs::read(&output).map_err(at(&output))?;
    let report: Value =
        serde_json::from_slice(&report).map_err(|error| outcome.error(&error.to_string()))?;
    let count = report.get("images").and_then(Value::as_array).map_or(0, Vec::len);
    if report.get("interrupted") != Some(&Value::Bool(true)) || count == 0 || count == FILES {
        return Err(outcome.error("the report is not that of an interrupted scan"));
    }
    Ok(format!("exit code 130 and a complete report on {count} of {FILES} files").into())
}

/// Returns a command that runs another one in a terminal, which Wine uses as the console. Its
/// standard output goes to a file.
fn in_terminal(command: &Command, output: &Path) -> Command {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let line = format!("{} >'{}'", words.join(" "), output.display());
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
    let variables = command.get_envs();
    script.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        script.current_dir(folder);
    }
    script
}

/// Returns the forms of a path: on a drive, on a share, and relative. The first two also occur in
/// the `\\?\` form, which Windows does not parse.
fn forms(setup: &Setup<'_>) -> Result<Vec<(PathBuf, String)>, String> {
    const BELOW: &str = "tools/Grüße ü.exe";
    let on_drive = copy_without_bit(setup, &setup.wine.drive(), BELOW)?;
    let on_share = copy_without_bit(setup, &setup.wine.share(), BELOW)?;
    let below = Path::new(BELOW);
    Ok(vec![
        (on_drive.clone(), windows_path("C:", below)),
        (on_drive.clone(), format!("C:/{BELOW}")),
        (on_drive.clone(), windows_path(r"\\?\C:", below)),
        (on_drive, windows_path(".", below)),
        (on_share.clone(), windows_path(SHARE, below)),
        (on_share, windows_path(r"\\?\UNC\fileserver\tools", below)),
    ])
}

pub(super) fn inspect(setup: &Setup<'_>) -> Result<Evidence, String> {
    let forms = forms(setup)?;
    for (_, path) in &forms {
        netswap(setup, &["inspect", path])?.expect(0, &["Grüße ü.exe", "x64", "none"])?;
    }
    netswap(setup, &["inspect", r"C:\nowhere.exe"])?.expect(2, &["nowhere.exe"])?;
    Ok(format!("{} forms of a path", forms.len()).into())
}

pub(super) fn patch(setup: &Setup<'_>) -> Result<Evidence, String> {
    let forms = forms(setup)?;
    for (index, (file, path)) in forms.iter().enumerate() {
        let read = || fs::read(file).map_err(at(file));
        let before = read()?;
        let journal = format!(r"C:\journal-{index}.jsonl");
        netswap(setup, &["patch", path, "--journal", &journal])?.expect(0, &["1 patched"])?;
        netswap(setup, &["verify", "--verbose", path])?.expect(0, &["swap-run: net"])?;
        let patched = read()?;
        let changed = before.iter().zip(&patched).filter(|(before, after)| before != after).count();
        if changed != 1 || before.len() != patched.len() {
            return Err(format!("{path}: patch changed {changed} bytes instead of 1"));
        }
        netswap(setup, &["undo", &journal])?.expect(0, &["1 restored"])?;
        ensure!(read()? == before, "{path}: undo did not restore the file");
    }
    // Without `--journal`, the journal is in its default folder.
    let (_, form) = forms.first().ok_or("there is no form of a path")?;
    let patch = netswap(setup, &["patch", form])?;
    patch.expect(0, &["1 patched", r"\netswap\", r"AppData\Local"])?;
    Ok(format!("{} forms of a path", forms.len()).into())
}

pub(super) fn read_only(setup: &Setup<'_>) -> Result<Evidence, String> {
    let file = copy_without_bit(setup, &setup.wine.drive(), "read-only.exe")?;
    let mut permissions = fs::metadata(&file).map_err(at(&file))?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).map_err(at(&file))?;
    let before = fs::read(&file).map_err(at(&file))?;
    let image = r"C:\read-only.exe";
    netswap(setup, &["patch", image, "--journal", r"C:\a.jsonl"])?.expect(1, &["read-only"])?;
    ensure!(fs::read(&file).map_err(at(&file))? == before, "patch changed the read-only file");
    let patch =
        netswap(setup, &["patch", "--include-read-only", image, "--journal", r"C:\b.jsonl"])?;
    patch.expect(0, &["1 patched"])?;
    if !fs::metadata(&file).map_err(at(&file))?.permissions().readonly() {
        return Err("the file is no longer read-only".to_owned());
    }
    Ok("refused, then patched and still read-only".into())
}

pub(super) fn in_use(setup: &Setup<'_>) -> Result<Evidence, String> {
    setup.wine.compile("hold")?;
    copy_without_bit(setup, &setup.wine.drive(), "held.exe")?;
    let image = r"C:\held.exe";
    let mut holder = setup.wine.command(r"C:\hold.exe");
    holder.arg(image).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = holder.spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    if let Some(stdout) = holder.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    }
    let patch = netswap(setup, &["patch", image, "--journal", r"C:\c.jsonl"]);
    let verify = netswap(setup, &["verify", "--format", "json", image]);
    drop(holder.stdin.take());
    holder.wait().map_err(|error| error.to_string())?;
    ensure!(line.trim() == "held", "hold.exe could not open the file: {line:?}");
    patch?.expect(1, &["in-use"])?;
    let verify = verify?.expect_code(2)?;
    if first_code(&parse_report(&verify)?) != Some("unreadable") {
        return Err(verify.error("verify does not report the open file as unreadable"));
    }
    netswap(setup, &["patch", image, "--journal", r"C:\d.jsonl"])?.expect(0, &["1 patched"])?;
    Ok("patch refuses the open file and verify can't read it; after it is closed, patch works"
        .into())
}
