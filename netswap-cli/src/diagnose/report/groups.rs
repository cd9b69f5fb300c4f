//! Groups of crashes: different stacks can have one cause.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use netswap::style::NAME;
use netswap::text::{Printable, plural};
use serde::{Serialize, Serializer};

use super::fields::{bit_counts, describe_owner, hexadecimal, image_offset, owner_name, time};
use super::remedy::{Remedy, win32_path};
use crate::diagnose::crash::{Bit, Cause};
use crate::diagnose::diagnosis::Diagnosis;
use crate::text::write_rows;

/// Crashes, grouped by what they have in common.
#[derive(Default)]
pub(super) struct Groups(BTreeMap<Key, Group>);

/// The properties that the crashes of one group share.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Key {
    cause: Cause,
    exception: String,
    status: Option<String>,
    place: &'static str,
    /// The path of the image, or of the program if the image is unknown, in lower case.
    #[serde(skip)]
    path: String,
}

#[derive(Default, Serialize)]
struct Group {
    image: Option<String>,
    /// The program of the first crash.
    program: Option<String>,
    count: usize,
    first: Option<String>,
    last: Option<String>,
    /// The distinct offsets in the image, or addresses in memory if it is unknown. Reports show how
    /// many there are.
    #[serde(serialize_with = "number")]
    addresses: BTreeSet<u64>,
    /// Number of crashes by the state of the image's bit.
    bits: BTreeMap<Bit, usize>,
    /// The most informative crash.
    #[serde(skip)]
    example: Example,
}

/// A crash, and the texts about it.
#[derive(Default)]
struct Example {
    /// The rank: whether the state of the image's bit is known, and the time of the crash. The
    /// latest crash with a known state ranks highest: it describes the present.
    rank: Option<(bool, Option<String>)>,
    path: PathBuf,
    page_owner: String,
    remedy: Remedy,
}

fn number<S: Serializer>(set: &BTreeSet<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(set.len() as u64)
}

impl Serialize for Groups {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            #[serde(flatten)]
            key: &'a Key,
            #[serde(flatten)]
            group: &'a Group,
        }
        serializer.collect_seq(self.0.iter().map(|(key, group)| Row { key, group }))
    }
}

impl Groups {
    pub(super) fn add(&mut self, path: &Path, diagnosis: &Diagnosis) {
        let crash = &diagnosis.crash;
        let image = diagnosis.page_image();
        let subject = image.map(win32_path).or_else(|| crash.program.clone()).unwrap_or_default();
        let key = Key {
            cause: diagnosis.cause,
            exception: hexadecimal(crash.exception.code),
            status: crash.exception.in_page.status.map(hexadecimal),
            place: owner_name(diagnosis.owner),
            path: subject.to_lowercase(),
        };
        let group = self.0.entry(key).or_default();
        if group.count == 0 {
            group.image = image.map(|image| image.path.clone());
            group.program.clone_from(&crash.program);
        }
        group.count += 1;
        // Prefer the offset: Windows loads an image at varying addresses.
        group.addresses.extend(image_offset(diagnosis).or(crash.exception.in_page.address));
        if let Some(image) = image {
            *group.bits.entry(image.bit).or_default() += 1;
        }
        let time = crash.time.and_then(time);
        let is_known = image.is_some_and(|image| matches!(image.bit, Bit::Set | Bit::NotSet));
        let rank = Some((is_known, time.clone()));
        if rank > group.example.rank {
            let (page_owner, _) = describe_owner(diagnosis);
            let (path, remedy) = (path.to_owned(), Remedy::new(diagnosis));
            group.example = Example { rank, path, page_owner, remedy };
        }
        group.first = group.first.take().into_iter().chain(time.clone()).min();
        group.last = group.last.take().max(time);
    }

    /// Returns the groups in order: causes that involve shares come first, and within a cause the
    /// most frequent group.
    fn ordered(&self) -> Vec<(&Key, &Group)> {
        let mut groups: Vec<_> = self.0.iter().collect();
        groups.sort_by_key(|(key, group)| (key.cause, Reverse(group.count)));
        groups
    }

    /// Returns what helps against each cause.
    pub(super) fn remedies(&self) -> BTreeMap<Cause, Remedy> {
        let mut causes: BTreeMap<Cause, Remedy> = BTreeMap::new();
        for (key, group) in self.ordered() {
            causes.entry(key.cause).or_default().add(&group.example.remedy);
        }
        causes
    }

    /// Writes all groups for people, then the remedies for each cause, then the number of files.
    pub(super) fn table(&self, unreadable: usize, out: &mut dyn Write) -> io::Result<()> {
        for (key, group) in self.ordered() {
            write_group(key, group, out)?;
        }
        let causes = self.remedies();
        for (cause, remedy) in &causes {
            writeln!(out, "{NAME}What to do: {}{NAME:#}", cause.code().name())?;
            remedy.write(out)?;
            writeln!(out)?;
        }
        if unreadable > 0 || !causes.is_empty() {
            writeln!(out, "{}", self.summary(unreadable))?;
        }
        Ok(())
    }

    /// Formats the number of files by cause: `3 files: 2 share-lost, 1 unreadable`.
    pub(super) fn summary(&self, unreadable: usize) -> String {
        let mut by_cause: BTreeMap<Cause, usize> = BTreeMap::new();
        for (key, group) in &self.0 {
            *by_cause.entry(key.cause).or_default() += group.count;
        }
        let files = unreadable + by_cause.values().sum::<usize>();
        let causes = by_cause.iter().map(|(cause, count)| (*count, cause.code().name()));
        let counts = causes.chain([(unreadable, "unreadable")]).filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        let colon = if counts.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", plural(files as u64, "file", "files"), counts.join(", "))
    }
}

fn write_group(key: &Key, group: &Group, out: &mut dyn Write) -> io::Result<()> {
    let count = plural(group.count as u64, "crash", "crashes");
    let number = key.status.as_ref().unwrap_or(&key.exception);
    writeln!(out, "{NAME}{count}{NAME:#}: {}, {number}", key.cause.code().name())?;
    let time = match (&group.first, &group.last) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (first, _) => first.clone().unwrap_or_default(),
    };
    let addresses = match group.addresses.len() {
        // A single crash has one address.
        number if number == 0 || group.count == 1 => String::new(),
        number => plural(number as u64, "address", "different addresses"),
    };
    let counts = matches!(key.cause, Cause::ShareLost | Cause::Unclear);
    let bits = if counts { bit_counts(&group.bits) } else { String::new() };
    let program = group.program.as_ref().filter(|_| group.image.is_none());
    let rows = [
        ("program", program.map(|path| Printable(path).to_string()).unwrap_or_default()),
        ("page of", group.example.page_owner.clone()),
        ("swap-run", bits),
        ("time", time),
        ("failed at", addresses),
        ("example", Printable(&group.example.path).to_string()),
    ];
    write_rows(&rows, out)?;
    writeln!(out)
}
