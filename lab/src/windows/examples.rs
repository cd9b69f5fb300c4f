//! Builds the examples as Windows programs and runs them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::seen::{Seen, SetBy, characteristics};
use super::toolchain::{MSVC, XTASK, with_std};
use super::wine::{MAPPED, SHARE, windows};
use super::{Ran, Setup, Told, ran, target_dir};
use crate::examples::{EXAMPLES, Example};

/// The folder of the examples' programs on the share.
const FOLDER: &str = "examples";

/// Builds each example with its own xtask, which verifies the result, and puts the images onto the
/// share.
///
/// Also builds each with the bit switched off: verify must report that.
pub(super) fn verified(setup: &Setup<'_>) -> Result<Told, String> {
    let share = setup.wine.share().join(FOLDER);
    fs::create_dir_all(&share).map_err(|error| error.to_string())?;
    let mut seen = Vec::new();
    for example in &EXAMPLES {
        let off = built(setup, example, "off", 1)?;
        let on = built(setup, example, "net", 0)?;
        if on.len() != example.packages.len() || off.len() != on.len() {
            return Err(format!("{}: {on:?} are not all of its images", example.name));
        }
        let [package, ..] = example.packages else { continue };
        let set_by = SetBy::find(package, &target_dir(), MSVC)?;
        for ((image, on), (_, off)) in on.into_iter().zip(off) {
            let name = Path::new(&image).file_name().unwrap_or_default();
            fs::copy(&image, share.join(name)).map_err(|error| format!("{image}: {error}"))?;
            let image = name.to_string_lossy().into_owned();
            let (target, linked_by) = (MSVC.to_owned(), "LLD (lld-link)".to_owned());
            let one =
                Seen { target, linked_by, set_by: set_by.clone(), image, off, on, is_run: true };
            one.check()?;
            seen.push(one);
        }
    }
    let names: Vec<_> = seen.iter().map(|seen| seen.image.as_str()).collect();
    Ok(Told::new(names.join(", "), seen))
}

/// Returns the images of an example and their Characteristics. Its own `cargo xtask verify` must
/// end with `code`.
fn built(
    setup: &Setup<'_>,
    example: &Example,
    netswap: &str,
    code: i32,
) -> Result<Vec<(String, u16)>, String> {
    let mut cargo = setup.toolchain.cargo(MSVC, &example.folder());
    cargo.args(XTASK);
    cargo.args(["verify", "--workspace", "--locked", "--quiet", "--format", "json"]);
    cargo.args(with_std(MSVC)).env("CARGO_TARGET_DIR", target_dir());
    let ran = ran(cargo.env("NETSWAP", netswap))?;
    ran.expect(code, &[])?;
    let status = if code == 0 { "passed" } else { "failed" };
    let images = images(&ran, status)?.into_iter().map(|image| {
        let characteristics = characteristics(Path::new(&image))?;
        Ok((image, characteristics))
    });
    images.collect()
}

/// Returns the paths of the images in a report. All images must have this status.
pub(super) fn images(ran: &Ran, status: &str) -> Result<Vec<String>, String> {
    let report: Value =
        serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}: {ran:#?}"))?;
    let images = report.get("images").and_then(Value::as_array).cloned().unwrap_or_default();
    let path = |image: &Value| {
        let is_so = image.get("status").and_then(Value::as_str) == Some(status);
        let path = image.get("path").and_then(Value::as_str).filter(|_| is_so);
        path.map(str::to_owned).ok_or_else(|| format!("{image} is not {status}"))
    };
    images.iter().map(path).collect()
}

/// Runs a tool from the share. `share` is the UNC path, or the drive that the share is mapped to.
fn tool_of(
    setup: &Setup<'_>,
    share: &str,
    program: &str,
    arguments: &[&str],
) -> Result<Ran, String> {
    let path = windows(share, &Path::new(FOLDER).join(program));
    ran(setup.wine.command(&path).args(arguments))
}

pub(super) fn tool(setup: &Setup<'_>) -> Result<Told, String> {
    tool_of(setup, SHARE, "hello-tool.exe", &["Ada"])?.expect(0, &["Hello, Ada!\n"])?;
    tool_of(setup, SHARE, "hello-tool.exe", &["--loud"])?
        .expect(2, &["usage: hello-tool [NAME]"])?;
    tool_of(setup, SHARE, "hello.exe", &[])?.expect(0, &["Hello, world!\n"])?;
    tool_of(setup, SHARE, "goodbye.exe", &["Grace"])?.expect(0, &["Goodbye, Grace!\n"])?;
    Ok(format!("hello-tool.exe, hello.exe, goodbye.exe of {SHARE}").into())
}

pub(super) fn plugin(setup: &Setup<'_>) -> Result<Told, String> {
    let dll = setup.wine.share().join(FOLDER).join("plugin_host_plugin.dll");
    let aside = dll.with_extension("aside");
    let failed = |error: std::io::Error| format!("{}: {error}", dll.display());
    // Uses the drive: for a UNC path, Wine gives a program a path of itself that no function
    // accepts.
    let host = |said: &[&str], code| {
        tool_of(setup, MAPPED, "plugin-host.exe", &["Ada"])?.expect(code, said)
    };
    host(&["Hello from the plug-in, Ada!\n"], 0)?;
    fs::rename(&dll, &aside).map_err(failed)?;
    host(&["Hello, Ada!\n"], 0)?;
    fs::write(&dll, "no DLL").map_err(failed)?;
    host(&["error: failed to load", "plugin_host_plugin.dll"], 1)?;
    fs::rename(&aside, &dll).map_err(failed)?;
    host(&["Hello from the plug-in, Ada!\n"], 0)?;
    Ok(format!("plugin-host.exe of {MAPPED} with its DLL, without, and with a broken one").into())
}
