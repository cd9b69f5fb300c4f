//! Builds the examples as Windows programs and runs them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::link_result::{LinkResult, SetBy, characteristics};
use super::std_targets::{MSVC, XTASK, with_std};
use super::wine::{MAPPED, SHARE, windows_path};
use super::{Evidence, Setup, parse_report, run_program, target_dir};
use crate::examples::{EXAMPLES, Example};
use crate::files::{at, create_folder, write};
use crate::outcome::Outcome;

/// The folder of the examples' programs on the share.
const FOLDER: &str = "examples";

/// Builds and verifies each example with its own xtask. Copies the images to the share.
///
/// Also builds each example with the bit switched off, which verify must report.
pub(super) fn verify(setup: &Setup<'_>) -> Result<Evidence, String> {
    let share = create_folder(setup.wine.share().join(FOLDER))?;
    let mut results = Vec::new();
    for example in &EXAMPLES {
        let off = build_and_verify(setup, example, "off", 1)?;
        let on = build_and_verify(setup, example, "net", 0)?;
        if on.len() != example.packages.len() || off.len() != on.len() {
            return Err(format!("{}: verify reports only the images {on:?}", example.name));
        }
        let [package, ..] = example.packages else { continue };
        let set_by = SetBy::find(package, &target_dir(), MSVC)?;
        for ((image, on), (_, off)) in on.into_iter().zip(off) {
            let name = Path::new(&image).file_name().unwrap_or_default();
            fs::copy(&image, share.join(name)).map_err(at(Path::new(&image)))?;
            let image = name.to_string_lossy().into_owned();
            let (target, linked_by, set_by) = (MSVC.to_owned(), "LLD (lld-link)", set_by.clone());
            let result = LinkResult { target, linked_by, set_by, image, off, on, is_run: true };
            results.push(result.checked()?);
        }
    }
    let names: Vec<_> = results.iter().map(|result| result.image.as_str()).collect();
    Ok(Evidence::new(names.join(", "), results))
}

/// Returns an example's images and their Characteristics. Its verify must end with `code`.
fn build_and_verify(
    setup: &Setup<'_>,
    example: &Example,
    netswap: &str,
    code: i32,
) -> Result<Vec<(String, u16)>, String> {
    let mut cargo = setup.debian.cargo(MSVC, &example.folder());
    cargo.args(XTASK);
    cargo.args(["verify", "--workspace", "--locked", "--quiet", "--format", "json"]);
    let outcome =
        run_program(cargo.args(with_std(MSVC)).env("NETSWAP", netswap))?.expect_code(code)?;
    let status = if code == 0 { "passed" } else { "failed" };
    let images = images(&outcome, status)?.into_iter().map(|image| {
        let characteristics = characteristics(Path::new(&image))?;
        Ok((image, characteristics))
    });
    images.collect()
}

/// Returns the paths of the images in a report. All images must have this status.
pub(super) fn images(outcome: &Outcome, status: &str) -> Result<Vec<String>, String> {
    let report = parse_report(outcome)?;
    let images = report.get("images").and_then(Value::as_array).cloned().unwrap_or_default();
    let path = |image: &Value| {
        let has_status = image.get("status").and_then(Value::as_str) == Some(status);
        let path = image.get("path").and_then(Value::as_str).filter(|_| has_status);
        path.map(str::to_owned).ok_or_else(|| format!("{image} is not {status}"))
    };
    images.iter().map(path).collect()
}

/// Runs a tool from the share. `share` is the UNC path, or the drive that the share is mapped to.
fn run_tool(
    setup: &Setup<'_>,
    share: &str,
    program: &str,
    arguments: &[&str],
) -> Result<Outcome, String> {
    let path = windows_path(share, &Path::new(FOLDER).join(program));
    run_program(setup.wine.command(&path).args(arguments))
}

pub(super) fn run_tools(setup: &Setup<'_>) -> Result<Evidence, String> {
    run_tool(setup, SHARE, "hello-tool.exe", &["Ada"])?.expect(0, &["Hello, Ada!\n"])?;
    run_tool(setup, SHARE, "hello-tool.exe", &["--loud"])?
        .expect(2, &["usage: hello-tool [NAME]"])?;
    run_tool(setup, SHARE, "hello.exe", &[])?.expect(0, &["Hello, world!\n"])?;
    run_tool(setup, SHARE, "goodbye.exe", &["Grace"])?.expect(0, &["Goodbye, Grace!\n"])?;
    Ok(format!("hello-tool.exe, hello.exe and goodbye.exe on {SHARE}").into())
}

pub(super) fn run_plugin_host(setup: &Setup<'_>) -> Result<Evidence, String> {
    let dll = setup.wine.share().join(FOLDER).join("plugin_host_plugin.dll");
    let aside = dll.with_extension("aside");
    // Uses the drive: for a UNC path, Wine gives the program an unusable path of itself.
    let host = |parts: &[&str], code| {
        run_tool(setup, MAPPED, "plugin-host.exe", &["Ada"])?.expect(code, parts)
    };
    host(&["Hello from the plug-in, Ada!\n"], 0)?;
    fs::rename(&dll, &aside).map_err(at(&dll))?;
    host(&["Hello, Ada!\n"], 0)?;
    write(&dll, "not a DLL")?;
    host(&["error: failed to load", "plugin_host_plugin.dll"], 1)?;
    fs::rename(&aside, &dll).map_err(at(&dll))?;
    host(&["Hello from the plug-in, Ada!\n"], 0)?;
    Ok(format!("plugin-host.exe on {MAPPED} with its DLL, without it, and with an invalid DLL")
        .into())
}
