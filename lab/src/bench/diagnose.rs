//! `cargo xtask bench diagnose`: compares what `netswap diagnose` and its peers cost for one dump,
//! beyond starting a process. It also shows that gigabytes of memory in the dump cost no time.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Options;
use super::measure::{Words, floor, words};
use super::peers;
use super::single::measure;
use crate::files::{at, create_folder, root, scratch};
use crate::meter::Meter;
use crate::process::{cargo, check};
use crate::programs;
use testkit::dump::{Loaded, Synthesized, image};

/// The number of modules, typical of a program with a window.
const MODULES: u32 = 100;

/// The number of other memory regions. The dump lists each twice: as memory and by its kind.
const OTHER_REGIONS: u64 = 5_000;

/// The first address, and the distance between the starts of two regions.
const BASE: u64 = 0x7ff0_0000_0000;
const STEP: u64 = 1 << 24;

/// `MEM_IMAGE`, `MEM_MAPPED` and `MEM_PRIVATE`.
const IMAGE: u32 = 0x100_0000;
const MAPPED: u32 = 0x4_0000;
const PRIVATE: u32 = 0x2_0000;

/// The dumps: the name of each in the table, and the bytes of padding in each region.
///
/// The first has the size of a typical small dump. The second contains about 4 GB of memory but
/// takes no space on disk, because the file is sparse.
const SIZES: [(&str, u64); 2] = [("small", 0), ("4 GB", 800 << 10)];

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let (meter, floor, netswap) = (Meter::build()?, floor()?, programs::release("netswap")?);
    let folder = create_folder(scratch("bench-diagnose"))?;
    // The first variant is the bare start that all others are compared with.
    let mut variants = vec![("netswap --version".to_owned(), words![&netswap, "--version"])];
    let (minidump, python) = (minidump()?, peers::python()?);
    for (size, padding) in SIZES {
        let dump = folder.join(format!("{size}.dmp"));
        write(&dump, padding)?;
        let script = root().join("lab/bench/minidump_read.py");
        let variant = |name: &str, words: Words| (format!("{name}, {size}"), words);
        variants.extend([
            variant("floor --open", words![&floor, "--open", &dump]),
            variant("netswap diagnose", words![&netswap, "diagnose", &dump]),
            variant("minidump 0.27", words![&minidump, &dump]),
            variant("minidump for Python", [python.clone(), words![script, &dump]].concat()),
        ]);
    }
    measure(options.rounds, &variants, |(_, words)| meter.run(words, 0), |(name, _)| name)
}

/// Builds a program that uses the crate minidump to read the same data as netswap.
fn minidump() -> Result<PathBuf, String> {
    let manifest = root().join("lab/bench/minidump/Cargo.toml");
    let target = scratch("bench-minidump");
    let build = ["build", "--quiet", "--release", "--manifest-path"];
    check(cargo(&build).arg(manifest).arg("--target-dir").arg(&target))?;
    Ok(target.join("release").join("bench-minidump"))
}

/// Writes the dump of a failed page read, with `padding` zero bytes in each region.
fn write(path: &Path, padding: u64) -> Result<(), String> {
    let mut file = File::create(path).map_err(at(path))?;
    let (length, parts) = dump(padding).parts();
    file.set_len(length).map_err(at(path))?;
    for (offset, part) in parts {
        file.seek(SeekFrom::Start(offset)).map_err(at(path))?;
        file.write_all(&part).map_err(at(path))?;
    }
    Ok(())
}

fn dump(padding: u64) -> Synthesized {
    // The program's own memory is below its images, and precedes them in the dump.
    let first = BASE + OTHER_REGIONS * STEP;
    let images = (0..MODULES).map(|index| (first + u64::from(index) * STEP, index));
    let others = (0..OTHER_REGIONS).map(|index| BASE + index * STEP);
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
        // The address is in the second image, and so at the end of each list. The status is that of
        // a failing disk, for which netswap exits with success.
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
