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
    let (family, basis) = Family::of(target, wanted.linker, env);
    fields.linker = Some((family, &basis));
    let (outcome, arguments) = decide(wanted.bits, fields.netswap, family);
    fields.outcome = outcome;
    fields.arguments = &arguments;
    for scope in scopes {
        for argument in fields.arguments {
            directives.push(Directive::link_arg(scope, argument)?);
        }
    }
    if let Outcome::Unsupported = fields.outcome {
        let text = unsupported(family, &basis, fields.netswap.unwrap_or(wanted.bits), env);
        if wanted.required {
            return Err(Error::unsupported(&text));
        }
        directives.push(Directive::warning(&format!("netswap-build: {text}")));
    }
    Ok(Plan { outcome: fields.outcome, directives, receipt: Receipt::new(env, &fields) })
}

/// What it comes to for a linker of this family, and the arguments that set what is asked for.
pub(crate) fn decide(
    wanted: Bits,
    netswap: Option<Bits>,
    family: Family,
) -> (Outcome, Vec<&'static str>) {
    let bits = netswap.unwrap_or(wanted);
    let both = match (family.arguments(), bits.net || bits.removable, netswap) {
        (_, false, Some(_)) => return (Outcome::SwitchedOff, Vec::new()),
        (_, false, None) => return (Outcome::NotRequested, Vec::new()),
        // What it sets it is told by NETSWAP alone.
        (None, true, netswap)
            if family.is_netswap_linker() && (netswap.is_some() || !bits.removable) =>
        {
            return (Outcome::LeftToLinker, Vec::new());
        }
        (None, true, _) => return (Outcome::Unsupported, Vec::new()),
        (Some(both), true, _) => both,
    };
    let mut arguments = Vec::new();
    for (argument, is_wanted) in both.into_iter().zip([bits.net, bits.removable]) {
        if is_wanted {
            arguments.push(argument);
        }
    }
    (Outcome::Emitted, arguments)
}

/// What `NETSWAP` asks for in place of the build script, if it is set.
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

/// Why there is no argument, and the ways out.
fn unsupported(family: Family, basis: &str, bits: Bits, env: &BuildEnv) -> String {
    if family.is_netswap_linker() {
        return format!(
            "netswap-linker ({basis}) sets the network bit alone unless NETSWAP says otherwise, so the images of `{}` for {} will lack the bit for removable media. \
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
