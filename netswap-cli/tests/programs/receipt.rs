//! What netswap-build writes is what netswap reads: the two crates share nothing but this file.

use netswap::{Outcome, Receipt, Scope, SwapRun};
use netswap_build::{BuildEnv, Linker, SwapRun as Wanted};

/// The receipt for these wishes and variables, as the reader has it.
fn receipt(wanted: &Wanted, variables: &[(&str, &str)]) -> Receipt {
    let usual = [
        ("CARGO_PKG_NAME", "tool"),
        ("TARGET", "the-target"),
        ("OUT_DIR", "out"),
        ("CARGO_CFG_TARGET_OS", "windows"),
        ("CARGO_CFG_TARGET_ENV", "msvc"),
    ];
    let lookup = |name: &str| {
        let variable = variables.iter().chain(&usual).find(|variable| variable.0 == name);
        variable.map(|variable| variable.1.into())
    };
    let env = BuildEnv::from_vars(lookup).unwrap();
    serde_json::from_str(&wanted.plan(&env).unwrap().receipt.to_string()).unwrap()
}

#[test]
fn every_scope_is_read_as_it_was_written() {
    use netswap_build::Scope as Written;
    let table = [
        (Written::All, Scope::All),
        (Written::Bins, Scope::Bins),
        (Written::bin("a \\ \"b\""), Scope::Bin("a \\ \"b\"".into())),
        (Written::Cdylib, Scope::Cdylib),
        (Written::Examples, Scope::Examples),
        (Written::Tests, Scope::Tests),
        (Written::Benches, Scope::Benches),
    ];
    for (written, expected) in table {
        assert_eq!(receipt(&Wanted::new().scope(written), &[]).scopes, [expected]);
    }
}

#[test]
fn every_outcome_is_read_as_it_was_written() {
    let gnu = ("CARGO_CFG_TARGET_ENV", "gnu");
    let table = [
        (Wanted::new(), &[("CARGO_CFG_TARGET_OS", "linux")][..], Outcome::NotWindows),
        (Wanted::new().net(false), &[], Outcome::NotRequested),
        (Wanted::new(), &[("NETSWAP", "off")], Outcome::SwitchedOff),
        (Wanted::new(), &[], Outcome::Emitted),
        (Wanted::new(), &[gnu], Outcome::Unsupported),
        (Wanted::new(), &[gnu, ("RUSTC_LINKER", "netswap-linker")], Outcome::LeftToLinker),
    ];
    for (wanted, variables, expected) in table {
        let read = receipt(&wanted, variables);
        assert_eq!(read.outcome, expected);
        assert_eq!(read.linker.is_none(), expected == Outcome::NotWindows);
    }
}

#[test]
fn every_other_field_is_read_as_it_was_written() {
    let wanted = Wanted::new().removable(true).linker(Linker::Lld);
    let gnu = ("CARGO_CFG_TARGET_ENV", "gnu");
    let linker = ("RUSTC_LINKER", r"C:\clang\bin\clang.exe");
    let read = receipt(&wanted, &[gnu, linker, ("NETSWAP", "cd")]);
    let expected = Receipt {
        schema: "netswap.receipt/1".into(),
        target: "the-target".into(),
        linker: Some("lld-driver".into()),
        linker_basis: Some("SwapRun::linker in build.rs".into()),
        configured_linker: Some("C:\\clang\\bin\\clang.exe".into()),
        requested: SwapRun::ALL.to_vec(),
        netswap: Some(vec![SwapRun::Cd]),
        scopes: vec![Scope::All],
        arguments: vec!["-Wl,-Xlink=/swaprun:cd".into()],
        outcome: Outcome::Emitted,
    };
    assert_eq!(read, expected);
}
