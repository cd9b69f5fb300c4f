//! The caller's options: the bits, the images that get them, and whether a failure is an error.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{BuildEnv, Error, Linker, Outcome, Plan};

/// The options of a build script. By default, every image of the package gets the network bit.
///
/// # Examples
///
/// ```no_run
/// // build.rs
/// use netswap_build::{Scope, SwapRun};
///
/// fn main() {
///     SwapRun::new()
///         .removable(true) // also for programs on a CD or USB stick
///         .scope(Scope::Bins) // not the tests and examples
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
    /// `IMAGE_FILE_NET_RUN_FROM_SWAP`, 0x0800: Windows copies the image to the page file if it is on a
    /// network share.
    pub net: bool,
    /// `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP`, 0x0400: Windows copies the image to the page file if it is
    /// on removable media.
    pub removable: bool,
}

impl Bits {
    /// Returns the words of `/SWAPRUN` for the bits, as in `NETSWAP` and the receipt.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match (self.net, self.removable) {
            (true, true) => &["net", "cd"],
            (true, false) => &["net"],
            (false, true) => &["cd"],
            (false, false) => &[],
        }
    }
}

/// The images of the package that get the link argument.
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
    /// Returns the scope of the binary called `name`.
    pub fn bin(name: impl Into<String>) -> Self {
        Scope::Bin(name.into())
    }

    /// Returns the name in the receipt, and after `cargo:rustc-link-arg-`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Scope::All => "all",
            Scope::Bins => "bins",
            Scope::Bin(_) => "bin",
            Scope::Cdylib => "cdylib",
            Scope::Examples => "examples",
            Scope::Tests => "tests",
            Scope::Benches => "benches",
        }
    }
}

static CALLED: AtomicBool = AtomicBool::new(false);

impl SwapRun {
    /// Returns the default options: the network bit, in every image of the package.
    pub fn new() -> Self {
        SwapRun {
            bits: Bits { net: true, removable: false },
            scopes: Vec::new(),
            linker: None,
            required: false,
        }
    }

    /// Whether to set `IMAGE_FILE_NET_RUN_FROM_SWAP` (`/SWAPRUN:NET`). The default is `true`.
    pub fn net(mut self, on: bool) -> Self {
        self.bits.net = on;
        self
    }

    /// Whether to set `IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP` (`/SWAPRUN:CD`). The default is `false`.
    pub fn removable(mut self, on: bool) -> Self {
        self.bits.removable = on;
        self
    }

    /// Adds images that get the bit. Can be called more than once. The default is [`Scope::All`].
    pub fn scope(mut self, scope: Scope) -> Self {
        if !self.scopes.contains(&scope) {
            self.scopes.push(scope);
        }
        self
    }

    /// Sets the linker. By default it is found from the target, the configured linker and the
    /// rustflags. For `*-windows-msvc` it makes no difference, because those linkers share one spelling.
    pub fn linker(mut self, linker: Linker) -> Self {
        self.linker = Some(linker);
        self
    }

    /// Whether the build fails if the linker can't set the bit. By default Cargo shows a warning.
    pub fn required(mut self, on: bool) -> Self {
        self.required = on;
        self
    }

    /// Prints Cargo's directives and writes the receipt.
    ///
    /// An error ends the build script with its message on standard error and exit status 1, so that
    /// `cargo build` shows it; [`try_emit`](Self::try_emit) returns it instead.
    pub fn emit(&self) {
        if let Err(error) = self.try_emit() {
            end_with(&error);
        }
    }

    /// Prints Cargo's directives to standard output and writes the receipt to `OUT_DIR`.
    ///
    /// # Errors
    ///
    /// - It is not called from a build script, or called twice in one.
    /// - A variable or a binary's name is invalid.
    /// - The receipt can't be written.
    /// - The linker can't set the bit, and it is [`required`](Self::required).
    pub fn try_emit(&self) -> Result<Outcome, Error> {
        if CALLED.swap(true, Ordering::Relaxed) {
            return Err(Error::second_call());
        }
        let env = BuildEnv::from_env()?;
        let plan = self.plan(&env)?;
        plan.receipt.write_to_dir(&env.out_dir)?;
        plan.write_to(&mut io::stdout()).map_err(Error::stdout)?;
        Ok(plan.outcome)
    }

    /// Returns the decision as a value. Reads, writes and prints nothing.
    ///
    /// # Errors
    ///
    /// As for [`try_emit`](Self::try_emit), without those of reading and writing.
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

/// Prints the error and exits, so that `cargo build` shows the error.
pub(crate) fn end_with(error: &Error) -> ! {
    // If standard error is closed, the exit code has to be enough.
    let _ = writeln!(io::stderr(), "error: netswap-build: {error}");
    std::process::exit(1);
}

impl Default for SwapRun {
    fn default() -> Self {
        SwapRun::new()
    }
}
