//! The files of each template, and when each is wanted.

use super::{Answers, Layout, License};

/// A file of a template.
pub(super) struct File {
    /// The path below the template's folder. With a `Cargo.toml`, a folder would be a separate
    /// package, which Cargo does not pack. So its name ends with `.liquid`, which is removed.
    pub(super) path: &'static str,
    pub(super) text: &'static str,
    is_wanted: fn(&Answers<'_>) -> bool,
}

macro_rules! file {
    ($template:literal, $path:literal, $is_wanted:expr) => {
        File {
            path: $path,
            text: include_str!(concat!("../../../templates/", $template, "/", $path)),
            is_wanted: $is_wanted,
        }
    };
    ($template:literal, $path:literal) => {
        file!($template, $path, |_| true)
    };
}

/// One tool, with its optional parts.
pub(super) const TOOL: &[File] = &[
    file!("tool", ".cargo/config.toml"),
    file!("tool", ".github/workflows/ci.yml"),
    file!("tool", ".gitignore"),
    file!("tool", "Cargo.toml.liquid"),
    file!("tool", "LICENSE-APACHE", has_apache),
    file!("tool", "LICENSE-MIT", has_mit),
    file!("tool", "README.md"),
    file!("tool", "build.rs"),
    file!("tool", "interface/Cargo.toml.liquid", has_plugin),
    file!("tool", "interface/src/lib.rs", has_plugin),
    file!("tool", "plugin/Cargo.toml.liquid", has_plugin),
    file!("tool", "plugin/build.rs", has_plugin),
    file!("tool", "plugin/src/lib.rs", has_plugin),
    file!("tool", "src/lib.rs", has_library),
    file!("tool", "src/main.rs"),
    file!("tool", "src/plugin.rs", has_plugin),
    file!("tool", "xtask/Cargo.toml.liquid"),
    file!("tool", "xtask/src/main.rs"),
];

/// Several tools.
pub(super) const WORKSPACE: &[File] = &[
    file!("workspace", ".cargo/config.toml"),
    file!("workspace", ".github/workflows/ci.yml"),
    file!("workspace", ".gitignore"),
    file!("workspace", "Cargo.toml.liquid"),
    file!("workspace", "LICENSE-APACHE", has_apache),
    file!("workspace", "LICENSE-MIT", has_mit),
    file!("workspace", "README.md"),
    file!("workspace", "goodbye/Cargo.toml.liquid"),
    file!("workspace", "goodbye/build.rs"),
    file!("workspace", "goodbye/src/main.rs"),
    file!("workspace", "greetings/Cargo.toml.liquid"),
    file!("workspace", "greetings/src/lib.rs"),
    file!("workspace", "hello/Cargo.toml.liquid"),
    file!("workspace", "hello/build.rs"),
    file!("workspace", "hello/src/main.rs"),
    file!("workspace", "xtask/Cargo.toml.liquid"),
    file!("workspace", "xtask/src/main.rs"),
];

/// Returns the files that these answers require.
pub(super) fn wanted<'a>(answers: &'a Answers<'_>) -> impl Iterator<Item = &'static File> + 'a {
    let files = match answers.layout {
        Layout::Tool { .. } => TOOL,
        Layout::Workspace => WORKSPACE,
    };
    files.iter().filter(|file| (file.is_wanted)(answers))
}

fn has_apache(answers: &Answers<'_>) -> bool {
    matches!(answers.license, License::Apache | License::Both)
}

fn has_mit(answers: &Answers<'_>) -> bool {
    matches!(answers.license, License::Mit | License::Both)
}

pub(super) fn has_library(answers: &Answers<'_>) -> bool {
    matches!(answers.layout, Layout::Tool { lib_and_bin: true, .. })
}

pub(super) fn has_plugin(answers: &Answers<'_>) -> bool {
    matches!(answers.layout, Layout::Tool { cdylib: true, .. })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use walkdir::WalkDir;

    use super::*;

    fn templates() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")
    }

    #[test]
    fn every_template_file_is_in_its_table() {
        for (name, files) in [("tool", TOOL), ("workspace", WORKSPACE)] {
            let root = templates().join(name);
            let entries = WalkDir::new(&root).into_iter().map(Result::unwrap);
            let found = entries.filter(|entry| entry.file_type().is_file()).map(|entry| {
                let path = entry.path().strip_prefix(&root).unwrap();
                path.to_str().unwrap().replace('\\', "/")
            });
            let mut there: BTreeSet<String> = found.collect();
            assert!(there.remove("cargo-generate.toml"));
            let listed: BTreeSet<String> = files.iter().map(|file| file.path.to_owned()).collect();
            assert_eq!(listed, there);
        }
    }

    #[test]
    fn templates_share_files_that_ignore_the_layout() {
        let tool: BTreeMap<_, _> = TOOL.iter().map(|file| (file.path, file.text)).collect();
        let both = WORKSPACE.iter().filter(|file| tool.contains_key(file.path));
        let (same, other): (Vec<&File>, Vec<&File>) =
            both.partition(|file| tool[file.path] == file.text);
        let paths = |files: Vec<&File>| files.iter().map(|file| file.path).collect::<Vec<_>>();
        assert_eq!(
            paths(same),
            [
                ".cargo/config.toml",
                ".gitignore",
                "LICENSE-APACHE",
                "LICENSE-MIT",
                "xtask/Cargo.toml.liquid",
                "xtask/src/main.rs",
            ]
        );
        assert_eq!(paths(other), [".github/workflows/ci.yml", "Cargo.toml.liquid", "README.md"]);
    }

    #[test]
    fn cargo_generate_asks_for_each_placeholder() {
        let read = |path: &str| -> toml::Table {
            let path = templates().join(path).join("cargo-generate.toml");
            std::fs::read_to_string(path).unwrap().parse().unwrap()
        };
        let templates = read("")["template"]["sub_templates"].as_array().unwrap().clone();
        assert_eq!(templates, ["tool", "workspace"].map(toml::Value::from));
        for (template, questions) in [
            ("tool", &["cdylib", "edition", "lib_and_bin", "license", "netswap_path"][..]),
            ("workspace", &["edition", "license", "netswap_path"]),
        ] {
            let settings = read(template);
            let asked = settings["placeholders"].as_table().unwrap().keys();
            assert_eq!(asked.map(String::as_str).collect::<Vec<_>>(), questions);
        }
    }
}
