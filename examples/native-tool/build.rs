//! Compiles the C++ into the tool and links its helper, and makes Windows copy both to the page file when they are
//! started from a network share.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use netswap_build::SwapRun;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = SwapRun::new();
    // What Cargo links: the tool.
    wanted.emit();
    println!("cargo:rerun-if-changed=native");

    let mut banner = cc::Build::new();
    banner.file("native/banner.cpp").cpp(true).cpp_link_stdlib(None);
    // Nothing calls what is in it, so the linker would leave it out.
    banner.link_lib_modifier("+whole-archive").try_compile("banner")?;

    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    link_helper(&wanted, &out_dir)?;
    println!("cargo:rustc-link-search=native={}", out_dir.display());
    // After what needs it.
    println!("cargo:rustc-link-lib=dylib=helper");
    Ok(())
}

/// Links the helper, with the compiler that `cc` finds for the target. It is left in `OUT_DIR`, where `cargo run` and
/// `cargo test` look for it; what ships has it beside the program, see `cargo xtask package`.
fn link_helper(wanted: &SwapRun, out_dir: &Path) -> Result<(), Box<dyn Error>> {
    let (os, abi) = (env::var("CARGO_CFG_TARGET_OS")?, env::var("CARGO_CFG_TARGET_ENV")?);
    let compiler = cc::Build::new().try_get_compiler()?;
    let mut link = compiler.to_command();
    link.arg("native/helper.c");
    if compiler.is_like_msvc() {
        link.arg("/LD");
        link.arg(joined("/Fe", &out_dir.join("helper.dll")));
        link.arg(joined("/Fo", &out_dir.join("helper.obj")));
    } else {
        let file = match os.as_str() {
            "windows" => "helper.dll",
            "macos" => "libhelper.dylib",
            _ => "libhelper.so",
        };
        link.arg("-shared").arg("-o").arg(out_dir.join(file));
    }
    match (os.as_str(), abi.as_str()) {
        // The linker leaves helper.lib, which the tool is linked with, beside the DLL.
        ("windows", "msvc") => {}
        ("windows", _) => {
            link.arg(joined("-Wl,--out-implib,", &out_dir.join("libhelper.dll.a")));
        }
        // Beside the program is where Windows looks first. Others have to be told.
        ("macos", _) => {
            link.arg("-Wl,-install_name,@rpath/libhelper.dylib");
            println!("cargo:rustc-link-arg-bins=-Wl,-rpath,@loader_path");
        }
        _ => println!("cargo:rustc-link-arg-bins=-Wl,-rpath,$ORIGIN"),
    }
    // Last, since behind /link everything is the linker's.
    link.args(wanted.companion(&compiler));
    let compiler = compiler.path().display();
    match link.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{compiler} failed to link the helper: {status}").into()),
        Err(error) => Err(format!("failed to run {compiler}: {error}").into()),
    }
}

/// An option with its value in the same argument.
fn joined(option: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(value);
    argument
}
