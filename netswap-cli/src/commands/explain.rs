//! `netswap explain`: a code at length, or all codes in a line each.

use std::io::Write;

use netswap::Code;
use netswap::text::nearest;

use crate::Error;

/// Writes what the code of this name means, how it comes about and what to do.
///
/// # Errors
///
/// When there is no such code, or `out` can't be written.
pub(crate) fn code(name: &str, out: &mut dyn Write) -> Result<(), Error> {
    let Some(code) = Code::from_name(name) else {
        return Err(Error::UnknownCode {
            code: name.to_owned(),
            nearest: nearest(name, Code::ALL.iter().map(|code| code.name())),
        });
    };
    Ok(out.write_all(code.explanation().as_bytes())?)
}

/// Writes every code with its summary.
///
/// # Errors
///
/// When `out` can't be written.
pub(crate) fn all(out: &mut dyn Write) -> Result<(), Error> {
    for &code in Code::ALL {
        writeln!(out, "{:<23} {}", code.name(), code.summary())?;
    }
    Ok(())
}
