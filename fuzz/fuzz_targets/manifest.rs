//! Reads a manifest. Its text has the same result in each encoding, and each path in the result is
//! in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap_cli::hazards::folder::Folder;

fuzz_target!(|bytes: &[u8]| {
    let folder = read(bytes);
    let text = String::from_utf8_lossy(bytes);
    let is_utf_16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let encoded = |mark: [u8; 2], encode: fn(u16) -> [u8; 2]| {
        read(&mark.into_iter().chain(text.encode_utf16().flat_map(encode)).collect::<Vec<_>>())
    };
    let little = encoded([0xff, 0xfe], u16::to_le_bytes);
    assert_eq!(encoded([0xfe, 0xff], u16::to_be_bytes), little);
    assert!(is_utf_16 || folder == little);
    // The lower case of a sigma depends on what follows it, so that of a part can differ.
    let is_sensitive = text.contains('Σ');
    let text = text.to_lowercase().replace('\\', "/");
    assert!(
        is_sensitive
            || little.deployed.iter().chain(&little.hashed).all(|path| text.contains(path))
    );
    // Only a manifest with digests lists the files of a deployment.
    for folder in [folder, little] {
        assert!(folder.has_clickonce_manifest || folder.deployed.is_empty());
    }
});

fn read(manifest: &[u8]) -> Folder {
    let mut folder = Folder::default();
    folder.add_manifest(manifest);
    folder
}
