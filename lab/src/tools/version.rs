//! Versions of tools: compares the required version with the one found (pure).

use std::fmt;

/// The version of a tool that the checks need. Versions are compared number by number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Version {
    /// Exactly this version. Another one changes what a check finds.
    Exactly(&'static str),
    /// This version or a newer one.
    AtLeast(&'static str),
    /// Any release of this series: `1.63` accepts `1.63.0`.
    Series(&'static str),
}

impl Version {
    /// Checks the version of a tool.
    pub(crate) fn check(self, tool: &str, found: Option<&str>) -> Result<(), String> {
        if found.is_some_and(|found| self.is_met_by(found)) {
            return Ok(());
        }
        let found = found.unwrap_or("none");
        Err(format!("{tool}: version {self} is needed, {found} was found"))
    }

    fn is_met_by(self, found: &str) -> bool {
        let found = numbers(found);
        match self {
            Version::Exactly(needed) => found == numbers(needed),
            Version::AtLeast(needed) => found >= numbers(needed),
            Version::Series(needed) => found.starts_with(&numbers(needed)),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::Exactly(needed) | Version::Series(needed) => f.write_str(needed),
            Version::AtLeast(needed) => write!(f, "{needed} or newer"),
        }
    }
}

/// Finds the version that a program prints. It is the first word that starts with a digit, after an
/// optional `v` or `wine-`, up to the first character that is neither a digit nor a dot.
pub(super) fn version_in(text: &str) -> Option<&str> {
    text.split_whitespace().find_map(|word| {
        let word = word.strip_prefix("wine-").or(word.strip_prefix('v')).unwrap_or(word);
        let word = word.trim_start_matches('(');
        let is_version = word.starts_with(|c: char| c.is_ascii_digit());
        is_version.then(|| numeric(word))
    })
}

/// Returns the upstream version in a Debian version: `19.1.7` for `1:19.1.7-3~deb12u1`.
pub(super) fn upstream(debian: &str) -> &str {
    numeric(debian.split_once(':').map_or(debian, |(_, version)| version))
}

/// Returns the digits and dots at the start.
fn numeric(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end_matches('.')
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let table = [
            (Version::AtLeast("1.91"), "1.91.0", true),
            (Version::AtLeast("1.91"), "1.100.0", true),
            (Version::AtLeast("1.91"), "1.85.0", false),
            (Version::AtLeast("12"), "12", true),
            (Version::Series("1.63"), "1.63.0", true),
            (Version::Series("1.63"), "1.64.0", false),
            (Version::Series("1.6"), "1.63.0", false),
            (Version::Exactly("0.5.4"), "0.5.4", true),
            (Version::Exactly("0.5.4"), "0.5.40", false),
        ];
        for (needed, found, expected) in table {
            assert_eq!(needed.is_met_by(found), expected, "{needed} {found}");
        }
    }
}
