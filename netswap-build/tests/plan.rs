//! The output and the receipt of a build script, compared whole. No test uses the environment or
//! stdout.

#![allow(clippy::unwrap_used)] // A test may.
use netswap_build::{BuildEnv, Error, Linker, Outcome, Plan, Scope, SwapRun};

const RERUN: &str = "cargo:rerun-if-env-changed=NETSWAP\n";
const MSVC: [&str; 3] = ["x86_64-pc-windows-msvc", "windows", "msvc"];
const GNU: [&str; 3] = ["x86_64-pc-windows-gnu", "windows", "gnu"];
const LINUX: [&str; 3] = ["x86_64-unknown-linux-gnu", "linux", "gnu"];

fn plan(
    wanted: &SwapRun,
    [target, os, env]: [&str; 3],
    more: &[(&str, &str)],
) -> Result<Plan, Error> {
    let vars = [
        ("CARGO_PKG_NAME", "tool"),
        ("TARGET", target),
        ("OUT_DIR", "out"),
        ("CARGO_CFG_TARGET_OS", os),
        ("CARGO_CFG_TARGET_ENV", env),
        ("CARGO_CFG_TARGET_ABI", ""),
    ];
    let env = BuildEnv::from_vars(|name| {
        let mut all = more.iter().chain(&vars);
        all.find(|var| var.0 == name).map(|var| var.1.into())
    })?;
    wanted.plan(&env)
}

fn printed(wanted: &SwapRun, target: [&str; 3], more: &[(&str, &str)]) -> String {
    plan(wanted, target, more).unwrap().to_string()
}

#[test]
fn msvc_images_get_the_network_bit_by_default() {
    let plan = plan(&SwapRun::new(), MSVC, &[]).unwrap();
    assert_eq!(plan.outcome, Outcome::Emitted);
    assert_eq!(plan.to_string(), format!("{RERUN}cargo:rustc-link-arg=/SWAPRUN:NET\n"));
}

#[test]
fn non_windows_target_gets_only_the_rerun_line() {
    for target in [
        LINUX,
        ["aarch64-apple-darwin", "macos", ""],
        ["x86_64-unknown-uefi", "uefi", ""],
        ["x86_64-pc-cygwin", "cygwin", ""],
    ] {
        let plan = plan(&SwapRun::new().required(true), target, &[]).unwrap();
        assert_eq!(plan.outcome, Outcome::NotWindows, "{target:?}");
        assert_eq!(plan.to_string(), RERUN, "{target:?}");
    }
}

#[test]
fn host_is_ignored() {
    let host = [("HOST", "x86_64-pc-windows-msvc")];
    assert_eq!(printed(&SwapRun::new(), LINUX, &host), RERUN);
}

#[test]
fn each_bit_is_one_argument_in_every_scope() {
    let wanted = SwapRun::new()
        .removable(true)
        .scope(Scope::Bin("a".into()))
        .scope(Scope::Cdylib)
        .scope(Scope::Cdylib);
    assert_eq!(
        printed(&wanted, MSVC, &[]),
        format!(
            "{RERUN}\
             cargo:rustc-link-arg-bin=a=/SWAPRUN:NET\n\
             cargo:rustc-link-arg-bin=a=/SWAPRUN:CD\n\
             cargo:rustc-link-arg-cdylib=/SWAPRUN:NET\n\
             cargo:rustc-link-arg-cdylib=/SWAPRUN:CD\n"
        )
    );
}

#[test]
fn gnullvm_gets_llds_spelling() {
    let gnullvm = ["x86_64-pc-windows-gnullvm", "windows", "gnu"];
    let abi = ("CARGO_CFG_TARGET_ABI", "llvm");
    assert_eq!(
        printed(&SwapRun::new(), gnullvm, &[abi]),
        format!("{RERUN}cargo:rustc-link-arg=-Wl,-Xlink=/swaprun:net\n")
    );
    assert_eq!(
        printed(&SwapRun::new(), gnullvm, &[abi, ("RUSTC_LINKER", "rust-lld")]),
        format!("{RERUN}cargo:rustc-link-arg=-Xlink=/swaprun:net\n")
    );
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
fn caller_can_set_lld_as_the_linker() {
    let wanted = SwapRun::new().linker(Linker::Lld).required(true);
    assert_eq!(
        printed(&wanted, GNU, &[]),
        format!("{RERUN}cargo:rustc-link-arg=-Wl,-Xlink=/swaprun:net\n")
    );
}

#[test]
fn netswap_variable_overrides_the_code() {
    let net = "cargo:rustc-link-arg=/SWAPRUN:NET\n";
    let cd = "cargo:rustc-link-arg=/SWAPRUN:CD\n";
    for (value, outcome, expected) in [
        ("off", Outcome::SwitchedOff, String::new()),
        ("net", Outcome::Emitted, net.to_owned()),
        ("cd", Outcome::Emitted, cd.to_owned()),
        ("net,cd", Outcome::Emitted, format!("{net}{cd}")),
        ("cd,net", Outcome::Emitted, format!("{net}{cd}")),
        ("", Outcome::Emitted, net.to_owned()),
    ] {
        let plan = plan(&SwapRun::new(), MSVC, &[("NETSWAP", value)]).unwrap();
        assert_eq!(plan.outcome, outcome, "NETSWAP={value}");
        assert_eq!(plan.to_string(), format!("{RERUN}{expected}"), "NETSWAP={value}");
    }
}

#[test]
fn netswap_off_disables_warning_and_error() {
    let wanted = SwapRun::new().required(true);
    assert_eq!(printed(&wanted, GNU, &[("NETSWAP", "off")]), RERUN);
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
fn no_requested_bit_emits_no_argument() {
    let plan = plan(&SwapRun::new().net(false), MSVC, &[]).unwrap();
    assert_eq!(plan.outcome, Outcome::NotRequested);
    assert_eq!(plan.to_string(), RERUN);
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
