//! What many crashes have in common: different stacks, one cause.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::diagnose::place;
use super::diagnosis::{LABEL, NAME, counted, cure, hexadecimal, page_of, time};
use crate::commands::diagnose::Diagnosis;
use crate::crash::{Bit, Place};
use crate::text::{Printable, plural};

/// Crashes by what they have in common.
#[derive(Default)]
pub(super) struct Groups(BTreeMap<Key, Group>);

/// What crashes have in common that have one cause.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Key {
    cause: &'static str,
    exception: String,
    status: Option<String>,
    place: &'static str,
    image: Option<String>,
}

/// The crashes of one cause.
#[derive(Default, Serialize)]
struct Group {
    count: usize,
    first: Option<String>,
    last: Option<String>,
    #[serde(serialize_with = "number")]
    addresses: BTreeSet<u64>,
    /// How many of them found the image's bit so.
    bits: BTreeMap<Bit, usize>,
    /// The one that tells most.
    #[serde(skip)]
    example: Example,
}

/// A crash, and what is said of it.
#[derive(Default)]
struct Example {
    /// Whether the image's bit is known, and when it was: the last that knows is what counts now.
    rank: Option<(bool, Option<String>)>,
    path: PathBuf,
    page_of: String,
    cure: Vec<String>,
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
    /// Adds a crash, which that file tells of.
    pub(super) fn add(&mut self, path: &Path, diagnosis: &Diagnosis) {
        let crash = &diagnosis.crash;
        let is_image = matches!(diagnosis.place, Place::Image(_));
        let image = diagnosis.image.as_ref().filter(|_| is_image);
        let key = Key {
            cause: diagnosis.cause.code().name(),
            exception: hexadecimal(crash.exception.code),
            status: crash.exception.in_page.status.map(hexadecimal),
            place: place(diagnosis.place),
            image: image.map(|image| image.path.clone()),
        };
        let group = self.0.entry(key).or_default();
        group.count += 1;
        group.addresses.extend(crash.exception.in_page.address);
        if let Some(image) = image {
            *group.bits.entry(image.bit).or_default() += 1;
        }
        let time = crash.time.and_then(time);
        let rank = Some((image.is_some_and(|image| image.bit != Bit::NotKnown), time.clone()));
        if rank > group.example.rank {
            let path = path.to_owned();
            group.example =
                Example { rank, path, page_of: page_of(diagnosis), cure: cure(diagnosis) };
        }
        if let Some(time) = time {
            let earlier = group.first.take().filter(|first| *first <= time);
            group.first = Some(earlier.unwrap_or_else(|| time.clone()));
            let later = group.last.take().filter(|last| *last >= time);
            group.last = Some(later.unwrap_or(time));
        }
    }

    /// Tells people of all groups, the most frequent first. A command that helps against several stands once.
    pub(super) fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut said = BTreeSet::new();
        let mut groups: Vec<_> = self.0.iter().collect();
        groups.sort_by_key(|(_, group)| Reverse(group.count));
        for (index, (key, group)) in groups.into_iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            head(key, group, out)?;
            let mut is_above = false;
            for sentence in &group.example.cure {
                let has_commands = sentence.lines().count() > 1;
                if has_commands && !said.insert(sentence.as_str()) {
                    is_above = true;
                } else {
                    out.write_all(sentence.as_bytes())?;
                }
            }
            if is_above {
                writeln!(out, "  The other commands are above.")?;
            }
        }
        Ok(())
    }
}

fn head(key: &Key, group: &Group, out: &mut dyn Write) -> io::Result<()> {
    let count = plural(group.count as u64, "crash", "crashes");
    let number = key.status.as_ref().unwrap_or(&key.exception);
    writeln!(out, "{NAME}{count}{NAME:#}: {}, {number}", key.cause)?;
    let time = match (&group.first, &group.last) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (first, _) => first.clone().unwrap_or_default(),
    };
    let addresses = match group.addresses.len() {
        0 => String::new(),
        number => plural(number as u64, "address", "different addresses"),
    };
    let path = Printable(&group.example.path).to_string();
    let rows = [
        ("page of", &*group.example.page_of),
        ("swap-run", &counted(&group.bits)),
        ("time", &time),
        ("failed at", &addresses),
        ("such as", &path),
    ];
    for (label, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
        writeln!(out, "  {LABEL}{label:<12}{LABEL:#}{text}")?;
    }
    writeln!(out)
}
