//! Whose policy counts: the one that the user chose, and never one in the scanned folders.

use snapbox::str;
use testkit::image::{Image, NET};
use testkit::share::Share;

use crate::schema::check_policy;
use crate::{json, ndjson, stdout};

const EXCUSE_ALL: &str = "swap-run = []\n[[allow]]\nimage = \"**\"\nreason = \"trust me\"\n";

fn share() -> Share {
    Share::new([
        ("bin/deep/tool.exe", Image::exe().bytes()),
        ("bin/good.exe", Image::exe().with(NET).bytes()),
    ])
}

#[test]
fn policy_in_a_scanned_folder_is_never_obeyed() {
    for place in ["bin/netswap.toml", "bin/deep/NETSWAP.toml", "bin/deep/netswap.toml"] {
        let share = share();
        share.write(place, EXCUSE_ALL);
        for format in ["human", "json", "ndjson"] {
            let run = share.run(["verify", "bin", "--format", format]).code(1);
            let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
            assert_eq!(error.lines().count(), 1, "{error}");
            let words = format!("{place} was not read, since a folder can't excuse itself");
            assert!(error.contains(&words), "{error}");
            assert!(error.contains(&format!("pass --policy {place}")), "{error}");
        }
        let report = json(&share.run(["verify", "bin", "--format", "json"]));
        assert_eq!(report["policy"]["ignored"]["path"], place);
        assert_eq!(report["policy"]["sources"], serde_json::json!([]));
        share.run(["verify", "bin", "--no-policy"]).code(1).stderr_eq("");
        share.run(["verify", "bin", "--policy", place]).code(0).stderr_eq("");
    }
}

#[test]
fn policy_beside_a_named_file_is_not_obeyed_either() {
    let share = share();
    share.write("bin/deep/netswap.toml", EXCUSE_ALL);
    share.run(["verify", "bin/deep/tool.exe"]).code(1).stderr_eq(str![[r"
warning: bin/deep/netswap.toml was not read, since a folder can't excuse itself; if it is yours, pass --policy bin/deep/netswap.toml

"]]);
}

#[test]
fn invalid_policy_in_a_scanned_folder_does_no_harm() {
    let share = share();
    share.write("bin/netswap.toml", "what = [");
    share.run(["verify", "bin/good.exe"]).code(0);
    share.run(["verify", "bin", "--policy", "bin/netswap.toml"]).code(2);
    share.run(["verify", "bin", "--policy", "gone.toml"]).code(2);
    share.run(["verify", "bin", "--policy", "a.toml", "--no-policy"]).code(2);
}

#[test]
fn each_format_names_the_policy_in_force() {
    let share = share();
    share.write("mine.toml", "[[allow]]\nimage = \"deep/*\"\nreason = \"old\"\n");
    let run = |format| share.run(["verify", "bin", "--policy", "mine.toml", "--format", format]);
    assert!(stdout(&run("human").code(0)).ends_with("\npolicy: mine.toml (1 exception)\n"));
    assert_eq!(json(&run("json").code(0))["policy"]["sources"][0]["path"], "mine.toml");
    let lines = ndjson(&run("ndjson").code(0));
    assert_eq!(lines.last().unwrap()["policy"]["sources"][0]["path"], "mine.toml");
}

#[test]
fn exceptions_have_conditions_and_expire() {
    let share = Share::new([
        ("plain.exe", Image::exe().bytes()),
        ("signed.exe", Image::exe().certificate(64).bytes()),
        ("cut.exe", Image::exe().bytes()[..0x90].to_vec()),
    ]);
    let failing = |conditions: &str| {
        let policy = format!("[[allow]]\n{conditions}\nreason = \"why\"\n");
        check_policy(&policy).unwrap();
        share.write("policy.toml", policy);
        let run = share.run(["verify", ".", "--policy", "policy.toml", "--format", "json"]);
        let names: Vec<_> = crate::statuses(&run, "images")
            .into_iter()
            .filter(|(_, status)| status == "failed")
            .map(|(path, _)| path[2..path.len() - 4].to_owned())
            .collect();
        names.join(" ")
    };
    for (conditions, expected) in [
        ("image = \"*\"", "cut"),
        ("signed = true", "cut plain"),
        ("signed = true\nimage = \"plain*\"", "cut plain signed"),
        ("code = \"net-swap-missing\"", "cut"),
        ("code = \"truncated-image\"", "plain signed"),
        ("code = \"removable-swap-missing\"", "cut plain signed"),
        ("signer = \"*\"", "cut plain signed"),
        ("image = \"*\"\nuntil = 2999-01-01", "cut"),
        ("image = \"*\"\nuntil = 2020-01-01", "cut plain signed"),
    ] {
        assert_eq!(failing(conditions), expected, "{conditions}");
    }
    let run = share.run(["verify", ".", "--policy", "policy.toml"]);
    run.code(1).stderr_eq(str![[r"
warning: policy.toml: the exception for image = `*` expired on 2020-01-01; renew or remove it

"]]);
}
