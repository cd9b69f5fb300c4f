//! The decision as a value (pure): from what is wanted and the build's environment to directives,
//! receipt and outcome.

use std::fmt;
use std::io::{self, Write};

use crate::linker::Family;
use crate::receipt::Fields;
use crate::target::Target;
use crate::{Bits, BuildEnv, Directive, Error, Receipt, Scope, SwapRun};

/// What the build script will print and leave behind. Its [`Display`](fmt::Display) is what is
/// printed.
#[derive(Debug)]
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
    /// The linker has no option for it, and `netswap-linker`, which runs it, sets it after the link.
    LeftToLinker,
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
            Outcome::LeftToLinker => "left-to-linker",
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
    let target = Target::of(env);
    let scopes = if wanted.scopes.is_empty() { &[Scope::All][..] } else { &wanted.scopes };
    // Without any rerun line Cargo would run the build script again for each changed file.
    let mut directives = vec![Directive::rerun_if_netswap_changed()];
    let mut fields = Fields {
        linker: None,
        requested: wanted.bits,
        netswap: None,
        scopes,
        arguments: &[],
        outcome: Outcome::NotWindows,
    };
    if let Target::NotWindows = target {
        let receipt = Receipt::new(env, &fields);
        return Ok(Plan { outcome: Outcome::NotWindows, directives, receipt });
    }

    fields.netswap = switch(env)?;
    let bits = fields.netswap.unwrap_or(wanted.bits);
    let (family, basis) = Family::of(target, wanted.linker, env);
    fields.linker = Some((family, &basis));
    let arguments = family.arguments();
    fields.outcome = match (arguments, bits.net || bits.removable, fields.netswap) {
        (_, false, Some(_)) => Outcome::SwitchedOff,
        (_, false, None) => Outcome::NotRequested,
        // What it sets it is told by NETSWAP alone.
        (None, true, netswap) if family.is_netswap_linker() => match netswap {
            None if bits.removable => Outcome::Unsupported,
            _ => Outcome::LeftToLinker,
        },
        (None, true, _) => Outcome::Unsupported,
        (Some(_), true, _) => Outcome::Emitted,
    };
    let both = arguments.unwrap_or_default();
    fields.arguments = match (fields.outcome, bits.net, bits.removable) {
        (Outcome::Emitted, true, true) => &both,
        (Outcome::Emitted, true, false) => &both[..1],
        (Outcome::Emitted, false, true) => &both[1..],
        _ => &[],
    };
    for scope in scopes {
        for argument in fields.arguments {
            directives.push(Directive::link_arg(scope, argument)?);
        }
    }
    if let Outcome::Unsupported = fields.outcome {
        let text = unsupported(family, &basis, bits, env);
        if wanted.required {
            return Err(Error::unsupported(&text));
        }
        directives.push(Directive::warning(&format!("netswap-build: {text}")));
    }
    Ok(Plan { outcome: fields.outcome, directives, receipt: Receipt::new(env, &fields) })
}

/// What `NETSWAP` asks for in place of the build script, if it is set.
fn switch(env: &BuildEnv) -> Result<Option<Bits>, Error> {
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

/// Why there is no argument, and the ways out.
fn unsupported(family: Family, basis: &str, bits: Bits, env: &BuildEnv) -> String {
    if family.is_netswap_linker() {
        return format!(
            "netswap-linker ({basis}) sets the network bit alone unless NETSWAP says otherwise, so the images of `{}` for {} will lack the bit for removable media. \
             Set NETSWAP={} in the environment of the build.",
            env.package, env.target, bits.words().join(",")
        );
    }
    let linker = match family {
        Family::GnuLd => "GNU ld",
        Family::Zig => "zig cc",
        _ => "the linker",
    };
    format!(
        "{linker} ({basis}) has no option that makes Windows run an image from swap, so the images of `{}` for {} will not survive the loss of their share. \
         Link with LLD (behind a compiler driver: -Clink-arg=-fuse-ld=lld in the rustflags), build for a *-windows-msvc or *-windows-gnullvm target, \
         let netswap-linker set the bit after each link (linker = \"netswap-linker\" in .cargo/config.toml), \
         or set it in the finished file (netswap patch). NETSWAP=off silences this.",
        env.package, env.target
    )
}
