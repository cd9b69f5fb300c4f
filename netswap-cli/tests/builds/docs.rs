//! The build scripts and the receipt that the book shows come from real builds.

use std::fs;

use crate::edit;
use crate::seed::fixture;
use testkit::{blocks, files};

#[test]
fn each_build_script_of_the_book_sets_the_bit() {
    let scripts = blocks("docs/src/build-script.md", "rust");
    assert_eq!(scripts.len(), 2);
    for script in scripts {
        let project = fixture("bin-only");
        edit(&project.root, "Cargo.toml", "\"bin-only\"", "\"mytool\"");
        project.write("build.rs", &script);
        assert!(project.verified(0, &[])["mytool.exe"].passed(), "{script}");
    }
}

#[test]
fn receipt_of_the_book_comes_from_a_build() {
    let project = fixture("bin-only");
    edit(&project.root, "Cargo.toml", "\"bin-only\"", "\"tool\"");
    project.verified(0, &[]);
    let build = project.built("build");
    let receipts: Vec<_> = files(&build)
        .into_keys()
        .filter(|path| path.ends_with("netswap-receipt.json"))
        .map(|path| fs::read_to_string(build.join(path)).unwrap())
        .collect();
    assert_eq!(receipts, blocks("docs/src/build-script.md", "json"));
}
