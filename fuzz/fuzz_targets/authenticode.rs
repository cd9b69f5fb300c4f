//! Computes the Authenticode digests of an image. They don't depend on the checksum, and the image
//! that a signer has padded has the same digests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap::image::Layout;
use netswap_cli::hazards::authenticode::digests;
use netswap_fuzz::{ShortReader, layout};

fuzz_target!(|bytes: &[u8]| {
    let Some(layout) = layout(bytes) else {
        return;
    };
    let of_image = digests(bytes, &layout).expect("bytes can be read");
    assert_eq!(digests(&ShortReader(bytes), &layout).expect("bytes can be read"), of_image);
    let lengths: Vec<_> = of_image.iter().map(Vec::len).collect();
    assert!([&[20, 32][..], &[20, 32, 20, 32]].contains(&&*lengths));

    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(8), 0);
    // The padding can complete a certificate table, or headers that a crafted file cuts off.
    let is_same = |padded: &Layout| *padded == layout && !layout.header.signed;
    if let Some(layout) = netswap_fuzz::layout(&padded).filter(is_same) {
        let of_padded = digests(&*padded, &layout).expect("bytes can be read");
        assert_eq!(of_padded, of_image[of_image.len() - 2..]);
    }
    let checksum = usize::try_from(layout.checksum_offset()).expect("an offset in the bytes");
    let mut changed = bytes.to_vec();
    for byte in &mut changed[checksum..checksum + 4] {
        *byte ^= 0x5a;
    }
    assert_eq!(digests(&*changed, &layout).expect("bytes can be read"), of_image);
});
