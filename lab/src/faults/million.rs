//! Tests a million entries: memory must not grow with the tree, in any report format and to any
//! output.
//!
//! The entries are hard links to a few files, because a name costs only a directory entry.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::Options;
use super::program::Netswap;
use super::tree::{fresh, told};
use crate::NotPassed;
use crate::c::compiled;
use crate::prepare;
use crate::process::{is_there, scratch};
use testkit::image::{Image, NET, Sum};

/// Entries that are all in one folder. The others are in folders of 1,000.
const FLAT: u32 = 100_000;
const IN_A_FOLDER: u32 = 1000;

/// Names of one file. ext4 allows 65,000, and other file systems fewer.
const NAMES_OF_A_FILE: u32 = 900;

/// The most bytes of memory that a run may use.
const MOST: u64 = 24 << 20;

/// How often a command is measured, at most.
const RUNS: u32 = 4;

/// A folder with `count` names. It is made once and kept.
struct Names {
    root: PathBuf,
    count: u32,
}

/// A command that is measured: its arguments, whether all images pass, and where the report goes.
#[derive(Clone, Copy)]
struct Ask {
    command: &'static str,
    arguments: &'static [&'static str],
    passes: bool,
    /// The report goes through a pipe, and not to `/dev/null`.
    pipe: bool,
}

pub(super) fn run(netswap: &Netswap, options: &Options) -> Result<String, NotPassed> {
    if !is_there("cc") {
        return Err(NotPassed::NotRun("there is no C compiler: cc".to_owned()));
    }
    let test = Test { netswap, meter: compiled("run", &[] as &[&str])? };
    let folder = fresh("million")?;
    // The images have one of the two bits.
    let policies = [("pass", "swap-run = [\"net\"]\n"), ("fail", "swap-run = [\"net\", \"cd\"]\n")];
    for (name, text) in policies {
        let path = folder.join(format!("{name}.toml"));
        fs::write(&path, text).map_err(told(&path))?;
    }
    let _finished = prepare::lock()?;
    let flat = Names::flat(options.entries.min(FLAT))?;
    let few = test.peaks(&folder, &[&flat.root])?;
    let (count, why) = affordable(options, flat.count, few.iter().map(|peak| peak.seconds).sum());
    let tree = Names::tree(count.saturating_sub(flat.count))?;
    let peaks = test.peaks(&folder, &[&flat.root, &tree.root])?;
    let too_much = |peaks: &[Peak], count: u32| -> Vec<String> {
        let too_much = peaks.iter().filter(|peak| peak.bytes > MOST);
        too_much.map(|peak| format!("{peak} of {count} entries")).collect()
    };
    let too_much = [too_much(&few, flat.count), too_much(&peaks, count)].concat();
    if !too_much.is_empty() {
        let why = format!("{count} entries{why}: more than {}", mebibytes(MOST));
        return Err(format!("{why}: {}", too_much.join("; ")).into());
    }
    let most = |peaks: &[Peak]| {
        let most = peaks.iter().max_by_key(|peak| peak.bytes);
        most.map(Peak::to_string).unwrap_or_default()
    };
    Ok(format!(
        "{count} entries{why}, verify and patch --dry-run in {} ways: at most {}; of {} in one folder: {}",
        peaks.len(),
        most(&peaks),
        flat.count,
        most(&few)
    ))
}

/// Returns how many entries there is time for, and the reason if that is fewer than wanted. The
/// estimate is that `count` entries took this many seconds.
fn affordable(options: &Options, count: u32, seconds: f64) -> (u32, String) {
    let wanted = options.entries;
    let all = seconds * f64::from(wanted) / f64::from(count);
    if wanted <= count || options.patience.is_none_or(|patience| all < patience) {
        return (wanted, String::new());
    }
    (count.max(wanted / 5), format!(" (not {wanted}, which would take {all:.0} s here)"))
}

fn asks() -> Vec<Ask> {
    let verify = |arguments, passes, pipe| Ask { command: "verify", arguments, passes, pipe };
    let mut asks = Vec::new();
    let [human, json, ndjson] =
        [&["--format", "human"], &["--format", "json"], &["--format", "ndjson"]];
    for arguments in [human, json, ndjson] {
        asks.push(verify(arguments, false, false));
        asks.push(verify(arguments, false, true));
    }
    asks.push(verify(human, true, false));
    asks.push(verify(json, true, true));
    let arguments = &["--dry-run", "--swap-run", "cd", "--format", "human"];
    asks.push(Ask { command: "patch", arguments, passes: true, pipe: false });
    let arguments = &["--dry-run", "--swap-run", "cd", "--format", "json"];
    asks.push(Ask { command: "patch", arguments, passes: true, pipe: true });
    asks
}

/// The peak memory of a run, and how long the run took.
struct Peak {
    ask: Ask,
    bytes: u64,
    seconds: f64,
}

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ask { command, arguments, passes, pipe } = self.ask;
        let passes = if passes { "all passing" } else { "all failing" };
        let to = if pipe { "a pipe" } else { "/dev/null" };
        let (bytes, arguments) = (mebibytes(self.bytes), arguments.join(" "));
        write!(f, "{bytes} ({command} {arguments}, {passes}, to {to}, {:.1} s)", self.seconds)
    }
}

struct Test<'a> {
    netswap: &'a Netswap,
    /// The program that runs another one and prints its time and memory.
    meter: PathBuf,
}

impl Test<'_> {
    /// Measures each command and returns its best run.
    ///
    /// A run above the limit is repeated. On a busy machine threads wait for one another, and a run
    /// takes 2 MiB more than on a quiet one. If memory grows with the tree, each run is above the
    /// limit.
    fn peaks(&self, folder: &Path, roots: &[&Path]) -> Result<Vec<Peak>, String> {
        let best = |ask| {
            let mut best = self.peak(ask, folder, roots)?;
            for _ in 1..RUNS {
                if best.bytes <= MOST {
                    break;
                }
                let next = self.peak(ask, folder, roots)?;
                if next.bytes < best.bytes {
                    best = next;
                }
            }
            Ok(best)
        };
        asks().into_iter().map(best).collect()
    }

    fn peak(&self, ask: Ask, folder: &Path, roots: &[&Path]) -> Result<Peak, String> {
        let policy = folder.join(if ask.passes { "pass.toml" } else { "fail.toml" });
        let mut own: Vec<&OsStr> = ask.arguments.iter().map(OsStr::new).collect();
        if ask.command == "verify" {
            own.extend([OsStr::new("--policy"), policy.as_os_str()]);
        }
        own.extend(roots.iter().map(|root| root.as_os_str()));
        let inner = self.netswap.command(ask.command);
        let mut command = Command::new(&self.meter);
        if ask.pipe {
            command.args(["sh", "-c", PIPE, "sh"]).arg(folder.join("code"));
        }
        command.arg(inner.get_program()).args(inner.get_args()).args(own);
        let start = Instant::now();
        let output = command.output().map_err(|error| format!("run: {error}"))?;
        let seconds = start.elapsed().as_secs_f64();
        let expected = i32::from(!ask.passes);
        let err = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(expected) {
            return Err(format!("{err}{command:?}: {}", output.status));
        }
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        let bytes = peak_of(&line).ok_or_else(|| format!("run printed {line:?}"))?;
        Ok(Peak { ask, bytes, seconds })
    }
}

/// Runs a program whose output goes to a pipe, and ends with its exit code. The exit code is passed
/// through the file `$1`.
const PIPE: &str = r#"
code=$1
shift
{ "$@"; echo $? > "$code"; } | cat
exit "$(cat "$code")"
"#;

impl Names {
    /// Makes all names in one folder.
    fn flat(count: u32) -> Result<Self, String> {
        Names::made("flat", count, count)
    }

    /// Makes the names in folders of 1,000.
    fn tree(count: u32) -> Result<Self, String> {
        Names::made("tree", count, IN_A_FOLDER)
    }

    fn made(kind: &str, count: u32, in_a_folder: u32) -> Result<Self, String> {
        let home = scratch("faults-million").join(format!("{kind}-{count}"));
        let (root, done) = (home.join("root"), home.join("done"));
        if !done.is_file() {
            if home.exists() {
                fs::remove_dir_all(&home).map_err(told(&home))?;
            }
            fs::create_dir_all(&root).map_err(told(&root))?;
            let mut image = home.join("image");
            let mut folder = root.clone();
            for number in 0..count {
                if number % in_a_folder == 0 && in_a_folder < count {
                    folder = root.join(format!("{:04}", number / in_a_folder));
                    fs::create_dir(&folder).map_err(told(&folder))?;
                }
                if number % NAMES_OF_A_FILE == 0 {
                    image = home.join(format!("image-{number}"));
                    fs::write(&image, image_of(number)).map_err(told(&image))?;
                }
                let name = folder.join(format!("a-name-as-files-have-them-{number:07}.dll"));
                fs::hard_link(&image, &name).map_err(told(&name))?;
            }
            // This file is written last, so it shows that all names exist.
            fs::write(&done, "").map_err(told(&done))?;
        }
        Ok(Names { root, count })
    }
}

fn image_of(number: u32) -> Vec<u8> {
    Image::exe().with(NET).number(number).sum(Sum::Right).bytes()
}

/// Reads the peak from a line like `seconds 0.5 cpu 0.25 peak 4096 read 0`.
fn peak_of(line: &str) -> Option<u64> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == "peak")?;
    words.next()?.parse().ok()
}

fn mebibytes(bytes: u64) -> String {
    let kibibytes = u32::try_from(bytes >> 10).unwrap_or(u32::MAX);
    format!("{:.1} MiB", f64::from(kibibytes) / 1024.0)
}
