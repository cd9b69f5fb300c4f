//! Compiles the C++ into the tool and links the helper DLL. Makes Windows copy both images to the
//! page file when the tool starts from a network share.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use netswap_build::SwapRun;

fn main() -> Result<(), Box<dyn Error>> {
    let swap_run = SwapRun::new();
    // For the tool, which Cargo links.
    swap_run.emit();
    println!("cargo:rerun-if-changed=native");

    let mut banner = cc::Build::new();
    banner.file("native/banner.cpp").cpp(true).cpp_link_stdlib(None);
    // No code calls the banner, so the linker would drop it without this.
    banner.link_lib_modifier("+whole-archive").try_compile("banner")?;

    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    link_helper(&swap_run, &out_dir)?;
    println!("cargo:rustc-link-search=native={}", out_dir.display());
    // After the banner: some linkers find a symbol only in libraries after its user.
    println!("cargo:rustc-link-lib=dylib=helper");
    Ok(())
}

/// Links the helper into `OUT_DIR`, with the compiler that `cc` finds for the target.
///
/// `cargo run` and `cargo test` find it there. `cargo xtask package` copies it next to the program.
fn link_helper(swap_run: &SwapRun, out_dir: &Path) -> Result<(), Box<dyn Error>> {
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
        // The linker also writes helper.lib, the import library, next to the DLL.
        ("windows", "msvc") => {}
        ("windows", _) => {
            link.arg(joined("-Wl,--out-implib,", &out_dir.join("libhelper.dll.a")));
        }
        // Only Windows looks next to the program without being asked to.
        ("macos", _) => {
            link.arg("-Wl,-install_name,@rpath/libhelper.dylib");
            println!("cargo:rustc-link-arg-bins=-Wl,-rpath,@loader_path");
        }
        _ => println!("cargo:rustc-link-arg-bins=-Wl,-rpath,$ORIGIN"),
    }
    // Last, because cl passes everything after /link to the linker.
    link.args(swap_run.companion(&compiler));
    let compiler = compiler.path().display();
    match link.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{compiler} failed to link the helper: {status}").into()),
        Err(error) => Err(format!("failed to run {compiler}: {error}").into()),
    }
}

/// Returns an option and its value as one argument.
fn joined(option: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(value);
    argument
}
