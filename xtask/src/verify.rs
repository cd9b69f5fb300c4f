//! `cargo xtask verify`: checks real images from Cargo, rustc and a linker, with and without
//! netswap-build.
//!
//! The fixture `two-tools` has one tool that calls netswap-build and one that does not. It is built
//! for every msvc target, which needs only the stable toolchain. The first tool must pass. The
//! second must fail, which shows that the verifier finds a missing bit.

use std::process::ExitCode;

use netswap::{Build, Code, Status, VerifiedImage};

use lab::examples::{EXAMPLES, Example};
use lab::files::{root, scratch};
use lab::rustc::{has_std, hermetic_targets};

/// Windows targets whose standard library rustup offers, for the examples.
const STD_TARGETS: [&str; 6] = [
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
    "i686-pc-windows-msvc",
    "x86_64-pc-windows-gnullvm",
    "aarch64-pc-windows-gnullvm",
    "i686-pc-windows-gnullvm",
];

/// The result of a row in the table. The last variant is the worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    AsExpected,
    NothingToVerify,
    Unexpected,
    NotBuilt,
}

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if !arguments.is_empty() {
        eprintln!(
            "usage: cargo xtask verify\n\nIt takes no arguments: all msvc targets are built."
        );
        return ExitCode::from(netswap::ExitCode::Error);
    }
    let targets = match hermetic_targets() {
        Ok(targets) => targets,
        Err(error) => {
            eprintln!("error: can't list rustc's targets: {error}");
            return ExitCode::from(netswap::ExitCode::Error);
        }
    };
    println!("Characteristics of each image; 0x0800 is IMAGE_FILE_NET_RUN_FROM_SWAP\n");
    println!("{:<28} {:<28} without (must fail)", "target", "with netswap-build");
    let fixtures = targets.iter().map(|target| fixture_row(target));
    let worst = fixtures.max().unwrap_or(Row::NothingToVerify).max(example_rows());
    let (code, text) = match worst {
        Row::AsExpected => (
            netswap::ExitCode::Passed,
            "every image with netswap-build has the bit, and every image without it is found",
        ),
        Row::NothingToVerify => (netswap::ExitCode::NothingToVerify, "rustc knows no msvc target"),
        Row::Unexpected => (netswap::ExitCode::Findings, "some images are not as they should be"),
        Row::NotBuilt => (netswap::ExitCode::Error, "some images could not be built"),
    };
    println!("\n{} targets: {text}", targets.len());
    ExitCode::from(code)
}

/// Builds both tools for one target and prints a row.
fn fixture_row(target: &str) -> Row {
    let fixtures = root().join("fixtures");
    let mut build = Build::new();
    build
        .manifest_path(fixtures.join("two-tools").join("Cargo.toml"))
        .target(target)
        .args(["--quiet", "--offline", "--config"])
        .arg(fixtures.join(".cargo").join("config.toml"))
        .arg("--target-dir")
        .arg(scratch("fixtures"))
        // These variables would replace the fixtures' own flags.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let Some(images) = build_and_verify(target, &build) else { return Row::NotBuilt };
    let (with, without) = (image(&images, "with-bit"), image(&images, "no-bit"));
    println!("{target:<28} {:<28} {}", cell(with), cell(without));
    let is_found = without.is_some_and(|image| {
        let codes: Vec<_> = image.verdict.findings.iter().map(|finding| finding.code).collect();
        image.verdict.status == Status::Failed && codes == [Code::NotRequested]
    });
    if passes(with) && is_found { Row::AsExpected } else { Row::Unexpected }
}

/// Builds the examples, with std, for every target that has it, and prints a row for each image.
fn example_rows() -> Row {
    let targets: Vec<_> = STD_TARGETS.into_iter().filter(|target| has_std(target)).collect();
    if targets.is_empty() {
        println!(
            "\nThe examples were not built: rustc has no standard library for Windows.\nOn Windows, run `rustup target add x86_64-pc-windows-msvc`."
        );
    }
    let rows = targets
        .into_iter()
        .flat_map(|target| EXAMPLES.iter().map(move |example| example_row(target, example)));
    rows.max().unwrap_or(Row::AsExpected)
}

/// Builds an example for one target. Each package that produces an image must have one that passes.
fn example_row(target: &str, example: &Example) -> Row {
    let mut build = Build::new();
    build.manifest_path(example.folder().join("Cargo.toml")).target(target);
    build.args(["--quiet", "--release", "--workspace", "--exclude", "xtask", "--config"]);
    build.arg(root().join("examples").join(".cargo").join("config.toml"));
    build.arg("--target-dir").arg(scratch("examples"));
    let Some(images) = build_and_verify(target, &build) else { return Row::NotBuilt };
    let mut all_pass = images.len() == example.packages.len();
    for package in example.packages {
        let image = image(&images, package);
        println!("{target:<28} {:<28} (examples/{}: {package})", cell(image), example.name);
        all_pass &= passes(image);
    }
    if all_pass { Row::AsExpected } else { Row::Unexpected }
}

fn passes(image: Option<&VerifiedImage>) -> bool {
    image.is_some_and(|image| image.verdict.status == Status::Passed)
}

/// Runs a build for one target and returns its images. Prints a row if it fails.
fn build_and_verify(target: &str, build: &Build) -> Option<Vec<VerifiedImage>> {
    let mut images = Vec::new();
    let result =
        netswap::verify::build(build, &netswap::verify::Options::default(), &mut |image| {
            images.push(image.clone());
            Ok(())
        });
    if let Err(error) = result {
        println!("{target:<28} not built");
        eprintln!("error: {error}");
        return None;
    }
    Some(images)
}

/// Returns the image of the package, if it is the only one.
fn image<'a>(images: &'a [VerifiedImage], package: &str) -> Option<&'a VerifiedImage> {
    let mut images = images.iter().filter(|image| image.package.as_deref() == Some(package));
    images.next().filter(|_| images.next().is_none())
}

/// Formats a cell: `passed 0x0822`, `failed 0x0022 not-requested`.
fn cell(image: Option<&VerifiedImage>) -> String {
    let Some(image) = image else { return "no image".to_owned() };
    let status = match image.verdict.status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Allowed => "allowed",
        Status::Unreadable => "unreadable",
        Status::Offline => "offline",
    };
    let header = image.verdict.header.as_ref();
    let bits = header.map(|header| format!(" {:#06x}", header.characteristics));
    let codes = image.verdict.findings.iter().map(|finding| format!(" {}", finding.code));
    format!("{status}{}{}", bits.unwrap_or_default(), codes.collect::<String>())
}
