//! The edit that sets or clears run-from-swap bits, as a value: the bytes before and after.

use super::checksum::{CHECKSUM, updated};
use super::{Header, Layout, SwapRun};

/// Offset of Characteristics from the start of the NT headers.
pub(super) const CHARACTERISTICS: u32 = 22;

/// Number of bytes in the range that an edit can change: from Characteristics to the end of
/// `CheckSum`.
pub(super) const EDITABLE_LENGTH: usize = (CHECKSUM + 4 - CHARACTERISTICS) as usize;

/// Offset and length of each field that an edit changes, from the start of the NT headers.
pub(super) const EDITED_FIELDS: [(usize, usize); 2] =
    [(CHARACTERISTICS as usize, 2), (CHECKSUM as usize, 4)];

/// Offset of `CheckSum` in that range.
const CHECKSUM_IN_EDITABLE: usize = (CHECKSUM - CHARACTERISTICS) as usize;

/// A change of some bytes in a file, made with one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Offset of the bytes in the file.
    pub offset: u64,
    /// The bytes before the edit.
    pub old: Vec<u8>,
    /// The bytes after the edit. There are as many as in `old`.
    pub new: Vec<u8>,
}

/// The state of a file relative to an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditState {
    /// The file has the bytes from before the edit.
    NotApplied,
    /// The file has the bytes from after the edit, or its write was interrupted.
    Applied,
    /// Something else changed the file.
    Other,
}

/// The way in which an edit sets the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewChecksum {
    /// Keeps the checksum as valid as it was: 0 stays 0, and a correct one stays correct.
    Updated,
    /// Makes the checksum correct for the edited file. The value is the correct checksum of the
    /// whole file before the edit, computed by [`Layout::checksum`].
    Recomputed(u32),
}

impl Edit {
    /// Plans the edit that sets the given bits, or clears them if `set` is false.
    ///
    /// Changes no other bits. Returns `None` if the file is already as wanted. The layout must be
    /// one that [`can_be_edited`](Layout::can_be_edited).
    pub fn plan(
        layout: &Layout,
        length: u64,
        bits: &[SwapRun],
        set: bool,
        checksum: NewChecksum,
    ) -> Option<Edit> {
        let mask = bits.iter().fold(0, |mask, bit| mask | bit.mask());
        let old = layout.editable;
        let before = layout.header.characteristics;
        let after = if set { before | mask } else { before & !mask };
        let mut new = old;
        for (target, byte) in new.iter_mut().zip(after.to_le_bytes()) {
            *target = byte;
        }
        let offset = u64::from(layout.nt_headers) + u64::from(CHARACTERISTICS);
        let changes = || {
            let bytes = old.into_iter().zip(new).zip(offset..);
            bytes.take(2).map(|((before, after), offset)| (offset, before, after))
        };
        let checksum = match checksum {
            NewChecksum::Updated => updated(layout.header.checksum, length, changes()),
            NewChecksum::Recomputed(correct) => {
                updated(correct, length, changes()).or(Some(correct))
            }
        };
        if let Some(checksum) = checksum.filter(|checksum| *checksum != layout.header.checksum) {
            let field = new.iter_mut().skip(CHECKSUM_IN_EDITABLE);
            for (target, byte) in field.zip(checksum.to_le_bytes()) {
                *target = byte;
            }
        }
        if new == old {
            return None;
        }
        // Writes only the two bytes of Characteristics if the checksum stays the same. A longer
        // write costs no more time, but bytes that are not written are not at risk.
        let is_short = new.get(2..) == old.get(2..);
        let length = if is_short { 2 } else { EDITABLE_LENGTH };
        let cut = |bytes: [u8; EDITABLE_LENGTH]| bytes.into_iter().take(length).collect();
        Some(Edit { offset, old: cut(old), new: cut(new) })
    }

    /// Returns the header as it is after this edit.
    pub fn applied(&self, header: Header) -> Header {
        header_with(&self.new, header)
    }

    /// Returns the header as it is before this edit.
    pub fn undone(&self, header: Header) -> Header {
        header_with(&self.old, header)
    }

    /// Returns the image's current bytes in the range of this edit. The slice is empty if the edit
    /// is too long to belong to an image.
    pub fn now<'a>(&self, layout: &'a Layout) -> &'a [u8] {
        layout.editable.get(..self.old.len()).unwrap_or_default()
    }

    /// Compares the file's current bytes with those before and after this edit.
    pub fn state(&self, layout: &Layout) -> EditState {
        let start = u64::from(layout.nt_headers) + u64::from(CHARACTERISTICS);
        let now = self.now(layout);
        if self.offset != start || now.len() != self.new.len() {
            return EditState::Other;
        }
        // An interrupted write leaves some bytes new and some old.
        let bytes = || now.iter().zip(self.old.iter().zip(&self.new));
        if now == self.old {
            EditState::NotApplied
        } else if bytes().all(|(now, (old, new))| now == old || now == new) {
            EditState::Applied
        } else {
            EditState::Other
        }
    }

    /// Whether this edit changes only run-from-swap bits and the checksum, as netswap's own edits
    /// do. An edit from a journal is trusted only if it does.
    pub fn is_sound(&self) -> bool {
        let bits = SwapRun::ALL.iter().fold(0, |bits, bit| bits | bit.mask()).to_le_bytes();
        let is_length =
            [2, EDITABLE_LENGTH].contains(&self.old.len()) && self.old.len() == self.new.len();
        let allowed = |index: usize| match index {
            0 | 1 => bits.get(index).copied().unwrap_or(0),
            CHECKSUM_IN_EDITABLE.. => 0xff,
            _ => 0,
        };
        let mut changes = self.old.iter().zip(&self.new).enumerate();
        is_length && changes.all(|(index, (old, new))| (old ^ new) & !allowed(index) == 0)
    }
}

/// Returns the header with its fields replaced by these bytes, which start at Characteristics.
fn header_with(bytes: &[u8], header: Header) -> Header {
    let characteristics = bytes.first_chunk().map(|field| u16::from_le_bytes(*field));
    let checksum = bytes.get(CHECKSUM_IN_EDITABLE..).and_then(|rest| rest.first_chunk());
    Header {
        characteristics: characteristics.unwrap_or(header.characteristics),
        checksum: checksum.map_or(header.checksum, |field| u32::from_le_bytes(*field)),
        ..header
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::subsequence;
    use testkit::image::headers;

    const BOTH: &[SwapRun] = &SwapRun::ALL;

    /// Returns the file after the edit.
    fn edited(mut bytes: Vec<u8>, edit: &Edit) -> Vec<u8> {
        let at = usize::try_from(edit.offset).unwrap();
        assert_eq!(bytes[at..at + edit.old.len()], edit.old);
        bytes[at..at + edit.new.len()].copy_from_slice(&edit.new);
        bytes
    }

    fn layout(bytes: &[u8]) -> Layout {
        Layout::read(bytes).unwrap().unwrap()
    }

    fn plan(bytes: &[u8], bits: &[SwapRun], set: bool) -> Option<Edit> {
        Edit::plan(&layout(bytes), bytes.len() as u64, bits, set, NewChecksum::Updated)
    }

    /// Returns the image with its correct checksum.
    fn with_correct_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
        let layout = layout(&bytes);
        let correct = layout.checksum(&*bytes, bytes.len() as u64).unwrap();
        let at = layout.nt_headers as usize + CHECKSUM as usize;
        bytes[at..at + 4].copy_from_slice(&correct.to_le_bytes());
        bytes
    }

    fn checksum_is_correct(bytes: &[u8]) -> bool {
        let layout = layout(bytes);
        layout.header.checksum == layout.checksum(bytes, bytes.len() as u64).unwrap()
    }

    #[test]
    fn set_and_clear_change_only_the_given_bits() {
        for e_lfanew in [0x80, 0x81, 0x82, 0x83] {
            let bytes = with_correct_checksum(headers(e_lfanew, 0x0022));
            for bits in [&[SwapRun::Net][..], &[SwapRun::Cd], BOTH] {
                let edit = plan(&bytes, bits, true).unwrap();
                assert!(edit.is_sound());
                let set = edited(bytes.clone(), &edit);
                assert_eq!(layout(&set).header.swap_run(), bits);
                assert!(checksum_is_correct(&set), "{e_lfanew:#x} {bits:?}");
                assert_eq!(plan(&set, bits, true), None);
                let cleared = edited(set.clone(), &plan(&set, bits, false).unwrap());
                assert_eq!(cleared, bytes);
            }
        }
    }

    #[test]
    fn overlapping_headers_can_not_be_edited() {
        // Offsets around those where the edited fields begin to overlap `e_lfanew`, at 0x3c, and
        // the section table.
        for (e_lfanew, expected) in [(4_u8, true), (0x25, true), (0x26, false), (0x29, false)] {
            let mut bytes = headers(0x80, 0x0022);
            let headers = bytes.split_off(0x80);
            bytes.truncate(0x40);
            bytes.resize(0x400, 0);
            let at = usize::from(e_lfanew);
            bytes[at..at + headers.len()].copy_from_slice(&headers);
            bytes[0x3c..0x40].copy_from_slice(&u32::from(e_lfanew).to_le_bytes());
            if let Ok(Some(layout)) = Layout::read(&*bytes) {
                assert_eq!(layout.can_be_edited, expected, "{e_lfanew:#x}");
            }
        }
        for (size, expected) in [(240_u16, true), (68, true), (67, false), (30, false), (0, true)] {
            let mut bytes = headers(0x80, 0x0022);
            bytes[0x80 + 6] = 1; // NumberOfSections
            bytes[0x80 + 20..0x80 + 22].copy_from_slice(&size.to_le_bytes());
            bytes.resize(0x400, 0);
            assert_eq!(layout(&bytes).can_be_edited, expected, "{size}");
        }
    }

    #[test]
    fn zero_checksum_stays_zero_in_a_two_byte_write() {
        let mut bytes = headers(0x80, 0x0022);
        bytes[0x80 + 88..0x80 + 92].fill(0);
        let edit = plan(&bytes, BOTH, true).unwrap();
        assert_eq!((edit.offset, &*edit.new), (0x80 + 22, &[0x22, 0x0c][..]));
    }

    #[test]
    fn wrong_checksum_stays_wrong_by_the_same_amount() {
        let correct = with_correct_checksum(headers(0x80, 0x0022));
        for wrong_by in [1_u32, 0x7fff, 0x1_0000, 0x8000_0000] {
            let mut bytes = correct.clone();
            let wrong = layout(&correct).header.checksum.wrapping_add(wrong_by);
            bytes[0x80 + 88..0x80 + 92].copy_from_slice(&wrong.to_le_bytes());
            let set = edited(bytes.clone(), &plan(&bytes, BOTH, true).unwrap());
            assert!(!checksum_is_correct(&set), "{wrong_by:#x}");
            let cleared = edited(set.clone(), &plan(&set, BOTH, false).unwrap());
            assert_eq!(cleared, bytes, "{wrong_by:#x}");
        }
    }

    #[test]
    fn recomputed_checksum_is_correct() {
        for before in [0_u32, 1, 0xdead_beef] {
            let mut bytes = headers(0x80, 0x0022);
            bytes[0x80 + 88..0x80 + 92].copy_from_slice(&before.to_le_bytes());
            let length = bytes.len() as u64;
            let layout = layout(&bytes);
            let recomputed = NewChecksum::Recomputed(layout.checksum(&*bytes, length).unwrap());
            let edit = Edit::plan(&layout, length, BOTH, true, recomputed).unwrap();
            let set = edited(bytes, &edit);
            assert!(checksum_is_correct(&set), "{before:#x}");
        }
    }

    #[test]
    fn edit_of_other_bytes_is_not_sound() {
        let bytes = with_correct_checksum(headers(0x80, 0x0022));
        let edit = plan(&bytes, BOTH, true).unwrap();
        for index in 0..EDITABLE_LENGTH {
            for bit in 0..8 {
                let mut changed = edit.clone();
                changed.new[index] = edit.old[index] ^ (1 << bit);
                let is_ours = matches!((index, bit), (1, 2 | 3)) || index >= CHECKSUM_IN_EDITABLE;
                assert_eq!(changed.is_sound(), is_ours, "{index} {bit}");
            }
        }
        let longer = Edit { new: [edit.new.clone(), vec![0]].concat(), ..edit.clone() };
        assert!(!longer.is_sound());
        let empty = Edit { old: Vec::new(), new: Vec::new(), ..edit };
        assert!(!empty.is_sound());
    }

    /// Generates images of random bytes, except for the fields that make them images.
    fn any_image() -> impl Strategy<Value = Vec<u8>> {
        let offset_and_rest = (0x40..0x400_usize, 0..300_usize, any::<bool>());
        offset_and_rest.prop_flat_map(|(nt, rest, is_pe32_plus)| {
            vec(any::<u8>(), nt + 24 + 240 + rest).prop_map(move |mut bytes| {
                let magic: u16 = if is_pe32_plus { 0x20b } else { 0x10b };
                for (at, field) in [
                    (0, &b"MZ"[..]),
                    (0x3c, &u32::try_from(nt).unwrap().to_le_bytes()),
                    (nt, b"PE\0\0"),
                    (nt + 6, &[0; 2]), // NumberOfSections
                    (nt + 20, &240_u16.to_le_bytes()),
                    (nt + 24, &magic.to_le_bytes()),
                ] {
                    bytes[at..at + field.len()].copy_from_slice(field);
                }
                bytes
            })
        })
    }

    fn with_checksum(mut bytes: Vec<u8>, checksum: u32) -> Vec<u8> {
        let at = layout(&bytes).nt_headers as usize + CHECKSUM as usize;
        bytes[at..at + 4].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Generates repeated changes: the bits, and whether to set or clear them.
    fn any_changes() -> impl Strategy<Value = Vec<(Vec<SwapRun>, bool)>> {
        vec((subsequence(BOTH, 1..=2), any::<bool>()), 1..6)
    }

    /// Returns the file after each of the changes, and after those that restore its original bits.
    fn steps(bytes: &[u8], mut changes: Vec<(Vec<SwapRun>, bool)>) -> Vec<Vec<u8>> {
        let header = layout(bytes).header;
        changes.extend(SwapRun::ALL.map(|bit| (vec![bit], header.has(bit))));
        let step = |bytes: &mut Vec<u8>, (bits, set): (Vec<SwapRun>, bool)| {
            if let Some(edit) = plan(bytes, &bits, set) {
                *bytes = edited(std::mem::take(bytes), &edit);
            }
            assert!(bits.iter().all(|bit| layout(bytes).header.has(*bit) == set));
            Some(bytes.clone())
        };
        changes.into_iter().scan(bytes.to_vec(), step).collect()
    }

    /// Returns the difference between the checksum and the correct one, modulo 0xffff.
    fn distance(bytes: &[u8]) -> i64 {
        let layout = layout(bytes);
        let correct = layout.checksum(bytes, bytes.len() as u64).unwrap();
        (i64::from(layout.header.checksum) - i64::from(correct)).rem_euclid(0xffff)
    }

    proptest! {
        #[test]
        fn correct_checksum_stays_correct(
            bytes in any_image(),
            changes in any_changes(),
        ) {
            let bytes = with_correct_checksum(bytes);
            let steps = steps(&bytes, changes);
            prop_assert!(steps.iter().all(|step| checksum_is_correct(step)));
            prop_assert_eq!(steps.last(), Some(&bytes));
        }

        #[test]
        fn missing_checksum_stays_missing(
            bytes in any_image(),
            changes in any_changes(),
        ) {
            let bytes = with_checksum(bytes, 0);
            let steps = steps(&bytes, changes);
            prop_assert!(steps.iter().all(|step| layout(step).header.checksum == 0));
            prop_assert_eq!(steps.last(), Some(&bytes));
        }

        #[test]
        fn stale_checksum_keeps_its_distance(
            bytes in any_image(),
            sum in 1..=0xffff_u32,
            changes in any_changes(),
        ) {
            let checksum = sum + u32::try_from(bytes.len()).unwrap();
            let bytes = with_checksum(bytes, checksum);
            let (steps, distance_before) = (steps(&bytes, changes), distance(&bytes));
            for step in &steps {
                prop_assert_eq!(distance(step), distance_before);
                prop_assert_eq!(checksum_is_correct(step), distance_before == 0);
            }
            prop_assert_eq!(steps.last(), Some(&bytes));
        }

        #[test]
        fn impossible_checksum_is_left_alone(
            bytes in any_image(),
            sum in prop_oneof![Just(0), Just(0x1_0000), 0x1_0000..=u32::MAX],
            changes in any_changes(),
        ) {
            let checksum = sum.wrapping_add(u32::try_from(bytes.len()).unwrap());
            let bytes = with_checksum(bytes, checksum);
            let steps = steps(&bytes, changes);
            prop_assert!(steps.iter().all(|step| layout(step).header.checksum == checksum));
            prop_assert_eq!(steps.last(), Some(&bytes));
        }

        #[test]
        fn recomputed_checksum_is_correct_in_any_image(
            bytes in any_image(),
            set in any::<bool>(),
        ) {
            let (before, length) = (layout(&bytes), bytes.len() as u64);
            let recomputed = NewChecksum::Recomputed(before.checksum(&*bytes, length).unwrap());
            let edit = Edit::plan(&before, length, BOTH, set, recomputed);
            let after = edit.map_or(bytes.clone(), |edit| edited(bytes, &edit));
            prop_assert!(checksum_is_correct(&after));
        }
    }
}
