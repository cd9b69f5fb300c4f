//! What the caller wants: which bits, in which of the package's images, and how firmly.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{BuildEnv, Error, Linker, Outcome, Plan};

/// What a build script asks for; the default is the network bit in every image of the package.
///
/// # Examples
///
/// ```no_run
/// // build.rs
/// use netswap_build::{Scope, SwapRun};
///
/// fn main() {
///     SwapRun::new()
///         .removable(true) // for programs on a CD or a stick, too
///         .scope(Scope::Bins) // leave the tests and examples alone
///         .required(true) // a linker that can't do it fails the build
///         .emit();
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `emit`"]
pub struct SwapRun {
    pub(crate) bits: Bits,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) linker: Option<Linker>,
    pub(crate) required: bool,
}

/// The two run-from-swap bits of an image's Characteristics (PE format, "COFF File Header").
#[derive(Clone, Copy, Debug)]
pub struct Bits {
    /// `IMAGE_FILE_NET_RUN_FROM_SWAP`, 0x0800: copied to the page file when it lies on a network
    /// share.
    pub net: bool,
    /// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`, 0x0400: copied to the page file when it lies on
    /// removable media.
    pub removable: bool,
}

impl Bits {
    /// The words of `/SWAPRUN` for the bits that are set, as in `NETSWAP` and the receipt.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match (self.net, self.removable) {
            (true, true) => &["net", "cd"],
            (true, false) => &["net"],
            (false, true) => &["cd"],
            (false, false) => &[],
        }
    }
}

/// Which of the package's images get the link argument.
///
/// Cargo refuses some of these in a package that has no such target (`Bins`, `Bin`, `Examples`,
/// `Tests`, `Benches`), and warns about `Cdylib`; [`Scope::All`] always works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Every image: binaries, cdylibs, examples, tests and benchmarks (`cargo:rustc-link-arg`).
    All,
    /// Every binary (`cargo:rustc-link-arg-bins`).
    Bins,
    /// The binary of this name (`cargo:rustc-link-arg-bin`).
    Bin(String),
    /// The cdylib (`cargo:rustc-link-arg-cdylib`).
    Cdylib,
    /// Every example (`cargo:rustc-link-arg-examples`).
    Examples,
    /// Every integration test (`cargo:rustc-link-arg-tests`).
    Tests,
    /// Every benchmark (`cargo:rustc-link-arg-benches`).
    Benches,
}

impl Scope {
    /// The binary called `name`; any string-like type will do.
    pub fn bin(name: impl Into<String>) -> Self {
        Scope::Bin(name.into())
    }
}

/// Whether this build script has called already.
static CALLED: AtomicBool = AtomicBool::new(false);

impl SwapRun {
    /// The network bit, in every image of the package.
    pub fn new() -> Self {
        SwapRun {
            bits: Bits { net: true, removable: false },
            scopes: Vec::new(),
            linker: None,
            required: false,
        }
    }

    /// Whether to set `IMAGE_FILE_NET_RUN_FROM_SWAP` (`/SWAPRUN:NET`). On unless switched off.
    pub fn net(mut self, on: bool) -> Self {
        self.bits.net = on;
        self
    }

    /// Whether to set `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP` (`/SWAPRUN:CD`). Off unless switched on.
    pub fn removable(mut self, on: bool) -> Self {
        self.bits.removable = on;
        self
    }

    /// Which images get the bit. Can be called more than once: the scopes add up. Without any it is
    /// [`Scope::All`].
    pub fn scope(mut self, scope: Scope) -> Self {
        if !self.scopes.contains(&scope) {
            self.scopes.push(scope);
        }
        self
    }

    /// Which linker it is, instead of working it out from the target, the configured linker and
    /// the rustflags. For `*-windows-msvc` it makes no difference: those linkers share one spelling.
    pub fn linker(mut self, linker: Linker) -> Self {
        self.linker = Some(linker);
        self
    }

    /// Whether a linker that can't set the bit fails the build. Otherwise it is a warning.
    pub fn required(mut self, on: bool) -> Self {
        self.required = on;
        self
    }

    /// Decides, prints Cargo's directives and leaves the receipt.
    ///
    /// An error ends the build script with its message on standard error and exit status 1, so that
    /// `cargo build` shows it; [`try_emit`](Self::try_emit) returns it instead.
    pub fn emit(&self) {
        if let Err(error) = self.try_emit() {
            end_with(&error);
        }
    }

    /// Decides, prints Cargo's directives on standard output and leaves the receipt in `OUT_DIR`.
    ///
    /// # Errors
    ///
    /// When it is not called from a build script or called twice in one, when a variable or a binary's name can't be used,
    /// when the receipt can't be written, or when the linker can't set the bit and
    /// [`required`](Self::required) was asked for.
    pub fn try_emit(&self) -> Result<Outcome, Error> {
        if CALLED.swap(true, Ordering::Relaxed) {
            return Err(Error::second_call());
        }
        let env = BuildEnv::from_env()?;
        let plan = self.plan(&env)?;
        plan.receipt.write_to_dir(&env.out_dir)?;
        match plan.write_to(&mut io::stdout()) {
            Ok(()) => Ok(plan.outcome),
            Err(source) => Err(Error::stdout(source)),
        }
    }

    /// The decision as a value: nothing is read, written or printed.
    ///
    /// # Errors
    ///
    /// As [`try_emit`](Self::try_emit), less what concerns reading and writing.
    ///
    /// # Examples
    ///
    /// ```
    /// use netswap_build::{BuildEnv, SwapRun};
    ///
    /// let env = BuildEnv::from_vars(|name| {
    ///     let value = match name {
    ///         "CARGO_PKG_NAME" => "mytool",
    ///         "TARGET" => "x86_64-pc-windows-msvc",
    ///         "OUT_DIR" => "out",
    ///         "CARGO_CFG_TARGET_OS" => "windows",
    ///         "CARGO_CFG_TARGET_ENV" => "msvc",
    ///         _ => return None,
    ///     };
    ///     Some(value.into())
    /// })?;
    /// let plan = SwapRun::new().plan(&env)?;
    /// assert_eq!(
    ///     plan.to_string(),
    ///     "cargo:rerun-if-env-changed=NETSWAP\ncargo:rustc-link-arg=/SWAPRUN:NET\n"
    /// );
    /// # Ok::<(), netswap_build::Error>(())
    /// ```
    pub fn plan(&self, env: &BuildEnv) -> Result<Plan, Error> {
        crate::plan::plan(self, env)
    }
}

/// Ends the build script, so that `cargo build` shows why.
pub(crate) fn end_with(error: &Error) -> ! {
    // Without standard error there is nobody to tell.
    let _ = writeln!(io::stderr(), "error: netswap-build: {error}");
    std::process::exit(1);
}

impl Default for SwapRun {
    fn default() -> Self {
        SwapRun::new()
    }
}
