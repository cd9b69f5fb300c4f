//! The documentation is correct: its `console` blocks run as shown, and its files match the
//! examples.

use std::fs;
use std::path::Path;

use testkit::image::{Image, two_tools};
use testkit::{blocks, copy, repository};

/// Returns the names and texts of the README and of every page of the book.
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

/// Fills the folder in which the pages' commands run.
fn fill_folder(to: &Path) {
    fs::create_dir_all(to.join("tools")).unwrap();
    for (tool, bytes) in two_tools() {
        fs::write(to.join("tools").join(tool), bytes).unwrap();
    }
    fs::create_dir_all(to.join("vendor")).unwrap();
    for dll in ["fips.dll", "softokn3.dll"] {
        fs::write(to.join("vendor").join(dll), Image::dll().bytes()).unwrap();
    }
    for file in ["fipsmodule.cnf", "softokn3.chk"] {
        fs::write(to.join("vendor").join(file), "a checksum").unwrap();
    }
    copy(&repository().join("netswap-cli/tests/init/old-tool/project"), &to.join("old-tool"));
    fs::write(to.join("notes.txt"), "no image").unwrap();
    fs::create_dir_all(to.join("share")).unwrap();
    fs::write(to.join("share/tool.exe"), Image::exe().bytes()).unwrap();
    fs::write(to.join("share/netswap.toml"), "swap-run = []\n").unwrap();
    fs::write(to.join("typing-error.toml"), "swaprun = [\"net\"]\n").unwrap();
}

/// Converts a page to a test for trycmd. Adds the exit code from the comment before each block, and
/// puts placeholders in place of text that differs between two runs.
fn to_test(page: &str) -> String {
    let mut test = String::new();
    let (mut exit_code, mut in_block) = (None, false);
    for line in page.lines() {
        if let Some(code) = line.strip_prefix("<!-- exits with ") {
            exit_code = code.strip_suffix(" -->");
        }
        // trycmd expects an empty line for the line break at the end of the output.
        let is_end = in_block && line == "```";
        in_block = !is_end && (in_block || line == "```console");
        if is_end {
            test += "\n";
            exit_code = None;
        }
        test += &with_placeholders(line);
        test += "\n";
        if let Some(code) = exit_code.filter(|_| in_block && line.starts_with("$ ")) {
            test.extend(["? ", code, "\n"]);
        }
    }
    test
}

/// Returns the line with `[..]` in place of times and sizes.
fn with_placeholders(line: &str) -> String {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let mut line = line.to_owned();
    if let Some(start) = line.strip_suffix(" s)") {
        line = format!("{}[..] s)", start.trim_end_matches(is_number));
    }
    if let Some((before, after)) = line.split_once(" KiB (") {
        let rest = after.split_once(')').map_or("", |(_, rest)| rest);
        line = format!("{}[..] KiB ([..]){rest}", before.trim_end_matches(is_number));
    }
    for field in ["seconds", "modified", "file_size", "size_of_image", "commit", "computed"] {
        if let Some((before, after)) = line.split_once(&format!("\"{field}\":")) {
            let rest = after.trim_start_matches(|c| !",}".contains(c));
            line = format!("{before}\"{field}\":[..]{rest}");
        }
    }
    line
}

#[cfg(unix)]
#[test]
fn every_console_block_prints_what_the_page_shows() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    fill_folder(&folder);
    let cases = trycmd::TestCases::new();
    let mut blocks = 0;
    for (name, text) in pages() {
        let count = text.matches("```console").count();
        if count == 0 {
            continue;
        }
        blocks += count;
        fs::write(dir.path().join(&name), to_test(&text)).unwrap();
        copy(&folder, &dir.path().join(Path::new(&name).with_extension("in")));
        cases.case(dir.path().join(name));
    }
    assert!(blocks >= 8, "only {blocks} blocks were found");
    cases.run();
}

/// The doc tests with the feature `cc` compile the script there.
#[test]
fn companion_script_is_in_the_crate_documentation() {
    let source = fs::read_to_string(repository().join("netswap-build/src/companion.rs")).unwrap();
    let lines = source.lines().filter_map(|line| line.trim_start().strip_prefix("///"));
    let lines = lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)));
    let documentation = lines.collect::<String>();
    let scripts = blocks("docs/src/companions.md", "rust");
    assert_eq!(scripts.len(), 1);
    assert!(documentation.contains(&format!("```no_run\n{}```\n", scripts[0])), "{documentation}");
}

#[test]
fn lines_to_add_name_this_version() {
    let major_minor = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0;
    let line = format!("netswap-build = \"{major_minor}\"\n");
    assert!(netswap::Code::NotRequested.explanation().contains(&line));
    for page in ["README.md", "netswap-build/README.md", "docs/src/quick-start.md"] {
        let text = fs::read_to_string(repository().join(page)).unwrap();
        assert!(text.contains(&line), "{page} does not say {line}");
    }
}

#[test]
fn readme_shows_the_files_of_the_example() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let example = repository().join("examples/hello-tool");
    let read = |file: &str| fs::read_to_string(example.join(file)).unwrap();
    let mut shown = 0;
    for block in readme.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        let file = match language {
            "rust" if text.starts_with("// xtask/src/main.rs\n") => "xtask/src/main.rs",
            "rust" => "build.rs",
            "toml" if text.starts_with("# .cargo/config.toml\n") => ".cargo/config.toml",
            "toml" if text.starts_with("# xtask/Cargo.toml\n") => "xtask/Cargo.toml",
            "toml" => "Cargo.toml",
            _ => continue,
        };
        let lines = text.lines().filter(|line| !line.starts_with("# ") && !line.starts_with("// "));
        let lines = lines.collect::<Vec<_>>().join("\n");
        assert!(read(file).contains(lines.trim()), "{file} does not hold\n{lines}");
        shown += 1;
    }
    assert_eq!(shown, 6);
}

#[test]
fn summary_lists_every_page_and_every_code() {
    let src = repository().join("docs/src");
    let summary = fs::read_to_string(src.join("SUMMARY.md")).unwrap();
    for part in summary.split("](").skip(1) {
        let page = part.split(')').next().unwrap();
        assert!(src.join(page).is_file(), "{page} is not there");
    }
    for (name, _) in pages() {
        let skip = ["README.md", "SUMMARY.md"].contains(&&*name);
        assert!(skip || summary.contains(&format!("({name})")), "{name} is not in the summary");
    }
    for code in netswap::Code::ALL {
        assert!(summary.contains(&format!("(findings/{code}.md)")), "{code} has no page");
    }
}
