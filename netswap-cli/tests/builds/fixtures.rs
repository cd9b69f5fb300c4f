//! Typical projects, built for Windows by the real Cargo, rustc and linker. The library and an
//! independent reader both read each header.

use std::fs;
use std::process::Command;

use crate::seed::{fixture, seeded};
use crate::{check_stderr, clear_bit, edit};
use testkit::image::CD;
use testkit::{Project, X64, cargo, copy, repository, rustup_lld};

/// Verifies a project, checks that all images passed, and returns their names.
fn passed_images(project: &Project, arguments: &[&str]) -> Vec<String> {
    let rows = project.verified(0, arguments);
    assert!(rows.values().all(testkit::Row::passed), "{rows:#?}");
    rows.into_keys().collect()
}

#[test]
fn each_kind_of_image_gets_the_bit() {
    let programs = ["--bins", "--examples", "--", "--test", "integration", "--bench", "speed"];
    let table: [(&str, &[&str], &[&str]); 7] = [
        ("bin-only", &[], &["bin-only.exe"]),
        ("lib-and-bin", &[], &["lib-and-bin.exe"]),
        ("hyphens", &[], &["hyphen-ated-tool.exe", "other-hyphen-ated-tool.exe"]),
        ("cdylib", &[], &["plug_in.dll"]),
        (
            "examples-and-tests",
            &programs,
            &["demo.exe", "examples-and-tests.exe", "integration.exe", "speed.exe"],
        ),
        ("old-rust-version", &[], &["old-rust-version.exe"]),
        // A chosen package is verified alone.
        ("two-tools", &["--package", "with-bit"], &["with-bit.exe"]),
    ];
    for (name, arguments, images) in table {
        assert_eq!(passed_images(&fixture(name), arguments), images, "{name}");
    }
}

/// Returns the MSVC targets of this rustc, except ARM64EC, which needs Microsoft's libraries.
fn msvc_targets() -> Vec<String> {
    let mut rustc = Command::new("rustc");
    let list = crate::run(rustc.args(["--print", "target-list"]), 0).stdout;
    let links = |target: &&str| target.ends_with("-windows-msvc") && !target.starts_with("arm64ec");
    list.lines().filter(links).map(str::to_owned).collect()
}

#[test]
fn each_msvc_target_gets_the_bit_on_request() {
    let project = fixture("two-tools");
    let targets = msvc_targets();
    assert!(targets.len() >= 10, "{targets:?}");
    for target in targets {
        let run = project.verify(&["--target", &target, "--format", "json"]);
        assert_eq!(run.code, 1, "{run:#?}");
        let rows = run.rows();
        assert_eq!(rows.len(), 2, "{target}: {rows:#?}");
        assert!(rows["with-bit.exe"].passed(), "{target}: {rows:#?}");
        assert!(rows["no-bit.exe"].failed("not-requested"), "{target}: {rows:#?}");
        let machine = run.json()["images"][0]["machine"].as_str().unwrap().to_owned();
        let expected = match target.split('-').next().unwrap() {
            "aarch64" => "arm64",
            "thumbv7a" => "arm",
            "i686" => "x86",
            _ => "x64",
        };
        assert_eq!(machine, expected, "{target}");
    }
}

#[test]
fn dll_from_outside_the_workspace_is_verified() {
    let project = fixture("bin-only");
    let engine = project.root.with_file_name("engine");
    copy(&repository().join("fixtures/cdylib"), &engine);
    edit(&engine, "Cargo.toml", "[\"cdylib\"]", "[\"lib\", \"cdylib\"]");
    fs::write(engine.join("build.rs"), "fn main() {}\n").unwrap();
    let depends = "[dependencies]\nplug-in = { path = \"../engine\" }\n";
    edit(&project.root, "Cargo.toml", "[dependencies]\n", depends);
    let run = project.verify(&["--target", X64, "--format", "json"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.rows()["plug_in.dll"].failed("not-requested"), "{run:#?}");
    assert_eq!(run.json()["images"].as_array().unwrap().len(), 2, "{run:#?}");
}

#[test]
fn wrong_build_script_fails_the_build() {
    for (body, parts) in [
        (
            "netswap_build::emit();
            netswap_build::emit();",
            &["called twice in one build script"][..],
        ),
        // A folder in place of the receipt.
        (
            r#"let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
            std::fs::create_dir_all(out.join("netswap-receipt.json")).unwrap();
            netswap_build::emit();"#,
            &["failed to write the receipt", "netswap-receipt.json"],
        ),
        (
            r#"let name = "a\ncargo:rustc-env=EVIL=1";
            netswap_build::SwapRun::new().scope(netswap_build::Scope::bin(name)).emit();"#,
            &["Scope::Bin"],
        ),
    ] {
        let project = fixture("bin-only");
        project.write("build.rs", &format!("fn main() {{ {body} }}\n"));
        let run = project.verify(&["--target", X64]);
        check_stderr(&run, 2, parts);
        assert!(!run.stderr.contains("panicked"), "{run:#?}");
    }
}

#[test]
fn metabuild_needs_no_build_script() {
    // This variable lets a stable Cargo use the unstable feature.
    let project = fixture("bin-only").env("RUSTC_BOOTSTRAP", "1");
    fs::remove_file(project.root.join("build.rs")).unwrap();
    edit(&project.root, "Cargo.toml", "[package]", "cargo-features = [\"metabuild\"]\n\n[package]");
    edit(&project.root, "Cargo.toml", "publish = false", "metabuild = [\"netswap-build\"]");
    assert_eq!(passed_images(&project, &[]), ["bin-only.exe"]);
}

#[test]
fn policy_beside_the_workspace_applies() {
    let project = fixture("bin-only");
    project.write("netswap.toml", "swap-run = [\"net\", \"cd\"]\n");
    let rows = project.verified(1, &[]);
    assert_eq!(rows["bin-only.exe"].codes, ["not-requested"]);
}

#[test]
fn configured_targets_stay_apart() {
    let project = fixture("bin-only");
    let targets = r#"build.target=["x86_64-pc-windows-msvc", "i686-pc-windows-msvc"]"#;
    let run = project.verify(&["--format=json", "--", "--config", targets]);
    assert_eq!(run.code, 0, "{run:#?}");
    let report = run.json();
    let images = report["images"].as_array().unwrap();
    assert_eq!(images[0]["machine"], "x86");
    assert_eq!(images[0]["target"], "i686-pc-windows-msvc");
    assert_eq!(images[1]["machine"], "x64");
    assert_eq!(images[1]["target"], X64);
}

#[test]
fn library_alone_leaves_nothing_to_verify() {
    let project = fixture("lib-only");
    let run = project.verify(&["--target", X64]);
    check_stderr(&run, 3, &["nothing to verify"]);
    assert!(!run.stderr.contains("warning"), "{run:#?}");
    let built = project.root.join("target").join(X64).join("debug/liblib_only.rlib");
    assert!(built.exists(), "{run:#?}");
}

#[test]
fn binary_outside_the_scope_fails() {
    let rows = fixture("several-bins").verified(1, &[]);
    assert_eq!(rows.len(), 3);
    assert!(rows["first.exe"].passed() && rows["second.exe"].passed(), "{rows:#?}");
    assert!(rows["excluded.exe"].failed("out-of-scope"), "{rows:#?}");
}

#[test]
fn path_with_spaces_and_unicode_works() {
    let project = seeded(Project::below("mit Lücke и 工具", "bin-only"));
    assert_eq!(passed_images(&project, &[]), ["bin-only.exe"]);
}

#[test]
fn environment_rustflags_keep_the_bit() {
    // The variable replaces the configured flags, so it repeats those that the fixture needs.
    let flags = "-Cpanic=abort -Clink-arg=/SUBSYSTEM:CONSOLE -Copt-level=1";
    let project = fixture("bin-only").env("RUSTFLAGS", flags);
    assert_eq!(passed_images(&project, &[]), ["bin-only.exe"]);
}

#[test]
fn policy_that_requires_both_bits_passes() {
    let project = fixture("both-bits");
    project.append("Cargo.toml", "\n[package.metadata.netswap]\nswap-run = [\"net\", \"cd\"]\n");
    let rows = project.verified(0, &[]);
    assert_eq!(rows["both-bits.exe"].characteristics, 0x0c22);
}

#[test]
fn policy_beyond_the_build_script_fails() {
    let project = fixture("bin-only");
    project.append("Cargo.toml", "\n[package.metadata.netswap]\nswap-run = [\"net\", \"cd\"]\n");
    let run = project.verify(&["--target", X64]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stdout.contains("IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP"), "{run:#?}");
    assert!(run.stdout.contains(".removable(true)"), "{run:#?}");
}

#[test]
fn package_policy_overrides_the_workspace() {
    let project = fixture("two-tools");
    project.append("Cargo.toml", "\n[workspace.metadata.netswap]\nswap-run = [\"net\", \"cd\"]\n");
    for (tool, bits) in [("with-bit", "[\"net\"]"), ("no-bit", "[]")] {
        let table = format!("\n[package.metadata.netswap]\nswap-run = {bits}\n");
        project.append(&format!("{tool}/Cargo.toml"), &table);
    }
    let rows = project.verified(0, &[]);
    assert_eq!(rows["no-bit.exe"].status, "passed");
}

#[test]
fn exception_with_a_reason_allows_an_image() {
    let project = fixture("two-tools");
    let allow =
        "\n[[workspace.metadata.netswap.allow]]\nimage = \"no-*.exe\"\nreason = \"never leaves\"\n";
    project.append("Cargo.toml", allow);
    let rows = project.verified(0, &[]);
    assert_eq!(rows["no-bit.exe"].status, "allowed");
    assert!(rows["with-bit.exe"].passed());
}

#[test]
fn netswap_without_the_bit_is_reported() {
    for (value, bits) in [("off", 0), ("cd", CD)] {
        let project = fixture("bin-only").env("NETSWAP", value);
        let rows = project.verified(1, &[]);
        assert!(rows["bin-only.exe"].failed("switched-off"), "{value}: {rows:#?}");
        assert_eq!(rows["bin-only.exe"].characteristics & CD, bits, "{value}");
        // A change of the variable is enough to build again.
        let project = project.env("NETSWAP", "net");
        assert!(project.verified(0, &[])["bin-only.exe"].passed());
    }
}

#[test]
fn invalid_netswap_lists_the_valid_values() {
    let run = fixture("bin-only").env("NETSWAP", "yes").verify(&["--target", X64]);
    let values = "NETSWAP is \"yes\"; set it to one of off, net, cd, net,cd";
    check_stderr(&run, 2, &[values, "failed to build"]);
}

#[test]
fn stale_receipt_is_ignored() {
    let project = fixture("bin-only");
    assert!(project.verified(0, &[])["bin-only.exe"].passed());
    project.write("build.rs", "fn main() {}\n");
    assert!(project.verified(1, &[])["bin-only.exe"].failed("not-requested"));
}

/// The command in the help cleans the profile, the target and the folder of that build.
#[test]
fn clean_makes_cargo_link_an_image_again() {
    let project = Project::new("bin-only");
    project.append("Cargo.toml", "\n[profile.small]\ninherits = \"dev\"\n");
    let home = project.root.parent().unwrap();
    let verify = |exit_code: i32| {
        let arguments = [
            &["verify", "--offline", "--manifest-path", "bin-only/Cargo.toml"][..],
            &["--target", X64, "--profile", "small", "--format", "json"],
            &["--", "--target-dir", "elsewhere"],
        ];
        crate::run(&mut crate::netswap(home, &arguments.concat()), exit_code)
    };
    let report = verify(0).json();
    clear_bit(&home.join(report["images"][0]["path"].as_str().unwrap()));

    let run = verify(1);
    assert!(run.rows()["bin-only.exe"].failed("lost-after-link"), "{run:#?}");
    let report = run.json();
    let help = report["images"][0]["findings"][0]["help"].as_str().unwrap();
    let command = help.lines().find_map(|line| line.trim().strip_prefix("cargo clean "));
    let arguments: Vec<_> = std::iter::once("clean").chain(command.unwrap().split(' ')).collect();
    crate::run(&mut cargo(home, &arguments), 0);
    verify(0);
}

#[cfg(unix)]
#[test]
fn linker_that_drops_the_argument_is_found() {
    use std::os::unix::fs::PermissionsExt;

    let lld = rustup_lld().with_file_name("rust-lld");
    let project = fixture("bin-only");
    // rustc passes the arguments as a list, or in a response file if there are many.
    let script = format!(
        "#!/bin/sh\nfor a; do shift; case $a in /SWAPRUN:*) ;; *) set -- \"$@\" \"$a\";; esac; done\nexec '{}' -flavor link \"$@\"\n",
        lld.display()
    );
    project.write("no-bit-link", &script);
    let wrapper = project.root.join("no-bit-link");
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let variable = "CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER";
    let project = project.env(variable, wrapper.to_str().unwrap());
    let run = project.verify(&["--target", X64, "--format", "json"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.rows()["bin-only.exe"].failed("lost-after-link"), "{run:#?}");
    let message = run.json()["images"][0]["findings"][0]["message"].to_string();
    assert!(message.contains("/SWAPRUN:NET"), "{message}");
}
