//! The Authenticode digests of an image, which catalogs list.
//!
//! Source: [Windows Authenticode Portable Executable Signature
//! Format](https://download.microsoft.com/download/9/c/5/9c5b2167-8017-4bae-9fde-d599bac8184a/authenticode_pe.docx),
//! "Calculating the PE Image Hash".

use std::io;

use netswap::image::{DirectoryEntry, Layout, ReadAt, read_full};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// The bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Signers pad a file to a multiple of this length, in bytes.
const PADDING: usize = 8;

/// Returns the SHA-1 and SHA-256 digests of an image, as it is and padded as signers do.
///
/// # Errors
///
/// When the file can't be read.
pub fn digests(file: &(impl ReadAt + ?Sized), layout: &Layout) -> io::Result<Vec<Vec<u8>>> {
    let length = file.length()?;
    let table = layout.directory(DirectoryEntry::Certificate).filter(|_| layout.header.signed);
    let end = table.map_or(length, |table| u64::from(table.address));
    let checksum = layout.checksum_offset();
    // Without the entry in the directories there is nothing to leave out.
    let entry = layout.certificate_entry_offset().unwrap_or(end);
    let parts = [0..checksum, checksum + 4..entry.min(end), (entry + 8).min(end)..end];
    let (mut sha1, mut sha256) = (Sha1::new(), Sha256::new());
    let mut buffer = vec![0; CHUNK];
    for part in parts {
        let mut at = part.start;
        while at < part.end {
            let want = usize::try_from(part.end - at).unwrap_or(CHUNK).min(CHUNK);
            let chunk = buffer.get_mut(..want).unwrap_or_default();
            let count = read_full(file, chunk, at)?;
            let bytes = chunk.get(..count).unwrap_or_default();
            sha1.update(bytes);
            sha256.update(bytes);
            if count < want {
                break;
            }
            at += count as u64;
        }
    }
    let mut digests = vec![sha1.clone().finalize().to_vec(), sha256.clone().finalize().to_vec()];
    let missing = usize::try_from(end.next_multiple_of(PADDING as u64) - end).unwrap_or(0);
    if missing > 0 {
        let zeros = [0; PADDING];
        let zeros = zeros.get(..missing).unwrap_or_default();
        sha1.update(zeros);
        sha256.update(zeros);
        digests.extend([sha1.finalize().to_vec(), sha256.finalize().to_vec()]);
    }
    Ok(digests)
}
