//! Makes the linker set `IMAGE_FILE_NET_RUN_FROM_SWAP` in the images of your package, from one line
//! in `build.rs`.
//!
//! A program that runs from a network share is paged in from it. When the connection breaks, the
//! next page fault raises `0xC0000006` (`STATUS_IN_PAGE_ERROR`) and the program dies at a random
//! place. An image with this bit is copied to the page file when it is loaded, and from then on
//! does not need the share. The bit is set by the linker's `/SWAPRUN:NET`
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
//! arguments on to other packages. A target that is not Windows gets no link argument and no
//! warning. To say more than the default, see [`SwapRun`].
//!
//! # When the build script runs again
//!
//! The one `rerun-if` line that is printed is `cargo:rerun-if-env-changed=NETSWAP`. Any such line
//! switches off Cargo's default, which is to run the build script again when any file of the
//! package has changed. So a build script that also generates code from files has to print a
//! `cargo:rerun-if-changed=…` line for each of them
//! ([the Cargo book](https://doc.rust-lang.org/cargo/reference/build-scripts.html#rerun-if-changed)).
//!
//! # What it does for which toolchain
//!
//! | target | linker | argument |
//! |---|---|---|
//! | `*-windows-msvc` | link.exe, lld-link, rust-lld | `/SWAPRUN:NET` |
//! | `*-windows-gnullvm`, or `*-windows-gnu` with `-fuse-ld=lld` in the rustflags | clang, or a gcc that knows that flag, in front of LLD | `-Wl,-Xlink=/swaprun:net` |
//! | the same, LLD called directly | rust-lld, ld.lld | `-Xlink=/swaprun:net` |
//! | `*-windows-gnu` | GNU ld, zig | none exists: a warning, or an error under [`SwapRun::required`] |
//! | the same, called by `netswap-linker` | GNU ld, zig | none is needed: it sets the bit after the link |
//! | UEFI, Cygwin, all others | | nothing is emitted |
//!
//! # A DLL or EXE that the build script links itself
//!
//! Cargo's link arguments reach what Cargo links, and nothing else. For what the build script links
//! with the compiler that the crate [`cc`](https://docs.rs/cc) found, the feature `cc` has the same
//! argument in that compiler's spelling: `SwapRun::companion`.
//!
//! # Security
//!
//! There is no unsafe code and, without the feature `cc`, no dependency. Nothing but `$OUT_DIR/netswap-receipt.json` is
//! written. Everything that reaches a Cargo directive is checked or escaped, so that no name, path
//! or variable can add a directive of its own.

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
/// The same as [`SwapRun::new()`](SwapRun::new)`.emit()`; an error ends the build script with its
/// message on standard error and exit status 1.
pub fn emit() {
    SwapRun::new().emit();
}

/// What Cargo calls for `metabuild = ["netswap-build"]` in a manifest: [`emit`].
///
/// `metabuild` is [unstable in Cargo](https://doc.rust-lang.org/cargo/reference/unstable.html#metabuild).
pub fn metabuild() {
    emit();
}

/// The README's code is compiled with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
