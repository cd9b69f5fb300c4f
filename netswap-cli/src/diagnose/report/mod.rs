//! The report of `netswap diagnose`, for people and for programs.

mod fields;
mod groups;
mod html;
mod page;
mod remedy;
mod row;

use std::io::{self, Write};
use std::path::PathBuf;

use netswap::Format;
use netswap::report::json_stream::{JsonStream, Names, field, interrupted};
use netswap::style::{BAD, NAME, write_interrupted};
use netswap::text::{PathFields, Printable, one_line};
use serde::Serialize;

use self::fields::{hexadecimal, image_offset, owner_name, time};
use self::groups::Groups;
use self::html::DiagnoseHtml;
use self::page::write_page;
use crate::arguments::ReportFormat;
use crate::diagnose::crash::{Access, Advice, Status};
use crate::diagnose::diagnosis::{Diagnosed, Diagnosis, Suspect};
use crate::report::Csv;

const NAMES: Names = Names { schema: "netswap.diagnose/1", list: "crashes", line: "crash" };

/// The report of `netswap diagnose`. For programs, it is written crash by crash. For people, a
/// single crash fills a screen, and several are grouped by what they have in common.
pub(crate) struct DiagnoseReport<W> {
    out: W,
    form: Form,
    /// The page about the first crash, for people.
    screen: Vec<u8>,
    count: usize,
    unreadable: usize,
    groups: Groups,
}

/// The form in which a report shows each crash.
enum Form {
    /// Lines for people.
    Human,
    Json(JsonStream),
    Csv(Csv),
    Html(Box<DiagnoseHtml>),
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    path: PathFields<'a>,
    #[serde(flatten)]
    fields: Option<Fields<'a>>,
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
    /// Returns an empty report on the files and folders that the user named.
    pub(crate) fn new(format: ReportFormat, out: W, named: &[PathBuf]) -> Self {
        let json = |format| Form::Json(JsonStream::new(NAMES, format));
        let form = match format {
            ReportFormat::Human => Form::Human,
            ReportFormat::Json => json(Format::Json),
            ReportFormat::Ndjson => json(Format::Ndjson),
            ReportFormat::Csv => Form::Csv(Csv::new(&row::CRASH)),
            ReportFormat::Html => Form::Html(Box::new(DiagnoseHtml::new(named))),
        };
        DiagnoseReport {
            out,
            form,
            screen: Vec::new(),
            count: 0,
            unreadable: 0,
            groups: Groups::default(),
        }
    }

    pub(crate) fn crash(&mut self, diagnosed: &Diagnosed) -> io::Result<()> {
        if let Ok(diagnosis) = &diagnosed.result {
            self.count += 1;
            self.groups.add(&diagnosed.path, diagnosis);
        } else {
            self.unreadable += 1;
        }
        match &mut self.form {
            Form::Human => self.write_human(diagnosed),
            Form::Json(objects) => {
                let result = diagnosed.result.as_ref();
                let object = Object {
                    path: PathFields::new(&diagnosed.path),
                    fields: result.ok().map(|diagnosis| fields(diagnosis)),
                    error: result.err().map(ToString::to_string),
                };
                objects.object(&object, &mut self.out)
            }
            Form::Csv(csv) => csv.row(&row::row(diagnosed), &mut self.out),
            Form::Html(html) => html.crash(diagnosed),
        }
    }

    /// Keeps the page about the first crash, and writes an error.
    fn write_human(&mut self, diagnosed: &Diagnosed) -> io::Result<()> {
        match &diagnosed.result {
            Ok(diagnosis) if self.count == 1 => {
                write_page(&diagnosed.path, diagnosis, &mut self.screen)
            }
            Ok(_) => Ok(()),
            Err(error) => {
                let (path, error) = (Printable(&diagnosed.path), one_line(&error.to_string()));
                writeln!(self.out, "{NAME}{path}{NAME:#}\n  {BAD}unreadable{BAD:#}: {error}\n")
            }
        }
    }

    /// Formats the number of files by cause.
    pub(crate) fn summary(&self) -> String {
        self.groups.summary(self.unreadable)
    }

    pub(crate) fn end(mut self, is_interrupted: bool) -> io::Result<()> {
        match self.form {
            Form::Human => {}
            Form::Json(objects) => {
                let mut fields = vec![field("groups", &self.groups)?];
                fields.extend(interrupted(is_interrupted)?);
                objects.end(&fields, &mut self.out)?;
                return self.out.flush();
            }
            Form::Csv(csv) => {
                csv.end(&mut self.out)?;
                return self.out.flush();
            }
            Form::Html(html) => {
                html.end(&self.groups.remedies(), is_interrupted, &mut self.out)?;
                return self.out.flush();
            }
        }
        if self.count == 1 {
            self.out.write_all(&self.screen)?;
        } else {
            self.groups.table(self.unreadable, &mut self.out)?;
        }
        if is_interrupted {
            write_interrupted("some files were not read", &mut self.out)?;
        }
        self.out.flush()
    }

    pub(crate) fn out(&mut self) -> &mut W {
        &mut self.out
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
        status_name: in_page.status.and_then(|status| Status::new(status).name),
        place: owner_name(diagnosis.owner),
        offset: image_offset(diagnosis).map(|offset| format!("0x{offset:x}")),
        image: diagnosis.page_image(),
        others: &diagnosis.others,
        is_cut_off: crash.is_cut_off,
        advice: &diagnosis.advice,
    }
}
