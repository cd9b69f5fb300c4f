//! Seeds for the target `minidump`: minidumps of each kind that the reader distinguishes.

use crate::synthesized::{Loaded, Synthesized, image};

const X86: u16 = 0;
const X64: u16 = 9;
const ARM64: u16 = 12;

/// The offset of the module list in all of them.
const MODULE_LIST: usize = 316;

/// Returns the inputs, by name.
pub(super) fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    // Some writers sign-extend 32-bit values.
    let extended = 0xffff_ffff_8040_0000;
    let x86 = dump(X86, extended, vec![0, extended + 0x10, 0xffff_ffff_c000_020c]);
    let base = 0x7ff6_1234_0000;
    let x64 = dump(X64, base, vec![8, base + 0x1000, 0xc000_020c]);
    let arm64 = dump(ARM64, base, vec![8, base + 0x1000, 0xffff_ffff_c000_020c]);
    let outside = dump(X64, base, vec![0, 0x1_1000, 0xc000_020c]);
    let of_kind = |kind| Synthesized {
        regions: vec![(0x1_0000, 0x1000, 0x2_0000), (0x1_1000, 0x1000, kind)],
        ..outside.clone()
    };
    let full = |dump: &Synthesized| Synthesized { is_full: true, ..dump.clone() };
    let mut full_cut_off = full(&x64).bytes();
    full_cut_off.truncate(full_cut_off.len() - 100);
    let half_a_character = Loaded { path: vec![0x61, 0xd83e, 0x62], ..Loaded::default() };
    let half_a_character = Synthesized { modules: vec![half_a_character], ..x64.clone() };
    let mut endless = x64.bytes();
    endless.splice(MODULE_LIST..MODULE_LIST + 4, [0xff; 4]);
    vec![
        ("x86", x86.bytes()),
        ("x86-full", full(&x86).bytes()),
        ("x64", x64.bytes()),
        ("x64-full", full(&x64).bytes()),
        ("x64-full-padded", Synthesized { padding: 100, ..full(&x64) }.bytes()),
        ("x64-without-memory", Synthesized { memory: Vec::new(), ..x64.clone() }.bytes()),
        ("x64-many-of-a-share", many_of_a_share(base).bytes()),
        ("x64-two-parameters", dump(X64, base, vec![1, 0x1000]).bytes()),
        ("x64-mapped", of_kind(0x4_0000).bytes()),
        ("x64-private", of_kind(0x2_0000).bytes()),
        ("x64-image-without-module", of_kind(0x100_0000).bytes()),
        ("x64-full-cut-off", full_cut_off),
        ("x64-half-a-character", half_a_character.bytes()),
        ("x64-endless-modules", endless),
        ("x64-cut-off", x64.bytes().into_iter().take(600).collect()),
        ("x64-living", Synthesized { exception: None, ..x64 }.bytes()),
        ("arm64", arm64.bytes()),
        ("arm64-full", full(&arm64).bytes()),
        ("kernel", b"PAGEDU64".to_vec()),
    ]
}

/// Returns a dump of a program that loads many DLLs from its own folder. Every other DLL has the
/// bit. The third, whose page could not be read, does not.
fn many_of_a_share(base: u64) -> Synthesized {
    let dlls = (0..24).map(|index: u32| (base + u64::from(index) * 0x10_0000, index));
    let header =
        |(start, index)| (start, image(0x80, index, if index % 2 == 0 { 0x2022 } else { 0x2822 }));
    Synthesized {
        modules: dlls
            .clone()
            .map(|(start, index)| {
                Loaded::new(start, index, &format!(r"\\server\tools\{index}.dll"))
            })
            .collect(),
        memory: dlls.map(header).collect(),
        ..dump(X64, base, vec![8, base + 0x20_1000, 0xc000_020c])
    }
}

/// Returns a dump of a program and its DLL. The program's headers are at the start of a region, the
/// DLL's inside one.
fn dump(architecture: u16, base: u64, parameters: Vec<u64>) -> Synthesized {
    let dll = base + 0x10_0000;
    Synthesized {
        architecture,
        time: 1_700_000_000,
        exception: Some((0xc000_0006, parameters)),
        modules: vec![
            Loaded::new(base, 7, r"\\server\tools\tool.exe"),
            Loaded::new(dll, 8, "C:\\Größe\\\u{1f980}.dll"),
        ],
        memory: vec![
            (base, image(0x80, 7, 0x0822)),
            (dll - 0x100, [vec![0; 0x100], image(600, 8, 0x2022)].concat()),
        ],
        ..Synthesized::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_kernel_dump_begins_as_a_minidump() {
        for (name, input) in inputs() {
            assert_eq!(input.starts_with(b"MDMP\x93\xa7"), name != "kernel", "{name}");
        }
    }

    #[test]
    fn the_module_list_that_lies_is_where_it_is() {
        let dump = dump(X64, 0x1000, Vec::new()).bytes();
        assert_eq!(dump[MODULE_LIST..MODULE_LIST + 12], *b"\x02\0\0\0\0\x10\0\0\0\0\0\0");
    }
}
