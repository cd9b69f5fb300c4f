//! `cargo xtask bench scan`: measures what `netswap verify` of a tree costs. It compares netswap
//! with the least possible work (the floor) and with its peers: with warm caches, with cold caches,
//! and on a high-latency share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;
use super::measure::{Words, floor, verify, words};
use super::peers::readers;
use super::ratio::{Ratio, interleaved, median};
use super::tree::Tree;
use crate::files::{at, scratch, write};
use crate::meter::{Meter, Usage};
use crate::process::check;
use crate::programs;
use crate::slow_fs::{Requests, SlowFs};

/// The numbers of threads for a local tree.
const JOBS: [u32; 5] = [1, 2, 8, 32, 64];

/// The numbers of threads for the high-latency share, where threads mostly wait.
const SHARE_JOBS: [u32; 4] = [8, 16, 32, 64];

/// The number of threads of the floor that all variants are compared with.
const REFERENCE: u32 = 2;
const SHARE_REFERENCE: u32 = 8;

/// The number of images that the peers read. They would need minutes for all of them.
const SAMPLE: u32 = 5_000;

/// The number of files on the high-latency share, and the latency of each request.
const SHARE_FILES: u32 = 5_000;
const LATENCY_MILLISECONDS: u32 = 5;

/// A program that reads the headers of `files` files.
struct Scan {
    name: String,
    words: Words,
    files: u32,
    /// The number of files it reads at once, if that is set by an option.
    jobs: Option<u32>,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let bench = Bench {
        meter: Meter::build()?,
        floor: floor()?,
        netswap: programs::release("netswap")?,
        rounds: options.rounds,
    };
    let tree = Tree::new(options.files)?;
    bench.warm(&tree)?;
    bench.cold(&tree)?;
    bench.high_latency()
}

struct Bench {
    meter: Meter,
    floor: PathBuf,
    netswap: PathBuf,
    rounds: usize,
}

impl Bench {
    fn warm(&self, tree: &Tree) -> Result<(), String> {
        let mut scans = self.scans(&tree.root, tree.files, &JOBS);
        scans.push(self.floor_scan(&tree.root, tree.files, REFERENCE, true));
        // Each of these variants reports every image.
        for options in [&[][..], &["--format", "ndjson"]] {
            scans.push(self.netswap_scan(options, &tree.root, tree.files));
        }
        let (sample, files) = sample(tree)?;
        let mut missing = Vec::new();
        for (name, words) in readers(&sample) {
            let name = format!("{name}*");
            match words {
                Ok(words) => scans.push(Scan { name, words, files, jobs: None }),
                Err(why) => missing.push(format!("{name:<30} {why}")),
            }
        }
        let usages = interleaved(self.rounds, 1, &scans, |scan| self.meter.run(&scan.words, 0))?;

        println!(
            "{} files, caches warm: {} rounds, interleaved; ratios per file to the floor with {REFERENCE} threads\n",
            tree.files, self.rounds
        );
        println!("{:<30} {}       CPU   files/s   peak RSS", "variant", Ratio::HEADINGS);
        for (scan, ratio, usages) in compare(&scans, &usages, REFERENCE) {
            println!(
                "{:<30} {ratio} {:>7.3} s {:>9.0} {:>6.1} MiB",
                scan.name,
                median_of(usages, |usage| usage.cpu),
                f64::from(scan.files) / median_of(usages, |usage| usage.seconds),
                median_of(usages, |usage| usage.peak) / f64::from(1 << 20),
            );
        }
        for row in missing {
            println!("{row}");
        }
        println!("\n* read {files} images only, in one process at a time\n");
        Ok(())
    }

    fn cold(&self, tree: &Tree) -> Result<(), String> {
        if let Err(why) = drop_caches() {
            println!("cold caches: not run: {why}\n");
            return Ok(());
        }
        let mut scans = self.scans(&tree.root, tree.files, &JOBS);
        scans.push(self.floor_scan(&tree.root, tree.files, REFERENCE, true));
        let rounds = fewer(self.rounds);
        let usages = interleaved(rounds, 0, &scans, |scan| {
            drop_caches()?;
            self.meter.run(&scan.words, 0)
        })?;

        println!(
            "{} files, caches dropped before each run: {rounds} rounds; bytes read include folders and inodes\n",
            tree.files
        );
        println!("{:<30} {} {:>14}", "variant", Ratio::HEADINGS, "read per file");
        for (scan, ratio, usages) in compare(&scans, &usages, REFERENCE) {
            let read = median_of(usages, |usage| usage.read) / f64::from(scan.files);
            println!("{:<30} {ratio} {read:>8.0} bytes", scan.name);
        }
        println!();
        Ok(())
    }

    fn high_latency(&self) -> Result<(), String> {
        let slow_fs = match SlowFs::build() {
            Ok(slow_fs) => slow_fs,
            Err(why) => {
                println!("high latency: not run: {why}");
                return Ok(());
            }
        };
        let tree = Tree::new(SHARE_FILES)?;
        let scans = self.scans(&slow_fs.root, tree.files, &SHARE_JOBS);
        let rounds = fewer(self.rounds);
        let results = interleaved(rounds, 0, &scans, |scan| {
            // A fresh mount, so that nothing from the last run is cached.
            let mut mount = slow_fs.mount(&tree.root, LATENCY_MILLISECONDS, None)?;
            let usage = self.meter.run(&scan.words, 0)?;
            Ok((usage, mount.requests()?))
        })?;
        let usages =
            results.iter().map(|results| results.iter().map(|(usage, _)| *usage).collect());
        let usages: Vec<Vec<Usage>> = usages.collect();

        println!(
            "{SHARE_FILES} files, {LATENCY_MILLISECONDS} ms latency: {rounds} rounds; ratios to the floor with {SHARE_REFERENCE} threads; efficiency: requests in flight to jobs\n"
        );
        println!(
            "{:<30} {} requests lookup   open   read     bytes  in flight  efficiency",
            "requests and bytes per file:",
            Ratio::HEADINGS
        );
        for ((scan, ratio, usages), results) in
            compare(&scans, &usages, SHARE_REFERENCE).into_iter().zip(&results)
        {
            let per_file = |value: &dyn Fn(&Requests) -> f64| {
                let values: Vec<_> = results.iter().map(|(_, requests)| value(requests)).collect();
                median(&values) / f64::from(scan.files)
            };
            let requests = per_file(&Requests::count);
            let [lookup, open, read, bytes] = ["lookup", "open", "read", "bytes"]
                .map(|name| per_file(&|requests| requests.number(name)));
            let waited =
                requests * f64::from(scan.files) * f64::from(LATENCY_MILLISECONDS) / 1000.0;
            let in_flight = waited / median_of(usages, |usage| usage.seconds);
            let efficiency = scan.jobs.map_or("-".to_owned(), |jobs| {
                format!("{:.0} %", in_flight / f64::from(jobs) * 100.0)
            });
            println!(
                "{:<30} {ratio} {requests:>8.3} {lookup:>6.3} {open:>6.3} {read:>6.3} {bytes:>9.0} {in_flight:>10.1} {efficiency:>11}",
                scan.name,
            );
        }
        Ok(())
    }

    /// Returns the floor and netswap, each with these numbers of threads, and netswap with its
    /// default. netswap prints only its counts, because all images of the tree pass.
    fn scans(&self, root: &Path, files: u32, jobs: &[u32]) -> Vec<Scan> {
        let floor = jobs.iter().map(|jobs| self.floor_scan(root, files, *jobs, false));
        let with_jobs = jobs.iter().map(|jobs| {
            let (number, jobs) = (jobs.to_string(), Some(*jobs));
            Scan { jobs, ..self.netswap_scan(&["--quiet", "--jobs", &number], root, files) }
        });
        floor.chain([self.netswap_scan(&["--quiet"], root, files)]).chain(with_jobs).collect()
    }

    fn netswap_scan(&self, options: &[&str], root: &Path, files: u32) -> Scan {
        let name = ["verify", options.join(" ").as_str()].join(" ").trim_end().to_owned();
        Scan { name, words: verify(&self.netswap, options, root), files, jobs: None }
    }

    fn floor_scan(&self, root: &Path, files: u32, threads: u32, no_read_ahead: bool) -> Scan {
        let how = if no_read_ahead { ", no read-ahead" } else { "" };
        let mut words = words![&self.floor];
        words.extend(no_read_ahead.then(|| "--random".into()));
        words.extend(words![threads.to_string(), root]);
        Scan { name: floor_name(threads) + how, words, files, jobs: Some(threads) }
    }
}

fn floor_name(threads: u32) -> String {
    format!("floor, {threads} thread{}", if threads == 1 { "" } else { "s" })
}

/// Returns each variant with its ratio to the floor with `threads` threads. The floor's time is
/// scaled to the number of files that the variant reads.
fn compare<'a>(
    scans: &'a [Scan],
    usages: &'a [Vec<Usage>],
    threads: u32,
) -> Vec<(&'a Scan, Ratio, &'a [Usage])> {
    let name = floor_name(threads);
    let reference = scans.iter().zip(usages).find(|(scan, _)| scan.name == name);
    let rows = scans.iter().zip(usages).map(|(scan, usages)| {
        let seconds: Vec<f64> = usages.iter().map(|usage| usage.seconds).collect();
        let reference: Vec<f64> = reference
            .into_iter()
            .flat_map(|(floor, usages)| {
                let share = f64::from(scan.files) / f64::from(floor.files);
                usages.iter().map(move |usage| usage.seconds * share)
            })
            .collect();
        (scan, Ratio::new(&seconds, &reference), usages.as_slice())
    });
    rows.collect()
}

fn median_of(usages: &[Usage], value: fn(&Usage) -> f64) -> f64 {
    median(&usages.iter().map(value).collect::<Vec<_>>())
}

/// Returns fewer rounds for runs that mostly wait, which are slow and vary little.
fn fewer(rounds: usize) -> usize {
    rounds.div_ceil(3)
}

/// Lists every nth image, and returns the list's path and the number of its images.
fn sample(tree: &Tree) -> Result<(PathBuf, u32), String> {
    let all = fs::read_to_string(&tree.images).map_err(at(&tree.images))?;
    let step = all.lines().count().div_ceil(SAMPLE as usize).max(1);
    let lines: Vec<&str> = all.lines().step_by(step).collect();
    let list = scratch("bench-sample.txt");
    write(&list, lines.join("\n"))?;
    Ok((list, u32::try_from(lines.len()).unwrap_or(u32::MAX)))
}

/// Drops the kernel's caches, after `sync`, because the kernel keeps unwritten data.
fn drop_caches() -> Result<(), String> {
    check(&mut Command::new("sync"))?;
    let switch = "/proc/sys/vm/drop_caches";
    fs::write(switch, "3").map_err(|error| format!("{switch}: {error}"))
}
