//! The templates of tool projects: the questions, and the files with the answers filled in.
//!
//! The files are those in `templates/`, which `cargo generate` reads too. Its language, Liquid, and
//! the engine here both understand the text in braces.

mod files;

use clap::ValueEnum;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

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

/// The licence of a new project.
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

impl License {
    /// Returns the SPDX expression, or `none`, as on the command line.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Returns the project's files: their paths below its folder, with `/` between the names, and their
/// texts.
///
/// # Errors
///
/// When the template can't be filled in. Its tests rule this out.
pub(crate) fn files(
    answers: &Answers<'_>,
) -> Result<Vec<(&'static str, String)>, minijinja::Error> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    let common = context! {
        project_name => answers.name,
        edition => answers.edition,
        license => answers.license.name(),
        netswap_path => answers.netswap_path.unwrap_or_default(),
    };
    let values = match answers.layout {
        Layout::Tool { lib_and_bin, cdylib } => context! {
            crate_name => answers.name.replace('-', "_"),
            lib_and_bin,
            cdylib,
            ..common
        },
        Layout::Workspace => common,
    };
    let filled_in = files::wanted(answers).map(|file| {
        // Liquid allows a hyphen in a name. The engine here would read a subtraction.
        let text = file.text.replace("{{project-name}}", "{{project_name}}");
        let path = file.path.strip_suffix(".liquid").unwrap_or(file.path);
        Ok((path, engine.render_named_str(file.path, &text, values.clone())?))
    });
    filled_in.collect()
}

/// Returns only the files of the xtask.
///
/// # Errors
///
/// As [`files`].
pub(crate) fn xtask(edition: &str) -> Result<Vec<(&'static str, String)>, minijinja::Error> {
    let (license, layout) = (License::None, Layout::Workspace);
    let files = files(&Answers { name: "xtask", edition, license, layout, netswap_path: None })?;
    Ok(files.into_iter().filter(|(path, _)| path.starts_with("xtask/")).collect())
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
        files(answers).unwrap().into_iter().map(|(path, _)| path).collect()
    }

    /// Returns the text of one file.
    fn text(answers: &Answers<'_>, path: &str) -> String {
        files(answers).unwrap().into_iter().find(|(found, _)| *found == path).unwrap().1
    }

    #[test]
    fn files_have_no_placeholders_or_trailing_spaces() {
        for license in [License::None, License::Mit, License::Apache, License::Both] {
            for layout in LAYOUTS {
                for netswap_path in [None, Some("/a/clone")] {
                    let answers = Answers { license, layout, netswap_path, ..default_answers() };
                    for (path, text) in files(&answers).unwrap() {
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
