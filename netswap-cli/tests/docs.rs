//! What the documentation shows is so: its `console` blocks are run, its files are the example's.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::fs;
use std::path::Path;

use support::{Project, copy, repository};

/// Every page, and the README.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), repository().join("README.md"))];
    for entry in fs::read_dir(repository().join("docs/src")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push((path.file_name().unwrap().to_string_lossy().into_owned(), path));
        }
    }
    pages.into_iter().map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

/// The folder that the pages' commands run in.
fn folder_of_the_pages(to: &Path) {
    let project = Project::of("two-tools");
    project.verified(1, &[]);
    fs::create_dir_all(to.join("tools")).unwrap();
    for tool in ["mindful.exe", "forgetful.exe"] {
        fs::copy(project.built(tool), to.join("tools").join(tool)).unwrap();
    }
    fs::write(to.join("notes.txt"), "no image").unwrap();
    fs::write(to.join("typing-error.toml"), "swaprun = [\"net\"]\n").unwrap();
}

#[test]
fn every_console_block_prints_what_the_page_shows() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    folder_of_the_pages(&folder);
    let cases = trycmd::TestCases::new();
    let mut blocks = 0;
    for (name, text) in pages() {
        let here = text.matches("```console").count();
        if here == 0 {
            continue;
        }
        blocks += here;
        fs::write(dir.path().join(&name), text).unwrap();
        copy(&folder, &dir.path().join(Path::new(&name).with_extension("in")));
        cases.case(dir.path().join(name));
    }
    assert!(blocks >= 6, "only {blocks} blocks were found");
    cases.run();
}

#[test]
fn the_readmes_files_are_the_examples() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let example = repository().join("examples/hello-tool");
    let read = |file: &str| fs::read_to_string(example.join(file)).unwrap();
    let mut shown = 0;
    for block in readme.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        let (file, lines) = match language {
            "rust" if text.starts_with("// xtask/src/main.rs\n") => ("xtask/src/main.rs", text),
            "rust" => ("build.rs", text),
            "toml" if text.starts_with("# .cargo/config.toml\n") => (".cargo/config.toml", text),
            "toml" if text.starts_with("# xtask/Cargo.toml\n") => ("xtask/Cargo.toml", text),
            "toml" => ("Cargo.toml", text),
            _ => continue,
        };
        let lines =
            lines.lines().filter(|line| !line.starts_with("# ") && !line.starts_with("// "));
        let lines = lines.collect::<Vec<_>>().join("\n");
        assert!(read(file).contains(lines.trim()), "{file} does not hold\n{lines}");
        shown += 1;
    }
    assert_eq!(shown, 5);
}

#[test]
fn the_summary_names_every_page_and_every_code_has_one() {
    let src = repository().join("docs/src");
    let summary = fs::read_to_string(src.join("SUMMARY.md")).unwrap();
    for part in summary.split("](").skip(1) {
        let page = part.split(')').next().unwrap();
        assert!(src.join(page).is_file(), "{page} is not there");
    }
    for (name, _) in pages() {
        let known = ["README.md", "SUMMARY.md"].contains(&&*name);
        assert!(known || summary.contains(&format!("({name})")), "{name} is not in the summary");
    }
    for code in netswap::Code::ALL {
        assert!(summary.contains(&format!("(findings/{code}.md)")), "{code} has no page");
    }
}
