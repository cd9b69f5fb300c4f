//! `cargo xtask bench diagnose`: what `netswap diagnose` of a dump costs beyond starting a process, and that
//! gigabytes of memory in it do not count, beside its peers.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Options;
use super::measure::{Meter, Netswap, Words, floor, words};
use super::peers;
use super::ratio::interleaved;
use super::single::print;
use crate::process::{cargo, check, root, scratch};
use crate::synthesized::{Loaded, Synthesized, image};

/// As many modules as a program with a window has.
const MODULES: u32 = 100;

/// As many regions of memory as it has besides; each is listed twice, as memory and by its kind.
const OTHERS: u64 = 5_000;

/// The first address, and how far one region is from the next.
const BASE: u64 = 0x7ff0_0000_0000;
const STEP: u64 = 1 << 24;

/// `MEM_IMAGE`, `MEM_MAPPED` and `MEM_PRIVATE`.
const IMAGE: u32 = 0x100_0000;
const MAPPED: u32 = 0x4_0000;
const PRIVATE: u32 = 0x2_0000;

/// Where the dumps are, by what they are called in the table, and how many bytes each region has. The first is
/// what a small dump is; in the second is some 4 GB of memory, none of which takes room on the disk.
const SIZES: [(&str, u64); 2] = [("small", 0), ("4 GB", 800 << 10)];

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let (meter, floor, netswap) = (Meter::build()?, floor()?, Netswap::build()?);
    let folder = scratch("bench-diagnose");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // The bare start that all are compared with comes first.
    let mut variants = vec![("netswap --version".to_owned(), words![&netswap.path, "--version"])];
    let (minidump, python) = (minidump()?, peers::python()?);
    for (size, padding) in SIZES {
        let dump = folder.join(format!("{size}.dmp"));
        write(&dump, padding)?;
        let script = root().join("xtask/bench/minidump_read.py");
        let of_size = |name: &str, words: Words| (format!("{name}, {size}"), words);
        variants.extend([
            of_size("floor --open", words![&floor, "--open", &dump]),
            of_size("netswap diagnose", words![&netswap.path, "diagnose", &dump]),
            of_size("minidump 0.27", words![&minidump, &dump]),
            of_size("minidump for Python", [python.clone(), words![script, &dump]].concat()),
        ]);
    }
    let used = interleaved(options.rounds, 1, &variants, |(_, words)| meter.run(words))?;
    let names: Vec<&str> = variants.iter().map(|(name, _)| name.as_str()).collect();
    print(options.rounds, &names, &used);
    Ok(())
}

/// The crate minidump, in a program that reads with it what netswap reads.
fn minidump() -> Result<PathBuf, String> {
    let manifest = root().join("xtask/bench/minidump/Cargo.toml");
    let target = scratch("bench-minidump");
    let build = ["build", "--quiet", "--release", "--manifest-path"];
    check(cargo(&build).arg(manifest).arg("--target-dir").arg(&target))?;
    Ok(target.join("release").join("bench-minidump"))
}

/// Writes a dump with the memory of a program that could not read a page, with so many zeros in each region.
fn write(path: &Path, padding: u64) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = File::create(path).map_err(failed)?;
    let (length, parts) = dump(padding).parts();
    file.set_len(length).map_err(failed)?;
    for (offset, part) in parts {
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.write_all(&part).map_err(failed)?;
    }
    Ok(())
}

fn dump(padding: u64) -> Synthesized {
    // The program's own memory lies below its images, and in the dump before them.
    let first = BASE + OTHERS * STEP;
    let images = (0..MODULES).map(|index| (first + u64::from(index) * STEP, index));
    let others = (0..OTHERS).map(|index| BASE + index * STEP);
    let kinds =
        others.clone().map(|at| (at, STEP, if at % (2 * STEP) == 0 { PRIVATE } else { MAPPED }));
    let kinds = kinds.chain(images.clone().map(|(at, _)| (at, STEP, IMAGE)));
    let path = |index| match index {
        0 => r"\\fileserver\tools\tool.exe".to_owned(),
        1 => r"\\fileserver\tools\library.dll".to_owned(),
        _ => format!(r"C:\Windows\System32\library{index}.dll"),
    };
    Synthesized {
        architecture: 9,
        time: 1_700_000_000,
        // In the second image, and so at the end of each list. The status is that of a failing disk, with which
        // netswap ends well.
        exception: Some((0xc000_0006, vec![8, first + STEP + 0x1000, 0xffff_ffff_c000_009c])),
        modules: images.clone().map(|(at, index)| Loaded::new(at, index, &path(index))).collect(),
        memory: others
            .map(|at| (at, Vec::new()))
            .chain(images.map(|(at, index)| (at, image(0x108, index, 0x0022))))
            .collect(),
        regions: kinds.collect(),
        is_full: true,
        padding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_dump_has_4_gb_of_memory_and_the_small_one_has_none() {
        let [small, large] = SIZES.map(|(_, padding)| dump(padding).parts().0);
        assert!(small < 1 << 20, "{small}");
        assert!((4_000_000_000..5_000_000_000).contains(&large), "{large}");
    }
}
