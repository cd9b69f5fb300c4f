//! The decision as a value (pure): from what is wanted and the build's environment to directives,
//! receipt and outcome.

use std::fmt;
use std::io::{self, Write};

use crate::{Bits, BuildEnv, Directive, Error, Family, Receipt, Scope, SwapRun, Target};

/// What the build script will print and leave behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// What it comes to.
    pub outcome: Outcome,
    /// The lines for Cargo, in the order in which they are printed.
    pub directives: Vec<Directive>,
    /// What the verifier will find in `OUT_DIR`.
    pub receipt: Receipt,
}

/// What a build script's call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The target's images can't run from a share as Windows programs: nothing to do.
    NotWindows,
    /// The build script asked for neither bit.
    NotRequested,
    /// `NETSWAP=off`.
    SwitchedOff,
    /// The linker is told to set what was asked for.
    Emitted,
    /// The linker has no option for it; Cargo shows a warning.
    Unsupported,
}

impl Outcome {
    /// Its name in the receipt.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::NotWindows => "not-windows",
            Outcome::NotRequested => "not-requested",
            Outcome::SwitchedOff => "switched-off",
            Outcome::Emitted => "emitted",
            Outcome::Unsupported => "unsupported",
        }
    }
}

impl Plan {
    /// Writes the directives, a line each.
    ///
    /// # Errors
    ///
    /// When `out` can't be written.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{self}")?;
        out.flush()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.directives.iter().try_for_each(|directive| writeln!(f, "{directive}"))
    }
}

pub(crate) fn plan(wanted: &SwapRun, env: &BuildEnv) -> Result<Plan, Error> {
    let target = Target::of(env);
    // Without any rerun line Cargo would run the build script again for each changed file.
    let mut directives = vec![Directive::rerun_if_env_changed("NETSWAP")];
    let scopes = match wanted.scopes.as_slice() {
        [] => vec![Scope::All],
        scopes => scopes.to_vec(),
    };
    let mut receipt = Receipt {
        package: env.package.clone(),
        target: env.target.clone(),
        linker: None,
        requested: wanted.bits,
        netswap: None,
        scopes: scopes.clone(),
        arguments: Vec::new(),
        outcome: Outcome::NotWindows,
    };

    if target != Target::NotWindows {
        let (family, basis) = Family::of(target, wanted.linker, env);
        receipt.netswap = switch(env)?;
        receipt.linker = Some((family, basis));
        let bits = receipt.netswap.unwrap_or(wanted.bits);
        receipt.outcome = match family.arguments() {
            _ if !bits.net && !bits.removable && receipt.netswap.is_some() => Outcome::SwitchedOff,
            _ if !bits.net && !bits.removable => Outcome::NotRequested,
            None => Outcome::Unsupported,
            Some([net, removable]) => {
                receipt.arguments.extend(bits.net.then_some(net));
                receipt.arguments.extend(bits.removable.then_some(removable));
                Outcome::Emitted
            }
        };
    }

    for scope in &scopes {
        for argument in &receipt.arguments {
            directives.push(Directive::link_arg(scope, argument)?);
        }
    }
    if receipt.outcome == Outcome::Unsupported {
        let text = unsupported(&receipt);
        if wanted.required {
            return Err(Error::unsupported(text));
        }
        directives.push(Directive::warning(text));
    }
    Ok(Plan { outcome: receipt.outcome, directives, receipt })
}

/// What `NETSWAP` asks for in place of the build script, if it is set.
fn switch(env: &BuildEnv) -> Result<Option<Bits>, Error> {
    let value = match &env.netswap {
        Some(value) => value,
        None => return Ok(None),
    };
    let (net, removable) = match value.to_str() {
        Some("off") => (false, false),
        Some("net") => (true, false),
        Some("cd") => (false, true),
        Some("net,cd" | "cd,net") => (true, true),
        _ => return Err(Error::switch(value.to_string_lossy())),
    };
    Ok(Some(Bits { net, removable }))
}

/// Why there is no argument, and the ways out.
fn unsupported(receipt: &Receipt) -> String {
    let (title, basis) = match &receipt.linker {
        Some((family, basis)) => (family.title(), basis.to_string()),
        None => (Family::Unknown.title(), String::new()),
    };
    format!(
        "netswap: {title} ({basis}) has no option that makes Windows run an image from swap, so the images of `{}` for {} will not survive the loss of their share. \
         Link with LLD (-Clink-arg=-fuse-ld=lld in the rustflags), build for a *-windows-msvc or *-windows-gnullvm target, \
         or set the bit in the finished file (editbin /SWAPRUN:NET). NETSWAP=off silences this.",
        receipt.package, receipt.target
    )
}
