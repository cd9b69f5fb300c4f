//! The template of a tool project: which files it has, and what is filled in.
//!
//! The files are those of `templates/`, which `cargo generate` reads too: what stands in braces is
//! understood by Liquid, its language, and by the engine here alike.

use clap::ValueEnum;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

/// What is asked before a project is written.
#[derive(Clone, Debug)]
pub(crate) struct Answers<'a> {
    /// The package's and the program's.
    pub(crate) name: &'a str,
    pub(crate) edition: &'a str,
    pub(crate) license: License,
    /// Whether the program uses a library of its own.
    pub(crate) lib_and_bin: bool,
    /// The clone whose crates are used in place of the published ones, with `/` between its names.
    pub(crate) netswap_path: Option<&'a str>,
}

/// Under what terms the project may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum License {
    /// Nothing is said.
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
    /// Its SPDX expression, and `none` for none, as on the command line.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// A file of the template.
struct File {
    /// Below the template's folder. With a `Cargo.toml` a folder would be a package of its own, which
    /// Cargo does not pack; so each ends with `.liquid`, which falls off.
    path: &'static str,
    text: &'static str,
    is_wanted: fn(&Answers<'_>) -> bool,
}

macro_rules! file {
    ($path:literal, $is_wanted:expr) => {
        File {
            path: $path,
            text: include_str!(concat!("../templates/tool/", $path)),
            is_wanted: $is_wanted,
        }
    };
    ($path:literal) => {
        file!($path, |_| true)
    };
}

const FILES: &[File] = &[
    file!(".cargo/config.toml"),
    file!(".github/workflows/ci.yml"),
    file!(".gitignore"),
    file!("Cargo.toml.liquid"),
    file!("LICENSE-APACHE", |asked| matches!(asked.license, License::Apache | License::Both)),
    file!("LICENSE-MIT", |asked| matches!(asked.license, License::Mit | License::Both)),
    file!("README.md"),
    file!("build.rs"),
    file!("src/lib.rs", |asked| asked.lib_and_bin),
    file!("src/main.rs"),
    file!("xtask/Cargo.toml.liquid"),
    file!("xtask/src/main.rs"),
];

/// The project's files: their paths below its folder, with `/` between the names, and their texts.
///
/// # Errors
///
/// When the template can't be filled in, which its tests rule out.
pub(crate) fn files(
    answers: &Answers<'_>,
) -> Result<Vec<(&'static str, String)>, minijinja::Error> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    let values = context! {
        project_name => answers.name,
        crate_name => answers.name.replace('-', "_"),
        edition => answers.edition,
        license => answers.license.name(),
        lib_and_bin => answers.lib_and_bin,
        netswap_path => answers.netswap_path.unwrap_or_default(),
    };
    let wanted = FILES.iter().filter(|file| (file.is_wanted)(answers));
    let filled_in = wanted.map(|file| {
        // Where Liquid has a name, the engine here has a subtraction.
        let text = file.text.replace("{{project-name}}", "{{project_name}}");
        let path = file.path.strip_suffix(".liquid").unwrap_or(file.path);
        Ok((path, engine.render_named_str(file.path, &text, values.clone())?))
    });
    filled_in.collect()
}

/// The files of the xtask alone.
///
/// # Errors
///
/// As [`files`].
pub(crate) fn xtask(edition: &str) -> Result<Vec<(&'static str, String)>, minijinja::Error> {
    let license = License::None;
    let answers =
        Answers { name: "xtask", edition, license, lib_and_bin: false, netswap_path: None };
    let files = files(&answers)?.into_iter();
    Ok(files.filter(|(path, _)| path.starts_with("xtask/")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn asked() -> Answers<'static> {
        let license = License::None;
        Answers { name: "a-tool", edition: "2024", license, lib_and_bin: false, netswap_path: None }
    }

    fn paths(answers: &Answers<'_>) -> BTreeSet<&'static str> {
        files(answers).unwrap().into_iter().map(|(path, _)| path).collect()
    }

    /// The files below a folder, with `/` between the names.
    fn below(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, root, found);
            } else {
                let path = path.strip_prefix(root).unwrap().to_str().unwrap();
                found.insert(path.replace('\\', "/"));
            }
        }
    }

    #[test]
    fn every_file_of_the_template_is_in_the_table() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/tool");
        let mut there = BTreeSet::new();
        below(&root, &root, &mut there);
        there.remove("cargo-generate.toml");
        let listed: BTreeSet<String> = FILES.iter().map(|file| file.path.to_owned()).collect();
        assert_eq!(listed, there);
    }

    #[test]
    fn nothing_is_left_to_be_filled_in_and_no_line_ends_with_space() {
        for license in [License::None, License::Mit, License::Apache, License::Both] {
            for lib_and_bin in [false, true] {
                for netswap_path in [None, Some("/a/clone")] {
                    let answers = Answers { license, lib_and_bin, netswap_path, ..asked() };
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
    fn the_texts_of_the_licences_are_those_of_the_licence() {
        let texts = |license| {
            let of_licence = |path: &&str| path.starts_with("LICENSE");
            paths(&Answers { license, ..asked() }).into_iter().filter(of_licence).collect()
        };
        let none: Vec<&str> = texts(License::None);
        assert!(none.is_empty());
        assert_eq!(texts(License::Mit), ["LICENSE-MIT"]);
        assert_eq!(texts(License::Apache), ["LICENSE-APACHE"]);
        assert_eq!(texts(License::Both), ["LICENSE-APACHE", "LICENSE-MIT"]);
    }

    #[test]
    fn a_library_is_there_if_asked_for_and_is_used_then() {
        assert!(!paths(&asked()).contains("src/lib.rs"));
        let with_library = files(&Answers { lib_and_bin: true, ..asked() }).unwrap();
        assert!(with_library.iter().any(|(path, _)| *path == "src/lib.rs"));
        let (_, main) = with_library.iter().find(|(path, _)| *path == "src/main.rs").unwrap();
        assert!(main.contains("use a_tool::greeting;"), "{main}");
        assert!(!main.contains("fn greeting"), "{main}");
    }
}
