//! `cargo xtask bench single`: measures what `netswap verify` of one file costs beyond starting a
//! process. It also shows that the file's length does not matter.

use super::Options;
use super::measure::{floor, verify, words, write_dll};
use super::ratio::{interleaved, median};
use crate::files::{create_folder, scratch};
use crate::meter::{Meter, Usage};
use crate::programs;

/// The files: the name of each in the table, and its length.
pub(crate) const LENGTHS: [(&str, usize); 2] = [SHORT, ("200 MB", 200 << 20)];
pub(crate) const SHORT: (&str, usize) = ("20 KB", 20 << 10);

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let (meter, floor, netswap) = (Meter::build()?, floor()?, programs::release("netswap")?);
    let folder = create_folder(scratch("bench-single"))?;
    // The first variant is the bare start that all others are compared with.
    let mut variants = vec![("netswap --version".to_owned(), words![&netswap, "--version"])];
    for (size, length) in LENGTHS {
        let file = folder.join(format!("{length}.dll"));
        write_dll(&file, length)?;
        variants.push((format!("floor --open, {size}"), words![&floor, "--open", &file]));
        variants.push((format!("netswap verify, {size}"), verify(&netswap, &[], &file)));
    }
    measure(options.rounds, &variants, |(_, words)| meter.run(words, 0), |(name, _)| name)
}

/// Runs the variants, and prints the milliseconds of each and the difference to the first.
pub(crate) fn measure<V>(
    rounds: usize,
    variants: &[V],
    run: impl FnMut(&V) -> Result<Usage, String>,
    name: impl Fn(&V) -> &String,
) -> Result<(), String> {
    let usages = interleaved(rounds, 1, variants, run)?;
    let in_milliseconds = |usages: &Vec<Usage>| -> Vec<f64> {
        usages.iter().map(|usage| usage.seconds * 1000.0).collect()
    };
    let milliseconds: Vec<Vec<f64>> = usages.iter().map(in_milliseconds).collect();
    let first = milliseconds.first().cloned().unwrap_or_default();
    println!(
        "{rounds} rounds, interleaved; milliseconds, difference to the first variant, and peak memory\n"
    );
    println!("{:<30} {:>9} {:>9} {:>17} {:>11}", "variant", "median", "more", "min-max", "memory");
    for ((variant, own), usages) in variants.iter().zip(&milliseconds).zip(&usages) {
        let more: Vec<f64> = own.iter().zip(&first).map(|(own, first)| own - first).collect();
        let least = own.iter().copied().fold(f64::INFINITY, f64::min);
        let most = own.iter().copied().fold(0.0, f64::max);
        let peak = usages.iter().map(|usage| usage.peak).fold(0.0, f64::max);
        println!(
            "{:<30} {:>9.3} {:>+9.3} {least:>8.3}-{most:<8.3} {:>7.1} MiB",
            name(variant),
            median(own),
            median(&more),
            peak / f64::from(1 << 20),
        );
    }
    Ok(())
}
