//! Reads the signer, the vendor and the product of an image. Reads each input also as a certificate
//! table, so that it need not be an image.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap::image::Directory;
use netswap_cli::maker::{MAX_NAME_LENGTH, Maker, signer};
use netswap_fuzz::{ShortReader, layout};

fuzz_target!(|bytes: &[u8]| {
    let size = u32::try_from(bytes.len()).expect("an input is short");
    let table = Directory { address: 0, size };
    check(signer(bytes, table).expect("bytes can be read"));
    // A table may claim more than the file contains.
    let table = Directory { address: size / 2, size: u32::MAX };
    assert_eq!(signer(bytes, table).expect("bytes can be read"), None);

    let Some(layout) = layout(bytes) else {
        return;
    };
    let maker = Maker::read(bytes, &layout).expect("bytes can be read");
    assert_eq!(Maker::read(&ShortReader(bytes), &layout).expect("bytes can be read"), maker);
    assert!(layout.header.signed || maker.signer.is_none());
    [maker.signer, maker.vendor, maker.product].into_iter().for_each(check);
});

/// Checks that a name is neither empty nor too long.
fn check(name: Option<String>) {
    let length = name.map(|name| name.chars().count());
    assert!(length.is_none_or(|length| (1..=MAX_NAME_LENGTH).contains(&length)));
}
