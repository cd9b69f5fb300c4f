//! The examples: stand-alone projects, each with a configuration around it that names the local crates.

use std::path::PathBuf;

use crate::process::root;

/// An example.
pub(crate) struct Example {
    pub(crate) name: &'static str,
    /// The packages that make an image, one each.
    pub(crate) packages: &'static [&'static str],
}

pub(crate) const HELLO_TOOL: Example = Example { name: "hello-tool", packages: &["hello-tool"] };

// What its build script links itself is none of Cargo's, and not counted.
pub(crate) const NATIVE_TOOL: Example = Example { name: "native-tool", packages: &["native-tool"] };

pub(crate) const EXAMPLES: [Example; 4] = [
    HELLO_TOOL,
    NATIVE_TOOL,
    Example { name: "plugin-host", packages: &["plugin-host", "plugin-host-plugin"] },
    Example { name: "workspace-tools", packages: &["goodbye", "hello"] },
];

impl Example {
    /// Its folder.
    pub(crate) fn folder(&self) -> PathBuf {
        root().join("examples").join(self.name)
    }
}
