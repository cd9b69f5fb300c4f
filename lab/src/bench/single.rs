//! `cargo xtask bench single`: measures what `netswap verify` of one file costs beyond starting a
//! process. It also shows that the file's length does not matter.

use std::fs;

use super::Options;
use super::measure::{Meter, Netswap, Used, floor, words, write_dll};
use super::ratio::{interleaved, median};
use crate::process::scratch;

/// The files: the name of each in the table, and its length.
pub(crate) const LENGTHS: [(&str, usize); 2] = [SHORT, ("200 MB", 200 << 20)];
pub(crate) const SHORT: (&str, usize) = ("20 KB", 20 << 10);

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let (meter, floor, netswap) = (Meter::build()?, floor()?, Netswap::build()?);
    let folder = scratch("bench-single");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // The first variant is the bare start that all others are compared with.
    let mut variants = vec![("netswap --version".to_owned(), words![&netswap.path, "--version"])];
    for (size, length) in LENGTHS {
        let file = folder.join(format!("{length}.dll"));
        write_dll(&file, length)?;
        variants.push((format!("floor --open, {size}"), words![&floor, "--open", &file]));
        variants.push((format!("netswap verify, {size}"), netswap.verify(&[], &file)));
    }
    let used = interleaved(options.rounds, 1, &variants, |(_, words)| meter.run(words))?;
    let names: Vec<&str> = variants.iter().map(|(name, _)| name.as_str()).collect();
    print(options.rounds, &names, &used);
    Ok(())
}

/// Prints the milliseconds of each variant, and the difference to the first variant.
pub(crate) fn print(rounds: usize, names: &[&str], used: &[Vec<Used>]) {
    let milliseconds: Vec<Vec<f64>> =
        used.iter().map(|used| used.iter().map(|used| used.seconds * 1000.0).collect()).collect();
    let first = milliseconds.first().cloned().unwrap_or_default();
    println!(
        "{rounds} rounds, interleaved; milliseconds, how many more than the first one's, and peak of memory\n"
    );
    println!("{:<30} {:>9} {:>9} {:>17} {:>11}", "variant", "median", "more", "min-max", "memory");
    for ((name, own), used) in names.iter().zip(&milliseconds).zip(used) {
        let more: Vec<f64> = own.iter().zip(&first).map(|(own, first)| own - first).collect();
        let least = own.iter().copied().fold(f64::INFINITY, f64::min);
        let most = own.iter().copied().fold(0.0, f64::max);
        let peak = used.iter().map(|used| used.peak).fold(0.0, f64::max);
        println!(
            "{name:<30} {:>9.3} {:>+9.3} {least:>8.3}-{most:<8.3} {:>7.1} MiB",
            median(own),
            median(&more),
            peak / f64::from(1 << 20),
        );
    }
}
