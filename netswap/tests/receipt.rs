//! netswap reads the receipts that netswap-build writes. The receipt is all that the two crates
//! share.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use netswap::{Outcome, Receipt, Scope, SwapRun};
use netswap_build::{BuildEnv, Linker, SwapRun as Request};

/// Returns the receipt for this request and these variables, as netswap reads it.
fn receipt(request: &Request, variables: &[(&str, &str)]) -> Receipt {
    let defaults = [
        ("CARGO_PKG_NAME", "tool"),
        ("TARGET", "the-target"),
        ("OUT_DIR", "out"),
        ("CARGO_CFG_TARGET_OS", "windows"),
        ("CARGO_CFG_TARGET_ENV", "msvc"),
    ];
    let lookup = |name: &str| {
        let variable = variables.iter().chain(&defaults).find(|variable| variable.0 == name);
        variable.map(|variable| variable.1.into())
    };
    let env = BuildEnv::from_vars(lookup).unwrap();
    Receipt::parse(&request.plan(&env).unwrap().receipt.to_string()).unwrap()
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
        assert_eq!(receipt(&Request::new().scope(written), &[]).scopes, [expected]);
    }
}

#[test]
fn every_outcome_is_read_as_it_was_written() {
    let gnu = ("CARGO_CFG_TARGET_ENV", "gnu");
    let table = [
        (Request::new(), &[("CARGO_CFG_TARGET_OS", "linux")][..], Outcome::NotWindows),
        (Request::new().net(false), &[], Outcome::NotRequested),
        (Request::new(), &[("NETSWAP", "off")], Outcome::SwitchedOff),
        (Request::new(), &[], Outcome::Emitted),
        (Request::new(), &[gnu], Outcome::Unsupported),
        (Request::new(), &[gnu, ("RUSTC_LINKER", "netswap-linker")], Outcome::LeftToLinker),
    ];
    for (request, variables, expected) in table {
        let receipt = receipt(&request, variables);
        assert_eq!(receipt.outcome, expected);
        assert_eq!(receipt.linker.is_none(), expected == Outcome::NotWindows);
    }
}

#[test]
fn every_other_field_is_read_as_it_was_written() {
    let request = Request::new().removable(true).linker(Linker::Lld);
    let gnu = ("CARGO_CFG_TARGET_ENV", "gnu");
    let linker = ("RUSTC_LINKER", r"C:\clang\bin\clang.exe");
    let receipt = receipt(&request, &[gnu, linker, ("NETSWAP", "cd")]);
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
    assert_eq!(receipt, expected);
}
