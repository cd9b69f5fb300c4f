//! Tests netswap itself as a Windows program, with paths in Windows' forms.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::toolchain::{MSVC, Toolchain, with_std};
use super::wine::{SHARE, windows};
use super::{Ran, Setup, Told, ran, target_dir};
use crate::process::{check, root};

/// The program's path below the share.
const PROGRAM: &str = "netswap.exe";

/// Builds netswap.exe, copies it onto the share, and runs it on itself.
pub(super) fn built(setup: &Setup<'_>) -> Result<Told, String> {
    check(&mut build(setup.toolchain))?;
    let program = target_dir().join(MSVC).join("debug").join(PROGRAM);
    let place = setup.wine.share().join(PROGRAM);
    fs::copy(&program, &place).map_err(|error| format!("{}: {error}", program.display()))?;
    let path = windows(SHARE, Path::new(PROGRAM));
    netswap(setup, &["verify", &path])?.expect(0, &["netswap.exe  x64 exe, swap-run: net"])?;
    Ok("it says so of itself, from the share".into())
}

/// Returns the command that builds netswap.exe.
pub(super) fn build(toolchain: &Toolchain) -> Command {
    let mut cargo = toolchain.cargo(MSVC, root());
    cargo.args(["build", "--quiet", "--locked", "--package", "netswap-cli", "--bin", "netswap"]);
    cargo.args(with_std(MSVC)).env("CARGO_TARGET_DIR", target_dir());
    cargo
}

/// Runs netswap.exe from the share.
fn netswap(setup: &Setup<'_>, arguments: &[&str]) -> Result<Ran, String> {
    ran(setup.wine.command(&windows(SHARE, Path::new(PROGRAM))).args(arguments))
}

/// Makes a copy of a tool without the bit, at `below` in the folder `root`. Returns the path of the
/// copy.
fn without_bit(setup: &Setup<'_>, root: &Path, below: &str) -> Result<PathBuf, String> {
    let tool = setup.wine.share().join("examples").join("hello-tool.exe");
    let path = root.join(below);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = fs::read(tool).map_err(failed)?;
    let field = |range| bytes.get(range).and_then(|bytes: &[u8]| bytes.try_into().ok());
    let header = field(0x3c..0x40).map(u32::from_le_bytes).ok_or("it has no header")?;
    // The high byte of Characteristics is 23 bytes behind the start of the signature.
    let characteristics = usize::try_from(header).map_err(|error| error.to_string())? + 23;
    let byte = bytes.get_mut(characteristics).ok_or("its header is cut off")?;
    if *byte & 0x08 == 0 {
        return Err("the tool of the share lacks the bit".to_owned());
    }
    *byte &= !0x08;
    fs::create_dir_all(path.parent().unwrap_or(root)).map_err(failed)?;
    fs::write(&path, bytes).map_err(failed)?;
    Ok(path)
}

pub(super) fn verify(setup: &Setup<'_>) -> Result<Told, String> {
    let run = netswap(setup, &["verify", "--format", "json", SHARE])?;
    run.expect(0, &[])?;
    let images = super::examples::images(&run, "passed")?;
    let on_share = images.iter().filter(|path| path.starts_with(SHARE)).count();
    if images.len() < 6 || on_share != images.len() {
        return Err(format!("{images:?} are not the share's"));
    }
    let lacking = without_bit(setup, &setup.wine.share(), "old/Grüße.exe")?;
    let run = netswap(setup, &["verify", SHARE])?;
    run.expect(1, &["FAILED", r"\old\Grüße.exe", "net-swap-missing", ", 1 failed"])?;
    fs::remove_file(lacking).map_err(|error| error.to_string())?;
    Ok(format!("{} images of {SHARE}, and one that lacks it", images.len()).into())
}

/// Returns the forms of a path: on a drive, on a share, and relative. The first two also occur in
/// the `\\?\` form, which Windows does not parse.
fn forms(setup: &Setup<'_>) -> Result<Vec<(PathBuf, String)>, String> {
    const BELOW: &str = "tools/Grüße ü.exe";
    let on_drive = without_bit(setup, &setup.wine.drive(), BELOW)?;
    let on_share = without_bit(setup, &setup.wine.share(), BELOW)?;
    let below = Path::new(BELOW);
    Ok(vec![
        (on_drive.clone(), windows("C:", below)),
        (on_drive.clone(), format!("C:/{BELOW}")),
        (on_drive.clone(), windows(r"\\?\C:", below)),
        (on_drive, windows(".", below)),
        (on_share.clone(), windows(SHARE, below)),
        (on_share, windows(r"\\?\UNC\fileserver\tools", below)),
    ])
}

pub(super) fn inspect(setup: &Setup<'_>) -> Result<Told, String> {
    let forms = forms(setup)?;
    for (_, path) in &forms {
        netswap(setup, &["inspect", path])?.expect(0, &["Grüße ü.exe", "x64", "none"])?;
    }
    netswap(setup, &["inspect", r"C:\nowhere.exe"])?.expect(2, &["nowhere.exe"])?;
    Ok(format!("{} forms of a path", forms.len()).into())
}

pub(super) fn patch(setup: &Setup<'_>) -> Result<Told, String> {
    let forms = forms(setup)?;
    for (index, (file, path)) in forms.iter().enumerate() {
        let read = || fs::read(file).map_err(|error| error.to_string());
        let before = read()?;
        let journal = format!(r"C:\journal-{index}.jsonl");
        netswap(setup, &["patch", path, "--journal", &journal])?.expect(0, &["1 patched"])?;
        netswap(setup, &["verify", path])?.expect(0, &["swap-run: net"])?;
        let patched = read()?;
        let changed = before.iter().zip(&patched).filter(|(before, after)| before != after).count();
        if changed != 1 || before.len() != patched.len() {
            return Err(format!("{path}: {changed} bytes were changed"));
        }
        netswap(setup, &["undo", &journal])?.expect(0, &["1 restored"])?;
        if read()? != before {
            return Err(format!("{path}: undo left other bytes"));
        }
    }
    // Without `--journal`, the journal is in its default folder.
    let (_, path) = forms.first().ok_or("there is no path")?;
    let run = netswap(setup, &["patch", path])?;
    run.expect(0, &["1 patched", r"\netswap\", r"AppData\Local"])?;
    Ok(format!("{} forms of a path", forms.len()).into())
}

pub(super) fn read_only(setup: &Setup<'_>) -> Result<Told, String> {
    let file = without_bit(setup, &setup.wine.drive(), "read-only.exe")?;
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut permissions = fs::metadata(&file).map_err(failed)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).map_err(failed)?;
    let before = fs::read(&file).map_err(failed)?;
    let path = r"C:\read-only.exe";
    netswap(setup, &["patch", path, "--journal", r"C:\a.jsonl"])?.expect(1, &["read-only"])?;
    if fs::read(&file).map_err(failed)? != before {
        return Err("it was changed".to_owned());
    }
    let run = netswap(setup, &["patch", "--include-read-only", path, "--journal", r"C:\b.jsonl"])?;
    run.expect(0, &["1 patched"])?;
    if !fs::metadata(&file).map_err(failed)?.permissions().readonly() {
        return Err("it is read-only no more".to_owned());
    }
    Ok("refused, then changed and still read-only".into())
}

pub(super) fn in_use(setup: &Setup<'_>) -> Result<Told, String> {
    setup.wine.compile("hold")?;
    without_bit(setup, &setup.wine.drive(), "held.exe")?;
    let path = r"C:\held.exe";
    let mut holder = setup.wine.command(r"C:\hold.exe");
    holder.arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = holder.spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    if let Some(stdout) = holder.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    }
    let while_held = netswap(setup, &["patch", path, "--journal", r"C:\c.jsonl"]);
    let judged = netswap(setup, &["verify", "--format", "json", path]);
    drop(holder.stdin.take());
    holder.wait().map_err(|error| error.to_string())?;
    if line.trim() != "held" {
        return Err(format!("the file could not be held: {line:?}"));
    }
    while_held?.expect(1, &["in-use"])?;
    let judged = judged?;
    let report: Value = serde_json::from_str(&judged.stdout).map_err(|error| error.to_string())?;
    let code = report.pointer("/images/0/findings/0/code").and_then(Value::as_str);
    if judged.code != Some(2) || code != Some("unreadable") {
        return Err(format!("verify told otherwise: {judged:#?}"));
    }
    netswap(setup, &["patch", path, "--journal", r"C:\d.jsonl"])?.expect(0, &["1 patched"])?;
    Ok("patch refuses it, verify has not read it, and once it is let go patch works".into())
}
