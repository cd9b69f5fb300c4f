//! Decides what a build script prints: directives, receipt and outcome, from the caller's options and
//! the build's environment (pure).

use std::fmt;
use std::io::{self, Write};

use crate::linker::Family;
use crate::receipt::Fields;
use crate::target::Target;
use crate::{Bits, BuildEnv, Directive, Error, Receipt, Scope, SwapRun};

/// The output of a build script's call. Its [`Display`](fmt::Display) is the text for Cargo.
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The result for the receipt and the caller.
    pub outcome: Outcome,
    /// The lines for Cargo, in the order of printing.
    pub directives: Vec<Directive>,
    /// The file for the verifier in `OUT_DIR`.
    pub receipt: Receipt,
}

/// The result of a build script's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The target does not make Windows programs, so there is nothing to do.
    NotWindows,
    /// The build script asked for neither bit.
    NotRequested,
    /// `NETSWAP=off`.
    SwitchedOff,
    /// The linker gets the arguments that set the requested bits.
    Emitted,
    /// The linker has no option for the bits. `netswap-linker`, which runs it, sets them after the link.
    LeftToLinker,
    /// The linker has no option for the bits. Cargo shows a warning.
    Unsupported,
}

impl Outcome {
    /// Returns the name in the receipt.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::NotWindows => "not-windows",
            Outcome::NotRequested => "not-requested",
            Outcome::SwitchedOff => "switched-off",
            Outcome::Emitted => "emitted",
            Outcome::LeftToLinker => "left-to-linker",
            Outcome::Unsupported => "unsupported",
        }
    }
}

impl Plan {
    /// Writes the directives, one per line.
    ///
    /// # Errors
    ///
    /// When `out` can't be written.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.to_string().as_bytes())?;
        out.flush()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for directive in &self.directives {
            writeln!(f, "{directive}")?;
        }
        Ok(())
    }
}

pub(crate) fn plan(wanted: &SwapRun, env: &BuildEnv) -> Result<Plan, Error> {
    let target = Target::from_env(env);
    let scopes = if wanted.scopes.is_empty() { &[Scope::All][..] } else { &wanted.scopes };
    // Without a rerun line Cargo runs the build script again whenever a file of the package changes.
    let mut directives = vec![Directive::rerun_if_netswap_changed()];
    let (netswap, linker) = match target {
        Target::NotWindows => (None, None),
        _ => (switch(env)?, Some(Family::detect(target, wanted.linker, env))),
    };
    let (outcome, arguments) = match linker {
        Some((family, _)) => decide(wanted.bits, netswap, family),
        None => (Outcome::NotWindows, Vec::new()),
    };
    for scope in scopes {
        for argument in &arguments {
            directives.push(Directive::link_arg(scope, argument)?);
        }
    }
    if let (Outcome::Unsupported, Some((family, basis))) = (outcome, &linker) {
        let text = unsupported(*family, basis, netswap.unwrap_or(wanted.bits), env);
        if wanted.required {
            return Err(Error::unsupported(&text));
        }
        directives.push(Directive::warning(&format!("netswap-build: {text}")));
    }
    let arguments = &arguments;
    let fields = Fields { linker, requested: wanted.bits, netswap, scopes, arguments, outcome };
    Ok(Plan { outcome, directives, receipt: Receipt::new(env, &fields) })
}

/// Returns the outcome for a linker of this family, and the arguments that set the requested bits.
pub(crate) fn decide(
    wanted: Bits,
    netswap: Option<Bits>,
    family: Family,
) -> (Outcome, Vec<&'static str>) {
    let bits = netswap.unwrap_or(wanted);
    let is_requested = bits.net || bits.removable;
    let outcome = match (family.arguments(), netswap) {
        (_, Some(_)) if !is_requested => Outcome::SwitchedOff,
        (_, None) if !is_requested => Outcome::NotRequested,
        (Some(both), _) => {
            let both = both.into_iter().zip([bits.net, bits.removable]);
            let arguments = both.filter(|(_, is_wanted)| *is_wanted).map(|(argument, _)| argument);
            return (Outcome::Emitted, arguments.collect());
        }
        // netswap-linker sets the network bit, or what NETSWAP lists. It does not see the build script.
        (None, _) if family == Family::NetswapLinker && (netswap.is_some() || !bits.removable) => {
            Outcome::LeftToLinker
        }
        (None, _) => Outcome::Unsupported,
    };
    (outcome, Vec::new())
}

/// Reads the bits that `NETSWAP` requests instead of the build script. `None` if it is not set.
pub(crate) fn switch(env: &BuildEnv) -> Result<Option<Bits>, Error> {
    let value = match &env.netswap {
        Some(value) => value.to_string_lossy(),
        None => return Ok(None),
    };
    let (net, removable) = match value.as_ref() {
        "off" => (false, false),
        "net" => (true, false),
        "cd" => (false, true),
        "net,cd" | "cd,net" => (true, true),
        _ => return Err(Error::switch(&value)),
    };
    Ok(Some(Bits { net, removable }))
}

/// Explains why there is no argument, and lists the alternatives.
fn unsupported(family: Family, basis: &str, bits: Bits, env: &BuildEnv) -> String {
    if family == Family::NetswapLinker {
        return format!(
            "netswap-linker ({basis}) sets only the network bit unless NETSWAP lists others, so the images of `{}` for {} will lack the bit for removable media. \
             Set NETSWAP={} in the environment of the build.",
            env.package, env.target, bits.words().join(",")
        );
    }
    format!(
        "{} ({basis}) has no option that makes Windows run an image from swap, so the images of `{}` for {} will not survive the loss of their share. \
         Let netswap-linker set the bit after each link (linker = \"netswap-linker\" in .cargo/config.toml), \
         link with LLD behind clang (linker = \"clang\", and -Clink-arg=-fuse-ld=lld in the rustflags; some gcc ignore -fuse-ld=lld), \
         build for a *-windows-msvc or *-windows-gnullvm target, \
         or set the bit in the finished file (netswap patch). NETSWAP=off silences this.",
        family.title(),
        env.package,
        env.target
    )
}
