//! The checksum in the optional header: `CheckSum`.
//!
//! It is the sum of the file's 16-bit words, added with end-around carry, plus the file's length.
//! The field itself counts as 0.
//!
//! Source: PE format, "Optional Header Windows-Specific Fields", which names the function in
//! imagehlp.dll. The sum is that of [RFC 1071](https://www.rfc-editor.org/rfc/rfc1071) without the
//! complement. Like that sum, it can be updated from the changed bytes alone
//! ([RFC 1624](https://www.rfc-editor.org/rfc/rfc1624)).

use std::io;

use super::source::read_full;
use super::{Layout, ReadAt};

/// Bytes per read.
const CHUNK: usize = 256 * 1024;

/// Addition with end-around carry is addition modulo this number.
const MODULUS: u64 = 0xffff;

/// Offset of `CheckSum` from the start of the NT headers.
pub(super) const CHECKSUM: u32 = 88;

impl Layout {
    /// Computes the correct value of `CheckSum` from the whole file of `length` bytes.
    ///
    /// # Errors
    ///
    /// Fails if the file can't be read or is shorter than `length`.
    pub fn checksum(&self, file: &(impl ReadAt + ?Sized), length: u64) -> io::Result<u32> {
        let field = u64::from(self.nt_headers) + u64::from(CHECKSUM);
        compute(file, length, field)
    }
}

/// Computes the checksum of a file that has `CheckSum` at the offset `field`.
fn compute(file: &(impl ReadAt + ?Sized), length: u64, field: u64) -> io::Result<u32> {
    let mut buffer = vec![0; CHUNK];
    let (mut at, mut sum) = (0, 0_u64);
    while at < length {
        let want = usize::try_from(length - at).unwrap_or(CHUNK).min(CHUNK);
        let bytes = buffer.get_mut(..want).unwrap_or_default();
        if read_full(file, bytes, at)? < want {
            return Err(io::Error::other("the file became shorter while it was read"));
        }
        for (byte, offset) in bytes.iter_mut().zip(at..) {
            if (field..field + 4).contains(&offset) {
                *byte = 0;
            } else if offset >= field + 4 {
                break;
            }
        }
        sum += add(bytes);
        at += want as u64;
    }
    Ok(with_length(sum, length))
}

/// Returns the sum of the bytes' 16-bit words, without folding the carries.
///
/// Adds four bytes at once. 65536 is 1 modulo 65535, so both halves of a 32-bit word count the
/// same.
fn add(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(4);
    let rest = words.remainder().iter().enumerate();
    let word = |chunk: &[u8]| chunk.first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
    let sum: u64 = words.map(|chunk| u64::from(word(chunk))).sum();
    sum + rest.map(|(index, byte)| u64::from(*byte) << (8 * index)).sum::<u64>()
}

/// Folds the sum and adds the length. Folding with end-around carry gives 0 if all words are zero.
/// It gives 0xffff for every other multiple of 0xffff.
fn with_length(sum: u64, length: u64) -> u32 {
    let folded = match sum % MODULUS {
        0 if sum > 0 => MODULUS,
        folded => folded,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the field has 32 bits, and so wraps")]
    let checksum = folded.wrapping_add(length) as u32;
    checksum
}

/// Returns the new `CheckSum` after some bytes of a file change. A valid checksum stays valid, and
/// a wrong one stays wrong by the same amount.
///
/// Each of `changes` has an offset, the byte before and the byte after. They must not be in
/// `CheckSum` itself.
///
/// Returns `None` if no file of this length can have this checksum, so the field must not change.
/// This includes 0, which means that the file has no checksum.
pub(super) fn updated(
    checksum: u32,
    length: u64,
    changes: impl IntoIterator<Item = (u64, u8, u8)>,
) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, reason = "the field has 32 bits, and so wraps")]
    let sum = u64::from(checksum.wrapping_sub(length as u32));
    if checksum == 0 || sum == 0 || sum > MODULUS {
        return None;
    }
    let new_sum = changes.into_iter().fold(sum, |sum, (offset, before, after)| {
        let shift = 8 * (offset % 2);
        let (before, after) = (u64::from(before) << shift, u64::from(after) << shift);
        sum + after + MODULUS - before
    });
    Some(with_length(new_sum, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    /// Computes the checksum as the format describes it: word by word, adding each carry at once.
    fn reference_checksum(bytes: &[u8], field: usize) -> u32 {
        let mut bytes = bytes.to_vec();
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[field..field + 4].fill(0);
        let sum = bytes.chunks(2).fold(0_u32, |sum, word| {
            let word = [word[0], word.get(1).copied().unwrap_or(0)];
            let sum = sum + u32::from(u16::from_le_bytes(word));
            (sum & 0xffff) + (sum >> 16)
        });
        sum + length
    }

    fn checksum_at(bytes: &[u8], field: usize) -> u32 {
        compute(bytes, bytes.len() as u64, field as u64).unwrap()
    }

    #[test]
    fn checksum_matches_the_definition() {
        let bytes: Vec<u8> = (0..2000_u32).map(|n| (n * n % 251) as u8).collect();
        for length in [4, 5, 6, 7, 100, 101, 1999, 2000] {
            for field in [0, 1, 2, 3, length - 4] {
                let bytes = &bytes[..length];
                assert_eq!(
                    checksum_at(bytes, field.min(length - 4)),
                    reference_checksum(bytes, field.min(length - 4))
                );
            }
        }
        let ones = vec![0xff; CHUNK + 3];
        assert_eq!(checksum_at(&ones, CHUNK - 2), reference_checksum(&ones, CHUNK - 2));
        assert_eq!(checksum_at(&[0; 8], 0), 8);
    }

    #[test]
    fn shrunken_file_is_an_error() {
        assert!(compute(&[0; 100][..], 101, 0).is_err());
    }

    /// Applies the changes in order. Returns each with its bytes before and after, as [`updated`]
    /// takes them.
    fn change(bytes: &mut [u8], field: usize, wanted: &[(Index, u8)]) -> Vec<(u64, u8, u8)> {
        let mut changes = Vec::new();
        for (index, after) in wanted {
            // Leaves the first byte alone. It is never 0 in an image, and the sum of zeros alone
            // folds to 0 instead of 0xffff.
            let at = 1 + index.index(bytes.len() - 1);
            if !(field..field + 4).contains(&at) {
                changes.push((at as u64, bytes[at], *after));
                bytes[at] = *after;
            }
        }
        changes
    }

    /// Changes two bytes so that the sum becomes 0xffff, which is 0 modulo 0xffff.
    fn fill_up(bytes: &mut [u8], field: usize) -> Vec<(u64, u8, u8)> {
        let mut offsets = (2..bytes.len() - 1).step_by(2);
        let is_outside_field = |at: &usize| at + 1 < field || field + 4 <= *at;
        let Some(at) = offsets.find(is_outside_field) else {
            return Vec::new();
        };
        let word = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let length = u32::try_from(bytes.len()).unwrap();
        let missing = 0xffff - (checksum_at(bytes, field) - length);
        let filled = u16::try_from((u32::from(word) + missing) % 0xffff).unwrap();
        let wanted = filled.to_le_bytes();
        let changes = (at..).zip(wanted).map(|(at, after)| (at as u64, bytes[at], after)).collect();
        bytes[at..at + 2].copy_from_slice(&wanted);
        changes
    }

    proptest! {
        #[test]
        fn updated_checksum_matches_recomputed(
            mut bytes in vec(any::<u8>(), 5..2000),
            field in any::<Index>(),
            wanted in vec((any::<Index>(), any::<u8>()), 0..40),
            is_full in any::<bool>(),
        ) {
            bytes[0] = b'M';
            let field = 1 + field.index(bytes.len() - 4);
            let before = checksum_at(&bytes, field);
            let mut changes = change(&mut bytes, field, &wanted);
            if is_full {
                changes.extend(fill_up(&mut bytes, field));
            }
            let after = checksum_at(&bytes, field);
            prop_assert_eq!(after, reference_checksum(&bytes, field));
            prop_assert_eq!(updated(before, bytes.len() as u64, changes), Some(after));
        }

        #[test]
        fn undone_changes_restore_the_checksum(
            sum in prop_oneof![Just(1), 1..=MODULUS, Just(MODULUS)],
            length in any::<u64>(),
            changes in vec(any::<(u64, u8, u8)>(), 0..40),
        ) {
            let checksum = with_length(sum, length);
            let changed = updated(checksum, length, changes.iter().copied());
            prop_assume!(checksum != 0 && changed != Some(0));
            let back = changes.iter().map(|&(offset, before, after)| (offset, after, before));
            prop_assert_eq!(updated(changed.unwrap(), length, back), Some(checksum));
        }

        #[test]
        fn impossible_checksum_is_left_alone(
            checksum in prop_oneof![Just(0), any::<u32>()],
            sum in prop_oneof![0..=0x1_0000_u32, Just(0), Just(0x1_0000), any::<u32>()],
            times_4_gib in 0..3_u64,
            changes in vec(any::<(u64, u8, u8)>(), 0..40),
        ) {
            let length = (times_4_gib << 32) + u64::from(checksum.wrapping_sub(sum));
            let can_be = checksum != 0 && (1..=0xffff).contains(&sum);
            prop_assert_eq!(updated(checksum, length, changes).is_some(), can_be);
        }
    }
}
