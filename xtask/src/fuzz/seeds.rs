//! Seeds for fuzzing: small images, journals, response files, minidumps and reports of each kind
//! that a reader distinguishes.
//!
//! They are in `fuzz/corpus`, in one folder for each target. The same folders contain inputs that
//! once made a target fail. The names of those begin with `found-`.

use std::fs;
use std::path::PathBuf;

use super::image::{
    CERTIFICATES, CLR, DELAY_IMPORTS, IMAGE_BASE, IMPORTS, Image, SECTION, number, u16s, u32s,
    with_checksum,
};
use super::{minidumps, reports, response_files};
use crate::process::root;

/// A seed file.
pub(crate) struct Seed {
    /// The target that uses it.
    target: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
}

/// Returns the folder of a target's seeds.
pub(crate) fn folder(target: &str) -> PathBuf {
    root().join("fuzz").join("corpus").join(target)
}

/// Writes the seeds to their folders.
pub(crate) fn write() -> Result<(), String> {
    for seed in all() {
        let path = seed.path();
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = written.and_then(|()| fs::write(&path, &seed.bytes));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

impl Seed {
    fn path(&self) -> PathBuf {
        folder(self.target).join(self.name)
    }
}

fn all() -> Vec<Seed> {
    let of = |target, seeds: Vec<(&'static str, Vec<u8>)>| {
        seeds.into_iter().map(move |(name, bytes)| Seed { target, name, bytes })
    };
    of("header", headers())
        .chain(of("imports", imports()))
        .chain(of("certificates", certificates()))
        .chain(of("clr", assemblies()))
        .chain(of("journal", journals()))
        .chain(of("linker", response_files::inputs()))
        .chain(of("minidump", minidumps::inputs()))
        .chain(of("wer", reports::inputs()))
        .collect()
}

fn headers() -> Vec<(&'static str, Vec<u8>)> {
    let mut dos = b"MZ".to_vec();
    dos.resize(0x18, 0);
    u32s(&mut dos, &[0x1c]);
    dos.resize(0x3c, 0);
    u32s(&mut dos, &[0xffff_ffff]);
    let mut new_executable = Image::pe32().bytes();
    new_executable.splice(0x40..0x44, *b"NE\x05\x01");
    // The same four bytes are both `e_lfanew` and SectionAlignment.
    let folded = Image { nt_headers: 4, section_alignment: 4, file_alignment: 4, ..Image::pe32() };
    let at = |nt_headers| Image { nt_headers, ..Image::pe32_plus() };
    let both_bits = Image { characteristics: 0x2c22, ..Image::pe32_plus() };
    vec![
        ("pe32", Image::pe32().bytes()),
        ("pe32-plus", Image::pe32_plus().bytes()),
        ("pe32-folded", folded.bytes()),
        ("odd-offset", with_checksum(at(0x47).bytes(), 0)),
        ("across-the-first-read", with_checksum(at(4000).bytes(), 0)),
        ("beyond-the-first-read", at(4096).bytes()),
        ("checksum-right", with_checksum(Image::pe32().bytes(), 0)),
        ("checksum-stale", with_checksum(both_bits.bytes(), 1)),
        ("dos", dos),
        ("new-executable", new_executable),
    ]
}

/// Returns the names, each with a terminating zero byte, and the address of each if the first is at
/// `address`.
fn names(address: u32, names: &[&str]) -> (Vec<u8>, Vec<u32>) {
    let (mut bytes, mut at) = (Vec::new(), Vec::new());
    for name in names {
        at.push(address + number(bytes.len()));
        bytes.extend(name.bytes().chain([0]));
    }
    (bytes, at)
}

/// Returns an import table for these DLLs, followed by their names.
fn import_table(address: u32, dlls: &[&str]) -> Vec<u8> {
    let size = 20 * (number(dlls.len()) + 1);
    let (names, at) = names(address + size, dlls);
    let mut bytes = Vec::new();
    for name in at {
        u32s(&mut bytes, &[0, 0, 0, name, SECTION]);
    }
    u32s(&mut bytes, &[0; 5]);
    [bytes, names].concat()
}

/// Returns a delay-load import table. `base` is added to its addresses, as old linkers did.
fn delay_import_table(address: u32, attributes: u32, base: u32, dlls: &[&str]) -> Vec<u8> {
    let size = 32 * (number(dlls.len()) + 1);
    let (names, at) = names(address + size, dlls);
    let mut bytes = Vec::new();
    for name in at {
        u32s(&mut bytes, &[attributes, base + name, 0, 0, 0, 0, 0, 0]);
    }
    u32s(&mut bytes, &[0; 8]);
    [bytes, names].concat()
}

fn imports() -> Vec<(&'static str, Vec<u8>)> {
    let table = import_table(SECTION, &["KERNEL32.dll", "USER32.dll"]);
    let size = table.len();
    let plain = |image: Image| image.with(IMPORTS, SECTION, size).holding(table.clone());

    let delayed_at = SECTION + number(size);
    let delayed = delay_import_table(delayed_at, 1, 0, &["ole32.dll", "d3d11.dll"]);
    let both = Image::pe32_plus()
        .with(IMPORTS, SECTION, size)
        .with(DELAY_IMPORTS, delayed_at, delayed.len())
        .holding([table.clone(), delayed].concat());
    let old = delay_import_table(SECTION, 0, IMAGE_BASE, &["WS2_32.dll"]);
    let sectors = Image { file_alignment: 0x200, ..Image::pe32_plus() };
    vec![
        ("pe32", plain(Image::pe32()).bytes()),
        ("pe32-plus-sectors", plain(sectors).bytes()),
        ("pe32-plus-delayed", both.bytes()),
        (
            "pe32-delayed-by-address",
            Image::pe32().with(DELAY_IMPORTS, SECTION, old.len()).holding(old).bytes(),
        ),
    ]
}

/// Returns a certificate with `size` bytes of content, padded to a multiple of eight.
fn certificate(size: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    u32s(&mut bytes, &[8 + size, 0x0002_0200]);
    bytes.resize((8 + size).next_multiple_of(8) as usize, 0x30);
    bytes
}

fn certificates() -> Vec<(&'static str, Vec<u8>)> {
    let signed = |image: Image, table: Vec<u8>| {
        let at = number(image.bytes().len()).next_multiple_of(8);
        let mut bytes = image.with(CERTIFICATES, at, table.len()).bytes();
        bytes.resize(at as usize, 0);
        with_checksum([bytes, table].concat(), 0)
    };
    let two = [certificate(13), certificate(16)].concat();
    let mut too_long = certificate(16);
    too_long.splice(..4, 25_u32.to_le_bytes());
    vec![
        ("pe32", signed(Image::pe32(), certificate(16))),
        ("pe32-plus-two", signed(Image::pe32_plus(), two)),
        ("pe32-too-long", signed(Image::pe32(), too_long)),
        ("pe32-empty", signed(Image::pe32(), vec![0; 8])),
        ("pe32-beyond-the-end", Image::pe32().with(CERTIFICATES, 0x400, 8).bytes()),
    ]
}

/// Returns a CLR runtime header with these flags and this strong name signature.
fn clr_header(flags: u32, signature: [u32; 2]) -> Vec<u8> {
    let mut bytes = Vec::new();
    u32s(&mut bytes, &[72]);
    u16s(&mut bytes, &[2, 5]);
    u32s(&mut bytes, &[SECTION, 72, flags, 0, 0, 0]);
    u32s(&mut bytes, &signature);
    u32s(&mut bytes, &[0; 8]);
    bytes
}

fn assemblies() -> Vec<(&'static str, Vec<u8>)> {
    let image = |image: Image, header: Vec<u8>| image.with(CLR, SECTION, 72).holding(header);
    let room = [SECTION, 8];
    vec![
        ("pe32", image(Image::pe32(), clr_header(1, [0, 0])).bytes()),
        ("pe32-delay-signed", image(Image::pe32(), clr_header(1, room)).bytes()),
        ("pe32-plus-signed", image(Image::pe32_plus(), clr_header(9, room)).bytes()),
    ]
}

const HEAD: &str =
    r#"{"schema":"netswap.journal/1","netswap":"0.1.0","created":"2026-01-02T03:04:05Z"}"#;

fn journals() -> Vec<(&'static str, Vec<u8>)> {
    let entry = |path: &str, old: &str, new: &str| {
        format!(
            r#"{{"path":{path},"length":1024,"headers":"0badcafe","read_only":false,"offset":86,"old":"{old}","new":"{new}"}}"#
        )
    };
    let journal = |lines: &[&str]| {
        let lines: String = lines.iter().flat_map(|line| [*line, "\n"]).collect();
        lines.into_bytes()
    };
    let between = "0b02".to_owned() + &"00".repeat(62);
    let short = entry(r#""/share/tool.exe""#, "2200", "2208");
    let whole = entry(
        r#""/share/\u00fc \u0022.dll""#,
        &format!("2220{between}34120000"),
        &format!("222c{between}341e0000"),
    );
    let bytes = entry(r#""/a\ufffd","path_bytes":"2f61ff""#, "2200", "2204");
    let unsound = entry(r#""/a""#, "2200", "2300");
    let relative = entry(r#""a""#, "2200", "2208");
    // Longer than a line can be where a fuzzer reads.
    let endless = " ".repeat(1500);
    let newer = HEAD.replace("journal/1", "journal/2");
    vec![
        ("empty", journal(&[HEAD])),
        ("short", journal(&[HEAD, &short])),
        ("whole", journal(&[HEAD, &whole, &short])),
        ("path-bytes", journal(&[HEAD, &bytes])),
        ("wrong-lines", journal(&[HEAD, &unsound, &relative, "", "{}", &short])),
        ("cut-off", journal(&[HEAD, &short, &whole]).into_iter().take(400).collect()),
        ("line-without-end", journal(&[HEAD, &short, &endless, &short, &short])),
        ("newer-schema", journal(&[&newer, &short])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::TARGETS;
    use netswap::SwapRun;
    use netswap::image::{self, CertificateTable, Content, Layout, StrongName, strong_name};

    /// Returns a function that finds a target's seed by its name.
    fn seeds(target: &str) -> impl Fn(&str) -> Vec<u8> {
        let seeds: Vec<_> = all().into_iter().filter(|seed| seed.target == target).collect();
        move |name| seeds.iter().find(|seed| seed.name == name).unwrap().bytes.clone()
    }

    fn layout(bytes: &[u8]) -> Layout {
        Layout::read(bytes).unwrap().unwrap()
    }

    #[test]
    fn the_seeds_in_the_repository_are_those_that_are_made_here() {
        for seed in all() {
            let path = seed.path();
            assert!(fs::read(&path).ok() == Some(seed.bytes), "{}", path.display());
        }
        let mut size = 0;
        for target in TARGETS {
            for file in fs::read_dir(folder(target)).unwrap() {
                let file = file.unwrap();
                let name = file.file_name().into_string().unwrap();
                let is_made = all().iter().any(|seed| seed.target == target && seed.name == name);
                assert!(is_made || name.starts_with("found-"), "{target}/{name}");
                size += file.metadata().unwrap().len();
            }
        }
        assert!(size < 100 << 10, "{size}");
    }

    #[test]
    fn every_image_is_one_and_what_only_looks_like_one_is_not() {
        const NO_IMAGES: [&str; 4] = ["journal", "linker", "minidump", "wer"];
        for seed in all().iter().filter(|seed| !NO_IMAGES.contains(&seed.target)) {
            let content = image::read_from(&*seed.bytes).unwrap();
            let is_other = ["dos", "new-executable"].contains(&seed.name);
            assert_eq!(content == Content::Other, is_other, "{}/{}", seed.target, seed.name);
        }
        let header = seeds("header");
        let both_bits = layout(&header("checksum-stale"));
        assert_eq!(both_bits.header.swap_run(), SwapRun::ALL);
    }

    #[test]
    fn the_images_of_the_imports_name_their_dlls() {
        let seed = seeds("imports");
        for (name, dlls, delayed) in [
            ("pe32", &["KERNEL32.dll", "USER32.dll"][..], 0),
            ("pe32-plus-sectors", &["KERNEL32.dll", "USER32.dll"], 0),
            ("pe32-plus-delayed", &["KERNEL32.dll", "USER32.dll", "ole32.dll", "d3d11.dll"], 2),
            ("pe32-delayed-by-address", &["WS2_32.dll"], 1),
        ] {
            let bytes = seed(name);
            let imports = image::imports(&*bytes, &layout(&bytes)).unwrap();
            let names: Vec<_> = imports.iter().map(|import| &*import.name).collect();
            let count = imports.iter().filter(|import| import.is_delayed).count();
            assert_eq!((&*names, count), (dlls, delayed), "{name}");
        }
    }

    #[test]
    fn the_images_of_the_certificates_have_tables_of_each_kind() {
        let seed = seeds("certificates");
        let table = |name| {
            let bytes = seed(name);
            CertificateTable::read(&*bytes, &layout(&bytes), bytes.len() as u64).unwrap()
        };
        for (name, count) in [("pe32", 1), ("pe32-plus-two", 2)] {
            let table = table(name);
            let is_right = |entries| entries == count;
            assert!(
                matches!(table, CertificateTable::WellFormed { entries, .. } if is_right(entries)),
                "{table:?}"
            );
        }
        for (name, what) in [
            ("pe32-too-long", "an entry reaches beyond the table"),
            ("pe32-empty", "an entry is shorter than its header"),
            ("pe32-beyond-the-end", "it reaches beyond the end of the file"),
        ] {
            let table = table(name);
            assert!(
                matches!(table, CertificateTable::Malformed { why, .. } if why == what),
                "{table:?}"
            );
        }
    }

    #[test]
    fn the_assemblies_have_strong_names_of_each_kind() {
        let seed = seeds("clr");
        for (name, expected) in [
            ("pe32", StrongName::None),
            ("pe32-delay-signed", StrongName::DelaySigned),
            ("pe32-plus-signed", StrongName::Signed),
        ] {
            let bytes = seed(name);
            assert_eq!(strong_name(&*bytes, &layout(&bytes)).unwrap(), Some(expected));
        }
    }
}
