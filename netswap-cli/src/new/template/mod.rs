//! The templates of tool projects: the questions, and the files with the answers filled in.
//!
//! The files are those in `templates/`, which `cargo generate` reads too. They use a part of its
//! language, Liquid: placeholders, and conditions that take whole lines.

mod files;

use clap::ValueEnum;

/// The answers that fill in a template.
#[derive(Clone, Debug)]
pub(crate) struct Answers<'a> {
    /// The name of the project. For a tool, also of the package and the program.
    pub(crate) name: &'a str,
    pub(crate) edition: &'a str,
    pub(crate) license: License,
    pub(crate) layout: Layout,
    /// The path of a netswap clone, with `/` as the separator. Its crates replace the published
    /// ones.
    pub(crate) netswap_path: Option<&'a str>,
}

/// The packages of a project, besides its xtask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One tool.
    Tool {
        /// Whether the project has a library, which the program uses.
        lib_and_bin: bool,
        /// Whether it loads a plug-in. The plug-in has its own package, and so has their shared
        /// interface.
        cdylib: bool,
    },
    /// Several tools, and a library that they share.
    Workspace,
}

/// The licence of a new project. Its name is the SPDX expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum License {
    /// No licence.
    #[value(name = "none")]
    None,
    #[value(name = "MIT")]
    Mit,
    #[value(name = "Apache-2.0")]
    Apache,
    #[value(name = "MIT OR Apache-2.0")]
    Both,
}

/// Returns the project's files: their paths below its folder, with `/` between the names, and their
/// texts.
pub(crate) fn files(answers: &Answers<'_>) -> Vec<(&'static str, String)> {
    let fill_in = |file: &'static files::File| {
        let path = file.path.strip_suffix(".liquid").unwrap_or(file.path);
        (path, answers.fill_in(file.text))
    };
    files::wanted(answers).map(fill_in).collect()
}

/// Returns only the files of the xtask.
pub(crate) fn xtask(edition: &str) -> Vec<(&'static str, String)> {
    let (license, layout) = (License::None, Layout::Workspace);
    let files = files(&Answers { name: "xtask", edition, license, layout, netswap_path: None });
    files.into_iter().filter(|(path, _)| path.starts_with("xtask/")).collect()
}

impl Answers<'_> {
    /// Fills in a file: replaces the placeholders, and removes the lines whose condition is false.
    fn fill_in(&self, text: &str) -> String {
        let mut lines = String::new();
        let mut is_wanted = true;
        for line in text.split_inclusive('\n') {
            let tag = line.trim().strip_prefix("{%- ").and_then(|tag| tag.strip_suffix(" %}"));
            match tag.map(|tag| tag.strip_prefix("if ").unwrap_or(tag)) {
                None if is_wanted => lines += line,
                None => {}
                Some("else") => is_wanted = !is_wanted,
                Some("endif") => is_wanted = true,
                Some(condition) => is_wanted = self.holds(condition).unwrap_or(false),
            }
        }
        // In one pass, since a name may look like a placeholder.
        let mut parts = lines.split("{{");
        let mut filled_in = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (placeholder, text) = part.split_once("}}").unwrap_or(("", part));
            filled_in += &self.value(placeholder).unwrap_or_default();
            filled_in += text;
        }
        filled_in
    }

    /// Returns the value of a placeholder, or `None` if it is unknown.
    fn value(&self, placeholder: &str) -> Option<String> {
        Some(match placeholder {
            "project-name" => self.name.to_owned(),
            "crate_name" => self.name.replace('-', "_"),
            "edition" => self.edition.to_owned(),
            "license" => self.license.to_possible_value()?.get_name().to_owned(),
            "netswap_path" => self.netswap_path.unwrap_or_default().to_owned(),
            _ => return None,
        })
    }

    /// Returns whether a condition of a template holds, or `None` if it is unknown.
    fn holds(&self, condition: &str) -> Option<bool> {
        let (has_library, has_plugin) = (files::has_library(self), files::has_plugin(self));
        Some(match condition {
            "cdylib" => has_plugin,
            "cdylib and lib_and_bin == false" => has_plugin && !has_library,
            "lib_and_bin == false" => !has_library,
            "lib_and_bin and cdylib" => has_library && has_plugin,
            "lib_and_bin and cdylib == false" => has_library && !has_plugin,
            "edition == \"2021\"" => self.edition == "2021",
            "license != \"none\"" => self.license != License::None,
            "license == \"MIT\"" => self.license == License::Mit,
            "license == \"Apache-2.0\"" => self.license == License::Apache,
            "license == \"MIT OR Apache-2.0\"" => self.license == License::Both,
            "netswap_path != \"\"" => self.netswap_path.is_some(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const TOOL: Layout = Layout::Tool { lib_and_bin: false, cdylib: false };

    const LAYOUTS: [Layout; 5] = [
        TOOL,
        Layout::Tool { lib_and_bin: true, cdylib: false },
        Layout::Tool { lib_and_bin: false, cdylib: true },
        Layout::Tool { lib_and_bin: true, cdylib: true },
        Layout::Workspace,
    ];

    fn default_answers() -> Answers<'static> {
        let license = License::None;
        Answers { name: "a-tool", edition: "2024", license, layout: TOOL, netswap_path: None }
    }

    fn paths(answers: &Answers<'_>) -> BTreeSet<&'static str> {
        files(answers).into_iter().map(|(path, _)| path).collect()
    }

    /// Returns the text of one file.
    fn text(answers: &Answers<'_>, path: &str) -> String {
        files(answers).into_iter().find(|(found, _)| *found == path).unwrap().1
    }

    #[test]
    fn files_have_no_placeholders_or_trailing_spaces() {
        for license in [License::None, License::Mit, License::Apache, License::Both] {
            for layout in LAYOUTS {
                for netswap_path in [None, Some("/a/clone")] {
                    let answers = Answers { license, layout, netswap_path, ..default_answers() };
                    for (path, text) in files(&answers) {
                        let is_left = ["{{", "}}", "{%", "%}", "\n\n\n"];
                        assert!(!is_left.iter().any(|part| text.contains(part)), "{path}: {text}");
                        assert!(text.lines().all(|line| line.trim_end() == line), "{path}: {text}");
                        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}: {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_tag_of_a_template_is_known() {
        let answers = default_answers();
        for file in files::TOOL.iter().chain(files::WORKSPACE) {
            for tag in file.text.split("{%- if ").skip(1) {
                let condition = tag.split(" %}").next().unwrap();
                assert!(answers.holds(condition).is_some(), "{}: {condition}", file.path);
            }
            for tag in file.text.split("{{").skip(1) {
                let placeholder = tag.split("}}").next().unwrap();
                assert!(answers.value(placeholder).is_some(), "{}: {placeholder}", file.path);
            }
        }
    }

    #[test]
    fn name_like_a_placeholder_stays_as_it_is() {
        let answers = Answers { name: "a{{edition}}", ..default_answers() };
        assert!(text(&answers, "README.md").starts_with("# a{{edition}}\n"));
    }

    #[test]
    fn licence_files_match_the_licence() {
        for layout in LAYOUTS {
            let texts = |license| {
                let of_licence = |path: &&str| path.starts_with("LICENSE");
                let paths = paths(&Answers { license, layout, ..default_answers() });
                paths.into_iter().filter(of_licence).collect()
            };
            let none: Vec<&str> = texts(License::None);
            assert!(none.is_empty());
            assert_eq!(texts(License::Mit), ["LICENSE-MIT"]);
            assert_eq!(texts(License::Apache), ["LICENSE-APACHE"]);
            assert_eq!(texts(License::Both), ["LICENSE-APACHE", "LICENSE-MIT"]);
        }
    }

    #[test]
    fn requested_library_is_added_and_used() {
        assert!(!paths(&default_answers()).contains("src/lib.rs"));
        let layout = Layout::Tool { lib_and_bin: true, cdylib: false };
        let with_library = Answers { layout, ..default_answers() };
        assert!(paths(&with_library).contains("src/lib.rs"));
        let main = text(&with_library, "src/main.rs");
        assert!(main.contains("use a_tool::greeting;"), "{main}");
        assert!(!main.contains("fn greeting"), "{main}");
    }

    #[test]
    fn plug_in_is_added_and_each_image_requests_the_bit() {
        let of_plug_in = |path: &str| path.contains("plugin") || path.contains("interface");
        assert!(!paths(&default_answers()).into_iter().any(of_plug_in));
        for lib_and_bin in [false, true] {
            let layout = Layout::Tool { lib_and_bin, cdylib: true };
            let answers = Answers { layout, ..default_answers() };
            assert!(paths(&answers).contains("src/plugin.rs"));
            for script in ["build.rs", "plugin/build.rs"] {
                assert!(text(&answers, script).contains("netswap_build::emit();"));
            }
            let interface = text(&answers, "interface/src/lib.rs");
            assert!(interface.contains("BASE_NAME: &'static str = \"a_tool_plugin\""));
            let ci = text(&answers, ".github/workflows/ci.yml");
            assert!(ci.contains("/a-tool.exe\n") && ci.contains("/a_tool_plugin.dll\n"), "{ci}");
        }
    }

    #[test]
    fn workspace_resolver_matches_the_edition() {
        for (edition, resolver) in [("2021", "resolver = \"2\""), ("2024", "resolver = \"3\"")] {
            let answers = Answers { edition, layout: Layout::Workspace, ..default_answers() };
            assert!(text(&answers, "Cargo.toml").contains(resolver));
        }
    }
}
