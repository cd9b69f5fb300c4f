//! Reads a header in two ways, which must agree. Checks that an edit changes only the right bytes,
//! and can be undone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netswap::Header;
use netswap::image::{
    Content, DirectoryEntry, Edit, Layout, NewChecksum, ReadError, SwapRun, read_from,
};
use netswap_fuzz::ShortReader;

const BITS: [&[SwapRun]; 3] = [&[SwapRun::Net], &[SwapRun::Cd], &SwapRun::ALL];

const DIRECTORIES: [DirectoryEntry; 4] = [
    DirectoryEntry::Import,
    DirectoryEntry::Certificate,
    DirectoryEntry::DelayImport,
    DirectoryEntry::ClrRuntimeHeader,
];

fuzz_target!(|bytes: &[u8]| {
    let layout = Layout::read(bytes);
    let header = layout.as_ref().map(|layout| layout.as_ref().map(|layout| layout.header));
    assert_eq!(comparable(read_from(bytes).map(header_of)), comparable(header));
    assert_eq!(
        comparable(Layout::read(&ShortReader(bytes))),
        comparable(layout.as_ref().map(Option::clone))
    );
    let Ok(Some(layout)) = layout else { return };
    if !layout.can_be_edited {
        return;
    }
    // One choice per input. The input's length selects the bits as well as anything else.
    let bits = BITS[bytes.len() % BITS.len()];
    edit(bytes, &layout, bits, true, NewChecksum::Updated);
    edit(bytes, &layout, bits, false, NewChecksum::Updated);
    // Only once, because it reads the whole input.
    let checksum = layout.checksum(bytes, bytes.len() as u64).expect("no read fails");
    edit(
        bytes,
        &layout,
        &SwapRun::ALL,
        !layout.header.has(SwapRun::Net),
        NewChecksum::Recomputed(checksum),
    );
});

fn header_of(content: Content) -> Option<Header> {
    match content {
        Content::Image(header) => Some(header),
        Content::Other => None,
    }
}

/// Converts a result to a form that can be compared: an error becomes its text.
fn comparable<T, E: std::borrow::Borrow<ReadError>>(
    result: Result<Option<T>, E>,
) -> Result<Option<T>, String> {
    result.map_err(|error| error.borrow().to_string())
}

/// Applies an edit and undoes it.
fn edit(bytes: &[u8], layout: &Layout, bits: &[SwapRun], set: bool, checksum: NewChecksum) {
    let length = bytes.len() as u64;
    let has_bits = |layout: &Layout| bits.iter().all(|bit| layout.header.has(*bit) == set);
    let Some(edit) = Edit::plan(layout, length, bits, set, checksum) else {
        assert!(has_bits(layout));
        return;
    };
    assert!(edit.is_sound());
    let after = replace(bytes, &edit, &edit.old, &edit.new);
    let changed = Layout::read(&*after).expect("no error").expect("still an image");
    assert!(has_bits(&changed));
    assert_eq!(headers_alone(changed.header), headers_alone(edit.applied(layout.header)));
    assert_eq!(headers_alone(layout.header), headers_alone(edit.undone(changed.header)));
    assert_eq!(positions(&changed), positions(layout));
    let checksum = match checksum {
        NewChecksum::Updated => NewChecksum::Updated,
        NewChecksum::Recomputed(_) => {
            let recomputed = changed.checksum(&*after, length).expect("no read fails");
            assert_eq!(changed.header.checksum, recomputed);
            NewChecksum::Recomputed(recomputed)
        }
    };
    assert_eq!(Edit::plan(&changed, length, bits, set, checksum), None);
    assert_eq!(replace(&after, &edit, &edit.new, &edit.old), bytes);
}

/// Returns a header without what is read from tables. The strong name is read only if the network
/// bit is missing. In a crafted file a table can overlap the fields that an edit changes.
fn headers_alone(header: Header) -> Header {
    Header { is_kernel: false, has_strong_name: false, ..header }
}

/// Returns the bytes with `from` replaced by `to` at the edit's offset.
fn replace(bytes: &[u8], edit: &Edit, from: &[u8], to: &[u8]) -> Vec<u8> {
    let start = usize::try_from(edit.offset).expect("an offset in the bytes");
    let mut bytes = bytes.to_vec();
    let range = &mut bytes[start..start + to.len()];
    assert_eq!(range, from);
    range.copy_from_slice(to);
    bytes
}

/// Returns the positions of the image's parts, which no edit changes.
fn positions(layout: &Layout) -> impl PartialEq + std::fmt::Debug {
    let directories = DIRECTORIES.map(|entry| layout.directory(entry));
    // The start addresses of pages, which a loader would need first.
    let pages: Vec<_> = (0..64).map(|page| layout.mapped(page * 0x1000)).collect();
    (layout.nt_headers, directories, pages, layout.is_cut(0))
}
