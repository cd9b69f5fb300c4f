//! The build scripts and the receipt that the book shows come from real builds.

use std::fs;

use crate::support::{Project, blocks};

#[test]
fn every_build_script_of_the_book_builds_and_sets_the_bit() {
    let scripts = blocks("docs/src/build-script.md", "rust");
    assert_eq!(scripts.len(), 2);
    for script in scripts {
        let project = Project::of("bin-only").seeded();
        let manifest = fs::read_to_string(project.root.join("Cargo.toml")).unwrap();
        project.write("Cargo.toml", &manifest.replace("\"bin-only\"", "\"mytool\""));
        project.write("build.rs", &script);
        assert!(project.verified(0, &[])["mytool.exe"].passed(), "{script}");
    }
}

#[test]
fn the_receipt_of_the_book_is_one_that_a_build_leaves() {
    let project = Project::of("bin-only").seeded();
    let manifest = fs::read_to_string(project.root.join("Cargo.toml")).unwrap();
    project.write("Cargo.toml", &manifest.replace("\"bin-only\"", "\"tool\""));
    project.verified(0, &[]);
    let build = project.built("build");
    let scripts = fs::read_dir(build).unwrap().map(|entry| entry.unwrap().path());
    let receipts: Vec<_> = scripts
        .filter_map(|path| fs::read_to_string(path.join("out/netswap-receipt.json")).ok())
        .collect();
    assert_eq!(receipts, blocks("docs/src/build-script.md", "json"));
}
