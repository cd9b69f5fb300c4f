//! The examples, which are stand-alone projects. A configuration in their parent folder points to
//! the local crates.

use std::path::PathBuf;

use crate::files::root;

/// An example.
pub struct Example {
    /// Its folder, and the name of its main package.
    pub name: &'static str,
    /// The packages that produce an image, one each.
    pub packages: &'static [&'static str],
}

/// One tool.
pub const HELLO_TOOL: Example = Example { name: "hello-tool", packages: &["hello-tool"] };

/// A tool with parts in C and C++. The image that its build script links is not Cargo's, so it is
/// not listed.
pub const NATIVE_TOOL: Example = Example { name: "native-tool", packages: &["native-tool"] };

/// All examples.
pub const EXAMPLES: [Example; 4] = [
    HELLO_TOOL,
    NATIVE_TOOL,
    Example { name: "plugin-host", packages: &["plugin-host", "plugin-host-plugin"] },
    Example { name: "workspace-tools", packages: &["goodbye", "hello"] },
];

impl Example {
    /// Returns the example's folder.
    pub fn folder(&self) -> PathBuf {
        root().join("examples").join(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeMap;
    use std::fs;

    /// A package's name, and the part of its version that changes in incompatible releases: `1`,
    /// `0.4`, `0.0.3`.
    type Series = (String, String);

    /// Returns the version of each package in a lock file.
    fn versions(folder: &str) -> BTreeMap<Series, String> {
        let lock = fs::read_to_string(root().join(folder).join("Cargo.lock")).unwrap();
        let value = |line: &str, key| Some(line.strip_prefix(key)?.trim_matches('"').to_owned());
        let lines: Vec<_> = lock.lines().collect();
        let packages = lines.windows(2).filter_map(|pair| {
            let [name, version] = pair else { return None };
            Some((value(name, "name = ")?, value(version, "version = ")?))
        });
        let series = |version: &str| {
            let end = version.find(|c| c != '0' && c != '.').unwrap_or(0);
            let parts = version[..end].matches('.').count() + 1;
            version.split('.').take(parts).collect::<Vec<_>>().join(".")
        };
        packages.map(|(name, version)| ((name, series(&version)), version)).collect()
    }

    /// Otherwise Cargo compiles a dependency again for each version.
    #[test]
    fn dependencies_have_one_version_in_all_workspaces() {
        let ours = versions("");
        assert!(ours.len() > 50, "{ours:?}");
        let examples = EXAMPLES.iter().map(|example| format!("examples/{}", example.name));
        for folder in examples.chain(["fuzz".to_owned()]) {
            for (series, version) in versions(&folder) {
                let our = ours.get(&series).unwrap_or(&version);
                let name = series.0;
                assert_eq!(version, *our, "in {folder}: cargo update {name} --precise {our}");
            }
        }
    }
}
