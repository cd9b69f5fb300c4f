//! The output and the receipt of a build script.

use netswap_build::{Error, Linker, Outcome, Plan, Scope, SwapRun};

use crate::{build_env, GNU, LINUX, MSVC, RERUN};

fn plan(wanted: &SwapRun, target: [&str; 3], more: &[(&str, &str)]) -> Result<Plan, Error> {
    wanted.plan(&build_env(target, more)?)
}

fn printed(wanted: &SwapRun, target: [&str; 3], more: &[(&str, &str)]) -> String {
    plan(wanted, target, more).unwrap().to_string()
}

#[test]
fn options_and_variables_decide_the_output() {
    let new = SwapRun::new;
    let both_in_two_scopes = new()
        .removable(true)
        .scope(Scope::Bin("a".into()))
        .scope(Scope::Cdylib)
        .scope(Scope::Cdylib);
    let in_two_scopes = "cargo:rustc-link-arg-bin=a=/SWAPRUN:NET\n\
                         cargo:rustc-link-arg-bin=a=/SWAPRUN:CD\n\
                         cargo:rustc-link-arg-cdylib=/SWAPRUN:NET\n\
                         cargo:rustc-link-arg-cdylib=/SWAPRUN:CD\n";
    let net = "cargo:rustc-link-arg=/SWAPRUN:NET\n";
    let cd = "cargo:rustc-link-arg=/SWAPRUN:CD\n";
    let both = &[net, cd].concat();
    let lld = "cargo:rustc-link-arg=-Wl,-Xlink=/swaprun:net\n";
    let direct_lld = "cargo:rustc-link-arg=-Xlink=/swaprun:net\n";
    let gnullvm = ["x86_64-pc-windows-gnullvm", "windows", "gnu"];
    let llvm = ("CARGO_CFG_TARGET_ABI", "llvm");
    let host = ("HOST", "x86_64-pc-windows-msvc");
    let darwin = ["aarch64-apple-darwin", "macos", ""];
    let uefi = ["x86_64-unknown-uefi", "uefi", ""];
    let cygwin = ["x86_64-pc-cygwin", "cygwin", ""];
    for (wanted, target, more, outcome, expected) in [
        (new(), MSVC, &[][..], Outcome::Emitted, net),
        (both_in_two_scopes, MSVC, &[], Outcome::Emitted, in_two_scopes),
        (new().net(false), MSVC, &[], Outcome::NotRequested, ""),
        (new(), gnullvm, &[llvm], Outcome::Emitted, lld),
        (new(), gnullvm, &[llvm, ("RUSTC_LINKER", "rust-lld")], Outcome::Emitted, direct_lld),
        (new().linker(Linker::Lld).required(true), GNU, &[], Outcome::Emitted, lld),
        (new().required(true), LINUX, &[], Outcome::NotWindows, ""),
        (new().required(true), darwin, &[], Outcome::NotWindows, ""),
        (new().required(true), uefi, &[], Outcome::NotWindows, ""),
        (new().required(true), cygwin, &[], Outcome::NotWindows, ""),
        (new(), LINUX, &[host], Outcome::NotWindows, ""),
        (new(), MSVC, &[("NETSWAP", "off")], Outcome::SwitchedOff, ""),
        (new().required(true), GNU, &[("NETSWAP", "off")], Outcome::SwitchedOff, ""),
        (new(), MSVC, &[("NETSWAP", "net")], Outcome::Emitted, net),
        (new(), MSVC, &[("NETSWAP", "cd")], Outcome::Emitted, cd),
        (new(), MSVC, &[("NETSWAP", "net,cd")], Outcome::Emitted, both),
        (new(), MSVC, &[("NETSWAP", "cd,net")], Outcome::Emitted, both),
        (new(), MSVC, &[("NETSWAP", "")], Outcome::Emitted, net),
    ] {
        let plan = plan(&wanted, target, more).unwrap();
        let row = format!("{wanted:?} {target:?} {more:?}");
        assert_eq!(plan.outcome, outcome, "{row}");
        assert_eq!(plan.to_string(), format!("{RERUN}{expected}"), "{row}");
    }
}

#[test]
fn gnu_ld_gets_a_warning_with_alternatives() {
    let plan = plan(&SwapRun::new(), GNU, &[]).unwrap();
    assert_eq!(plan.outcome, Outcome::Unsupported);
    let text = plan.to_string();
    let warning = text.strip_prefix(RERUN).unwrap();
    assert!(warning.starts_with("cargo:warning="), "{text}");
    assert_eq!(warning.lines().count(), 1, "{text}");
    let alternatives = ["-fuse-ld=lld", "gnullvm", "netswap-linker", "netswap patch"];
    for word in ["GNU ld", "`tool`", GNU[0]].iter().chain(&alternatives) {
        assert!(warning.contains(word), "{word} is missing: {text}");
    }
}

#[test]
fn netswap_linker_gets_no_argument_and_no_warning() {
    let linker = ("RUSTC_LINKER", "/opt/bin/netswap-linker");
    let required = SwapRun::new().required(true);
    let net_only = plan(&required, GNU, &[linker]).unwrap();
    assert_eq!(net_only.outcome, Outcome::LeftToLinker);
    assert_eq!(net_only.to_string(), RERUN);
    // netswap-linker learns of the bit for removable media only from NETSWAP.
    let both = SwapRun::new().removable(true);
    let listed = plan(&both, GNU, &[linker, ("NETSWAP", "net,cd")]).unwrap();
    assert_eq!((listed.outcome, &*listed.to_string()), (Outcome::LeftToLinker, RERUN));
    let unlisted = plan(&both, GNU, &[linker]).unwrap();
    assert_eq!(unlisted.outcome, Outcome::Unsupported);
    assert!(unlisted.to_string().contains("Set NETSWAP=net,cd in the environment"), "{unlisted}");
    let off = plan(&required, GNU, &[linker, ("NETSWAP", "off")]).unwrap();
    assert_eq!(off.outcome, Outcome::SwitchedOff);
}

#[test]
fn required_bit_turns_the_warning_into_an_error() {
    let error = plan(&SwapRun::new().required(true), GNU, &[]).unwrap_err();
    let warning = printed(&SwapRun::new(), GNU, &[]);
    assert!(warning.contains(&error.to_string()), "{error}\n{warning}");
}

#[test]
fn invalid_netswap_value_lists_the_valid_ones() {
    for value in ["on", "NET", "net;cd", "net,", "net\ncargo:rustc-link-arg=evil"] {
        let error = plan(&SwapRun::new(), MSVC, &[("NETSWAP", value)]).unwrap_err().to_string();
        assert!(error.contains("off, net, cd, net,cd"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn no_name_path_or_variable_adds_a_directive() {
    let evil = "x\ncargo:rustc-link-arg=evil\r\ncargo::error=evil";
    for name in ["CARGO_PKG_NAME", "TARGET", "RUSTC_LINKER", "CARGO_ENCODED_RUSTFLAGS"] {
        let text = printed(&SwapRun::new(), GNU, &[(name, evil)]);
        assert_eq!(text.lines().count(), 2, "{name}: {text}");
        let flag = format!("-Clink-arg=-fuse-ld={evil}");
        let text = printed(&SwapRun::new(), GNU, &[("CARGO_ENCODED_RUSTFLAGS", &flag)]);
        assert_eq!(text.lines().count(), 2, "{text}");
    }
    assert!(plan(&SwapRun::new().scope(Scope::bin(evil)), MSVC, &[]).is_err());
}

#[test]
fn receipt_contains_decision_and_reason() {
    let wanted = SwapRun::new().removable(true).scope(Scope::Bins);
    let receipt = plan(&wanted, MSVC, &[("NETSWAP", "net")]).unwrap().receipt;
    assert_eq!(
        receipt.to_string(),
        r#"{
  "schema": "netswap.receipt/1",
  "package": "tool",
  "target": "x86_64-pc-windows-msvc",
  "linker": "msvc",
  "linker_basis": "the target's usual linker",
  "configured_linker": null,
  "requested": ["net", "cd"],
  "netswap": ["net"],
  "scopes": ["bins"],
  "arguments": ["/SWAPRUN:NET"],
  "outcome": "emitted"
}
"#
    );
}

#[test]
fn non_windows_target_is_in_the_receipt() {
    let receipt = plan(&SwapRun::new(), LINUX, &[]).unwrap().receipt.to_string();
    assert!(receipt.contains(r#""outcome": "not-windows""#), "{receipt}");
    assert!(receipt.contains(r#""linker": null"#), "{receipt}");
    assert!(receipt.contains(r#""arguments": []"#), "{receipt}");
}
