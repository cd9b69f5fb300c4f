//! Projects that `netswap new` creates build, run and pass their tests.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::edit;
use crate::seed::NEW;
use testkit::new::{Home, LAYOUTS, Layout, create_like};
use testkit::{self, Run};

fn plug_in() -> String {
    format!("{DLL_PREFIX}plugin_host_plugin{DLL_SUFFIX}")
}

/// Runs Cargo in a project and checks its exit code.
fn cargo(target_dir: &TempDir, project: &Path, arguments: &[&str], code: i32) -> Run {
    let mut command = testkit::cargo(project, arguments);
    command.env("CARGO_TARGET_DIR", target_dir.path());
    // Only plug-ins use these crates, so Cargo may have to download them.
    if !project.join("plugin").exists() {
        command.env("CARGO_NET_OFFLINE", "true");
    }
    crate::run(&mut command, code)
}

/// One licence is enough, because it does not change the build.
#[test]
fn each_layout_builds_and_passes_its_tests() {
    let target_dir = NEW.target_dir();
    for Layout { example, options, runs, tests } in LAYOUTS {
        for edition in ["2021", "2024"] {
            let home = Home::empty();
            let choice = ["--edition", edition, "--license", "MIT OR Apache-2.0"];
            let project = create_like(&home, example, &[options, &choice].concat());
            let cargo =
                |arguments: &[&[&str]]| cargo(&target_dir, &project, &arguments.concat(), 0);
            let clippy = &["clippy", "--locked", "--workspace", "--all-targets", "--quiet"];
            cargo(&[clippy, &["--", "--deny", "warnings"]]);
            // Another project's plug-in. `cargo run` must build this project's.
            let _ = fs::remove_file(target_dir.path().join("debug").join(plug_in()));
            for (which, expected) in runs {
                let run = cargo(&[&["run", "--locked", "--quiet"], which, &["--", "Ada"]]);
                assert_eq!(run.stdout, *expected, "{options:?}");
            }
            let run = cargo(&[&["test", "--locked", "--workspace"]]);
            for test in tests {
                assert!(run.stdout.contains(test), "{test}: {run:#?}");
            }
        }
    }
}

#[test]
fn plug_in_beside_the_program_is_used() {
    let target_dir = NEW.target_dir();
    for library in [&[][..], &["--lib-and-bin"]] {
        let home = Home::empty();
        let project = create_like(&home, "plugin-host", &[&["--cdylib"], library].concat());
        let program = format!("plugin-host{EXE_SUFFIX}");
        let plug_in = plug_in();
        let share = home.path("share");
        fs::create_dir(&share).unwrap();
        let put = |file: &str| {
            fs::copy(target_dir.path().join("debug").join(file), share.join(file)).unwrap();
        };
        let run = || Run::capture(Command::new(share.join(&program)).arg("Ada"));
        let fails = |why: &str| {
            let run = run();
            assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:#?}");
            assert!(run.stderr.starts_with("error: failed to load "), "{run:#?}");
            assert!(run.stderr.contains(&plug_in) && run.stderr.contains(why), "{run:#?}");
            assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
        };

        cargo(&target_dir, &project, &["build", "--locked"], 0);
        put(&program);
        let alone = run();
        assert_eq!((alone.code, alone.stdout.as_str()), (0, "Hello, Ada!\n"), "{alone:#?}");
        put(&plug_in);
        let both = run();
        assert_eq!(both.code, 0, "{both:#?}");
        assert_eq!(both.stdout, "Hello from the plug-in, Ada!\n");

        fs::write(share.join(&plug_in), "no plug-in").unwrap();
        fails("");

        for (file, from, to) in [
            ("interface/src/lib.rs", "RStr<'_>)", "RStr<'_>, u32)"),
            ("plugin/src/lib.rs", "name: RStr<'_>)", "name: RStr<'_>, _: u32)"),
        ] {
            edit(&project, file, from, to);
        }
        let build = ["build", "--locked", "--package", "plugin-host-plugin"];
        cargo(&target_dir, &project, &build, 0);
        put(&plug_in);
        fails("it was built for another interface");
    }
}

#[test]
fn program_rejects_unknown_arguments() {
    let target_dir = NEW.target_dir();
    for (example, options, program) in
        [("hello-tool", &[][..], "hello-tool"), ("workspace-tools", &["--workspace"], "goodbye")]
    {
        let home = Home::empty();
        let project = create_like(&home, example, options);
        for wrong in [&["--loud"][..], &["Ada", "Grace"]] {
            let run = ["run", "--quiet", "--bin", program, "--"];
            let run = cargo(&target_dir, &project, &[&run, wrong].concat(), 2);
            assert_eq!(run.stdout, "", "{run:#?}");
            assert!(run.stderr.contains(&format!("usage: {program} [NAME]")), "{run:#?}");
        }
    }
}
