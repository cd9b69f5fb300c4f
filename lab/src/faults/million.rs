//! Tests a million entries: memory must not grow with the tree, in any report format and to any
//! output.
//!
//! The entries are hard links to a few files, because a name costs only a directory entry.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::Options;
use super::program::Netswap;
use super::tree::test_folder;
use crate::files::{at, create_folder, empty_folder, scratch, write};
use crate::meter::{Meter, Usage};
use crate::{NotPassed, c, prepare};
use testkit::image::{Image, NET, Sum};

/// The number of entries in one large folder.
const FLAT: u32 = 100_000;

/// The number of entries in each of the other folders.
const ENTRIES_PER_FOLDER: u32 = 1000;

/// The number of hard links to each file. ext4 allows 65,000, and other file systems fewer.
const LINKS_PER_FILE: u32 = 900;

/// The memory limit of a run in bytes.
const MAX_MEMORY: f64 = 24.0 * MEBIBYTE;

const MEBIBYTE: f64 = 1_048_576.0;

/// The maximum number of runs of a command.
const MAX_RUNS: u32 = 4;

/// A command that is measured.
#[derive(Clone, Copy)]
struct Invocation {
    command: &'static str,
    arguments: &'static [&'static str],
    /// Whether all images pass.
    passes: bool,
    /// Whether the report goes through a pipe, and not to `/dev/null`.
    pipe: bool,
}

const HUMAN: &[&str] = &["--format", "human"];
const JSON: &[&str] = &["--format", "json"];
const NDJSON: &[&str] = &["--format", "ndjson"];

/// All commands that are measured.
const INVOCATIONS: [Invocation; 10] = [
    verify(HUMAN, false, false),
    verify(HUMAN, false, true),
    verify(JSON, false, false),
    verify(JSON, false, true),
    verify(NDJSON, false, false),
    verify(NDJSON, false, true),
    verify(HUMAN, true, false),
    verify(JSON, true, true),
    patch(&["--dry-run", "--swap-run", "cd", "--format", "human"], false),
    patch(&["--dry-run", "--swap-run", "cd", "--format", "json"], true),
];

const fn verify(arguments: &'static [&'static str], passes: bool, pipe: bool) -> Invocation {
    Invocation { command: "verify", arguments, passes, pipe }
}

const fn patch(arguments: &'static [&'static str], pipe: bool) -> Invocation {
    Invocation { command: "patch", arguments, passes: true, pipe }
}

pub(super) fn run(netswap: &Netswap, options: &Options) -> Result<String, NotPassed> {
    c::require_compiler()?;
    let folder = test_folder("million")?;
    // The images have one of the two bits.
    write(&folder.join("pass.toml"), "swap-run = [\"net\"]\n")?;
    write(&folder.join("fail.toml"), "swap-run = [\"net\", \"cd\"]\n")?;
    let test = Test { netswap, meter: Meter::build()?, folder };
    let _lock = prepare::lock()?;
    let flat_count = options.entries.min(FLAT);
    let flat = create_entries("flat", flat_count, flat_count)?;
    let flat_peaks = test.peaks(&[&flat])?;
    let seconds = flat_peaks.iter().map(|peak| peak.usage.seconds).sum();
    let (count, reason) = affordable(options, flat_count, seconds);
    let tree = create_entries("tree", count.saturating_sub(flat_count), ENTRIES_PER_FOLDER)?;
    let peaks = test.peaks(&[&flat, &tree])?;
    let largest = |peaks: &[Peak]| {
        let largest = peaks.iter().max_by(|a, b| a.usage.peak.total_cmp(&b.usage.peak));
        largest.map(Peak::to_string).unwrap_or_default()
    };
    let summary = format!(
        "{count} entries{reason}, verify and patch --dry-run in {} ways: at most {}; {flat_count} entries in one folder: at most {}",
        peaks.len(),
        largest(&peaks),
        largest(&flat_peaks)
    );
    if peaks.iter().chain(&flat_peaks).any(|peak| peak.usage.peak > MAX_MEMORY) {
        let limit = MAX_MEMORY / MEBIBYTE;
        return Err(format!("more memory than {limit:.1} MiB: {summary}").into());
    }
    Ok(summary)
}

/// Returns how many entries there is time for, and the reason if that is fewer than requested. The
/// estimate is that `count` entries took this many seconds.
fn affordable(options: &Options, count: u32, seconds: f64) -> (u32, String) {
    let requested = options.entries;
    let all = seconds * f64::from(requested) / f64::from(count);
    if requested <= count || options.max_seconds.is_none_or(|limit| all < limit) {
        return (requested, String::new());
    }
    (count.max(requested / 5), format!(" (not {requested}, which would take {all:.0} s here)"))
}

/// The best run of a command.
struct Peak {
    invocation: Invocation,
    usage: Usage,
}

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Invocation { command, arguments, passes, pipe } = self.invocation;
        let passes = if passes { "all passing" } else { "all failing" };
        let output = if pipe { "a pipe" } else { "/dev/null" };
        let (memory, seconds) = (self.usage.peak / MEBIBYTE, self.usage.seconds);
        let arguments = arguments.join(" ");
        write!(f, "{memory:.1} MiB ({command} {arguments}, {passes}, to {output}, {seconds:.1} s)")
    }
}

struct Test<'a> {
    netswap: &'a Netswap,
    meter: Meter,
    folder: PathBuf,
}

impl Test<'_> {
    /// Measures each command and returns its best run.
    ///
    /// A run above the limit is repeated: on a busy machine threads wait for one another, and it
    /// takes 2 MiB more. If memory grows with the tree, each run is above the limit.
    fn peaks(&self, roots: &[&Path]) -> Result<Vec<Peak>, String> {
        let best = |invocation| {
            let mut best = self.measure(invocation, roots)?;
            for _ in 1..MAX_RUNS {
                if best.peak <= MAX_MEMORY {
                    break;
                }
                let next = self.measure(invocation, roots)?;
                if next.peak < best.peak {
                    best = next;
                }
            }
            Ok(Peak { invocation, usage: best })
        };
        INVOCATIONS.into_iter().map(best).collect()
    }

    fn measure(&self, invocation: Invocation, roots: &[&Path]) -> Result<Usage, String> {
        let Invocation { command, arguments, passes, pipe } = invocation;
        let mut words: Vec<OsString> = Vec::new();
        if pipe {
            words.extend(["sh", "-c", PIPE, "sh"].map(OsString::from));
            words.push(self.folder.join("code").into());
        }
        let netswap = self.netswap.command(command);
        words.push(netswap.get_program().to_owned());
        words.extend(netswap.get_args().map(ToOwned::to_owned));
        words.extend(arguments.iter().map(OsString::from));
        if command == "verify" {
            let policy = if passes { "pass.toml" } else { "fail.toml" };
            words.extend(["--policy".into(), self.folder.join(policy).into()]);
        }
        words.extend(roots.iter().map(OsString::from));
        self.meter.run(&words, i32::from(!passes))
    }
}

/// Runs a program whose output goes to a pipe. The file `$1` passes its exit code on.
const PIPE: &str = r#"
code=$1
shift
{ "$@"; echo $? > "$code"; } | cat
exit "$(cat "$code")"
"#;

/// Returns a folder with `count` entries, in folders of `per_folder`. Reuses an earlier one.
fn create_entries(name: &str, count: u32, per_folder: u32) -> Result<PathBuf, String> {
    let home = scratch("faults-million").join(format!("{name}-{count}"));
    let (root, marker) = (home.join("root"), home.join("done"));
    if !marker.is_file() {
        let home = empty_folder(home)?;
        let mut folder = create_folder(root.clone())?;
        let mut image = PathBuf::new();
        for number in 0..count {
            if number % per_folder == 0 && per_folder < count {
                folder = create_folder(root.join(format!("{:04}", number / per_folder)))?;
            }
            if number % LINKS_PER_FILE == 0 {
                image = home.join(format!("image-{number}"));
                let bytes = Image::exe().with(NET).number(number).sum(Sum::Right).bytes();
                write(&image, bytes)?;
            }
            let entry = folder.join(format!("a-name-as-files-have-them-{number:07}.dll"));
            fs::hard_link(&image, &entry).map_err(at(&entry))?;
        }
        // This file is written last, so it shows that all entries exist.
        write(&marker, "")?;
    }
    Ok(root)
}
