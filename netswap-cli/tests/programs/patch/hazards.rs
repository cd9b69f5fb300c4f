//! The hazards of `netswap patch`: other files that have a hash of the image, and properties of
//! the image itself.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use testkit::image::{CERTIFICATE, CHECKSUM, Image, NET, Strong, Sum, directory, nt, put16, put32};
use testkit::share::Share;

use crate::{json, statuses, stdout};

const FORCE_INTEGRITY: u16 = 0x80;

/// Returns what a catalog has of an image: its Authenticode digest, as an OCTET STRING.
fn catalog<D: Digest>(image: &[u8]) -> Vec<u8> {
    let (checksum, entry) = (nt(image) + CHECKSUM, directory(image, CERTIFICATE));
    let parts = [&image[..checksum], &image[checksum + 4..entry], &image[entry + 8..]];
    let digest = D::digest(parts.concat());
    let length = u8::try_from(digest.len()).unwrap();
    [b"\x30\x82 some catalog", &[4, length][..], &digest, b"more"].concat()
}

/// A folder for each hazard that other files reveal, and ordinary files among them.
fn mixed_tree() -> Share {
    let (exe, dll) = (Image::exe().bytes(), Image::dll().bytes());
    let listed = Image::dll().number(7).sum(Sum::Right).bytes();
    let driver = Image::exe().subsystem(1).import("ntoskrnl.exe");
    Share::new([
        ("openssl/fips.dll", dll.clone()),
        ("openssl/FIPSMODULE.cnf", b"[fips_sect]\n".to_vec()),
        ("openssl/openssl.exe", exe.clone()),
        ("deploy/App.application", b"<assembly/>".to_vec()),
        ("deploy/setup.exe", exe.clone()),
        ("deploy/Files/App.exe.deploy", exe.clone()),
        ("bare/App.exe", exe.clone()),
        ("bare/App.exe.manifest", b"<dsig:DigestValue>x</dsig:DigestValue>".to_vec()),
        ("package/AppxBlockMap.xml", b"<BlockMap/>".to_vec()),
        ("package/VFS/System/a.dll", dll.clone()),
        ("drivers/disk.sys", driver.bytes()),
        ("signed/listed.dll", listed.clone()),
        ("signed/a.CAT", catalog::<Sha256>(&listed)),
        ("signed/other.dll", dll.clone()),
        ("plain/tool.exe", exe),
        ("plain/own.dll", dll),
    ])
}

#[test]
fn only_ordinary_files_of_a_mixed_tree_change() {
    let share = mixed_tree();
    let mut expected = share.state();
    let run = share.run(["patch", ".", "--format", "json"]).code(1);
    let run = run.stderr_eq("journal: [..].journal\n");
    let changed = ["openssl/openssl.exe", "plain/own.dll", "plain/tool.exe", "signed/other.dll"];
    for name in changed {
        assert_eq!(share.characteristics(name) & NET, NET, "{name}");
        expected.remove(&share.path(name));
    }
    let mut after = share.state();
    after.retain(|path, _| expected.contains_key(path));
    assert_eq!(after, expected);
    let report = json(&run);
    let rows: Vec<_> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            let code =
                file["findings"][0]["code"].as_str().or(file["warnings"][0]["code"].as_str());
            let text = |field: &str| file[field].as_str().unwrap().to_owned();
            (text("path"), text("status"), code.map(str::to_owned))
        })
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(path, status, code)| (&path[2..], status.as_str(), code.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(
        rows,
        [
            ("bare/App.exe", "refused", "clickonce"),
            ("deploy/Files/App.exe.deploy", "refused", "clickonce"),
            ("deploy/setup.exe", "refused", "clickonce"),
            ("drivers/disk.sys", "skipped", ""),
            ("openssl/fips.dll", "refused", "fips-module"),
            ("openssl/openssl.exe", "patched", ""),
            ("package/VFS/System/a.dll", "refused", "msix-package"),
            ("plain/own.dll", "patched", ""),
            ("plain/tool.exe", "patched", ""),
            ("signed/listed.dll", "refused", "catalog-member"),
            ("signed/other.dll", "patched", "catalog-beside"),
        ]
    );
    let summary = &report["summary"];
    for (field, count) in [("changed", 4), ("refused", 6), ("skipped", 1), ("warned", 1)] {
        assert_eq!(summary[field], count, "{field}");
    }
    share.undo().code(0);
    for name in changed {
        assert_eq!(share.characteristics(name) & NET, 0, "{name}");
    }
}

#[test]
fn accepted_hazards_are_changed_and_restored() {
    for (code, name) in [
        ("fips-module", "openssl/fips.dll"),
        ("clickonce", "deploy/setup.exe"),
        ("clickonce", "deploy/Files/App.exe.deploy"),
        ("clickonce", "bare/App.exe"),
        ("msix-package", "package/VFS/System/a.dll"),
        ("catalog-member", "signed/listed.dll"),
    ] {
        let share = mixed_tree();
        let before = share.read(name);
        for other in ["fips-module", "clickonce", "msix-package", "catalog-member"] {
            let exit = i32::from(other != code);
            share.run(["patch", name, "-n", "--accept", other]).code(exit);
        }
        share.run(["patch", name, "--accept", code]).code(0);
        assert_eq!(share.characteristics(name) & NET, NET, "{name}");
        share.undo().code(0);
        assert!(share.holds(name, &before), "{name}");
    }
    let share = mixed_tree();
    let run = share.run(["patch", ".", "--accept", "protected-image"]).code(2);
    let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(error.contains("[possible values: truncated-image, fips-module, clickonce"), "{error}");
}

#[test]
fn image_that_needs_a_signature_is_not_changed() {
    let image = Image::dll().dll_characteristics(FORCE_INTEGRITY);
    let share =
        Share::new([("plain.dll", image.bytes()), ("signed.dll", image.certificate(64).bytes())]);
    let before = share.state();
    let mut patch = share.netswap(["patch", ".", "--break-signature", "--format", "json"]);
    for code in ["truncated-image", "fips-module", "clickonce", "msix-package", "catalog-member"] {
        patch = patch.args(["--accept", code]);
    }
    let report = json(&patch.assert().code(1));
    for file in report["files"].as_array().unwrap() {
        assert_eq!(file["findings"][0]["code"], "integrity-required", "{report}");
    }
    assert_eq!(share.state(), before);
}

#[test]
fn every_refusal_of_a_file_is_reported_at_once() {
    let image = Image::dll().certificate(64).assembly(Strong::Signed);
    let share = Share::new([("fips.dll", image.bytes()), ("fipsmodule.cnf", Vec::new())]);
    let report = json(&share.run(["patch", "fips.dll", "--format", "json"]).code(1));
    let findings = report["files"][0]["findings"].as_array().unwrap();
    let codes: Vec<_> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["signature-would-break", "strong-name-would-break", "fips-module"]);
    let all = ["--break-signature", "--break-strong-name", "--accept", "fips-module"];
    share.netswap(["patch", "fips.dll"]).args(all).assert().code(0);
}

#[test]
fn warnings_keep_the_exit_code() {
    let share = Share::new([
        ("a/softokn3.dll", Image::dll().bytes()),
        ("a/softokn3.chk", Vec::new()),
        ("b/comctl.dll", Image::dll().bytes()),
        ("b/comctl.manifest", b"<file name=\"COMCTL.dll\" hash=\"00\"/>".to_vec()),
        ("c/game.exe", Image::exe().section_name(".vmp0").bytes()),
        ("d/plain.exe", Image::exe().bytes()),
    ]);
    let run = share.run(["patch", ".", "-n", "--format", "json"]).code(0);
    let report = json(&run);
    let codes: Vec<_> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["warnings"][0]["code"].as_str().unwrap_or(""))
        .collect();
    assert_eq!(codes, ["nss-check-file", "manifest-hash", "protected-image", ""]);
    let text = stdout(&share.run(["patch", ".", "--quiet"]).code(0).stderr_eq(""));
    assert!(!text.contains("plain.exe"), "{text}");
    for line in [
        "patched    ./c/game.exe  swap-run: none -> net\n           warning: protected-image: ",
        "\n4 files: 1 patched, 3 patched with a warning (2 other files, ",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn kinds_without_effect_need_an_option() {
    let kinds = [
        ("driver", Image::exe().subsystem(1).import("hal.dll")),
        ("boot", Image::exe().subsystem(16)),
        ("efi", Image::exe().efi()),
        ("xbox", Image::exe().subsystem(14)),
        ("windows-ce", Image::exe().subsystem(9)),
    ];
    for (kind, image) in kinds {
        let share = Share::new([("a.exe", image.bytes()), ("b.exe", Image::exe().bytes())]);
        let verified = share.run(["verify", ".", "--format", "json"]).code(1);
        assert_eq!(
            statuses(&verified, "images"),
            [("./a.exe", "allowed"), ("./b.exe", "failed")]
                .map(|(path, status)| (path.to_owned(), status.to_owned())),
            "{kind}"
        );
        assert_eq!(json(&verified)["images"][0]["kind"], kind);
        assert!(json(&verified)["images"][0]["reason"].is_string());
        let alone = share.run(["verify", "a.exe"]).code(3);
        assert!(stdout(&alone).contains("\nallowed: 1 image: "), "{kind}");
        let alone = share.run(["verify", "a.exe", "--verbose"]).code(3);
        assert!(stdout(&alone).starts_with("allowed a.exe  x64 "), "{kind}");
        share.run(["verify", "a.exe", "--include-kind", kind]).code(1);
        let before = share.read("a.exe");
        let patched = share.run(["patch", ".", "--format", "json"]).code(0);
        assert_eq!(json(&patched)["files"][0]["status"], "skipped", "{kind}");
        assert!(json(&patched)["files"][0]["reason"].is_string(), "{kind}");
        assert!(share.holds("a.exe", &before));
        let other = if kind == "efi" { "xbox" } else { "efi" };
        share.run(["patch", "a.exe", "--include-kind", other]).code(3);
        share.run(["patch", "a.exe", "--include-kind", kind]).code(0);
        share.run(["verify", "a.exe", "--include-kind", kind]).code(0);
    }
    let native = Image::exe().subsystem(1).import("ntdll.dll");
    let share = Share::new([("autochk.exe", native.bytes())]);
    share.run(["verify", "."]).code(1);
    share.run(["patch", "."]).code(0);
}

#[test]
fn file_is_cut_only_if_the_last_section_is() {
    // The file ends with the only section, at 0x200 to 0x400.
    let whole = Image::exe().bytes();
    let last = nt(&whole) + 24 + 240;
    let section = |bytes: &mut Vec<u8>, field: usize, value: usize| {
        put32(bytes, last + field, value);
    };
    let mut unpadded = whole.clone();
    section(&mut unpadded, 16, 0x3ff);
    let mut flat = whole.clone();
    let optional = nt(&flat) + 24;
    put32(&mut flat, optional + 32, 0x200);
    section(&mut flat, 16, 0x10_0000);
    let mut empty = whole.clone();
    section(&mut empty, 16, 0);
    section(&mut empty, 20, 0x10_0000);
    for (name, bytes) in [
        ("the padding of the last section is missing", whole[..whole.len() - 1].to_vec()),
        ("the last section is not padded", unpadded),
        ("it is mapped as it is", flat),
        ("the last section has no data", empty),
    ] {
        let share = Share::new([("a.exe", bytes.clone())]);
        let run = share.run(["patch", "a.exe"]);
        assert!(run.get_output().status.success(), "{name}");
        share.undo().code(0);
        assert!(share.holds("a.exe", &bytes), "{name}");
    }
    // A second section in front of the last one reaches beyond the end.
    let mut earlier = Image::exe().sum(Sum::None).bytes();
    let table = nt(&earlier) + 24 + 240;
    let (first, at) = (earlier[table..table + 40].to_vec(), nt(&earlier) + 6);
    earlier[table + 40..table + 80].copy_from_slice(&first);
    put16(&mut earlier, at, 2);
    put32(&mut earlier, table + 40 + 12, 0x2000);
    put32(&mut earlier, table + 16, 0x10_0000);
    let share = Share::new([("a.exe", earlier)]);
    share.run(["patch", "a.exe"]).code(0);

    let cut = whole[..0x200].to_vec();
    let share = Share::new([("a.exe", cut.clone())]);
    let text = stdout(&share.run(["patch", "a.exe"]).code(1));
    assert!(text.contains("or pass --accept truncated-image, and keep in mind"), "{text}");
    share.run(["patch", "a.exe", "--accept", "truncated-image"]).code(0);
    share.undo().code(0);
    assert!(share.holds("a.exe", &cut));
}

#[test]
fn catalogs_list_both_digests_and_padded_files() {
    // Signers pad a file to a multiple of 8 bytes before they compute its digest.
    let odd = Image::dll().overlay(3).bytes();
    let padded = [&odd[..], &[0; 5]].concat();
    for catalog in [
        catalog::<Sha1>(&odd),
        catalog::<Sha256>(&odd),
        catalog::<Sha1>(&padded),
        catalog::<Sha256>(&padded),
    ] {
        let share = Share::new([("a.dll", odd.clone()), ("a.cat", catalog)]);
        let report = json(&share.run(["patch", "a.dll", "--format", "json"]).code(1));
        assert_eq!(report["files"][0]["findings"][0]["code"], "catalog-member", "{report}");
    }
}

#[cfg(unix)]
#[test]
fn unreadable_catalog_is_named() {
    let share = Share::new([("a.dll", Image::dll().bytes())]);
    // A pipe is no catalog, and reading it would never end.
    crate::make_pipe(&share.path("b.cat"));
    share.run(["patch", "a.dll", "-n"]).code(0);
    std::fs::File::create(share.path("c.cat")).unwrap().set_len(65 << 20).unwrap();
    let before = share.read("a.dll");
    let text = stdout(&share.run(["patch", "a.dll"]).code(2));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("c.cat: it is too large for a catalog"), "{text}");
    assert!(share.holds("a.dll", &before));
}

#[test]
fn inspect_shows_hazards_and_does_not_fail_for_them() {
    let share = mixed_tree();
    let run = share.run(["inspect", ".", "--format", "json"]).code(0).stderr_eq("");
    let report = json(&run);
    let hazards: Vec<_> = report["images"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|image| {
            let hazard = image["hazards"].as_array().unwrap().first()?;
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            Some(
                text(&image["path"])[2..].to_owned()
                    + ": "
                    + &text(&hazard["severity"])
                    + " "
                    + &text(&hazard["code"]),
            )
        })
        .collect();
    assert_eq!(
        hazards,
        [
            "bare/App.exe: refusal clickonce",
            "deploy/Files/App.exe.deploy: refusal clickonce",
            "deploy/setup.exe: refusal clickonce",
            "openssl/fips.dll: refusal fips-module",
            "package/VFS/System/a.dll: refusal msix-package",
            "signed/listed.dll: refusal catalog-member",
            "signed/other.dll: warning catalog-beside",
        ]
    );
    let text = stdout(&share.run(["inspect", "openssl/fips.dll"]).code(0));
    assert!(text.contains("\n  patching    refused: fips-module: it is an OpenSSL FIPS module"));
}
