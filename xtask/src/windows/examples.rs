//! The examples as Windows programs.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::toolchain::TARGET;
use super::wine::{MAPPED, SHARE, windows};
use super::{Ran, Setup, ran};
use crate::examples::EXAMPLES;

/// Where the examples' programs lie on the share.
const FOLDER: &str = "examples";

/// Has C++ in it, of which the packages here have no compiler for msvc targets.
const NATIVE: &str = "native-tool";

/// Builds each by its own xtask, which verifies what was built, and puts the images onto the share.
pub(super) fn verified(setup: &Setup<'_>) -> Result<String, String> {
    let share = setup.wine.share().join(FOLDER);
    fs::create_dir_all(&share).map_err(|error| error.to_string())?;
    let mut told = Vec::new();
    for example in &EXAMPLES {
        if example.name == NATIVE {
            told.push(format!("{NATIVE} left out, for want of a C++ compiler for {TARGET}"));
            continue;
        }
        let mut cargo = setup.toolchain.cargo(&example.folder());
        cargo.args(["xtask", "verify", "--workspace", "--locked", "--quiet", "--format", "json"]);
        cargo.args(setup.toolchain.arguments()).env("CARGO_TARGET_DIR", &setup.target_dir);
        let ran = ran(&mut cargo)?;
        ran.expect(0, &[])?;
        let images = images(&ran)?;
        for image in &images {
            let name = Path::new(image).file_name().unwrap_or_default();
            let independently = setup.debian.characteristics(Path::new(image))?;
            if independently & 0x0800 == 0 {
                return Err(format!("{image} has passed, and objdump says {independently:#06x}"));
            }
            fs::copy(image, share.join(name)).map_err(|error| format!("{image}: {error}"))?;
            told.push(name.to_string_lossy().into_owned());
        }
        if images.len() != example.packages.len() {
            return Err(format!("{}: {images:?} are not all of its images", example.name));
        }
    }
    Ok(told.join(", "))
}

/// The paths of the images in a report; all of them must have passed.
pub(super) fn images(ran: &Ran) -> Result<Vec<String>, String> {
    let report: Value =
        serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}: {ran:#?}"))?;
    let images = report.get("images").and_then(Value::as_array).cloned().unwrap_or_default();
    let path = |image: &Value| {
        let is_passed = image.get("status").and_then(Value::as_str) == Some("passed");
        let path = image.get("path").and_then(Value::as_str);
        path.filter(|_| is_passed)
            .map(str::to_owned)
            .ok_or_else(|| format!("{image} has not passed"))
    };
    images.iter().map(path).collect()
}

/// A tool of the share, which is named by its UNC path or by the drive that it is mapped to.
fn tool_of(
    setup: &Setup<'_>,
    share: &str,
    program: &str,
    arguments: &[&str],
) -> Result<Ran, String> {
    let path = windows(share, &Path::new(FOLDER).join(program));
    ran(setup.wine.command(&path).args(arguments))
}

pub(super) fn tool(setup: &Setup<'_>) -> Result<String, String> {
    tool_of(setup, SHARE, "hello-tool.exe", &["Ada"])?.expect(0, &["Hello, Ada!\n"])?;
    tool_of(setup, SHARE, "hello-tool.exe", &["--loud"])?
        .expect(2, &["usage: hello-tool [NAME]"])?;
    tool_of(setup, SHARE, "hello.exe", &[])?.expect(0, &["Hello, world!\n"])?;
    tool_of(setup, SHARE, "goodbye.exe", &["Grace"])?.expect(0, &["Goodbye, Grace!\n"])?;
    Ok(format!("hello-tool.exe, hello.exe, goodbye.exe of {SHARE}"))
}

pub(super) fn plugin(setup: &Setup<'_>) -> Result<String, String> {
    let dll = setup.wine.share().join(FOLDER).join("plugin_host_plugin.dll");
    let aside = dll.with_extension("aside");
    let failed = |error: std::io::Error| format!("{}: {error}", dll.display());
    // By a UNC path Wine tells a program a path of its own that no function takes.
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
    Ok(format!("plugin-host.exe of {MAPPED} with its DLL, without, and with a broken one"))
}
