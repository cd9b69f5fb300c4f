//! What `netswap diagnose` found, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Format;
use super::diagnosis::{BAD, LABEL, NAME, cure, hexadecimal, human, offset, page_of, time};
use super::objects::{Objects, field};
use crate::commands::diagnose::{Diagnosed, Diagnosis, Suspect};
use crate::crash::{Access, Advice, Place, Status};
use crate::text::{PathFields, Printable, plural};

const SCHEMA: &str = "netswap.diagnose/1";

/// A report: for programs written as the crashes come. For people, one crash fills a screen, and many are
/// grouped by what they have in common.
pub(crate) struct DiagnoseReport<W> {
    out: W,
    /// For people, there are none.
    objects: Option<Objects>,
    /// The first of them, for people.
    screen: Vec<u8>,
    count: usize,
    groups: BTreeMap<Key, Group>,
}

/// What crashes have in common that have one cause.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// The file of the first of them, and what is said of that: what the page belonged to, and what helps.
    #[serde(skip)]
    path: PathBuf,
    #[serde(skip)]
    page_of: String,
    #[serde(skip)]
    cure: String,
}

fn number<S: serde::Serializer>(set: &BTreeSet<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(set.len() as u64)
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    path: PathFields<'a>,
    #[serde(flatten)]
    what: Option<Fields<'a>>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Fields<'a> {
    cause: &'static str,
    program: Option<&'a str>,
    time: Option<String>,
    exception: String,
    access: Option<Access>,
    address: Option<String>,
    status: Option<String>,
    status_name: Option<&'static str>,
    place: &'static str,
    offset: Option<String>,
    image: Option<&'a Suspect>,
    others: &'a [Suspect],
    is_cut_off: bool,
    advice: &'a [Advice],
}

impl<W: Write> DiagnoseReport<W> {
    pub(crate) fn new(format: Format, out: W) -> Self {
        let objects = (format != Format::Human).then(|| Objects::new(SCHEMA, "crashes", format));
        DiagnoseReport { out, objects, screen: Vec::new(), count: 0, groups: BTreeMap::new() }
    }

    pub(crate) fn crash(&mut self, diagnosed: &Diagnosed) -> io::Result<()> {
        if let Ok(diagnosis) = &diagnosed.what {
            self.count += 1;
            self.group(&diagnosed.path, diagnosis);
        }
        if let Some(objects) = &mut self.objects {
            return objects.object(&object(diagnosed), &mut self.out);
        }
        match &diagnosed.what {
            Ok(diagnosis) if self.count == 1 => human(&diagnosed.path, diagnosis, &mut self.screen),
            Ok(_) => Ok(()),
            Err(error) => {
                let path = Printable(&diagnosed.path);
                writeln!(self.out, "{NAME}{path}{NAME:#}\n  {BAD}unreadable{BAD:#}: {error}\n")
            }
        }
    }

    fn group(&mut self, path: &Path, diagnosis: &Diagnosis) {
        let crash = &diagnosis.crash;
        let is_image = matches!(diagnosis.place, Place::Image(_));
        let image = diagnosis.image.as_ref().filter(|_| is_image).map(|image| image.path.clone());
        let key = Key {
            cause: diagnosis.cause.code().name(),
            exception: hexadecimal(crash.exception.code),
            status: crash.exception.in_page.status.map(hexadecimal),
            place: place(diagnosis.place),
            image,
        };
        let group = self.groups.entry(key).or_default();
        if group.count == 0 {
            group.path = path.into();
            group.page_of = page_of(diagnosis);
            group.cure = cure(diagnosis);
        }
        group.count += 1;
        group.addresses.extend(crash.exception.in_page.address);
        if let Some(time) = crash.time.and_then(time) {
            let earlier = group.first.take().filter(|first| *first <= time);
            group.first = Some(earlier.unwrap_or_else(|| time.clone()));
            let later = group.last.take().filter(|last| *last >= time);
            group.last = Some(later.unwrap_or(time));
        }
    }

    pub(crate) fn end(mut self) -> io::Result<()> {
        let groups: Vec<_> = self.groups.into_iter().collect();
        if let Some(objects) = self.objects {
            #[derive(Serialize)]
            struct Row {
                #[serde(flatten)]
                key: Key,
                #[serde(flatten)]
                group: Group,
            }
            let rows: Vec<_> = groups.into_iter().map(|(key, group)| Row { key, group }).collect();
            objects.end(&[field("groups", &rows)?], &mut self.out)?;
        } else if self.count == 1 {
            self.out.write_all(&self.screen)?;
        } else {
            table(groups, &mut self.out)?;
        }
        self.out.flush()
    }

    pub(crate) fn out(&mut self) -> &mut W {
        &mut self.out
    }
}

fn object(diagnosed: &Diagnosed) -> Object<'_> {
    let what = diagnosed.what.as_ref();
    Object {
        path: PathFields::of(&diagnosed.path),
        what: what.ok().map(|diagnosis| fields(diagnosis)),
        error: what.err().map(ToString::to_string),
    }
}

fn fields(diagnosis: &Diagnosis) -> Fields<'_> {
    let crash = &diagnosis.crash;
    let in_page = crash.exception.in_page;
    Fields {
        cause: diagnosis.cause.code().name(),
        program: crash.program.as_deref(),
        time: crash.time.and_then(time),
        exception: hexadecimal(crash.exception.code),
        access: in_page.access,
        address: in_page.address.map(|address| format!("0x{address:x}")),
        status: in_page.status.map(hexadecimal),
        status_name: in_page.status.and_then(|status| Status::of(status).name),
        place: place(diagnosis.place),
        offset: offset(diagnosis).map(|offset| format!("0x{offset:x}")),
        image: diagnosis.image.as_ref(),
        others: &diagnosis.others,
        is_cut_off: crash.is_cut_off,
        advice: &diagnosis.advice,
    }
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Image(_) => "image",
        Place::Mapped => "mapped",
        Place::Private => "private",
        Place::Memory => "memory",
        Place::NotTold => "not-told",
    }
}

/// What many crashes have in common: different addresses, one cause. The most frequent is first.
fn table(mut groups: Vec<(Key, Group)>, out: &mut dyn Write) -> io::Result<()> {
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
    for (index, (Key { cause, exception, status, .. }, group)) in groups.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let count = plural(group.count as u64, "crash", "crashes");
        let number = status.as_ref().unwrap_or(exception);
        writeln!(out, "{NAME}{count}{NAME:#}: {cause}, {number}")?;
        // Beyond the first line it tells of one crash.
        if let Some(page_of) = group.page_of.lines().next() {
            writeln!(out, "  {LABEL}page of{LABEL:#}   {page_of}")?;
        }
        if let (Some(first), Some(last)) = (&group.first, &group.last) {
            let time = if first == last { first.clone() } else { format!("{first} to {last}") };
            writeln!(out, "  {LABEL}time{LABEL:#}      {time}")?;
        }
        if !group.addresses.is_empty() {
            let number = plural(group.addresses.len() as u64, "address", "different addresses");
            writeln!(out, "  {LABEL}failed at{LABEL:#} {number}")?;
        }
        writeln!(out, "  {LABEL}such as{LABEL:#}   {}", Printable(&group.path))?;
        write!(out, "\n{}", group.cure)?;
    }
    Ok(())
}
