//! `cargo xtask bench build-cost`: compares what netswap-build and its peers cost a clean build.
//!
//! Each variant is the same program with a different build script. Every round builds each variant
//! from scratch, so a slow moment of the machine affects all variants alike. The result is the
//! ratio to a build script that prints the line by hand and has no dependencies.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::Options;
use super::ratio::{Ratio, interleaved};
use crate::files::{remove_folder, scratch, write};
use crate::packages::netswap_build;
use crate::process::{cargo, check, output};

/// A build script: its name, its build-dependency and the code in its `main`, if any.
type Variant = (&'static str, &'static str, &'static str);

const PRINTING: &str = r#"println!("cargo:rerun-if-env-changed=NETSWAP");
    if std::env::var_os("CARGO_CFG_TARGET_ENV").is_some_and(|env| env == "msvc") {
        println!("cargo:rustc-link-arg=/SWAPRUN:NET");
    }"#;

/// The complete source of a crate that prints the same lines and writes a one-line receipt. No
/// crate that writes a receipt can do less: it has no choices, decisions or error handling.
const ONE_FUNCTION: &str = r#"pub fn emit() {
    println!("cargo:rerun-if-env-changed=NETSWAP");
    if std::env::var_os("CARGO_CFG_TARGET_ENV").is_some_and(|env| env == "msvc") {
        println!("cargo:rustc-link-arg=/SWAPRUN:NET");
    }
    let out = std::env::var_os("OUT_DIR").unwrap();
    let target = std::env::var("TARGET").unwrap();
    std::fs::write(std::path::Path::new(&out).join("receipt"), format!("{target}\n")).unwrap();
}
"#;

/// The index of the variant that all others are compared with.
const REFERENCE: usize = 1;

/// Code that calls a peer if the target is Windows.
macro_rules! on_windows {
    ($call:literal) => {
        concat!(
            "if std::env::var_os(\"CARGO_CFG_WINDOWS\").is_some() {\n        ",
            $call,
            "\n    }"
        )
    };
}

const VARIANTS: [Variant; 8] = [
    ("no build script", "", ""),
    ("a printing build script", "", PRINTING),
    ("an empty crate", "empty = \"0.1\"", PRINTING),
    ("a crate with one function", "one-function = \"0.1\"", "one_function::emit();"),
    ("netswap-build", "netswap-build = \"0.1\"", "netswap_build::emit();"),
    (
        "embed-manifest 1.5.1",
        "embed-manifest = \"=1.5.1\"",
        on_windows!(
            "embed_manifest::embed_manifest(embed_manifest::new_manifest(\"A.B\")).unwrap();"
        ),
    ),
    (
        "winresource 0.1.34",
        "winresource = \"=0.1.34\"",
        on_windows!("winresource::WindowsResource::new().compile().unwrap();"),
    ),
    (
        "cc 1.11.3",
        "cc = \"=1.11.3\"",
        on_windows!("cc::Build::new().file(\"a.c\").compile(\"a\");"),
    ),
];

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let rounds = options.rounds;
    let home = scratch("build-cost");
    publish(&home.join("registry"))?;
    let projects = VARIANTS.iter().enumerate().map(|(index, variant)| {
        let project = home.join(format!("variant-{index}"));
        write_project(&project, variant).map(|()| project)
    });
    let projects: Vec<PathBuf> = projects.collect::<Result<_, _>>()?;
    let mut crates = Vec::new();
    for project in &projects {
        check(in_project(project, &["fetch", "--quiet"]).env_remove("CARGO_TARGET_DIR"))?;
        let tree = ["tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe"];
        crates.push(output(&mut in_project(project, &tree))?.lines().count());
    }

    // The first round warms the caches.
    let times = interleaved(rounds, 1, &projects, |project| clean_build(project))?;

    let reference = times.get(REFERENCE).cloned().unwrap_or_default();
    println!("{rounds} rounds of clean builds, interleaved; ratios to a printing build script\n");
    println!("{:<25} {:>6} {}", "build script", "crates", Ratio::HEADINGS);
    for (((name, ..), times), crates) in VARIANTS.iter().zip(&times).zip(crates) {
        println!("{name:<25} {crates:>6} {}", Ratio::new(times, &reference));
    }
    Ok(())
}

/// Returns the seconds that a clean build takes.
fn clean_build(project: &Path) -> Result<f64, String> {
    remove_folder(&project.join("target"))?;
    let start = Instant::now();
    check(&mut in_project(project, &["build", "--quiet", "--offline"]))?;
    Ok(start.elapsed().as_secs_f64())
}

fn in_project(project: &Path, arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.current_dir(project).env_remove("CARGO_TARGET_DIR");
    command
}

/// Creates a local registry with netswap-build, packed as for publication, and the two crates it is
/// compared with. Cargo builds a crate from a registry differently from a path dependency: not
/// incrementally, and without showing its warnings.
fn publish(registry: &Path) -> Result<(), String> {
    let mut packages = vec![netswap_build(registry)?];
    for (name, code) in [("empty", ""), ("one-function", ONE_FUNCTION)] {
        let package = registry.join(format!("{name}-0.1.0"));
        write(&package.join("src/lib.rs"), code)?;
        write(&package.join("Cargo.toml"), manifest(name))?;
        packages.push(package);
    }
    // Cargo accepts a folder as a package of a directory registry only with this file.
    packages.iter().try_for_each(|package| {
        write(&package.join(".cargo-checksum.json"), "{\"files\":{},\"package\":null}")
    })
}

fn manifest(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
}

fn write_project(project: &Path, (_, dependency, main): &Variant) -> Result<(), String> {
    // The peers come from the registry that Cargo is configured for.
    let config = if dependency.contains("\"=") {
        ""
    } else {
        "[source.crates-io]\nreplace-with = \"local\"\n\n[source.local]\ndirectory = \"../registry\"\n"
    };
    write(&project.join(".cargo/config.toml"), config)?;
    let manifest = manifest("hello-world");
    let manifest = format!("{manifest}\n[build-dependencies]\n{dependency}\n\n[workspace]\n");
    write(&project.join("Cargo.toml"), manifest)?;
    let program = "fn main() {\n    println!(\"Hello, world!\");\n}\n";
    write(&project.join("src/main.rs"), program)?;
    if main.is_empty() {
        return Ok(());
    }
    write(&project.join("build.rs"), format!("fn main() {{\n    {main}\n}}\n"))
}
