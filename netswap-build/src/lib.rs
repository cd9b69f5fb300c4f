//! Makes the linker set `IMAGE_FILE_NET_RUN_FROM_SWAP` in the images of your package, from one line
//! in `build.rs`.
//!
//! Windows reads a program's code from the network share while the program runs. If the connection
//! drops, the next page fault raises `0xC0000006` (`STATUS_IN_PAGE_ERROR`) and the program dies at a
//! random place. If the image has this bit, Windows copies it to the page file when it loads it, and no
//! longer needs the share. The linker's `/SWAPRUN:NET` sets the bit
//! ([Microsoft Learn](https://learn.microsoft.com/cpp/build/reference/swaprun-load-linker-output-to-swap-file)).
//!
//! ```toml
//! [build-dependencies]
//! netswap-build = "0.1"
//! ```
//!
//! ```no_run
//! // build.rs
//! fn main() {
//!     netswap_build::emit();
//! }
//! ```
//!
//! Call it once, in the package that makes the EXE or DLL: Cargo does not pass a build script's link
//! arguments to other packages. Targets other than Windows get no link argument and no warning.
//! [`SwapRun`] has options.
//!
//! # When the build script runs again
//!
//! netswap-build prints `cargo:rerun-if-env-changed=NETSWAP`. Any `rerun-if` line switches off Cargo's
//! default, which runs the build script again when a file of the package changes. If your build script
//! also generates code from files, print a `cargo:rerun-if-changed=…` line for each of them
//! ([the Cargo book](https://doc.rust-lang.org/cargo/reference/build-scripts.html#rerun-if-changed)).
//!
//! # Toolchains
//!
//! | target | linker | argument |
//! |---|---|---|
//! | `*-windows-msvc` | link.exe, lld-link, rust-lld | `/SWAPRUN:NET` |
//! | `*-windows-gnullvm`, or `*-windows-gnu` with `-fuse-ld=lld` in the rustflags | clang, or a gcc that knows that flag, in front of LLD | `-Wl,-Xlink=/swaprun:net` |
//! | the same, LLD called directly | rust-lld, ld.lld | `-Xlink=/swaprun:net` |
//! | `*-windows-gnu` | GNU ld, zig | none exists: a warning, or an error under [`SwapRun::required`] |
//! | `*-windows-gnu`, run by `netswap-linker` | GNU ld, zig | none: netswap-linker sets the bit after the link |
//! | UEFI, Cygwin, all others | | none |
//!
//! # A DLL or EXE that the build script links itself
//!
//! Cargo passes link arguments only to its own links. With the feature `cc`, `SwapRun::companion` returns
//! the argument for a link by the build script, in the spelling of the compiler that the crate
//! [`cc`](https://docs.rs/cc) found.
//!
//! # Security
//!
//! There is no unsafe code, and without the feature `cc` no dependency. The crate writes only
//! `$OUT_DIR/netswap-receipt.json`. Everything in a Cargo directive is checked or escaped, so no name,
//! path or variable can add another directive.

// A build script is its `main`.
#![allow(clippy::needless_doctest_main)]

#[cfg(feature = "cc")]
mod companion;
mod directive;
mod env;
mod error;
mod linker;
mod plan;
mod receipt;
mod rustflags;
mod swap_run;
mod target;

#[cfg(feature = "cc")]
pub use companion::Companion;
pub use directive::Directive;
pub use env::BuildEnv;
pub use error::Error;
pub use linker::Linker;
pub use plan::{Outcome, Plan};
pub use receipt::{Receipt, RECEIPT_FILE};
pub use swap_run::{Bits, Scope, SwapRun};

/// Sets `IMAGE_FILE_NET_RUN_FROM_SWAP` in every image of the package whose build script calls it.
///
/// The same as [`SwapRun::new()`](SwapRun::new)`.emit()`. An error ends the build script with a message
/// on standard error and exit status 1.
pub fn emit() {
    SwapRun::new().emit();
}

/// Does the same as [`emit`]. Cargo calls it for `metabuild = ["netswap-build"]` in a manifest.
///
/// `metabuild` is [unstable in Cargo](https://doc.rust-lang.org/cargo/reference/unstable.html#metabuild).
pub fn metabuild() {
    emit();
}

/// Compiles the README's code with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
