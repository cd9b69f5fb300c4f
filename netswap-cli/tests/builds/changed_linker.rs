//! A linker that is configured after the build script ran for another one. Cargo links again, but
//! keeps the build script's directives for the old linker.

use std::fs;

use crate::empty_mingw::{GNU, gnu_ld, verify, with_empty_mingw};
use crate::linker::LINKER;
use testkit::{Project, Run};

/// A fixture whose linker is configured in `.cargo/config.toml`.
struct Configured(Project);

impl Configured {
    fn new(linker: &str) -> Self {
        let flavor = if linker == LINKER { "-Clinker-flavor=ld" } else { "" };
        let project = with_empty_mingw("bin-only", GNU, "", flavor)
            .env_remove("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER")
            .env("NETSWAP_LINKER", &gnu_ld());
        let configured = Configured(project);
        configured.set(linker);
        configured
    }

    fn set(&self, linker: &str) {
        fs::create_dir_all(self.0.root.join(".cargo")).unwrap();
        self.0.write(".cargo/config.toml", &format!("target.{GNU}.linker = {linker:?}\n"));
    }

    fn verify(&self, code: i32) -> Run {
        verify(&self.0, GNU, code)
    }

    /// Runs the `cargo clean` command that a message shows on a separate line.
    fn clean(&self, message: &str) {
        let command = message.lines().find_map(|line| line.trim().strip_prefix("cargo clean "));
        let command = command.unwrap_or_else(|| panic!("no command in {message}"));
        let arguments: Vec<_> = std::iter::once("clean").chain(command.split(' ')).collect();
        let run = self.0.cargo(&arguments);
        assert_eq!(run.code, 0, "{run:#?}");
    }
}

/// Returns the message and the help of the only finding.
fn finding(run: &Run) -> (String, String) {
    let finding = &run.json()["images"][0]["findings"][0];
    let text = |field: &str| finding[field].as_str().unwrap().to_owned();
    (text("message"), text("help"))
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn missing_bit_names_both_linkers() {
    let project = Configured::new(&gnu_ld());
    let run = project.verify(1);
    assert!(run.rows()["bin-only.exe"].failed("linker-unsupported"), "{run:#?}");

    project.set("rust-lld");
    let run = project.verify(1);
    assert!(run.rows()["bin-only.exe"].failed("linker-changed"), "{run:#?}");
    let (message, help) = finding(&run);
    let linkers = format!("for the linker {}, but rust-lld is configured now", gnu_ld());
    assert!(message.ends_with(&linkers), "{message}");

    project.clean(&help);
    let run = project.verify(0);
    assert!(run.rows()["bin-only.exe"].passed(), "{run:#?}");
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn failed_link_names_both_linkers() {
    let project = Configured::new("rust-lld");
    project.verify(0);

    project.set(&gnu_ld());
    let run = project.verify(2);
    assert_eq!(run.stdout, "", "{run:#?}");
    assert!(run.stderr.contains("unable to disambiguate: -Xlink=/swaprun:net"), "{run:#?}");
    let linkers = format!("for the linker rust-lld, but {} is configured now\n", gnu_ld());
    assert!(run.stderr.contains(&linkers), "{run:#?}");

    project.clean(&run.stderr);
    let run = project.verify(1);
    assert!(run.rows()["bin-only.exe"].failed("linker-unsupported"), "{run:#?}");
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn removed_netswap_linker_is_named() {
    let project = Configured::new(LINKER);
    let run = project.verify(0);
    assert!(run.rows()["bin-only.exe"].passed(), "{run:#?}");

    project.set(&gnu_ld());
    let run = project.verify(1);
    assert!(run.rows()["bin-only.exe"].failed("linker-changed"), "{run:#?}");
    assert!(finding(&run).0.contains("netswap-linker"), "{run:#?}");

    project.set(LINKER);
    let run = project.verify(0);
    assert!(run.rows()["bin-only.exe"].passed(), "{run:#?}");
}

#[test]
#[ignore = "needs GNU ld, which `cargo xtask test` fetches"]
fn environment_variable_counts_too() {
    let project = Configured::new(&gnu_ld());
    project.verify(1);
    let project = project.0.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", "rust-lld");
    let run = verify(&project, GNU, 1);
    assert!(run.rows()["bin-only.exe"].failed("linker-changed"), "{run:#?}");
}
